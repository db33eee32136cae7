// Every loop of unpacking, of every instruction set, gives the bits of the
// plain one, which rounds as exact numbers do, and reads nothing behind its
// row.
#include "../unpacking.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "harness.h"

using namespace test;
using namespace preprocess;

namespace {

using Loop = void (*)(const std::uint8_t *, std::size_t, const SampleBits &,
                      std::uint8_t *);

const Unpacking &plainly = plain::unpacking();

SampleBits bits_of(int shift, int bits, bool big, bool halved) {
  SampleBits s{};
  s.shift = shift;
  s.bits = bits;
  s.big_endian = big;
  s.halved = halved;
  s.gain = std::uint32_t(255.0 / ((1 << bits) - 1) * (1 << kFraction) + 0.5);
  s.add = 1u << (kFraction - 1);
  s.gain6 = std::uint16_t(16320 / ((1 << bits) - 1));
  s.add6 = 31;
  return s;
}

const std::size_t counts[] = {1,  2,  7,  8,  15, 16,  17,  31, 32,
                              33, 63, 64, 65, 96, 127, 128, 300};

// A row of `bytes` that ends where the page does.
void compare(Loop loop, Loop reference, std::size_t n, std::size_t bytes,
             const SampleBits &s) {
  static Random random;
  const Edge row(bytes);
  for (std::size_t i = 0; i < bytes; i++)
    row.data()[i] = std::uint8_t(random.next() >> 24);
  const Edge got(n), want(n);
  loop(row.data(), n, s, got.data());
  reference(row.data(), n, s, want.data());
  CHECK(std::memcmp(got.data(), want.data(), n) == 0);
}

void words(const Unpacking &u) {
  for (std::size_t n : counts)
    for (int big = 0; big < 2; big++)
      for (int bits = 1; bits <= 16; bits++)
        for (int shift = 0; shift + bits <= 16; shift++) {
          const SampleBits s = bits_of(shift, bits, big, n % 2 != 0);
          if (bits <= 8)
            compare(u.few16, plainly.few16, n, 2 * n, s);
          else
            compare(u.many16, plainly.many16, n, 2 * n, s);
          compare(u.words32, plainly.words32, n, 4 * n,
                  bits_of(shift + 16 * big, bits, big, false));
        }
}

void mipi(const Unpacking &u) {
  for (std::size_t n : counts)
    for (int bits : {10, 12, 14})
      for (bool halved : {false, true}) {
        const std::size_t group = bits == 12 ? 2 : 4;
        const std::size_t bytes = (n + group - 1) / group * group * bits / 8;
        compare(u.mipi, plainly.mipi, n, bytes,
                bits_of(0, bits, false, halved));
      }
}

// Three rows with a sample before and after, and room for a vector.
void filters(const Unpacking &u) {
  Random random;
  for (std::size_t n : counts)
    for (int first = 0; first < 2; first++) {
      const std::size_t room = 2 * (n + 2 * kUnpackPadding);
      std::vector<std::uint8_t> rows[3], got[3], want[3];
      for (int i = 0; i < 3; i++) {
        rows[i].resize(room);
        for (std::uint8_t &v : rows[i])
          v = std::uint8_t(n % 3 == 0 ? random.next() >> 24
                                      : 254 + random.below(2));
        got[i].resize(room);
        want[i].resize(room);
      }
      const auto same = [&] {
        for (int i = 0; i < 3; i++)
          CHECK(std::memcmp(got[i].data(), want[i].data(), n) == 0);
      };
      const std::uint8_t *a = rows[0].data() + 1, *b = rows[1].data() + 1;
      const std::uint8_t *c = rows[2].data() + 1;
      u.demosaic(a, b, c, n, first, got[0].data(), got[1].data(),
                 got[2].data());
      plainly.demosaic(a, b, c, n, first, want[0].data(), want[1].data(),
                       want[2].data());
      same();
      u.cells(a, b, n, first, got[0].data(), got[1].data(), got[2].data());
      plainly.cells(a, b, n, first, want[0].data(), want[1].data(),
                    want[2].data());
      same();
    }
}

// Samples of more than eight bits become the nearest of 0 to 255.
void exact() {
  for (int bits = 9; bits <= 16; bits++) {
    const SampleBits full = bits_of(0, bits, false, false);
    const SampleBits half = bits_of(0, bits, false, true);
    for (int v = 0; v < 1 << bits; v++) {
      const std::uint8_t row[2] = {std::uint8_t(v), std::uint8_t(v >> 8)};
      std::uint8_t got;
      plainly.many16(row, 1, full, &got);
      CHECK(got == std::floor(v * 255.0 / ((1 << bits) - 1) + 0.5));
      plainly.many16(row, 1, half, &got);
      CHECK(got == std::min(255.0, std::floor(std::ldexp(v, 8 - bits) + 0.5)));
    }
  }
}

}  // namespace

int main() {
  exact();
  for (Simd set :
       {Simd::kNone, Simd::kSse4, Simd::kAvx2, Simd::kAvx512, Simd::kNeon}) {
    if (!simd_works(set)) continue;
    const Unpacking &u = *find_unpacking(set);
    CHECK(u.set == set);
    words(u);
    mipi(u);
    filters(u);
  }
}
