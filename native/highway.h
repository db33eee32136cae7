// Highway as we use it: the instruction sets that our devices have, and nothing
// of its library. Its only parts that are no headers choose the instruction
// set, which simd.h does, and check the use of its functions in debug builds.
#pragma once

#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
// No kernel needs AES, which some virtual machines hide.
#define HWY_DISABLE_PCLMUL_AES
#undef HWY_IS_DEBUG_BUILD
#define HWY_IS_DEBUG_BUILD 0
