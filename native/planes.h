// An output as a JPEG stores it: luma and chroma in planes of their own, with
// the colours of JFIF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "convert.h"
#include "lines.h"
#include "picture.h"
#include "preproc.h"
#include "store.h"

namespace preprocess {

// Samples of a component: rows of `stride` bytes, of which those behind the
// width repeat the last sample.
struct Plane {
  int width, height, stride;
  std::vector<std::uint8_t> samples;
};

// Chroma is resampled from the camera to its own, halved size. As resampling
// and colour are both linear, that is the mean of the chroma of 2x2 pixels,
// which are never made.
class Planes {
 public:
  Planes(const Kernels &kernels, const preproc_output &output);

  int count() const { return int(planes_.size()); }  // 1 (gray) or 3
  const Plane &plane(int i) const { return planes_[i]; }

  int coarsest() const { return luma_.coarsest(); }
  Part part() const { return together(luma_.part(), chroma_.part()); }

  // Makes the tables for pixels of this model.
  void plan(int level, const Model &model, int matrix, int range);

  void render(int level, const Pixels &pixels);

 private:
  void add_plane(const Kernels &kernels, const preproc_output &config);
  void draw_borders();
  void clear_chroma();
  void soften(Plane &plane) const;
  void row(int plane, int level, int row, const std::int16_t *const lines[]);

  preproc_output config_[2];  // of luma and of chroma
  Lines luma_, chroma_;
  std::vector<Plane> planes_;  // samples from the first picture on: an output
                               // that nobody wants takes no memory
  std::vector<Store> stores_;
  Conversion conversions_[kLevels][3];
  bool coloured_ = false;  // the newest model
  int chroma_components_ = 0;
};

}  // namespace preprocess
