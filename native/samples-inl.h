// Rows of words and of MIPI's groups to rows of bytes. See unpacking.h.
#if defined(NATIVE_SAMPLES_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef NATIVE_SAMPLES_INL_H
#undef NATIVE_SAMPLES_INL_H
#else
#define NATIVE_SAMPLES_INL_H
#endif

#include "ops-inl.h"
#include "unpacking.h"

HWY_BEFORE_NAMESPACE();
namespace preprocess {
namespace HWY_NAMESPACE {

constexpr hn::RebindToUnsigned<I32> u32{};
using Halves = hn::Vec<U16>;
using Longs = hn::Vec<hn::RebindToUnsigned<I32>>;

// Lanes of 0 to 255 as bytes, a first.
HWY_INLINE Bytes bytes_of(Halves a, Halves b) {
  return packed_in_order(hn::BitCast(i16, a), hn::BitCast(i16, b));
}

// Samples of more than eight bits; see plain::narrow.
struct Narrow {
  int extra;
  bool halved;
  Halves half;

  explicit HWY_INLINE Narrow(const SampleBits &s)
      : extra(s.bits - 8),
        halved(s.halved),
        half(hn::Set(u16, std::uint16_t((1 << (s.bits - 9)) - 1))) {}

  HWY_INLINE Halves operator()(Halves v) const {
    const Halves high = hn::ShiftRightSame(v, extra);
    if (halved) {
      const Halves next = hn::And(hn::ShiftRightSame(v, extra - 1), one());
      return hn::Min(hn::Add(high, next), hn::Set(u16, 255));
    }
    const Halves less = hn::ShiftRight<8>(hn::Sub(v, high));
    return hn::ShiftRightSame(hn::Add(hn::Sub(v, less), half), extra);
  }

  static HWY_INLINE Halves one() { return hn::Set(u16, 1); }
};

// The samples of words of 16 bits.
struct Words16 {
  bool big;
  int shift;
  Halves mask;

  explicit HWY_INLINE Words16(const SampleBits &s)
      : big(s.big_endian),
        shift(s.shift),
        mask(hn::Set(u16, std::uint16_t((1u << s.bits) - 1))) {}

  HWY_INLINE Halves operator()(const std::uint8_t *from) const {
    Halves v = hn::BitCast(u16, hn::LoadU(u8, from));
    if (big) v = hn::Or(hn::ShiftLeft<8>(v), hn::ShiftRight<8>(v));
    return hn::And(hn::ShiftRightSame(v, shift), mask);
  }
};

void many16(const std::uint8_t *from, std::size_t n, const SampleBits &s,
            std::uint8_t *HWY_RESTRICT to) {
  const Words16 words(s);
  const Narrow narrow(s);
  std::size_t i = 0;
  for (; i + kVector <= n; i += kVector) {
    const Halves a = narrow(words(from + 2 * i));
    const Halves b = narrow(words(from + 2 * i + kVector));
    hn::StoreU(bytes_of(a, b), u8, to + i);
  }
  plain::many16(from + 2 * i, n - i, s, to + i);
}

void few16(const std::uint8_t *from, std::size_t n, const SampleBits &s,
           std::uint8_t *HWY_RESTRICT to) {
  const Words16 words(s);
  const Halves gain = hn::Set(u16, s.gain6), add = hn::Set(u16, s.add6);
  const auto scaled = [&](const std::uint8_t *at) HWY_ATTR {
    return hn::ShiftRight<6>(hn::Add(hn::Mul(words(at), gain), add));
  };
  std::size_t i = 0;
  for (; i + kVector <= n; i += kVector)
    hn::StoreU(bytes_of(scaled(from + 2 * i), scaled(from + 2 * i + kVector)),
               u8, to + i);
  plain::few16(from + 2 * i, n - i, s, to + i);
}

HWY_INLINE Longs swapped(Longs v) {
  const Longs middle =
      hn::Or(hn::And(hn::ShiftLeft<8>(v), hn::Set(u32, 0x00ff0000)),
             hn::And(hn::ShiftRight<8>(v), hn::Set(u32, 0x0000ff00)));
  return hn::Or(middle, hn::Or(hn::ShiftLeft<24>(v), hn::ShiftRight<24>(v)));
}

void words32(const std::uint8_t *from, std::size_t n, const SampleBits &s,
             std::uint8_t *HWY_RESTRICT to) {
  const Longs mask = hn::Set(u32, (1u << s.bits) - 1);
  const Longs gain = hn::Set(u32, s.gain), add = hn::Set(u32, s.add);
  const auto scaled = [&](const std::uint8_t *at) HWY_ATTR {
    Longs v = hn::BitCast(u32, hn::LoadU(u8, at));
    if (s.big_endian) v = swapped(v);
    v = hn::And(hn::ShiftRightSame(v, s.shift), mask);
    v = hn::ShiftRight<kFraction>(hn::Add(hn::Mul(v, gain), add));
    return hn::BitCast(i32, hn::Min(v, hn::Set(u32, 255)));
  };
  constexpr std::size_t kLongs = kVector / 4;
  const hn::Rebind<std::uint8_t, I32> few;
  std::size_t i = 0;
  for (; i + kLongs <= n; i += kLongs)
    hn::StoreU(hn::DemoteTo(few, scaled(from + 4 * i)), few, to + i);
  plain::words32(from + 4 * i, n - i, s, to + i);
}

// How eight samples of RAW10 or RAW12 come out of a block of 16 bytes: each as
// a lane of its upper bits above the byte with its lower ones, which a product
// brings to one place.
struct MipiBlock {
  std::uint8_t order[16];
  std::uint16_t factor[8];
  int bytes;  // that eight samples take
};
constexpr MipiBlock kRaw10{{4, 0, 4, 1, 4, 2, 4, 3, 9, 5, 9, 6, 9, 7, 9, 8},
                           {64, 16, 4, 1, 64, 16, 4, 1},
                           10};
constexpr MipiBlock kRaw12{{2, 0, 2, 1, 5, 3, 5, 4, 8, 6, 8, 7, 11, 9, 11, 10},
                           {16, 1, 16, 1, 16, 1, 16, 1},
                           12};

template <int Bits>
void mipi_of(const MipiBlock &m, const std::uint8_t *from, std::size_t n,
             const SampleBits &s, std::uint8_t *HWY_RESTRICT to) {
  constexpr int kExtra = Bits - 8, kPlace = Bits == 10 ? 6 : 4;
  const Bytes order = hn::LoadDup128(u8, m.order);
  const Halves factor = hn::LoadDup128(u16, m.factor);
  const Halves byte = hn::Set(u16, 255);
  const Halves lows = hn::Set(u16, std::uint16_t((1 << kExtra) - 1));
  const Narrow narrow(s);
  std::int32_t at[4];
  for (int k = 0; k < 4; k++) at[k] = k * m.bytes;
  const auto samples = [&](const std::uint8_t *block) HWY_ATTR {
    const Halves v =
        hn::BitCast(u16, hn::TableLookupBytes(gathered(block, at, 1), order));
    const Halves low = hn::And(
        hn::ShiftRight<kPlace>(hn::Mul(hn::And(v, byte), factor)), lows);
    const Halves high = hn::ShiftLeft<kExtra>(hn::ShiftRight<8>(v));
    return narrow(hn::Or(high, low));
  };
  // The last block's 16 bytes must be there, of which it takes fewer.
  const std::size_t step = std::size_t(m.bytes) * kBlocks;
  const std::size_t rest =
      std::size_t(16 - m.bytes + m.bytes - 1) / m.bytes * 8;
  std::size_t i = 0;
  for (; i + kVector + rest <= n; i += kVector) {
    const std::uint8_t *block = from + i / 8 * m.bytes;
    hn::StoreU(bytes_of(samples(block), samples(block + step)), u8, to + i);
  }
  plain::mipi(from + i / 8 * m.bytes, n - i, s, to + i);
}

void mipi(const std::uint8_t *from, std::size_t n, const SampleBits &s,
          std::uint8_t *to) {
  if (s.bits == 10) return mipi_of<10>(kRaw10, from, n, s, to);
  if (s.bits == 12) return mipi_of<12>(kRaw12, from, n, s, to);
  plain::mipi(from, n, s, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace preprocess
HWY_AFTER_NAMESPACE();

#endif
