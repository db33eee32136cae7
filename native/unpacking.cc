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

constexpr Unpacking kUnpacking{kSet, few16,    many16, words32,
                               mipi, demosaic, cells};

}  // namespace HWY_NAMESPACE
}  // namespace preprocess
HWY_AFTER_NAMESPACE();

#endif

#if HWY_ONCE

namespace preprocess {

const Unpacking *find_unpacking(Simd set) {
  return NATIVE_TABLE_OF(set, kUnpacking, plain::unpacking());
}

}  // namespace preprocess

#endif
