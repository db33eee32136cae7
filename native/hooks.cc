#include "hooks.h"

#ifdef PREPROC_TESTHOOKS
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace preprocess {
namespace {

// "40" names the frame 40, "40/30" also every 30th after it.
bool names(const char *variable, std::uint64_t sequence) {
  const char *value = std::getenv(variable);
  if (value == nullptr || *value == '\0') return false;
  sequence %= 1024;
  char *rest = nullptr;
  const std::uint64_t first = std::strtoull(value, &rest, 10);
  if (*rest != '/') return sequence == first;
  const std::uint64_t step = std::strtoull(rest + 1, nullptr, 10);
  return step != 0 && sequence >= first && (sequence - first) % step == 0;
}

}  // namespace

void misbehave_on_request(std::uint64_t sequence) {
  while (names("AGENT_TEST_HANG_SEQUENCE", sequence)) pause();
  if (names("AGENT_TEST_LOOP_SEQUENCE", sequence))
    for (volatile unsigned turns = 0;; turns = turns + 1) {
    }
  if (names("AGENT_TEST_ABORT_SEQUENCE", sequence)) std::abort();
  if (names("AGENT_TEST_MEMORY_SEQUENCE", sequence))
    std::vector<char>(std::size_t{1} << 30, 'x');
  if (names("AGENT_TEST_CRASH_SEQUENCE", sequence)) {
    // Not raise(): Go tells a fault in native code from a signal that was sent.
    volatile int *volatile nowhere = nullptr;
    *nowhere = 0;
  }
}

void miscompute_on_request(std::uint64_t sequence, std::uint8_t *image,
                           std::uint64_t size) {
  static bool wrong = false;
  wrong = wrong || names("AGENT_TEST_WRONG_SEQUENCE", sequence);
  if (wrong && image != nullptr && size > 0) image[size / 2] ^= 4;
}

}  // namespace preprocess
#endif
