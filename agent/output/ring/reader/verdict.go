package reader

import (
	"fmt"
	"strings"
)

// A Verdict is what speaks against a frame, one bit for each fault; 0 is good.
// The agent publishes such frames: whether to use them is the consumer's choice.
type Verdict uint32

const (
	// Frozen: the camera has repeated the same content for a while.
	Frozen Verdict = 1 << iota
	// Black: nothing in the camera's picture is brighter than black.
	Black
	// BlownOut: nothing in it is darker than white.
	BlownOut
	// Blurred: it is less sharp than the agent's config allows.
	Blurred
	// Stale: the frame was old when it was published.
	Stale
)

var verdictNames = [...]string{"frozen", "black", "blown-out", "blurred", "stale"}

// String is the names of the bits joined by +, or good. A bit that a newer
// agent knows is its number.
func (v Verdict) String() string {
	if v == 0 {
		return "good"
	}
	var names []string
	for i := range 32 {
		switch {
		case v&(1<<i) == 0:
		case i < len(verdictNames):
			names = append(names, verdictNames[i])
		default:
			names = append(names, fmt.Sprintf("bit-%d", i))
		}
	}
	return strings.Join(names, "+")
}
