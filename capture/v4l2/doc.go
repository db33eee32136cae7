// Package v4l2 captures from cameras through the kernel's V4L2 interface,
// without libraries.
//
// What enters: a [Selector] that names a camera and a [capture.Request] for its
// mode. What leaves: a [capture.Source] whose frames lie in the driver's own
// mmap buffers, on loan, each one checked (error flag, length, JPEG markers,
// sequence, timestamp). [List] describes the cameras there are, [Watcher] says
// when one may have come or gone.
// [OpenOutput] is the way back: frames go to a node that other programs capture
// from.
//
// It never copies, decodes or logs, starts no goroutine, and never retries what
// its owner should decide: every end of a stream is an error that says whether
// the device is gone, stalled, busy, or merely has to be started again.
package v4l2
