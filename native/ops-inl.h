// What Highway 1.0 lacks, for each instruction set.
#if defined(NATIVE_OPS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef NATIVE_OPS_INL_H
#undef NATIVE_OPS_INL_H
#else
#define NATIVE_OPS_INL_H
#endif

#include <hwy/highway.h>

#include "simd.h"

HWY_BEFORE_NAMESPACE();
namespace preprocess {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using U8 = hn::ScalableTag<std::uint8_t>;
using I16 = hn::ScalableTag<std::int16_t>;
using U16 = hn::ScalableTag<std::uint16_t>;
using I32 = hn::ScalableTag<std::int32_t>;
using F32 = hn::ScalableTag<float>;
using U8Block = hn::Full128<std::uint8_t>;
constexpr U8 u8{};
constexpr I16 i16{};
constexpr U16 u16{};
constexpr I32 i32{};
constexpr F32 f32{};
using Bytes = hn::Vec<U8>;
using Words = hn::Vec<I16>;

constexpr Simd kSet = HWY_TARGET == HWY_NEON   ? Simd::kNeon
                      : HWY_TARGET == HWY_SSE4 ? Simd::kSse4
                      : HWY_TARGET == HWY_AVX2 ? Simd::kAvx2
                                               : Simd::kAvx512;

constexpr std::size_t kVector = HWY_LANES(std::uint8_t);
constexpr int kBlocks = int(kVector / 16);
constexpr std::size_t kLanes = kVector / 2;  // of 16 bits

// Lane i is a[2i]*b[2i] + a[2i+1]*b[2i+1]; b is 0 to 127 and no sum exceeds
// 32767.
HWY_INLINE Words pair_sums(Bytes a, Bytes b) {
#if HWY_TARGET == HWY_NEON
  const uint16x8_t low = vmull_u8(vget_low_u8(a.raw), vget_low_u8(b.raw));
  const uint16x8_t high = vmull_high_u8(a.raw, b.raw);
  return Words(vreinterpretq_s16_u16(vpaddq_u16(low, high)));
#elif HWY_TARGET == HWY_SSE4
  return Words{_mm_maddubs_epi16(a.raw, b.raw)};
#elif HWY_TARGET == HWY_AVX2
  return Words{_mm256_maddubs_epi16(a.raw, b.raw)};
#else
  return Words{_mm512_maddubs_epi16(a.raw, b.raw)};
#endif
}

// In each block, the sums of neighbours in a, then of those in b. None exceeds
// 32767, and none is negative.
HWY_INLINE Words neighbour_sums(Words a, Words b) {
#if HWY_TARGET == HWY_NEON
  return Words(vpaddq_s16(a.raw, b.raw));
#elif HWY_TARGET == HWY_SSE4
  const __m128i one = _mm_set1_epi16(1);
  return Words{
      _mm_packs_epi32(_mm_madd_epi16(a.raw, one), _mm_madd_epi16(b.raw, one))};
#elif HWY_TARGET == HWY_AVX2
  const __m256i one = _mm256_set1_epi16(1);
  return Words{_mm256_packs_epi32(_mm256_madd_epi16(a.raw, one),
                                  _mm256_madd_epi16(b.raw, one))};
#else
  const __m512i one = _mm512_set1_epi16(1);
  return Words{_mm512_packs_epi32(_mm512_madd_epi16(a.raw, one),
                                  _mm512_madd_epi16(b.raw, one))};
#endif
}

// In each block, the 16-bit lanes of a, then those of b, held to 0..255.
HWY_INLINE Bytes packed(Words a, Words b) {
#if HWY_TARGET == HWY_NEON
  return Bytes(vcombine_u8(vqmovun_s16(a.raw), vqmovun_s16(b.raw)));
#elif HWY_TARGET == HWY_SSE4
  return Bytes{_mm_packus_epi16(a.raw, b.raw)};
#elif HWY_TARGET == HWY_AVX2
  return Bytes{_mm256_packus_epi16(a.raw, b.raw)};
#else
  return Bytes{_mm512_packus_epi16(a.raw, b.raw)};
#endif
}

// The lanes of a, then those of b.
HWY_INLINE Bytes packed_in_order(Words a, Words b) {
  const Bytes v = packed(a, b);
#if HWY_TARGET == HWY_AVX2
  return Bytes{_mm256_permute4x64_epi64(v.raw, 0xd8)};
#elif HWY_TARGET == HWY_AVX3
  const __m512i order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
  return Bytes{_mm512_permutexvar_epi64(order, v.raw)};
#else
  return v;
#endif
}

// Lane i is a[2i]*b[2i] + a[2i+1]*b[2i+1].
HWY_INLINE hn::Vec<I32> word_products(Words a, Words b) {
#if HWY_TARGET == HWY_NEON
  const int32x4_t low = vmull_s16(vget_low_s16(a.raw), vget_low_s16(b.raw));
  const int32x4_t high = vmull_high_s16(a.raw, b.raw);
  return hn::Vec<I32>(vpaddq_s32(low, high));
#elif HWY_TARGET == HWY_SSE4
  return hn::Vec<I32>{_mm_madd_epi16(a.raw, b.raw)};
#elif HWY_TARGET == HWY_AVX2
  return hn::Vec<I32>{_mm256_madd_epi16(a.raw, b.raw)};
#else
  return hn::Vec<I32>{_mm512_madd_epi16(a.raw, b.raw)};
#endif
}

// The same in one block.
HWY_INLINE hn::Vec<hn::Full128<std::int32_t>> block_products(
    hn::Vec<hn::Full128<std::int16_t>> a,
    hn::Vec<hn::Full128<std::int16_t>> b) {
#if HWY_TARGET == HWY_NEON
  return word_products(a, b);
#else
  return {_mm_madd_epi16(a.raw, b.raw)};
#endif
}

// In each block, the 32-bit lanes of a, then those of b.
HWY_INLINE Words packed_words(hn::Vec<I32> a, hn::Vec<I32> b) {
#if HWY_TARGET == HWY_NEON
  return Words(vcombine_s16(vqmovn_s32(a.raw), vqmovn_s32(b.raw)));
#elif HWY_TARGET == HWY_SSE4
  return Words{_mm_packs_epi32(a.raw, b.raw)};
#elif HWY_TARGET == HWY_AVX2
  return Words{_mm256_packs_epi32(a.raw, b.raw)};
#else
  return Words{_mm512_packs_epi32(a.raw, b.raw)};
#endif
}

// A block from each of line + at[0], line + at[step], ...
HWY_INLINE Bytes gathered(const std::uint8_t *line, const std::int32_t *at,
                          int step) {
  const U8Block block;
#if HWY_TARGET == HWY_AVX2
  return hn::Combine(u8, hn::LoadU(block, line + at[step]),
                     hn::LoadU(block, line + at[0]));
#elif HWY_TARGET == HWY_AVX3
  const hn::Half<U8> half;
  const auto low = hn::Combine(half, hn::LoadU(block, line + at[step]),
                               hn::LoadU(block, line + at[0]));
  const auto high = hn::Combine(half, hn::LoadU(block, line + at[3 * step]),
                                hn::LoadU(block, line + at[2 * step]));
  return hn::Combine(u8, high, low);
#else
  (void)step;
  return hn::LoadU(block, line + at[0]);
#endif
}

// The bits of halves, to the nearest, to even between two. What SSE4 has no
// instruction for Highway 1.0 does without rounding; see plain::half.
HWY_INLINE hn::Vec<hn::Half<U16>> halves(hn::Vec<F32> v) {
#if HWY_TARGET == HWY_SSE4
  const hn::RebindToUnsigned<F32> u32;
  const auto bits = hn::BitCast(u32, v);
  const auto sign = hn::And(bits, hn::Set(u32, 0x80000000));
  const auto size = hn::Xor(bits, sign);
  const auto odd = hn::And(hn::ShiftRight<13>(size), hn::Set(u32, 1));
  const auto usual =
      hn::ShiftRight<13>(hn::Add(hn::Add(size, hn::Set(u32, 0xc8000fff)), odd));
  const auto half = hn::Set(f32, 0.5f);
  const auto tiny =
      hn::Sub(hn::BitCast(u32, hn::Add(hn::BitCast(f32, size), half)),
              hn::BitCast(u32, half));
  const auto below = [&](std::int32_t limit) HWY_ATTR {
    return hn::RebindMask(u32,
                          hn::Lt(hn::BitCast(i32, size), hn::Set(i32, limit)));
  };
  const auto finite =
      hn::IfThenElse(below(0x47800000), usual, hn::Set(u32, 0x7c00));
  const auto whole = hn::Or(hn::IfThenElse(below(0x38800000), tiny, finite),
                            hn::ShiftRight<16>(sign));
  return hn::DemoteTo(hn::Half<U16>(), hn::BitCast(i32, whole));
#else
  const hn::Rebind<hwy::float16_t, F32> f16;
  return hn::BitCast(hn::Half<U16>(), hn::DemoteTo(f16, v));
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace preprocess
HWY_AFTER_NAMESPACE();

#endif
