package preproc

import "strings"

// A Verdict is what a frame says against its camera, one bit for each fault; 0
// is good. A frame with a verdict is published all the same: what it is still
// good for is for the consumer to decide. The bits are part of the ring's
// protocol: a new one is added at the end, and none changes its meaning.
type Verdict uint32

const (
	// Frozen: the camera has repeated the same content for a while.
	Frozen Verdict = 1 << iota
	// Black: nothing in the picture is brighter than black.
	Black
	// BlownOut: nothing in the picture is darker than white.
	BlownOut
	// Blurred: the picture has no detail.
	Blurred
	// Stale: the frame was old when it was published.
	Stale
)

// Good says that nothing was found wrong.
const Good Verdict = 0

// Verdicts is how many bits a Verdict has.
const Verdicts = 5

var verdictNames = [Verdicts]string{"frozen", "black", "blown-out", "blurred", "stale"}

// String is the names of the bits joined by +, or good.
func (v Verdict) String() string {
	if v == Good {
		return "good"
	}
	var names []string
	for i, name := range verdictNames {
		if v&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, "+")
}
