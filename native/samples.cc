#include "samples.h"

#include <algorithm>
#include <cstring>

#include "layout.h"

namespace preprocess {
namespace {

// Gains with which (v * gain + add) >> 6 is v * 255 / (2^n - 1), rounded, for
// every v of n bits: found by trying all.
struct Gain {
  std::uint16_t gain, add;
};
constexpr Gain kFull[] = {{0, 0},     {16320, 0}, {5440, 0},
                          {2331, 30}, {1088, 0},  {527, 23},
                          {259, 33},  {129, 0},   {64, 0}};

void copy(const std::uint8_t *from, std::size_t n, const SampleBits &,
          std::uint8_t *to) {
  std::memcpy(to, from, n);
}

// The `size` bytes of a word as a number.
std::uint32_t load(const std::uint8_t *from, std::size_t size, bool big) {
  std::uint32_t word = 0;
  for (std::size_t k = 0; k < size; k++)
    word |= std::uint32_t(from[k]) << (8 * (big ? size - 1 - k : k));
  return word;
}

}  // namespace

SampleReader::SampleReader(const Unpacking &loops, const preproc_format &format,
                           int component)
    : bits_(), gain6_is_exact_(false), loop_(nullptr), table_() {
  const preproc_component &c = format.component[component];
  bits_.shift = c.shift;
  bits_.bits = c.bits;
  bits_.big_endian = c.big_endian != 0;
  word_ = std::size_t(c.word);
  step_ = std::size_t(c.step);
  offset_ = std::size_t(c.offset);
  weigh(format, component);
  if (format.packing == PREPROC_MIPI) {
    offset_ = 0;
    loop_ = loops.mipi;
    return;
  }
  // Samples of 16 bits that lie in turns with others are halves of words of 32.
  const std::size_t n = std::size_t(ceil_div(format.width, c.hsub));
  if (word_ == 2 && step_ == 4 && offset_ % 4 % 2 == 0 && c.bits > 8 &&
      offset_ / 4 * 4 + 4 * n <= row_bytes(format, c.plane)) {
    const bool second = offset_ % 4 != 0;
    bits_.shift += second != bits_.big_endian ? 16 : 0;
    offset_ = offset_ / 4 * 4;
    word_ = 4;
  }
  if (step_ == word_) loop_ = dense(loops);
}

void SampleReader::weigh(const preproc_format &format, int component) {
  const int bits = bits_.bits;
  const double white = (1 << bits) - 1;
  const bool limited = format.range == PREPROC_LIMITED;
  const bool chroma = format.kind == PREPROC_KIND_YUV && component > 0;
  const double gain = limited ? 256.0 / (1 << bits) : 255.0 / white;
  const double zero = limited || !chroma ? 0 : 128 - (1 << (bits - 1)) * gain;
  bits_.halved = limited;
  if (bits > 8) {
    const double one = 1 << kFraction;
    bits_.gain = std::uint32_t(gain * one + 0.5);
    bits_.add = std::uint32_t((zero + 0.5) * one);
    gain6_is_exact_ = limited || !chroma;
    return;
  }
  for (int v = 0; v <= white; v++)
    table_[v] = std::uint8_t(std::clamp(v * gain + zero + 0.5, 0.0, 255.0));
  gain6_is_exact_ = limited || !chroma;
  bits_.gain6 = limited ? std::uint16_t(64 << (8 - bits)) : kFull[bits].gain;
  bits_.add6 = limited ? 0 : kFull[bits].add;
  bits_.gain = std::uint32_t(bits_.gain6) << (kFraction - 6);
  bits_.add = std::uint32_t(bits_.add6) << (kFraction - 6);
}

// The loop for words without gaps. Where the range is full, chroma is about the
// middle, which only words of 32 bits are scaled for.
SampleReader::Loop SampleReader::dense(const Unpacking &loops) const {
  if (word_ == 1) return bits_.bits == 8 ? copy : nullptr;
  if (word_ == 4)
    return bits_.bits > 8 || gain6_is_exact_ ? loops.words32 : nullptr;
  if (!gain6_is_exact_) return nullptr;
  return bits_.bits > 8 ? loops.many16 : loops.few16;
}

void SampleReader::read(const std::uint8_t *row, int n,
                        std::uint8_t *to) const {
  if (loop_ != nullptr) return loop_(row + offset_, std::size_t(n), bits_, to);
  read_sparse(row, n, to);
}

void SampleReader::read_sparse(const std::uint8_t *row, int n,
                               std::uint8_t *to) const {
  const std::uint32_t mask = (1u << bits_.bits) - 1;
  if (word_ == 1) {
    for (int i = 0; i < n; i++)
      to[i] =
          table_[row[offset_ + std::size_t(i) * step_] >> bits_.shift & mask];
    return;
  }
  for (int i = 0; i < n; i++) {
    const std::uint8_t *from = row + offset_ + std::size_t(i) * step_;
    const std::uint32_t v =
        load(from, word_, bits_.big_endian) >> bits_.shift & mask;
    to[i] = bits_.bits <= 8
                ? table_[v]
                : std::uint8_t(std::min(
                      (v * bits_.gain + bits_.add) >> kFraction, 255u));
  }
}

}  // namespace preprocess
