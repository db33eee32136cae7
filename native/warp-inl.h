// Undistorted rows out of a picture of four bytes a pixel. See kernels.h.
#if defined(NATIVE_WARP_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef NATIVE_WARP_INL_H
#undef NATIVE_WARP_INL_H
#else
#define NATIVE_WARP_INL_H
#endif

#include "ops-inl.h"
#include "plain.h"

HWY_BEFORE_NAMESPACE();
namespace preprocess {
namespace HWY_NAMESPACE {

// Four neighbours have sixteen samples, which is a block: wider vectors would
// only have to be put together.
using Block8 = hn::Full128<std::uint8_t>;
using Block16 = hn::Full128<std::int16_t>;
using Block32 = hn::Full128<std::int32_t>;
constexpr Block8 block8{};
constexpr Block16 block16{};
constexpr Block32 block32{};

// pair_sums of a block.
HWY_INLINE hn::Vec<Block16> block_pair_sums(hn::Vec<Block8> a,
                                            hn::Vec<Block8> b) {
#if HWY_TARGET == HWY_NEON
  return pair_sums(a, b);
#else
  return {_mm_maddubs_epi16(a.raw, b.raw)};
#endif
}

HWY_INLINE hn::Vec<Block16> block_packed_words(hn::Vec<Block32> a,
                                               hn::Vec<Block32> b) {
#if HWY_TARGET == HWY_NEON
  return packed_words(a, b);
#else
  return {_mm_packs_epi32(a.raw, b.raw)};
#endif
}

void pack(const std::int16_t *const lines[], std::size_t n,
          std::uint8_t *HWY_RESTRICT to) {
  const hn::Half<U8> bytes;
  const std::size_t step = hn::Lanes(i16);
  const auto rounded = [&](const std::int16_t *line) HWY_ATTR {
    const auto levels = hn::Add(hn::LoadU(i16, line), hn::Set(i16, kLevel / 2));
    return hn::DemoteTo(bytes, hn::ShiftRight<7>(levels));
  };
  std::size_t i = 0;
  for (; i + step <= n; i += step)
    hn::StoreInterleaved4(rounded(lines[0] + i), rounded(lines[1] + i),
                          rounded(lines[2] + i), hn::Zero(bytes), bytes,
                          to + 4 * i);
  const std::int16_t *const rest[] = {lines[0] + i, lines[1] + i, lines[2] + i};
  plain::pack(rest, n - i, to + 4 * i);
}

// Where the pixels of a run lie: bytes from the picture's first, and the parts
// of a step to the next pixel, as places in the tables of weights.
struct Places {
  HWY_ALIGN std::int32_t offset[kWarpRun], x[kWarpRun], y[kWarpRun];
};

HWY_INLINE void place(const Warp &w, const WarpRun &run, Places &places) {
  const auto zero = hn::Zero(block32);
  const auto stride = hn::Set(block32, std::int32_t(w.stride));
  const auto parts = [&](int steps) HWY_ATTR {
    return hn::Set(block32, w.nearest ? 0 : steps - 1);
  };
  for (int i = 0; i < kWarpRun; i += 4) {
    const auto column = hn::Iota(block32, i);
    const auto at = [&](std::int32_t first, std::int32_t step,
                        std::int32_t most) HWY_ATTR {
      const auto v = hn::Add(hn::Set(block32, first),
                             hn::Mul(column, hn::Set(block32, step)));
      return hn::Min(hn::Max(v, zero), hn::Set(block32, most));
    };
    const auto x = at(run.x, run.dx, w.right);
    const auto y = at(run.y, run.dy, w.bottom);
    const auto offset = hn::Add(hn::Mul(hn::ShiftRight<16>(y), stride),
                                hn::ShiftLeft<2>(hn::ShiftRight<16>(x)));
    hn::Store(offset, block32, places.offset + i);
    hn::Store(hn::And(hn::ShiftRight<9>(x), parts(kWarpX)), block32,
              places.x + i);
    hn::Store(hn::And(hn::ShiftRight<10>(y), parts(kWarpY)), block32,
              places.y + i);
  }
}

// The samples of four neighbours, weighted: four levels, of a component each.
HWY_INLINE hn::Vec<Block32> four_neighbours(const std::uint8_t *at,
                                            std::size_t stride,
                                            const std::uint8_t *y,
                                            const std::int16_t *x,
                                            hn::Vec<Block8> order) {
  const hn::Full64<std::uint8_t> half;
  const auto above = hn::ZeroExtendVector(block8, hn::LoadU(half, at));
  const auto below = hn::ZeroExtendVector(block8, hn::LoadU(half, at + stride));
  const auto pairs =
      hn::TableLookupBytes(hn::InterleaveLower(above, below), order);
  const auto columns = block_pair_sums(pairs, hn::Load(block8, y));
  const auto sums = block_products(columns, hn::Load(block16, x));
  return hn::ShiftRight<6>(hn::Add(sums, hn::Set(block32, 32)));
}

void warp(const Warp &w, std::int16_t *const to[]) {
  const plain::WarpWeights &weights = plain::warp_weights();
  HWY_ALIGN static constexpr std::uint8_t kOrder[] = {
      0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15};
  const auto order = hn::Load(block8, kOrder);
  for (int r = 0; r < w.count; r++) {
    Places p;
    place(w, w.runs[r], p);
    HWY_ALIGN std::int16_t pixels[4 * kWarpRun];
    const auto sample = [&](int i) HWY_ATTR {
      return four_neighbours(w.picture + p.offset[i], w.stride,
                             weights.y[p.y[i]], weights.x[p.x[i]], order);
    };
    for (int i = 0; i < kWarpRun; i += 2)
      hn::Store(block_packed_words(sample(i), sample(i + 1)), block16,
                pixels + 4 * i);
    hn::Vec<Block16> a, b, c, d;
    hn::LoadInterleaved4(block16, pixels, a, b, c, d);
    hn::StoreU(a, block16, to[0] + r * kWarpRun);
    hn::StoreU(b, block16, to[1] + r * kWarpRun);
    hn::StoreU(c, block16, to[2] + r * kWarpRun);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace preprocess
HWY_AFTER_NAMESPACE();

#endif
