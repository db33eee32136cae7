// Where the samples of a picture lie.
#pragma once

#include <cstddef>
#include <cstdint>

#include "preproc.h"

namespace preprocess {

// One colour component: sample i of a row is at byte i*step + phase.
struct Component {
  int plane;
  int step, phase;
  int width, height;        // samples
  double scale_x, scale_y;  // samples in a camera pixel
  // Camera pixel x is at sample x*scale + offset, both counted from the edge of
  // the first one.
  double offset_x = 0, offset_y = 0;
};

// How the bytes of a frame are to be read.
struct Model {
  bool rgb;  // else Y'CbCr, or luma alone
  int components;
  Component component[3];
  int planes;
  std::size_t row_bytes[PREPROC_MAX_PLANES];
  int rows[PREPROC_MAX_PLANES];
};

// The bytes of one frame. Row r of plane p is at data[p] + r*stride[p] and has
// at least Model::row_bytes[p] bytes; it belongs to the caller.
struct Pixels {
  const std::uint8_t *data[PREPROC_MAX_PLANES];
  std::size_t stride[PREPROC_MAX_PLANES];
};

// The planes of an uncompressed format, and its components as far as they are
// samples of 8 bits: see is_plain. The layout was checked.
Model raw_model(const preproc_format &format);

// The caller's planes as pixels; refuses planes that are too short.
Pixels raw_pixels(const preproc_format &format, const Model &model,
                  const std::uint8_t *const planes[],
                  const std::size_t lengths[]);

// The sides of an output's content along the camera's x and y.
inline int content_columns(const preproc_output &o) {
  return o.transpose ? o.content_height : o.content_width;
}
inline int content_rows(const preproc_output &o) {
  return o.transpose ? o.content_width : o.content_height;
}

// The samples of [start, start+length) camera pixels at `scale` samples a pixel
// and `offset`: from lo to hi, of count.
struct Span {
  int lo, hi;
};
Span span(int start, int length, double scale, double offset, int count);

}  // namespace preprocess
