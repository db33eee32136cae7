// The vertical step: rows to one row of bytes. See kernels.h.
#if defined(NATIVE_BLEND_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef NATIVE_BLEND_INL_H
#undef NATIVE_BLEND_INL_H
#else
#define NATIVE_BLEND_INL_H
#endif

#include "ops-inl.h"
#include "plain.h"

HWY_BEFORE_NAMESPACE();
namespace preprocess {
namespace HWY_NAMESPACE {

// Calls step(x) for each vector of `size` of n, the last one overlapping the
// one before it; false when there is less than one.
template <class Step>
HWY_INLINE bool whole_vectors(std::size_t n, std::size_t size, Step step) {
  if (n < size) return false;
  std::size_t x = 0;
  for (; x + size <= n; x += size) step(x);
  if (x < n) step(n - size);
  return true;
}

// Where each row begins: kept in registers, where a Rows might be written to by
// any store of bytes, for all that the compiler knows.
template <int Taps>
struct Starts {
  explicit Starts(const Rows &rows) : ahead(rows.ahead) {
    for (int k = 0; k < Taps; k++) row[k] = rows.first + k * rows.stride;
  }
  HWY_INLINE Bytes load(int k, std::size_t x) const {
    return hn::LoadU(u8, row[k] + x);
  }
  // Of two vectors. The prefetcher of the processor takes a while for each of
  // the rows.
  HWY_INLINE void prefetch(std::size_t x) const {
    constexpr std::size_t kCacheLine = 64;
    for (int k = 0; k < Taps; k++)
      for (std::size_t i = 0; i < 2 * kVector; i += kCacheLine)
        __builtin_prefetch(row[k] + ahead + x + i);
  }
  const std::uint8_t *row[Taps];
  std::size_t ahead;
};

// Calls one(x) for each vector of n, of which there is one at least.
template <int Taps, class One>
HWY_INLINE void by_two(const Starts<Taps> &from, std::size_t n, One one) {
  const bool two = whole_vectors(n, 2 * kVector, [&](std::size_t x) HWY_ATTR {
    from.prefetch(x);
    one(x);
    one(x + kVector);
  });
  if (!two) whole_vectors(n, kVector, one);
}

#if HWY_TARGET == HWY_NEON

// NEON adds products of bytes to sums of 16 bits, and rounds while it narrows.
class Sum {
 public:
  HWY_INLINE void add(uint8x16_t v, uint8x16_t weight, bool first) {
    low_ = first ? vmull_u8(vget_low_u8(v), vget_low_u8(weight))
                 : vmlal_u8(low_, vget_low_u8(v), vget_low_u8(weight));
    high_ = first ? vmull_high_u8(v, weight) : vmlal_high_u8(high_, v, weight);
  }
  HWY_INLINE uint8x16_t rounded() const {
    return vcombine_u8(vrshrn_n_u16(low_, 7), vrshrn_n_u16(high_, 7));
  }

 private:
  uint16x8_t low_ = vdupq_n_u16(0), high_ = vdupq_n_u16(0);
};

template <int Taps>
void blend_of(const Rows &rows, std::size_t n, std::uint8_t *HWY_RESTRICT to) {
  const Starts<Taps> from(rows);
  uint8x16_t weight[Taps];
  for (int k = 0; k < Taps; k++)
    weight[k] = vdupq_n_u8(std::uint8_t(rows.weight[k]));
  const auto one = [&](std::size_t x) HWY_ATTR {
    Sum sum;
    for (int k = 0; k < Taps; k++)
      sum.add(vld1q_u8(from.row[k] + x), weight[k], k == 0);
    vst1q_u8(to + x, sum.rounded());
  };
  by_two(from, n, one);
}

template <int Taps>
void blend_split2_of(const Rows &rows, std::size_t n,
                     std::uint8_t *HWY_RESTRICT even,
                     std::uint8_t *HWY_RESTRICT odd) {
  const Starts<Taps> from(rows);
  uint8x16_t weight[Taps];
  for (int k = 0; k < Taps; k++)
    weight[k] = vdupq_n_u8(std::uint8_t(rows.weight[k]));
  whole_vectors(n, 2 * kVector, [&](std::size_t x) HWY_ATTR {
    from.prefetch(x);
    Sum a, b;
    for (int k = 0; k < Taps; k++) {
      const uint8x16x2_t v = vld2q_u8(from.row[k] + x);
      a.add(v.val[0], weight[k], k == 0);
      b.add(v.val[1], weight[k], k == 0);
    }
    vst1q_u8(even + x / 2, a.rounded());
    vst1q_u8(odd + x / 2, b.rounded());
  });
}

#else

// v/128, rounded.
HWY_INLINE Words rounded(Words v) {
  return hn::MulFixedPoint15(v, hn::Set(i16, (1 << 15) / kWhole));
}

template <int Taps>
void blend_of(const Rows &rows, std::size_t n, std::uint8_t *HWY_RESTRICT to) {
  constexpr int kPairs = (Taps + 1) / 2;
  const Starts<Taps> from(rows);
  Bytes weights[kPairs];
  for (int k = 0; k < kPairs; k++) {
    const int odd = 2 * k + 1 < Taps ? rows.weight[2 * k + 1] : 0;
    weights[k] = hn::BitCast(
        u8, hn::Set(i16, std::int16_t(rows.weight[2 * k] | odd << 8)));
  }
  const auto one = [&](std::size_t x) HWY_ATTR {
    Words low = hn::Zero(i16), high = low;
    for (int k = 0; k < kPairs; k++) {
      const Bytes a = from.load(2 * k, x);
      const Bytes b = 2 * k + 1 < Taps ? from.load(2 * k + 1, x) : a;
      const Words l = pair_sums(hn::InterleaveLower(a, b), weights[k]);
      const Words h = pair_sums(hn::InterleaveUpper(u8, a, b), weights[k]);
      low = k ? hn::Add(low, l) : l;
      high = k ? hn::Add(high, h) : h;
    }
    hn::StoreU(packed(rounded(low), rounded(high)), u8, to + x);
  };
  by_two(from, n, one);
}

// A product with weights of which every second one is zero takes the bytes
// apart by the way.
template <int Taps>
void blend_split2_of(const Rows &rows, std::size_t n,
                     std::uint8_t *HWY_RESTRICT even,
                     std::uint8_t *HWY_RESTRICT odd) {
  const Starts<Taps> from(rows);
  Bytes first[Taps], second[Taps];
  for (int k = 0; k < Taps; k++) {
    first[k] = hn::BitCast(u8, hn::Set(i16, rows.weight[k]));
    second[k] =
        hn::BitCast(u8, hn::Set(i16, std::int16_t(rows.weight[k] << 8)));
  }
  const auto sum = [&](std::size_t x, Words &a, Words &b) HWY_ATTR {
    for (int k = 0; k < Taps; k++) {
      const Bytes v = from.load(k, x);
      a = k ? hn::Add(a, pair_sums(v, first[k])) : pair_sums(v, first[k]);
      b = k ? hn::Add(b, pair_sums(v, second[k])) : pair_sums(v, second[k]);
    }
    a = rounded(a);
    b = rounded(b);
  };
  whole_vectors(n, 2 * kVector, [&](std::size_t x) HWY_ATTR {
    from.prefetch(x);
    Words a = hn::Zero(i16), b = a, c = a, d = a;
    sum(x, a, b);
    sum(x + kVector, c, d);
    hn::StoreU(packed_in_order(a, c), u8, even + x / 2);
    hn::StoreU(packed_in_order(b, d), u8, odd + x / 2);
  });
}

#endif

void blend(const Rows &rows, std::size_t n, std::uint8_t *to) {
  if (n < kVector) return plain::blend(rows, n, to);
  switch (rows.taps) {
    case 2:
      return blend_of<2>(rows, n, to);
    case 3:
      return blend_of<3>(rows, n, to);
    case 4:
      return blend_of<4>(rows, n, to);
    case 5:
      return blend_of<5>(rows, n, to);
    case 6:
      return blend_of<6>(rows, n, to);
    case 7:
      return blend_of<7>(rows, n, to);
  }
  blend_of<8>(rows, n, to);
}

// Bytes become 32-bit sums of pairs of rows, a quarter of a vector at a time.
void blend_many(const Rows &rows, std::size_t n, std::uint8_t *to) {
  const hn::Half<U8> half;
  constexpr std::size_t kStep = kLanes;
  const bool done = whole_vectors(n, kStep, [&](std::size_t x) HWY_ATTR {
    auto low = hn::Set(i32, kFineWhole / 2), high = low;
    for (int k = 0; k < rows.taps; k += 2) {
      const bool two = k + 1 < rows.taps;
      const std::uint8_t *from = rows.first + k * rows.stride + x;
      const Words a = hn::PromoteTo(i16, hn::LoadU(half, from));
      const Words b =
          two ? hn::PromoteTo(i16, hn::LoadU(half, from + rows.stride)) : a;
      const Words weights = hn::BitCast(
          i16,
          hn::Set(i32, rows.weight[k] | (two ? rows.weight[k + 1] : 0) << 16));
      low = hn::Add(low, word_products(hn::InterleaveLower(a, b), weights));
      high =
          hn::Add(high, word_products(hn::InterleaveUpper(i16, a, b), weights));
    }
    // In each block the lanes are in their order again.
    const Words sums =
        packed_words(hn::ShiftRight<14>(low), hn::ShiftRight<14>(high));
    hn::StoreU(hn::DemoteTo(half, sums), half, to + x);
  });
  if (!done) plain::blend_many(rows, n, to);
}

// One row, of which nothing has to be summed up.
void split2(const std::uint8_t *from, std::size_t n,
            std::uint8_t *HWY_RESTRICT even, std::uint8_t *HWY_RESTRICT odd) {
  const Words low = hn::Set(i16, 255);
  whole_vectors(n, 2 * kVector, [&](std::size_t x) HWY_ATTR {
    const auto a = hn::BitCast(u16, hn::LoadU(u8, from + x));
    const auto b = hn::BitCast(u16, hn::LoadU(u8, from + x + kVector));
    hn::StoreU(packed_in_order(hn::And(hn::BitCast(i16, a), low),
                               hn::And(hn::BitCast(i16, b), low)),
               u8, even + x / 2);
    hn::StoreU(packed_in_order(hn::BitCast(i16, hn::ShiftRight<8>(a)),
                               hn::BitCast(i16, hn::ShiftRight<8>(b))),
               u8, odd + x / 2);
  });
}

void blend_split2(const Rows &rows, std::size_t n, std::uint8_t *even,
                  std::uint8_t *odd) {
  if (n < 2 * kVector) return plain::blend_split2(rows, n, even, odd);
  switch (rows.taps) {
    case 1:
      return split2(rows.first, n, even, odd);
    case 2:
      return blend_split2_of<2>(rows, n, even, odd);
    case 3:
      return blend_split2_of<3>(rows, n, even, odd);
    case 4:
      return blend_split2_of<4>(rows, n, even, odd);
    case 5:
      return blend_split2_of<5>(rows, n, even, odd);
    case 6:
      return blend_split2_of<6>(rows, n, even, odd);
    case 7:
      return blend_split2_of<7>(rows, n, even, odd);
  }
  blend_split2_of<8>(rows, n, even, odd);
}

void split3(const std::uint8_t *from, std::size_t n, std::uint8_t *const to[]) {
  const bool done = whole_vectors(n, kVector, [&](std::size_t x) HWY_ATTR {
    Bytes a, b, c;
    hn::LoadInterleaved3(u8, from + 3 * x, a, b, c);
    hn::StoreU(a, u8, to[0] + x);
    hn::StoreU(b, u8, to[1] + x);
    hn::StoreU(c, u8, to[2] + x);
  });
  if (!done) plain::split3(from, n, to);
}

void split4(const std::uint8_t *from, std::size_t n, std::uint8_t *const to[]) {
  const bool done = whole_vectors(n, kVector, [&](std::size_t x) HWY_ATTR {
    Bytes a, b, c, d;
    hn::LoadInterleaved4(u8, from + 4 * x, a, b, c, d);
    hn::StoreU(a, u8, to[0] + x);
    hn::StoreU(b, u8, to[1] + x);
    hn::StoreU(c, u8, to[2] + x);
    hn::StoreU(d, u8, to[3] + x);
  });
  if (!done) plain::split4(from, n, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace preprocess
HWY_AFTER_NAMESPACE();

#endif
