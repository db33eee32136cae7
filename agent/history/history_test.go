package history

import (
	"encoding/json"
	"math"
	"testing"
)

func TestSeriesKeepsTheNewestHour(t *testing.T) {
	var s Series
	if s.Len() != 0 || len(s.Newest(0)) != 0 {
		t.Error("not empty")
	}
	s.Add(1)
	s.Add(2)
	text, err := json.Marshal(s.Newest(4))
	if err != nil || string(text) != "[null,null,1,2]" {
		t.Errorf("%s, %v", text, err)
	}
	for i := range 2 * Points {
		s.Add(Value(i))
	}
	points := s.Newest(s.Len())
	if s.Len() != Points || points[0] != Points || points[Points-1] != 2*Points-1 {
		t.Errorf("%d points from %v to %v", s.Len(), points[0], points[Points-1])
	}
}

func TestWhatIsNoNumberIsNull(t *testing.T) {
	for v, want := range map[Value]string{None: "null", Value(math.Inf(1)): "null", 0: "0", 29.97: "29.97", 1e-5: "0.00001"} {
		if text, err := json.Marshal(v); err != nil || string(text) != want {
			t.Errorf("%v: %s, %v", float32(v), text, err)
		}
	}
}
