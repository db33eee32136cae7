// Rows of samples of any number of bits to rows of bytes.
#pragma once

#include <cstdint>

#include "preproc.h"
#include "unpacking.h"

namespace preprocess {

// Reads one component of an uncompressed format whose layout was checked.
//
// A sample of n bits becomes one of 8, rounded: in full range from 0..2^n-1 to
// 0..255 (of Y'CbCr's chroma, about the middle; ITU-T H.273), in limited range
// by a power of two, which leaves black, white and zero chroma where the
// recommendations have them.
class SampleReader {
 public:
  SampleReader(const Unpacking &loops, const preproc_format &format,
               int component);

  // Writes samples 0 to n of the row that begins at `row`; they must not
  // overlap.
  void read(const std::uint8_t *row, int n, std::uint8_t *to) const;

 private:
  using Loop = void (*)(const std::uint8_t *, std::size_t, const SampleBits &,
                        std::uint8_t *);

  void weigh(const preproc_format &format, int component);
  Loop dense(const Unpacking &loops) const;
  void read_sparse(const std::uint8_t *row, int n, std::uint8_t *to) const;

  SampleBits bits_;
  std::size_t word_, step_, offset_;
  bool gain6_is_exact_;
  Loop loop_;                // of samples one after the other, or null
  std::uint8_t table_[256];  // of samples of up to eight bits: what they become
};

}  // namespace preprocess
