// Ways to make native code hang and crash, for proofs that the agent survives
// it. They exist only in builds with the tag testhooks.
#pragma once

#include <cstdint>

namespace preprocess {

#ifdef PREPROC_TESTHOOKS
// Blocks for ever on the frame of sequence $AGENT_TEST_HANG_SEQUENCE modulo
// 1024, makes a segmentation fault on that of $AGENT_TEST_CRASH_SEQUENCE, and
// likewise an endless LOOP, an ABORT, and a gigabyte of MEMORY. The sequence
// numbers of a camera begin at a multiple of 1024. "40/30" is the frame 40 and
// every 30th after it.
void misbehave_on_request(std::uint64_t sequence);

// From the frame of sequence $AGENT_TEST_WRONG_SEQUENCE on, one bit in the
// middle of the image is wrong, in this process.
void miscompute_on_request(std::uint64_t sequence, std::uint8_t *image,
                           std::uint64_t size);
#else
inline void misbehave_on_request(std::uint64_t) {}
inline void miscompute_on_request(std::uint64_t, std::uint8_t *,
                                  std::uint64_t) {}
#endif

}  // namespace preprocess
