// Package process runs a camera's preprocessor over recordings, so that what
// the daemon would have made of a frame can be looked at, compared and argued
// about.
//
// What enters: JPEG stills, directories of them, Motion JPEG, Y4M, raw frames,
// and entries of the quarantine. What leaves: an image file for each output of
// each frame, or a stream of the images, and a line of JSON that says what became of the frame. A frame that is refused is a
// result and not a failure. It opens no camera, keeps no pace and logs nothing.
package process
