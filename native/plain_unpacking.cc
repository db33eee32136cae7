#include <algorithm>
#include <cstring>

#include "unpacking.h"

namespace preprocess::plain {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "words are loaded as they lie in memory");

std::uint32_t load16(const std::uint8_t *from, bool big_endian) {
  std::uint16_t word;
  std::memcpy(&word, from, sizeof word);
  return big_endian ? __builtin_bswap16(word) : word;
}

std::uint32_t load32(const std::uint8_t *from, bool big_endian) {
  std::uint32_t word;
  std::memcpy(&word, from, sizeof word);
  return big_endian ? __builtin_bswap32(word) : word;
}

// A sample of more than eight bits. v * 255 / (2^bits - 1) is v less about
// v / 256, of which the upper eight bits are taken: with this rounding it is
// the nearest for every v of 9 to 16 bits, tried with all.
std::uint8_t narrow(std::uint32_t v, const SampleBits &s) {
  const int extra = s.bits - 8;
  if (s.halved)
    return std::uint8_t(
        std::min((v >> extra) + (v >> (extra - 1) & 1), std::uint32_t{255}));
  const std::uint32_t less = (v - (v >> extra)) >> 8;
  return std::uint8_t((v - less + (1u << (extra - 1)) - 1) >> extra);
}

std::uint32_t mask_of(const SampleBits &s) { return (1u << s.bits) - 1; }

std::uint8_t mean(int a, int b) { return std::uint8_t((a + b + 1) >> 1); }

std::uint8_t mean(int a, int b, int c, int d) {
  return std::uint8_t((a + b + c + d + 2) >> 2);
}

void demosaic(const std::uint8_t *above, const std::uint8_t *here,
              const std::uint8_t *below, std::size_t n, int first,
              std::uint8_t *own, std::uint8_t *green, std::uint8_t *other) {
  for (std::size_t i = 0; i < n; i++) {
    const std::uint8_t *a = above + i, *h = here + i, *b = below + i;
    const bool at = int(i & 1) == first;
    own[i] = at ? h[0] : mean(h[-1], h[1]);
    green[i] = at ? mean(h[-1], h[1], a[0], b[0]) : h[0];
    other[i] = at ? mean(a[-1], a[1], b[-1], b[1]) : mean(a[0], b[0]);
  }
}

void cells(const std::uint8_t *upper, const std::uint8_t *lower, std::size_t n,
           int first, std::uint8_t *a, std::uint8_t *middle, std::uint8_t *b) {
  for (std::size_t i = 0; i < n; i++) {
    a[i] = upper[2 * i + first];
    middle[i] = mean(upper[2 * i + 1 - first], lower[2 * i + first]);
    b[i] = lower[2 * i + 1 - first];
  }
}

}  // namespace

void few16(const std::uint8_t *from, std::size_t n, const SampleBits &s,
           std::uint8_t *to) {
  for (std::size_t i = 0; i < n; i++) {
    const std::uint32_t v =
        load16(from + 2 * i, s.big_endian) >> s.shift & mask_of(s);
    to[i] = std::uint8_t((v * s.gain6 + s.add6) >> 6);
  }
}

void many16(const std::uint8_t *from, std::size_t n, const SampleBits &s,
            std::uint8_t *to) {
  for (std::size_t i = 0; i < n; i++)
    to[i] =
        narrow(load16(from + 2 * i, s.big_endian) >> s.shift & mask_of(s), s);
}

void words32(const std::uint8_t *from, std::size_t n, const SampleBits &s,
             std::uint8_t *to) {
  for (std::size_t i = 0; i < n; i++) {
    const std::uint32_t v =
        load32(from + 4 * i, s.big_endian) >> s.shift & mask_of(s);
    to[i] = std::uint8_t(
        std::min((v * s.gain + s.add) >> kFraction, std::uint32_t{255}));
  }
}

// A group is the upper eight bits of each of its samples, and then the lower
// bits of all, those of the first sample lowest.
void mipi(const std::uint8_t *from, std::size_t n, const SampleBits &s,
          std::uint8_t *to) {
  const int extra = s.bits - 8, group = s.bits == 12 ? 2 : 4;
  const int bytes = group * s.bits / 8;
  for (std::size_t i = 0; i < n; i += std::size_t(group), from += bytes) {
    std::uint32_t lows = 0;
    for (int k = group; k < bytes; k++)
      lows |= std::uint32_t(from[k]) << (8 * (k - group));
    for (int k = 0; k < group && i + k < n; k++, lows >>= extra)
      to[i + k] = narrow(
          std::uint32_t(from[k]) << extra | (lows & ((1u << extra) - 1)), s);
  }
}

const Unpacking &unpacking() {
  static constexpr Unpacking loops{Simd::kNone, few16,    many16, words32,
                                   mipi,        demosaic, cells};
  return loops;
}

}  // namespace preprocess::plain
