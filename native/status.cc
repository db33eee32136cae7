#include "status.h"

#include <cstdarg>
#include <cstdio>

namespace preprocess {

void refuse(preproc_status status, const char *format, ...) {
  Refusal refusal{status, {}};
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(refusal.detail, sizeof refusal.detail, format, arguments);
  va_end(arguments);
  throw refusal;
}

std::size_t product(std::size_t a, std::size_t b) {
  std::size_t result;
  if (__builtin_mul_overflow(a, b, &result))
    refuse(PREPROC_ARGUMENT, "%zu times %zu bytes overflows", a, b);
  return result;
}

}  // namespace preprocess
