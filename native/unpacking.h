// The inner loops of unpacking, as kernels.h has those of rows of outputs: once
// in plain C++ (plain_unpacking.cc) and once for each instruction set
// (unpacking.cc), all with the same bits.
//
// Of a camera's row nothing is read beyond the samples that are asked for, and
// nothing is written behind n samples, where it is not said otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd.h"

namespace preprocess {

// What is read beyond, and written behind, rows of ours.
constexpr std::size_t kUnpackPadding = 64;

// Where a sample is in its word, and how it becomes one of eight bits.
struct SampleBits {
  int shift, bits;
  bool big_endian;
  bool halved;  // by a power of two, or from 0..2^bits-1 to 0..255
  // The same as sample * gain + add: of words of 32 bits in 1/2^23, and of
  // samples of eight bits or fewer in 1/2^6.
  std::uint32_t gain, add;
  std::uint16_t gain6, add6;
};

constexpr int kFraction = 23;

struct Unpacking {
  Simd set;

  // n words of 16 bits, one after the other, with samples of up to eight bits,
  // or of more; and words of 32 bits.
  void (*few16)(const std::uint8_t *from, std::size_t n, const SampleBits &bits,
                std::uint8_t *to);
  void (*many16)(const std::uint8_t *from, std::size_t n,
                 const SampleBits &bits, std::uint8_t *to);
  void (*words32)(const std::uint8_t *from, std::size_t n,
                  const SampleBits &bits, std::uint8_t *to);
  // n samples of CSI-2's RAW10, RAW12 or RAW14, by bits.
  void (*mipi)(const std::uint8_t *from, std::size_t n, const SampleBits &bits,
               std::uint8_t *to);

  // A row of red, green and blue behind a Bayer filter. It has samples of one
  // colour, `own`, at every second pixel, the first of them at `first`, and
  // green between; the rows above and below have the other colour. These are
  // read, and those written, kUnpackPadding bytes further than n.
  void (*demosaic)(const std::uint8_t *above, const std::uint8_t *here,
                   const std::uint8_t *below, std::size_t n, int first,
                   std::uint8_t *own, std::uint8_t *green, std::uint8_t *other);
  // Of n pairs of two rows: `a` at `first` of each pair of the upper row, `b`
  // across from it in the lower one, and the mean of the other two. Reads and
  // writes as demosaic does.
  void (*cells)(const std::uint8_t *upper, const std::uint8_t *lower,
                std::size_t n, int first, std::uint8_t *a, std::uint8_t *mean,
                std::uint8_t *b);
};

// The loops of a set, or null when this build has none.
const Unpacking *find_unpacking(Simd set);

namespace plain {

void few16(const std::uint8_t *from, std::size_t n, const SampleBits &bits,
           std::uint8_t *to);
void many16(const std::uint8_t *from, std::size_t n, const SampleBits &bits,
            std::uint8_t *to);
void words32(const std::uint8_t *from, std::size_t n, const SampleBits &bits,
             std::uint8_t *to);
void mipi(const std::uint8_t *from, std::size_t n, const SampleBits &bits,
          std::uint8_t *to);

const Unpacking &unpacking();

}  // namespace plain
}  // namespace preprocess
