// Package history keeps what was measured in the last hour.
//
// What enters: a number a [Period]. What leaves: the newest ones, oldest first. It
// neither measures nor interprets, and its memory is fixed: 4 bytes a number, 1.4
// kB a series.
package history

import (
	"encoding/json"
	"math"
	"time"
)

const (
	// Period is between two points, and Points are those of an hour.
	Period = 10 * time.Second
	Points = 360
)

// A Value is a number, or [None], which is null in JSON.
type Value float32

// None is where nothing was measured.
var None = Value(math.NaN())

// MarshalJSON implements [json.Marshaler].
func (v Value) MarshalJSON() ([]byte, error) {
	if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float32(v))
}

// A Series is the points of the last hour. Its owner has the lock, if one is needed.
type Series struct {
	points [Points]Value // a ring
	added  int
}

// Add makes v the newest point.
func (s *Series) Add(v Value) {
	s.points[s.added%Points] = v
	s.added++
}

// Len is how many there are.
func (s *Series) Len() int { return min(s.added, Points) }

// Newest are the n newest points, the oldest first; None for those before the
// first.
func (s *Series) Newest(n int) []Value {
	out := make([]Value, n)
	for i := range out {
		out[i] = None
		if age := n - 1 - i; age < s.Len() {
			out[i] = s.points[(s.added-1-age)%Points]
		}
	}
	return out
}
