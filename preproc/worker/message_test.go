package worker

import (
	"testing"

	"github.com/edge-agent/agent/preproc"
)

// Whatever a child says: what passes the check stays within the images, and
// can be described.
func FuzzAnswer(f *testing.F) {
	good := answer{Serial: 7, Lengths: [preproc.MaxOutputs]uint64{100, 60}}
	f.Add(memoryOf(&good))
	refusal := answer{Serial: 7, Status: refused + uint32(preproc.ReasonShort)}
	copy(refusal.Detail[:], "12 bytes\xff")
	f.Add(memoryOf(&refusal))
	shapes := []shape{{maxBytes: 100, exact: true}, {maxBytes: 200}, {maxBytes: 300}}
	r := &request{Serial: 7}
	r.Images[2].Memory = notDue
	f.Fuzz(func(t *testing.T, message []byte) {
		var a answer
		n := copy(memoryOf(&a), message)
		if err := a.check(n, r, shapes); err != nil {
			return
		}
		if a.Status != done {
			_ = a.refusal().Error()
			return
		}
		if a.Lengths[0] != 100 || a.Lengths[1] < 1 || a.Lengths[1] > 200 {
			t.Errorf("accepted %v", a.Lengths)
		}
	})
}
