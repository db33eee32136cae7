// What the libraries and the processor say of themselves.

#include <cstdio>
// It takes FILE and size_t for granted.
#include <jpeglib.h>

#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

#include "preproc.h"

namespace {

struct Feature {
  int id;
  const char *name;
};

const Feature features[] = {
    {CV_CPU_SSE4_1, "SSE4.1"},     {CV_CPU_SSE4_2, "SSE4.2"},
    {CV_CPU_AVX, "AVX"},           {CV_CPU_AVX2, "AVX2"},
    {CV_CPU_FP16, "FP16"},         {CV_CPU_FMA3, "FMA3"},
    {CV_CPU_AVX512_SKX, "AVX512"}, {CV_CPU_NEON, "NEON"},
};

#define TEXT_OF(value) #value
#define TEXT(value) TEXT_OF(value)

}  // namespace

const char *preproc_opencv_version() noexcept { return CV_VERSION; }

const char *preproc_jpeg_version() noexcept {
  return TEXT(LIBJPEG_TURBO_VERSION);
}

const char *preproc_instruction_sets() noexcept {
  static const auto words = [] {
    struct Words {
      char text[128];
    } words{};
    int used = 0;
    for (const Feature &feature : features)
      if (cv::checkHardwareSupport(feature.id))
        used += std::snprintf(words.text + used, sizeof words.text - used,
                              "%s%s", used ? " " : "", feature.name);
    return words;
  }();
  return words.text;
}
