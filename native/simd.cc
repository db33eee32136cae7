#include "simd.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "kernels.h"
#include "status.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace preprocess {
namespace {

// From the best on.
const Simd sets[] = {Simd::kAvx512, Simd::kAvx2, Simd::kSse4, Simd::kNeon,
                     Simd::kNone};

#if defined(__x86_64__)
// clang 14 does not know it as a word.
bool has_f16c() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(1, &a, &b, &c, &d) != 0 && (c & bit_F16C) != 0;
}
#endif

// Asked of the compiler's runtime and not of Highway's, so that its library is
// not needed; and Highway 1.0 takes a processor of ARM without AES, which a
// Raspberry Pi 4 has, for one without NEON.
bool processor_has(Simd set) {
#if defined(__x86_64__)
  switch (set) {
    case Simd::kAvx512:
      return processor_has(Simd::kAvx2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512bw");
    case Simd::kAvx2:
      return processor_has(Simd::kSse4) && __builtin_cpu_supports("avx2") &&
             __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
             __builtin_cpu_supports("fma") && has_f16c();
    case Simd::kSse4:
      return __builtin_cpu_supports("ssse3") &&
             __builtin_cpu_supports("sse4.1") &&
             __builtin_cpu_supports("sse4.2");
    default:
      break;
  }
#endif
  return set == Simd::kNone || set == Simd::kNeon;
}

[[noreturn]] void refuse_name(const char *name) {
  char words[64] = "";
  for (const Simd set : sets)
    if (simd_works(set)) {
      if (words[0] != '\0') std::strcat(words, ", ");
      std::strcat(words, simd_name(set));
    }
  refuse(PREPROC_ARGUMENT, "AGENT_SIMD is \"%.32s\"; this machine has %s", name,
         words);
}

}  // namespace

const char *simd_name(Simd set) {
  switch (set) {
    case Simd::kSse4:
      return "sse4";
    case Simd::kAvx2:
      return "avx2";
    case Simd::kAvx512:
      return "avx512";
    case Simd::kNeon:
      return "neon";
    default:
      return "none";
  }
}

bool simd_works(Simd set) {
  return find_kernels(set) != nullptr && processor_has(set);
}

Simd simd_chosen() {
  const char *name = std::getenv("AGENT_SIMD");
  const bool any = name == nullptr || *name == '\0';
  for (const Simd set : sets)
    if (simd_works(set) && (any || std::strcmp(name, simd_name(set)) == 0))
      return set;
  refuse_name(name);
}

}  // namespace preprocess
