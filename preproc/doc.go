// Package preproc turns camera frames into model-ready images.
//
// What enters: a [capture.Frame] of any supported pixel format. What leaves:
// one [Image] for each output that is due, in memory that the caller owns, and
// a [Measure] of the frame, on which a [Judge] passes a [Verdict]. The work is
// done by the native room in C++; the decode and every step that outputs have in
// common are done once a frame. It keeps nothing of the frame, allocates nothing
// in steady state, never logs.
package preproc
