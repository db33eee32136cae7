package v4l2

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// A kernelError is an errno with what it means here.
type kernelError struct {
	meaning error
	errno   unix.Errno
}

func (e *kernelError) Error() string {
	return fmt.Sprintf("%v (%s)", e.meaning, unix.ErrnoName(e.errno))
}

func (e *kernelError) Unwrap() []error { return []error{e.meaning, e.errno} }

// meanings are the errnos that mean the same in every call.
var meanings = map[unix.Errno]error{
	unix.EBUSY:  capture.ErrBusy,
	unix.ENODEV: capture.ErrGone,
	unix.ENXIO:  capture.ErrGone, // open of a node whose driver has left
	// usb_set_interface found no alternate setting that fits on the bus.
	unix.ENOSPC: capture.ErrBandwidth,
	unix.EACCES: capture.ErrPermission,
	unix.EPERM:  capture.ErrPermission, // a DeviceAllow= of systemd that misses the node
	unix.ENOENT: capture.ErrNotFound,
}

// explain gives an errno its meaning.
func explain(err error) error {
	errno, ok := errors.AsType[unix.Errno](err)
	if !ok {
		return err
	}
	if m := meanings[errno]; m != nil {
		return &kernelError{m, errno}
	}
	return fmt.Errorf("%w (%s)", err, unix.ErrnoName(errno))
}

// explainStream gives an errno of a running stream its meaning. Any that is
// not known means that the stream has to be started again:
//
//   - EIO: vb2_queue_error, the driver gave up until the next STREAMON; the
//     manual leaves open whether a buffer was dequeued, so none is trusted.
//   - EPIPE: the driver declared the end of the stream.
//   - EINVAL: not streaming any more. uvcvideo over usbip gives it on unplug
//     to who waits in DQBUF, so the device is asked whether it is still there.
func explainStream(d device, err error) error {
	err = explain(err)
	if errors.Is(err, capture.ErrGone) {
		return err
	}
	if _, e := queryCapability(d); e != nil {
		return &kernelError{capture.ErrGone, errnoOf(err)}
	}
	return &kernelError{capture.ErrStream, errnoOf(err)}
}

func errnoOf(err error) unix.Errno {
	errno, _ := errors.AsType[unix.Errno](err)
	return errno
}

// noRate forgives drivers that have no frame interval to set.
func noRate(err error) error {
	if errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return explain(err)
}
