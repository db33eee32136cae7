// Rows behind a colour filter to red, green and blue. See unpacking.h.
#if defined(NATIVE_BAYER_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef NATIVE_BAYER_INL_H
#undef NATIVE_BAYER_INL_H
#else
#define NATIVE_BAYER_INL_H
#endif

#include "ops-inl.h"
#include "unpacking.h"

HWY_BEFORE_NAMESPACE();
namespace preprocess {
namespace HWY_NAMESPACE {

// The mean of four, rounded: that of two means, which rounds up twice, less one
// where it should not have. x and y are the means of a and b, c and d.
HWY_INLINE Bytes mean_of_four(Bytes x, Bytes y, Bytes ab, Bytes cd) {
  const Bytes once = hn::And(hn::Or(ab, cd), hn::Xor(x, y));
  return hn::Sub(hn::AverageRound(x, y), hn::And(once, hn::Set(u8, 1)));
}

void demosaic(const std::uint8_t *above, const std::uint8_t *here,
              const std::uint8_t *below, std::size_t n, int first,
              std::uint8_t *HWY_RESTRICT own, std::uint8_t *HWY_RESTRICT green,
              std::uint8_t *HWY_RESTRICT other) {
  const auto at = hn::MaskFromVec(
      hn::BitCast(u8, hn::Set(u16, std::uint16_t(first ? 0xff00 : 0x00ff))));
  for (std::size_t i = 0; i < n; i += kVector) {
    const Bytes centre = hn::LoadU(u8, here + i);
    const Bytes left = hn::LoadU(u8, here + i - 1);
    const Bytes right = hn::LoadU(u8, here + i + 1);
    const Bytes up = hn::LoadU(u8, above + i);
    const Bytes down = hn::LoadU(u8, below + i);
    const Bytes beside = hn::AverageRound(left, right);
    const Bytes across = hn::AverageRound(up, down);
    const Bytes four =
        mean_of_four(beside, across, hn::Xor(left, right), hn::Xor(up, down));
    const Bytes a = hn::LoadU(u8, above + i - 1);
    const Bytes b = hn::LoadU(u8, above + i + 1);
    const Bytes c = hn::LoadU(u8, below + i - 1);
    const Bytes d = hn::LoadU(u8, below + i + 1);
    const Bytes corners =
        mean_of_four(hn::AverageRound(a, b), hn::AverageRound(c, d),
                     hn::Xor(a, b), hn::Xor(c, d));
    hn::StoreU(hn::IfThenElse(at, centre, beside), u8, own + i);
    hn::StoreU(hn::IfThenElse(at, four, centre), u8, green + i);
    hn::StoreU(hn::IfThenElse(at, corners, across), u8, other + i);
  }
}

// The first or the second byte of each pair of two vectors.
HWY_INLINE Bytes of_pairs(Words a, Words b, bool second) {
  if (second) {
    const hn::Vec<U16> x = hn::ShiftRight<8>(hn::BitCast(u16, a));
    const hn::Vec<U16> y = hn::ShiftRight<8>(hn::BitCast(u16, b));
    return packed_in_order(hn::BitCast(i16, x), hn::BitCast(i16, y));
  }
  const Words low = hn::Set(i16, 0xff);
  return packed_in_order(hn::And(a, low), hn::And(b, low));
}

void cells(const std::uint8_t *upper, const std::uint8_t *lower, std::size_t n,
           int first, std::uint8_t *HWY_RESTRICT a,
           std::uint8_t *HWY_RESTRICT mean, std::uint8_t *HWY_RESTRICT b) {
  const auto load = [&](const std::uint8_t *from) HWY_ATTR {
    return hn::BitCast(i16, hn::LoadU(u8, from));
  };
  for (std::size_t i = 0; i < n; i += kVector) {
    const Words u0 = load(upper + 2 * i), u1 = load(upper + 2 * i + kVector);
    const Words l0 = load(lower + 2 * i), l1 = load(lower + 2 * i + kVector);
    hn::StoreU(of_pairs(u0, u1, first != 0), u8, a + i);
    hn::StoreU(hn::AverageRound(of_pairs(u0, u1, first == 0),
                                of_pairs(l0, l1, first != 0)),
               u8, mean + i);
    hn::StoreU(of_pairs(l0, l1, first == 0), u8, b + i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace preprocess
HWY_AFTER_NAMESPACE();

#endif
