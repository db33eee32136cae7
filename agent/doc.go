// Package agent joins the parts: it turns a config into one pipeline for each
// camera, supervises them, accounts for their frames, and tells systemd and the
// journal how they are. It is the only place where the rooms meet.
//
// What enters: a [config.Config], again at a reload, and a logger. What leaves: frames at the
// outputs that the config names, and the account of each camera at the end.
// It never touches pixels, and it never ends because of a camera.
//
// # One frame's way
//
//	driver -> Source.Read -> read -> queue.DropOldest -> take -> Processor.Process -> sink.write -> consumer
//	          (lease)        |       |                   |                            |
//	                 skipped faulty  evicted             refused                      output
//	                         |                           |
//	                         +------> quarantine <-------+
//
// The frame is a lease of a driver's buffer. Its one holder hands it on or
// releases it; the buffer goes back to the driver as soon as the preprocessor
// is done with it, before anything is written. The image is written straight
// into the memory that the first lending output owns (the next ring slot), by a
// process of the camera's own: see package worker.
//
// # Accounting
//
// captured = published + the sum of the named drops + in flight, for each
// camera, at every moment at which the pipeline stands still; and the driver's
// sequence numbers that have gone by = captured + kernel-lost. A frame counts
// as published when one output at least took one image of it. A frame with a
// verdict against it is published, and counted by verdict besides.
//
// # Decisions
//
// Each with the reason that would have to change for it to change.
//
//   - One goroutine reads and one preprocesses, for each camera. Reading must
//     never wait for pixels, or the driver drops frames that nobody can name.
//   - There is no draining of the driver to its newest buffer: the reader is
//     always at the driver, so the queue is where old frames meet new ones, and
//     there every eviction has a name.
//   - A camera that is absent or busy is a state with a reason, tried again with
//     a growing wait of at most 2 s, 0.5 s for one in use, that ends early when
//     inotify sees a device come. The agent is ready before any camera is.
//   - A camera that is there and fails climbs a ladder, see package recovery: the
//     stream is begun anew, the device is opened again, a lower mode. To open it
//     again is always to find it by its identity: the same node without a look-up
//     may be another camera. A stream of nothing but damaged frames is one that
//     failed, though not that of a recording, which is as it is. Absence does not
//     climb, and is a new start, or a cable that is pulled often would cost the
//     camera its mode.
//   - The two stages of a stream are no services of a supervisor of their own:
//     neither is of use without the other, the end of one is how the other one
//     ends, and what comes next depends on why. A panic in the preprocessing of a
//     frame is over with that frame, so that this stage never has to be restarted.
//     One in reading leaves a source in an unknown state: it is opened again.
//   - Sequence numbers go on after a camera was reopened, because a consumer
//     that compares them must not see time run backwards. The driver's own gaps
//     remain gaps. Those of a new process begin at a number that the clock gives,
//     CLOCK_MONOTONIC in 1/1024 ms: a camera of less than a million frames a
//     second, lost ones included, has not got that far. So there is no state that
//     could be lost, written late or wear out a flash card. After a reboot they
//     begin anew, as every consumer does.
//   - A call into the driver may hang for ever, in whatever it does (open, DQBUF,
//     STREAMOFF, close). None is made on the goroutine that supervises a camera.
//     That one tells of it, looks for the camera at another node, where a hub that
//     was plugged out and in puts it, and then leaves the call behind: three at
//     most, each with a thread and a descriptor. If it is not found, the watchdog
//     is no longer pinged after 30 s, since uvcvideo alone waits 5 s for each
//     control request. All other limits are under half of WatchdogSec. That is done
//     once an hour, which a file in the runtime directory tells the next process:
//     what hangs in the kernel for good would take the process from the other
//     cameras each minute.
//   - A reset of a USB port is two writes to an attribute of sysfs. The port is
//     written down in between, or a process that dies there would leave a camera
//     that is plugged in and nowhere to be found.
//   - Rings with a size of their own exist from the start, so that consumers
//     may come before the camera does. A ring whose size follows the camera
//     exists once the camera was opened.
//   - What is no camera is told by the capabilities of its own node, and by the driver's
//     name where these say "camera" as well: the capture nodes of an ISP, and receivers that
//     stream only when the media controller has set up a sensor. Neither is taken when the
//     config names no camera; who names one gets what the driver says.
//   - Whether a camera is busy is asked by a request for no buffers, which gives EBUSY when
//     they are another program's and changes nothing; what is in its way is read from /sys
//     and /proc. A survey never streams: a bus that is full is found out by who needs it.
//   - Native code runs in a process for each camera, because no handler in ours
//     survives its SIGSEGV, and no call of ours can be taken back. It adds some
//     0.1 ms to a frame of 1080p, of MJPEG (4.8 ms) as of YUYV (1.9 ms): 70 to 115 us
//     at the median where the machine is busy, 80 to 170 where it rests. That is two
//     wake-ups, of which a virtual machine at rest takes 40 us for each, and colder
//     caches. The worker reads the driver's own buffers where these are exported
//     as DMABUF, as videobuf2's are. Where not, frames are copied: 40 us for the
//     150 kB of MJPEG, 0.5 ms for the 4 MB of YUYV. (Memory that the CPU does not
//     cache, of videobuf2-dma-contig on some ARM devices, is read in place as it is
//     without a worker. Whether a copy would be faster there is to be measured
//     there.) Neither a futex in place of the
//     socket (5 us) nor to spin for the answer, which takes a CPU that another
//     camera may want, was worth it. Per camera it costs 5 MB and 2 % of the CPU
//     time. A crash is noticed in 3 ms, the next child answers after 7.
//   - The command line is cobra's. kong calls methods by names that it makes while
//     it runs, for which Go's linker keeps every exported method of every type:
//     1.9 MB of 17.1 installed, and of the resident memory 1.4 MB of the agent's
//     and 0.8 of each worker's. What a command is asked still stands in the tags
//     of its struct, and cobra has completion, which the shell asks the program for.
//   - There is no spare child in waiting: it would halve those 7 ms, which are
//     less than a frame's interval, for 5 MB that are never used.
//   - Where crash follows crash, after eight in quick succession, the next child
//     waits for ten times the CPU time that a start takes on the device, 40 ms
//     here: a fifth of one CPU at the most, wherever it runs, and a camera that
//     crashes every now and then never waits. Of 1,000 crashes in a row, a good
//     frame after each, half are over in 45 ms and 99 % in 85, for 15 % of a CPU.
//   - The age of a stored image is counted by the monotonic clock, and what the
//     next process takes it for, the file's modification time, is set anew whenever
//     the clock on the wall was set: a device that learns the time after weeks in
//     1970 deletes nothing for it. What that time says is believed at a start, unless
//     the newest file is a year beyond its time, or in the future: see package spool.
//   - Whether a frame has a verdict against it is known when its images are made:
//     they are measured in the same pass. An output that keeps only what is odd thus
//     costs as much as one that takes all; its good frames count as not-due, and
//     its interval begins with one that was kept.
//   - A disk that keeps up with less than half of the images, or does not answer for
//     5 s, is told of like one that is full, once, and when it is over. That an image
//     now and then has to give way is not: a flash card pauses.
//   - A command that reads images is the user's: it gets whole frames, the newest
//     ones, in a pipe of its own, and nothing else of ours. It is given up and
//     started again when it takes nothing for 10 s, which no program at work does.
//     Killed rather than stopped, since half a frame and the end of its input would
//     make it take the half for a whole. It is killed with the agent by PDEATHSIG,
//     what it started at the end of the unit. Its memory is not in our budget, as
//     nothing that is given up makes it smaller; but it is in the unit's, and what
//     the kernel takes first there is the command (oom_score_adj).
//   - Only a recording that may lose nothing waits for its command, up to 1 s a
//     frame: a camera never does.
//   - A consumer should not notice that the agent was killed. systemd keeps the
//     memory of each ring and the connection of each consumer, and the next
//     process goes on where the one before stood, in the middle of a frame if need
//     be. Of what it is handed it believes nothing: seals, size, owner, mode, a
//     fingerprint of the output's configuration, and the state of each slot must be
//     what it would have left itself, or the consumers are hung up on and come
//     again. The sockets in the file system are not kept: a stored one would accept
//     connections while no agent runs, and could not be told from another agent's.
//     Of ten agents killed in a row, half published again 0.22 s after systemd had
//     started them, all within 0.3 s; a consumer saw no frame for 1.3 s, of which
//     1 s is RestartSec, and was connected all the time.
//   - A reload compares what two configs mean, camera by camera, and not their text:
//     a comment, or a default that is written out, changes nothing. What differs gets
//     a new pipeline in the place of the old one, not a pipeline that is changed in
//     flight: of what a stage may find half-way there would be no end. The new one
//     takes over what is as good as new: the annals (counters, sequence numbers, the
//     last hour), the source, open and streaming, unless frames would come otherwise,
//     and each output that is the same with its memory, its socket and who is
//     connected. So it costs some 10 ms, and not the second in which a UVC camera is
//     opened and finds its exposure; quality or one more output can be tried while a
//     program reads.
//   - All that can be made beside the old config is made before anything stops: workers,
//     which check the images, and the sockets and memory of outputs that are new. What
//     fails there refuses the config whole. What only shows later (memory for an output
//     that is to be larger, a directory) is a state like that of a camera: told of,
//     and tried again. To go back would be no less likely to fail.
//   - All that goes has stopped before anything comes, or two cameras could not change
//     their devices, directories or names with each other. One that does not stop in
//     1.5 s is left behind, and its turn comes when it has.
//   - GStreamer's shmsrc owns a buffer until it gives it back, so that one which is
//     stuck would stop all as it does with shmsink. A process may hold three of eight
//     slots; beyond that it is the one that misses frames. Slots have memory of their
//     own, so that one can be taken from a client that was hung up on without a
//     frame in it changing while it is read. That costs a copy, 80 us with the
//     messages for 640x640 RGB, that a ring does not need.
//   - To a video output node, colour is written as YUYV: no browser reads RGB from a
//     camera. 720p takes 2.0 ms in Go, beside the pipeline; it is no product of the
//     C++ room, which would have to make it of every frame, taken or not.
//   - A runtime directory has one agent, by a lock that ends with its process: a
//     second one, started by hand, would take records of frames in flight for those
//     of a dead process, and files half written for leftovers. A process that was
//     killed and has a thread in a driver that hangs never ends, and keeps its locks
//     and sockets: it is told from a living one by /proc, and its claim is void.
//   - A service whose config is refused runs on the last one that worked. Who restarts
//     it by hand is told less bluntly than by a unit that failed, but there is STATUS,
//     the journal, and a degraded agent in whatever watches; who is not there, because
//     it was an upgrade at night or a power cut weeks after the edit, has pictures. Three
//     are kept, for a version that is put back finds its own among them. A version to
//     which none of them is good is not restarted into at all: its package asks first,
//     by agent check. An upgrade is a restart at its end, never a stop and a start, with
//     which systemd would drop what it keeps: a consumer of 100 frames a second stays
//     connected and misses 18, of an upgrade, a downgrade, the same version again.
//   - Images are written by the child straight into the ring. Its memory is
//     therefore not sealed against writing, which would shut out the next child,
//     but kept from consumers by its mode and a read-only descriptor. A copy out
//     of the child's own memory would cost 0.5 ms for 640x640 floats.
//   - The border of a letterbox is drawn once in each memory, a third of what is
//     written of 1080p to 640x640. Who lends memory keeps the mark of who drew
//     there: a number that no other child, plan or output has, so that what any of
//     these may have left is drawn over.
//   - A deadline by the clock on the wall kills healthy children where the CPU is
//     short. What a child waits for the CPU is not counted, up to 2 s.
//   - Known frames are asked of the worker that the camera's frames go through,
//     in the camera's own format and for its own outputs, once a minute: 8 ms at
//     1080p. The right answer is that of another process, learnt once a format
//     beside the stream (90 ms for MJPEG), and equal to the bit; whether that is
//     right is for the self-test to say, which each process passes at its start
//     and the agent once a minute, against plain OpenCV. A worker that is wrong
//     is replaced, and its camera unhealthy until one passes. When the next one
//     is wrong, too, the answer is learnt anew. Frames are published meanwhile,
//     as those with a verdict are.
//   - All bits of a JPEG are read, also where the outputs show its top only; no
//     samples are made of rows and chroma that none looks at. A decoder that
//     stops after the last row that it needs saves half of the rest, and is blind:
//     of 600 frames that lost 1 to 3 kB of their first half it noticed 4, one that
//     reads on all of them.
//   - Pictures are made in whole numbers: weights of 1/128, a byte between the
//     vertical and the horizontal step, a colour matrix in 16 bits at 1/32 of a
//     level. A frame thus has the same bytes on every processor, and an
//     instruction does four to eight times as much as one on floats. Against an
//     area filter in float64 that is 54 to 55 dB of PSNR for photographs, and of
//     noise at full contrast 49 to 50. Only the normalisation is in floats, a product and a
//     sum each that are never fused.
//   - HTTP shows what is made for whoever waits at that moment, and keeps no newest
//     picture: it would be old by the time that somebody asks, and to make it for
//     nobody would cost the most. So a tap is an output like the others, and a
//     tensor needs no reader of the ring, whose slots a slow client could not read
//     in time. A frame that only a client wanted counts as published; one that was
//     made and that nobody waited for any more as not-due.
//   - A camera's own JPEG is copied once, before its buffer goes back, and shown
//     when its frame has passed the preprocessor. A frame that is for nobody else
//     is preprocessed for that all the same, as is the first one of each stream: what
//     was never decoded is not known to be good.
//     Of 720p MJPG at 30 a second, with a tensor of 640x640, the agent and its worker
//     take 9.0 % of a CPU whether HTTP is on or off, 9.5 with one who watches and
//     9.7 with four; and 17.5 with one or four where the JPEG has to be made.
//   - Kernels are written on Google Highway, for it is one source for all
//     instruction sets, chosen at run time; of it only headers are used, so that
//     the package needs no library of it. Its own choice would leave a Raspberry
//     Pi 4 without NEON, since that lacks AES.
//   - Undistorted pictures keep the camera's focal length, as cv::undistort's do,
//     unless a balance is given: who knows the calibration knows the picture's
//     camera matrix, and objects keep their size. OpenCV's own balances make
//     pixels that are not square; ours stay so. Where a model's polynomial turns
//     back, which is often just outside of the picture, cv::undistort shows the
//     middle again in the corners; here nothing is to be seen there. A crop refers
//     to the undistorted picture: that is the one that its author looked at.
//   - Tone is of an output and not of the camera: a detector wants light, an
//     archive the truth. It changes luma alone, so that it is the same for every
//     format, and colours do not become noise; CLAHE is cv::CLAHE's to one level.
//     Of the CPU time of 1080p YUYV to 640x640 floats, 0.40 ms, gamma adds 0.25 and
//     CLAHE 1.7, for which all rows are kept until the last one was counted.
//   - What is wrong with pictures is found in three rooms. The C++ room measures,
//     as it has the samples at hand, and knows no threshold. preproc judges each
//     frame by its measure and the time, since thresholds and verdicts are its
//     words; it does so outside of the code that measures, so that a judge
//     outlives a preprocessor that has to be replaced. health says what lasts.
//     Here the three are joined, logged and shown.
//   - A frame with a verdict is published: a black picture at night may be all
//     that there is to be seen, and only the consumer knows. A camera with a
//     lasting verdict is unhealthy, and the watchdog is pinged all the same: to
//     kill the agent would not take the cap off the lens.
//   - Black and blown-out mean that nothing at all is to be seen, but for 2 % of
//     the picture (ffmpeg's blackdetect has the same share): a lamp in the night
//     or a clock in the corner is no fault, and no shade of grey is. The
//     levels are those of means over 32 samples, which a noisy sensor under a
//     cap does not exceed (8 is reached with noise of 15 levels). No blur-below
//     suits every camera: in focus, a wall in a JPEG has 0.2 and the scene of our
//     fixtures 3800, 3 when out of focus, while uncompressed noise of one level
//     alone has 20. So it is off until somebody chooses it.
//   - Frozen is equality of content, which noise forbids to a live camera. Of
//     compressed frames all scans are hashed. Of others a sample, 36 KiB at the
//     most, and while that repeats the whole of every sixteenth frame, since the
//     whole costs a sixth of the preprocessing of 1080p YUYV: in the picture of
//     vivid, which has no noise, only a small counter moves.
//   - Frames whose bytes are what was wrong with them are quarantined: corrupt,
//     geometry, unsupported, failed. Those that are short, stale or flagged
//     are not: their bytes tell no more than the log line does. The copy is
//     made before the buffer goes back, at most ten times an hour for each
//     camera and reason; a good frame costs nothing.
//   - But for this: the bitstream of each compressed frame is copied into a
//     file in memory before it is decoded, for that is the only way to have it
//     when the process dies of it. It takes 0.5 % of the preprocessor's time
//     (12 us for 100 kB that are not in the cache, beside 2.8 ms). The pixels of
//     raw frames are not copied: they would take 20 %, and no value of a pixel
//     makes a conversion crash.
//   - Those records lie in the runtime directory, which systemd keeps over a
//     restart (RuntimeDirectoryPreserve=restart) and which is memory: on a disk
//     they would be written back, at megabytes a minute. A power cut loses
//     them, and is not the frame's fault.
//   - A preprocessor that does not keep up is at work all the time, and each of
//     its frames has waited for one or two others. With slow-input it gets every
//     second, third, ... frame instead, by what frames cost it: with a recording
//     of 720p at 60 a second and 1080p JPEG for an output, age at publication
//     fell from 52 to 33 ms at the median and the CPU time from 65 to 48 %, at
//     36 and 24 frames a second, the two policies in turns on a busy machine. It
//     lowers within 5 to 10 s and restores after 10; a load that comes back
//     whenever there is room makes it wait up to 10 min: 12 changes an hour.
//   - For that the driver is asked by VIDIOC_S_PARM, and where it does not do so
//     while it streams (vivid does, uvcvideo answers EBUSY) frames are skipped
//     before they are decoded. To stop the stream for it would cost a UVC camera
//     frames each time, and the rest of a frame's cost is a copy in the kernel.
//     Skipped frames are a drop of their own: not-due is what the config asked
//     for, skipped is not.
//   - Memory is RssAnon of all processes, and what they share once: the greater
//     of the agent's RssShmem and the sum of the workers'. That is what the
//     kernel's proportional set sizes add up to (53.0 MiB of two cameras, to the
//     page), at 15 us a process instead of a walk through all pages. Mapped files
//     are left out, since they can be dropped, and the driver's buffers, which
//     were fixed when the camera was opened.
//   - What is near a limit degrades in the order of what is missed least: what
//     people look at, then every second frame, then three of four. Rings do not
//     count towards the soft limit, because nothing that is given up makes them
//     smaller. A limit that was too low from the start restarts nothing: the next
//     process would need as much.
//   - A leak is a slope, not a level: medians of two minutes over an hour and of
//     an hour over four days, by Theil and Sen, growing in each third of the span
//     and no slower at its end. In heaps that we made up (a sawtooth, a start, a
//     day, random steps of 2 MiB) 64 MiB an hour are found within 46 min, 8 within
//     1.6 h, 1 within 27 h and 0.5 within 49 h, the latter two before a tenth of
//     the way to the limit; in 5600 days without a leak there were 7 false alarms,
//     6 of them random walks of more than 12 MiB.
//   - Latency is compared with the camera's own, not with a number in the config:
//     the same frame takes 4 ms here and 40 on a small board. What is usual may
//     become less but not more, or a slow drift would be usual.
//   - A status is made of atomics that stages leave behind, and of locks that are
//     held for a few words of memory: one that hangs in a driver, a disk or C++
//     cannot hold it up, and is what it has to tell. Of 16 cameras it takes 0.2 ms,
//     as JSON 0.45 and as metrics 1.0, all told, on a machine with other work.
//   - Commands ask by a socket of their own, in HTTP through the server that browsers
//     have, joined a second time: the bounds on hostile clients stand once, a script
//     has curl, and there is an answer with HTTP off. The kernel says who asks. Whoever
//     may read frames, the socket's group, may read how things are; changes are for
//     root and the agent's own user, since a program that looks at frames and was
//     broken into must not choose what is looked at. Status of 16 cameras is 79 kB, for
//     1.2 ms of CPU; agent status --watch adds 0.2 % of a CPU to their agent, and the
//     command itself takes 8 ms.
//   - A camera with eight outputs, which is what the native room makes in one pass, has
//     no room for a view, and is shown by its first output that is a JPEG.
//   - The level of the log that a command asks for holds for a day at the most: what
//     was turned on to find a fault, and forgotten, would push out the journal's past.
//   - The page asks for snapshots, two at a time, of cameras in sight, and not for
//     streams: a browser has six connections to a host, and the streams of twelve
//     cameras would leave none for the status.
//   - What is no stage and can still stop them all has a heartbeat as well: the
//     lock of the list of cameras and the supervisor are tried once a second, and
//     the check of all heartbeats runs beside the one that pings, so that a check
//     which hangs is named like a stage that does. All times are of a monotonic
//     clock. systemd forgets the STATUS of a process that it killed, so its words
//     lie in the runtime directory for the next one.
package agent
