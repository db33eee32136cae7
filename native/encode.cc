#include "encode.h"

// After <jpeglib.h>, which it builds on.
#include <jerror.h>

#include <algorithm>

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

JpegEncoder::JpegEncoder(int width, int height, int components, int quality)
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
  info_.input_components = components;
  info_.in_color_space = components == 1 ? JCS_GRAYSCALE : JCS_YCbCr;
  jpeg_set_defaults(&info_);
  jpeg_set_quality(&info_, quality, TRUE);
  info_.raw_data_in = TRUE;
}

JpegEncoder::~JpegEncoder() { jpeg_destroy_compress(&info_); }

bool JpegEncoder::compress(const Planes &planes) {
  JSAMPROW rows[3][2 * DCTSIZE];
  JSAMPARRAY groups[3] = {rows[0], rows[1], rows[2]};
  if (setjmp(errors_.jump)) return false;
  jpeg_start_compress(&info_, TRUE);
  const int height = info_.max_v_samp_factor * DCTSIZE;
  for (int group = 0; info_.next_scanline < info_.image_height; group++) {
    for (int c = 0; c < planes.count(); c++) {
      const Plane &plane = planes.plane(c);
      const int count = info_.comp_info[c].v_samp_factor * DCTSIZE;
      for (int r = 0; r < count; r++) {
        // The last row stands for those below it.
        const int y = std::min(group * count + r, plane.height - 1);
        rows[c][r] =
            const_cast<JSAMPROW>(&plane.samples[std::size_t(y) * plane.stride]);
      }
    }
    jpeg_write_raw_data(&info_, groups, JDIMENSION(height));
  }
  jpeg_finish_compress(&info_);
  return true;
}

std::size_t JpegEncoder::encode(const Planes &planes, std::uint8_t *out,
                                std::size_t capacity) {
  destination_.next_output_byte = out;
  destination_.free_in_buffer = capacity;
  if (!compress(planes)) {
    jpeg_abort_compress(&info_);
    errors_.refuse();
  }
  return capacity - destination_.free_in_buffer;
}

}  // namespace preprocess
