// libjpeg's way to report trouble, turned into refusals.
//
// libjpeg must not see a C++ exception pass through it: its error exit jumps
// back to a JPEG_GUARD, which stands in a function that has nothing to destroy.
#pragma once

#include <csetjmp>
#include <cstddef>
#include <cstdio>

// It takes FILE and size_t for granted.
#include <jpeglib.h>

#include "preproc.h"

namespace preprocess {

struct JpegErrors {
  jpeg_error_mgr base;  // first: libjpeg hands back its address
  std::jmp_buf jump;
  preproc_status status;
  char message[JMSG_LENGTH_MAX];

  // Lets `base` jump to `jump`. A warning counts as an error: the picture that
  // libjpeg would make of such a frame is partly invented.
  void install();

  // Reports what libjpeg has no word for; to be called from its callbacks.
  [[noreturn]] static void leave(j_common_ptr info, preproc_status status,
                                 const char *message);

  // The refusal of what was reported last.
  [[noreturn]] void refuse() const;
};

}  // namespace preprocess
