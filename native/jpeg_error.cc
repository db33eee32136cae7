#include "jpeg_error.h"

// After <jpeglib.h>, which it builds on.
#include <jerror.h>

#include <cstring>

#include "status.h"

namespace preprocess {
namespace {

preproc_status status_of(int code) {
  switch (code) {
    case JERR_BAD_PRECISION:
    case JERR_ARITH_NOTIMPL:
    case JERR_CCIR601_NOTIMPL:
    case JERR_COMPONENT_COUNT:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_FRACT_SAMPLE_NOTIMPL:
    case JERR_IMAGE_TOO_BIG:
    case JERR_NOT_COMPILED:
    case JERR_SOF_UNSUPPORTED:
      return PREPROC_UNSUPPORTED;
    case JERR_OUT_OF_MEMORY:
    case JERR_BUFFER_SIZE:
    case JERR_BAD_STATE:
      return PREPROC_FAILED;
  }
  return PREPROC_CORRUPT;
}

[[noreturn]] void leave_with_code(j_common_ptr info) {
  auto *errors = reinterpret_cast<JpegErrors *>(info->err);
  errors->status = status_of(info->err->msg_code);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->jump, 1);
}

void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // a trace
  info->err->num_warnings++;
  leave_with_code(info);
}

void print_nothing(j_common_ptr) {}

}  // namespace

void JpegErrors::install() {
  jpeg_std_error(&base);
  base.error_exit = leave_with_code;
  base.emit_message = on_message;
  base.output_message = print_nothing;
}

void JpegErrors::leave(j_common_ptr info, preproc_status status,
                       const char *message) {
  auto *errors = reinterpret_cast<JpegErrors *>(info->err);
  errors->status = status;
  std::snprintf(errors->message, sizeof errors->message, "%s", message);
  std::longjmp(errors->jump, 1);
}

void JpegErrors::refuse() const {
  preprocess::refuse(status, "jpeg: %.*s", int(PREPROC_DETAIL - 10), message);
}

}  // namespace preprocess
