package recovery

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/edge-agent/agent/capture"
)

func TestCauses(t *testing.T) {
	for _, test := range []struct {
		err  error
		want Cause
	}{
		{capture.ErrNotFound, Absent}, {capture.ErrGone, Absent}, {fs.ErrNotExist, Absent},
		{capture.ErrBusy, Taken}, {capture.ErrPermission, Taken},
		{capture.ErrStalled, Broken}, {capture.ErrStream, Broken},
		{capture.ErrBandwidth, Unfit}, {capture.ErrMode, Unfit},
		{ErrStorm, Storm}, {ErrHang, Hang}, {errors.New("EPROTO"), Failed},
		{errors.Join(capture.ErrGone, ErrHang), Hang},
	} {
		if got := CauseOf(fmt.Errorf("open: %w", test.err)); got != test.want {
			t.Errorf("%v is cause %d, want %d", test.err, got, test.want)
		}
	}
}
