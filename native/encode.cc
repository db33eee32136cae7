#include "encode.h"

// After <jpeglib.h>, which it builds on.
#include <jerror.h>

#include "status.h"

namespace preprocess {
namespace {

void begin(j_compress_ptr) {}
void end(j_compress_ptr) {}

// The memory is the caller's: it does not grow.
boolean full(j_compress_ptr info) {
  ERREXIT1(info, JERR_BUFFER_SIZE, 0);
  return FALSE;
}

}  // namespace

JpegEncoder::JpegEncoder(int width, int height, int channels, int quality)
    : errors_(), info_(), destination_() {
  errors_.install();
  info_.err = &errors_.base;
  if (setjmp(errors_.jump)) errors_.refuse();
  jpeg_create_compress(&info_);
  destination_.init_destination = begin;
  destination_.empty_output_buffer = full;
  destination_.term_destination = end;
  info_.dest = &destination_;
  info_.image_width = JDIMENSION(width);
  info_.image_height = JDIMENSION(height);
  info_.input_components = channels;
  info_.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&info_);
  jpeg_set_quality(&info_, quality, TRUE);
}

JpegEncoder::~JpegEncoder() { jpeg_destroy_compress(&info_); }

bool JpegEncoder::compress(const std::uint8_t *pixels) {
  if (setjmp(errors_.jump)) return false;
  jpeg_start_compress(&info_, TRUE);
  const std::size_t stride =
      std::size_t(info_.image_width) * info_.input_components;
  while (info_.next_scanline < info_.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(pixels + info_.next_scanline * stride);
    jpeg_write_scanlines(&info_, &row, 1);
  }
  jpeg_finish_compress(&info_);
  return true;
}

std::size_t JpegEncoder::encode(const std::uint8_t *pixels, std::uint8_t *out,
                                std::size_t capacity) {
  destination_.next_output_byte = out;
  destination_.free_in_buffer = capacity;
  if (!compress(pixels)) {
    jpeg_abort_compress(&info_);
    errors_.refuse();
  }
  return capacity - destination_.free_in_buffer;
}

}  // namespace preprocess
