// Compiled once for each instruction set, as kernels.cc.
#include "unpacking.h"

#include "highway.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "unpacking.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

#include "bayer-inl.h"
#include "samples-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preprocess {
namespace HWY_NAMESPACE {

constexpr Simd kUnpackingSet = HWY_TARGET == HWY_NEON   ? Simd::kNeon
                               : HWY_TARGET == HWY_SSE4 ? Simd::kSse4
                               : HWY_TARGET == HWY_AVX2 ? Simd::kAvx2
                                                        : Simd::kAvx512;

constexpr Unpacking kUnpacking{kUnpackingSet, few16,    many16, words32,
                               mipi,          demosaic, cells};

}  // namespace HWY_NAMESPACE
}  // namespace preprocess
HWY_AFTER_NAMESPACE();

#endif

#if HWY_ONCE

namespace preprocess {

const Unpacking *find_unpacking(Simd set) {
  switch (set) {
#if HWY_ARCH_X86
    case Simd::kSse4:
      return &N_SSE4::kUnpacking;
    case Simd::kAvx2:
      return &N_AVX2::kUnpacking;
    case Simd::kAvx512:
      return &N_AVX3::kUnpacking;
#elif HWY_ARCH_ARM_A64
    case Simd::kNeon:
      return &N_NEON::kUnpacking;
#endif
    case Simd::kNone:
      return &plain::unpacking();
    default:
      return nullptr;
  }
}

}  // namespace preprocess

#endif
