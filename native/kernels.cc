// Compiled once for each instruction set, by Highway's foreach_target.h, which
// includes this file again.
#include "kernels.h"

#include "highway.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

// Highway's targets without vectors are not used: plain.cc is simpler.
#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

#include "blend-inl.h"
#include "columns-inl.h"
#include "pixels-inl.h"
#include "turn-inl.h"
#include "warp-inl.h"

HWY_BEFORE_NAMESPACE();
namespace preprocess {
namespace HWY_NAMESPACE {

constexpr Kernels kKernels{
    kSet,      kBlocks,     int(kLanes), blend,      blend_many, blend_split2,
    split3,    split4,      columns2,    columns2x2, columns4,   columns8,
    columns16, column_sums, pack,        warp,       pixels,     turn};

}  // namespace HWY_NAMESPACE
}  // namespace preprocess
HWY_AFTER_NAMESPACE();

#endif

#if HWY_ONCE

#include "plain.h"

namespace preprocess {

const Kernels *find_kernels(Simd set) {
  return NATIVE_TABLE_OF(set, kKernels, plain::kernels());
}

}  // namespace preprocess

#endif
