// Package recovery decides what is tried next when a camera fails.
//
// What enters: each failure, by what it means; that frames are published; and
// the time. What leaves: one [Step] at a time on a ladder of remedies, from the
// gentlest to the last, with the pause before it, and in quiet times the steps
// back. It opens nothing, waits for nothing and logs nothing: its owner does.
//
// The two gentlest remedies are not decided here, because they cost one frame
// each and the stream goes on: a bad frame is skipped and counted as a drop, and
// a worker that crashed or hung is replaced. Only when no frame gets through any
// more, which is [ErrStorm], does the ladder hear of it.
package recovery

import (
	"errors"
	"io/fs"

	"github.com/edge-agent/agent/capture"
)

// A Rung is a remedy. Its String is its name in logs and metrics.
type Rung uint8

// The rungs, the gentlest first.
const (
	// Wait: nothing is wrong with a camera that is absent or in use.
	Wait Rung = iota
	// Restart: STREAMOFF and STREAMON on the open device.
	Restart
	// Reopen: the device is closed, looked up by its identity, wherever it is
	// now, and opened. To open the same node without a look-up would be no
	// gentler, and by then it may be another camera.
	Reopen
	// Lower: it is opened in the next of the fallback modes.
	Lower
	// Reset: its USB port is told to forget it and to find it again.
	Reset
	// Process: a call into the driver never returns, and only the end of the
	// process may end it. The watchdog sees to that.
	Process

	Rungs = iota // how many there are
)

var rungNames = [Rungs]string{"wait", "restart-stream", "reopen", "lower-mode", "usb-reset", "process"}

func (r Rung) String() string { return rungNames[r] }

// What the owner finds out by itself.
var (
	// ErrStorm: one worker after the other went, and no frame was published.
	ErrStorm = errors.New("no frame gets through the preprocessor")
	// ErrHang: a call into the driver does not return.
	ErrHang = errors.New("the driver does not return")
)

// A Cause is what a failure means.
type Cause uint8

const (
	// Absent: there is no such device, or it was unplugged.
	Absent Cause = iota
	// Taken: another program has it, or udev has not yet let us in.
	Taken
	// Broken: the stream stalled or broke off; the device answers.
	Broken
	// Failed: it cannot be opened, or what was open failed beyond the stream.
	Failed
	// Unfit: it cannot hold this mode, for lack of bandwidth for one.
	Unfit
	// Storm: [ErrStorm].
	Storm
	// Hang: [ErrHang].
	Hang

	causes = iota
)

// CauseOf is what err means.
func CauseOf(err error) Cause {
	for _, is := range [...]struct {
		err   error
		cause Cause
	}{
		{ErrHang, Hang},
		{ErrStorm, Storm},
		{capture.ErrNotFound, Absent},
		{capture.ErrGone, Absent},
		{fs.ErrNotExist, Absent}, // a recording
		{capture.ErrBusy, Taken},
		{capture.ErrPermission, Taken},
		{capture.ErrBandwidth, Unfit},
		{capture.ErrMode, Unfit},
		{capture.ErrStalled, Broken},
		{capture.ErrStream, Broken},
	} {
		if errors.Is(err, is.err) {
			return is.cause
		}
	}
	return Failed
}

// spans are the rungs that are of use against each cause. A bus without room
// is not mended by a reset, nor a picture that crashes decoders.
var spans = [causes]struct{ first, last Rung }{
	Absent: {Wait, Wait},
	Taken:  {Wait, Wait},
	Broken: {Restart, Reset},
	Failed: {Reopen, Reset},
	Unfit:  {Lower, Lower},
	Storm:  {Reopen, Lower},
	Hang:   {Reset, Process},
}
