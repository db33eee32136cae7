// The numbers of a preproc_format: whether they make sense together, and what
// follows from them.
#pragma once

#include <cstddef>

#include "preproc.h"

namespace preprocess {

// Refuses numbers with which samples would lie outside of their rows, or that
// have no meaning. The size was checked before.
void check_layout(const preproc_format &format);

// Whether every sample is a byte of its own and needs no other treatment than
// its place: such a format is read where it lies.
bool is_plain(const preproc_format &format);

// Bytes of a row of plane p that carry pixels.
std::size_t row_bytes(const preproc_format &format, int p);

inline int ceil_div(int a, int b) { return (a + b - 1) / b; }

}  // namespace preprocess
