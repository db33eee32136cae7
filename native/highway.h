// Highway as we use it: the instruction sets that our devices have, and nothing
// of its library. Its only parts that are no headers choose the instruction
// set, which simd.h does, and check the use of its functions in debug builds.
#pragma once

#include <hwy/detect_compiler_arch.h>

#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
// No kernel needs AES, which some virtual machines hide.
#define HWY_DISABLE_PCLMUL_AES
#undef HWY_IS_DEBUG_BUILD
#define HWY_IS_DEBUG_BUILD 0

// The table `name` of an instruction set, of which each has one in its
// namespace but Simd::kNone, whose is `plain`; null when this build has none.
#if HWY_ARCH_X86
#define NATIVE_TABLE_OF(set, name, plain)   \
  ((set) == Simd::kNone     ? &(plain)      \
   : (set) == Simd::kSse4   ? &N_SSE4::name \
   : (set) == Simd::kAvx2   ? &N_AVX2::name \
   : (set) == Simd::kAvx512 ? &N_AVX3::name \
                            : nullptr)
#elif HWY_ARCH_ARM_A64
#define NATIVE_TABLE_OF(set, name, plain) \
  ((set) == Simd::kNone   ? &(plain)      \
   : (set) == Simd::kNeon ? &N_NEON::name \
                          : nullptr)
#else
#define NATIVE_TABLE_OF(set, name, plain) \
  ((set) == Simd::kNone ? &(plain) : nullptr)
#endif
