// Package capture is the vocabulary of frames: what a [Frame] is, which pixel
// formats there are, and what a [Source] promises. Sources live in the inner
// rooms: capture/v4l2 (cameras) and capture/replay (recordings and the test
// pattern). Both register with github.com/pion/mediadevices as drivers, and
// their modes are chosen with its constraints.
//
// What enters: bytes that a driver or a file filled. What leaves: frames with
// their format, driver sequence and capture time, checked but not decoded.
// It never decodes, copies or logs, and starts no goroutine.
package capture
