// Lines of levels to pixels: colour, normalisation, element type and the order
// of the axes in one pass. See kernels.h.
#if defined(NATIVE_PIXELS_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef NATIVE_PIXELS_INL_H
#undef NATIVE_PIXELS_INL_H
#else
#define NATIVE_PIXELS_INL_H
#endif

#include <cstring>

#include "ops-inl.h"
#include "plain.h"

HWY_BEFORE_NAMESPACE();
namespace preprocess {
namespace HWY_NAMESPACE {

// The shades of kLanes pixels from x on.
template <Mix M, int Channels>
class Mixer {
 public:
  Mixer(const Colours &c, const std::int16_t *const lines[])
      : lines_{lines[0], lines[1], lines[2]},
        ceiling_(hn::Set(i16, c.ceiling)) {
    for (int k = 0; k < 3; k++) {
      gain_[k] = hn::Set(i16, c.gain[k]);
      base_[k] = hn::Set(i16, c.base[k]);
    }
    for (int k = 0; k < 2; k++) {
      far_[k] = hn::Set(i16, c.far[k]);
      near_[k] = hn::Set(i16, c.near[k]);
    }
  }

  HWY_INLINE void shades(std::size_t x, Words out[3]) const {
    const Words first = scaled(0, x, gain_[0]);
    if (M == Mix::kCopy) {
      out[0] = held(first, base_[0]);
      for (int k = 1; k < Channels; k++)
        out[k] = held(scaled(k, x, gain_[k]), base_[k]);
    } else if (M == Mix::kOne) {
      out[0] = held(first, base_[0]);
      for (int k = 1; k < Channels; k++) out[k] = out[0];
    } else if (M == Mix::kWeighted) {
      const Words others =
          hn::Add(scaled(1, x, gain_[1]), scaled(2, x, gain_[2]));
      out[0] = held(first, hn::Add(others, base_[0]));
    } else {
      out[0] = held(first, hn::Add(scaled(1, x, far_[0]), base_[0]));
      const Words both =
          hn::Add(scaled(1, x, near_[0]), scaled(2, x, near_[1]));
      out[1] = held(first, hn::Add(both, base_[1]));
      out[2] = held(first, hn::Add(scaled(2, x, far_[1]), base_[2]));
    }
  }

 private:
  HWY_INLINE Words scaled(int line, std::size_t x, Words factor) const {
    return hn::MulFixedPoint15(hn::LoadU(i16, lines_[line] + x), factor);
  }

  HWY_INLINE Words held(Words a, Words b) const {
    const Words sum = hn::SaturatedAdd(a, b);
    return hn::BitCast(i16, hn::SaturatedSub(hn::BitCast(u16, sum),
                                             hn::BitCast(u16, ceiling_)));
  }

  const std::int16_t *lines_[3];
  Words gain_[3], far_[2], near_[2], base_[3], ceiling_;
};

template <int Channels, bool Interleaved>
struct ToUint8 {
  using Type = std::uint8_t;
  static constexpr std::size_t kStep = kVector;

  explicit ToUint8(const Elements &e) : sign(hn::Set(u8, e.sign)) {}

  template <class Mixed>
  HWY_INLINE void store(const Mixed &mixer, std::size_t x, Type *const to[],
                        std::size_t at) const {
    Words low[3], high[3];
    mixer.shades(x, low);
    mixer.shades(x + kLanes, high);
    Bytes out[3];
    for (int k = 0; k < Channels; k++)
      out[k] = hn::Xor(packed_in_order(hn::ShiftRight<5>(low[k]),
                                       hn::ShiftRight<5>(high[k])),
                       sign);
    if (Interleaved && Channels == 3)
      hn::StoreInterleaved3(out[0], out[1], out[2], u8, to[0] + 3 * at);
    else
      for (int k = 0; k < Channels; k++) hn::StoreU(out[k], u8, to[k] + at);
  }

  Bytes sign;
};

// The floats of the lower or the upper half of a vector of shades.
template <int Channels>
class Normaliser {
 public:
  explicit Normaliser(const Elements &e) {
    for (int k = 0; k < Channels; k++) {
      scale_[k] = hn::Set(f32, e.scale[k]);
      shift_[k] = hn::Set(f32, e.shift[k]);
    }
  }

  HWY_INLINE hn::Vec<F32> lower(Words shades, int k) const {
    return normalised(hn::LowerHalf(hn::Half<I16>(), shades), k);
  }
  HWY_INLINE hn::Vec<F32> upper(Words shades, int k) const {
    return normalised(hn::UpperHalf(hn::Half<I16>(), shades), k);
  }

 private:
  template <class V>
  HWY_INLINE hn::Vec<F32> normalised(V half, int k) const {
    const auto whole = hn::ConvertTo(f32, hn::PromoteTo(i32, half));
    return hn::Add(hn::Mul(whole, scale_[k]), shift_[k]);
  }

  hn::Vec<F32> scale_[3], shift_[3];
};

template <int Channels, bool Interleaved>
struct ToQuantised {
  using Type = std::uint8_t;
  static constexpr std::size_t kStep = kLanes;
  using Half = hn::Half<U8>;

  explicit ToQuantised(const Elements &e)
      : normaliser(e), sign(hn::Set(Half(), e.sign)) {}

  HWY_INLINE static hn::Vec<I32> whole(hn::Vec<F32> v) {
    const auto held = hn::Min(hn::Max(v, hn::Zero(f32)), hn::Set(f32, 255));
    return hn::ConvertTo(i32, hn::Add(held, hn::Set(f32, 0.5f)));
  }

  template <class Mixed>
  HWY_INLINE void store(const Mixed &mixer, std::size_t x, Type *const to[],
                        std::size_t at) const {
    const hn::Half<I16> half;
    Words shades[3];
    mixer.shades(x, shades);
    hn::Vec<Half> out[3];
    for (int k = 0; k < Channels; k++) {
      const auto low = whole(normaliser.lower(shades[k], k));
      const auto high = whole(normaliser.upper(shades[k], k));
      const Words both =
          hn::Combine(i16, hn::DemoteTo(half, high), hn::DemoteTo(half, low));
      out[k] = hn::Xor(hn::DemoteTo(Half(), both), sign);
    }
    if (Interleaved && Channels == 3)
      hn::StoreInterleaved3(out[0], out[1], out[2], Half(), to[0] + 3 * at);
    else
      for (int k = 0; k < Channels; k++) hn::StoreU(out[k], Half(), to[k] + at);
  }

  Normaliser<Channels> normaliser;
  hn::Vec<Half> sign;
};

template <int Channels, bool Interleaved>
struct ToFloat32 {
  using Type = float;
  static constexpr std::size_t kStep = kLanes;

  explicit ToFloat32(const Elements &e) : normaliser(e) {}

  template <class Mixed>
  HWY_INLINE void store(const Mixed &mixer, std::size_t x, Type *const to[],
                        std::size_t at) const {
    Words shades[3];
    mixer.shades(x, shades);
    if (Interleaved && Channels == 3) {
      hn::StoreInterleaved3(
          normaliser.lower(shades[0], 0), normaliser.lower(shades[1], 1),
          normaliser.lower(shades[2], 2), f32, to[0] + 3 * at);
      hn::StoreInterleaved3(
          normaliser.upper(shades[0], 0), normaliser.upper(shades[1], 1),
          normaliser.upper(shades[2], 2), f32, to[0] + 3 * (at + kLanes / 2));
      return;
    }
    for (int k = 0; k < Channels; k++) {
      hn::StoreU(normaliser.lower(shades[k], k), f32, to[k] + at);
      hn::StoreU(normaliser.upper(shades[k], k), f32, to[k] + at + kLanes / 2);
    }
  }

  Normaliser<Channels> normaliser;
};

template <int Channels, bool Interleaved>
struct ToFloat16 {
  using Type = std::uint16_t;
  static constexpr std::size_t kStep = kLanes;

  explicit ToFloat16(const Elements &e) : normaliser(e) {}

  template <class Mixed>
  HWY_INLINE void store(const Mixed &mixer, std::size_t x, Type *const to[],
                        std::size_t at) const {
    Words shades[3];
    mixer.shades(x, shades);
    hn::Vec<U16> out[3];
    for (int k = 0; k < Channels; k++)
      out[k] = hn::Combine(u16, halves(normaliser.upper(shades[k], k)),
                           halves(normaliser.lower(shades[k], k)));
    if (Interleaved && Channels == 3)
      hn::StoreInterleaved3(out[0], out[1], out[2], u16, to[0] + 3 * at);
    else
      for (int k = 0; k < Channels; k++) hn::StoreU(out[k], u16, to[k] + at);
  }

  Normaliser<Channels> normaliser;
};

// What does not fill a vector is made beside the pixels and copied.
template <int Channels, bool Interleaved, class Mixed, class Store>
void row_of(const Mixed &mixer, const Store &store, std::size_t n,
            void *const to[]) {
  using T = typename Store::Type;
  T *out[3];
  for (int k = 0; k < Channels; k++) out[k] = static_cast<T *>(to[k]);
  std::size_t x = 0;
  for (; x + Store::kStep <= n; x += Store::kStep)
    store.store(mixer, x, out, x);
  if (x == n) return;
  alignas(64) T rest[3][Store::kStep];
  T *const parts[3] = {rest[0], rest[1], rest[2]};
  store.store(mixer, x, parts, 0);
  const bool one = Interleaved || Channels == 1;
  const std::size_t step = Interleaved ? Channels : 1;
  for (int k = 0; k < (one ? 1 : Channels); k++)
    std::memcpy(out[k] + x * step, rest[k], (n - x) * step * sizeof(T));
}

template <int Channels, bool Interleaved, class Mixed>
void elements_of(const Mixed &mixer, const Elements &e, std::size_t n,
                 void *const to[]) {
  switch (e.element) {
    case Element::kUint8:
      return row_of<Channels, Interleaved>(
          mixer, ToUint8<Channels, Interleaved>(e), n, to);
    case Element::kQuantised:
      return row_of<Channels, Interleaved>(
          mixer, ToQuantised<Channels, Interleaved>(e), n, to);
    case Element::kFloat32:
      return row_of<Channels, Interleaved>(
          mixer, ToFloat32<Channels, Interleaved>(e), n, to);
    case Element::kFloat16:
      return row_of<Channels, Interleaved>(
          mixer, ToFloat16<Channels, Interleaved>(e), n, to);
  }
}

template <Mix M>
void coloured(const Colours &c, const Elements &e,
              const std::int16_t *const lines[], std::size_t n,
              void *const to[]) {
  const Mixer<M, 3> mixer(c, lines);
  if (e.interleaved) return elements_of<3, true>(mixer, e, n, to);
  elements_of<3, false>(mixer, e, n, to);
}

void pixels(const Colours &c, const Elements &e,
            const std::int16_t *const lines[], std::size_t n,
            void *const to[]) {
  if (c.mix == Mix::kWeighted)
    return elements_of<1, false>(Mixer<Mix::kWeighted, 1>(c, lines), e, n, to);
  if (c.channels == 1)
    return elements_of<1, false>(Mixer<Mix::kOne, 1>(c, lines), e, n, to);
  if (c.mix == Mix::kOne) return coloured<Mix::kOne>(c, e, lines, n, to);
  if (c.mix == Mix::kCopy) return coloured<Mix::kCopy>(c, e, lines, n, to);
  coloured<Mix::kYuv>(c, e, lines, n, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace preprocess
HWY_AFTER_NAMESPACE();

#endif
