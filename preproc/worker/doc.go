// Package worker preprocesses frames in a child process, so that native code
// that crashes, hangs, eats memory or lies costs one frame and not the agent.
//
// What enters: frames, and images to fill, as for every [preproc.Processor].
// What leaves: the same images, or an error that names what became of the
// frame; and a [Replacement] for each child that had to go. It never trusts a
// word of the child, never waits for it beyond the deadline, and never logs.
//
// # Two processes
//
// [Processor] is the parent's side, [Serve] the child's whole life. Both are
// the same executable, so that a message is the memory of a struct:
//
//	parent                                             child
//	say where the frame lies        -- request -->     preproc.InProcess over the mapped
//	read(socket), with a deadline                      memory: frame in, images out
//	check, describe the images      <-- answer --
//
// The socket is a SOCK_SEQPACKET pair. Descriptors of shared memory cross it
// once in a child's life. Frames in memory that was given to
// [Processor.ShareFrames], which is the driver's, are read by the child in
// place, and images in that of [Processor.Share], which is the rings', written.
// For others there is the area, a memfd of ours, and a copy.
//
// # What a child can do
//
// After its start it is held by a seccomp filter of some 40 system calls: it
// can compute, read and write the descriptors it has, and end. It has no file
// system, network, device, new process, signal to others or executable memory;
// what is refused fails with EPERM. RLIMIT_DATA is its memory budget, see
// budget. It dies with the agent, and with its socket.
//
// Of a ring it maps the pages that images are written to, and of the driver's
// buffers it may only read. Descriptors of them it has for the time that it takes
// to map them, before its first frame. An answer is checked for all that is
// known without it: its size, its serial, the bytes of each image, a measure
// that a picture can have.
//
// So a frame that takes a child over can do this: give wrong pixels and a wrong
// measure, and go on writing to the images of its own outputs that are in the
// rings, for as long as it lives; read its own camera's frames; compute, in as
// many threads as the unit's TasksMax leaves, until its deadline if it does not
// answer, and without end if it does. It cannot reach another camera's frames,
// the headers of a ring, or the agent. What it may not do with the pixels is for
// the known answers to notice, by chance, and for nobody else.
//
// # Known answers
//
// [Processor.Verify] sends a frame of which [Learn] found out, in a process of
// its own, what becomes of it: bit for bit, in the camera's format, through the
// same memory and to all outputs. The child preprocesses it with tables made
// for it, so that it leaves no trace in what is remembered of the camera.
package worker
