// Package quarantine keeps frames that went wrong, so that a person can look at
// them, and run them through the preprocessor again, long after the fact.
//
// What enters: frames that the camera or the preprocessor found bad, each with
// the reason; and, at the next start, the frame that was being preprocessed
// when the process died. What leaves: one self-describing file for each, an
// [Entry], in a directory of bounded size. A good frame costs nothing here but
// its record while it is in flight, see [Flight].
//
// It never makes a pipeline wait for a disk, never keeps more than two frames
// in memory, never touches a file that it did not name, and never logs: its
// Config says whom to tell.
//
// # The file
//
// A file is one line of JSON, which ends with a newline, and the planes of the
// frame one after the other, as the driver filled them:
//
//	head -n 1 FILE | jq .              # what it is, and what was wrong with it
//	tail -n +2 FILE > picture.jpg      # of a format that is a bitstream
//
// The line has one form only: the keys of header, all of them, in their order,
// as encoding/json writes them. [Read] refuses every other, and a file whose
// planes are longer, shorter or others than the line says.
package quarantine
