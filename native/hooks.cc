#include "hooks.h"

#ifdef PREPROC_TESTHOOKS
#include <unistd.h>

#include <cstdlib>
#include <vector>

namespace preprocess {
namespace {

bool names(const char *variable, std::uint64_t sequence) {
  const char *value = std::getenv(variable);
  return value != nullptr && *value != '\0' &&
         std::strtoull(value, nullptr, 10) == sequence % 1024;
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

}  // namespace preprocess
#endif
