// Which instruction set the kernels use.
#pragma once

namespace preprocess {

enum class Simd { kNone, kSse4, kAvx2, kAvx512, kNeon };

// A word such as "avx2".
const char *simd_name(Simd set);

// Whether this build has kernels for the set, and this processor runs them.
bool simd_works(Simd set);

// The best set that works, or the one that the environment variable AGENT_SIMD
// names. Refuses a name that it does not know, and a set that does not work.
Simd simd_chosen();

}  // namespace preprocess
