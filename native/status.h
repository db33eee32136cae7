// How a refusal travels inside the room: as an exception, up to the shared
// catch of the C interface.
#pragma once

#include <cstddef>

#include "preproc.h"

namespace preprocess {

struct Refusal {
  preproc_status status;
  char detail[PREPROC_DETAIL];
};

[[noreturn]] void refuse(preproc_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// a*b, or a refusal when it does not fit.
std::size_t product(std::size_t a, std::size_t b);

}  // namespace preprocess
