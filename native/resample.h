// The resampling of a picture to the size of an output's content, a row at a
// time and still in the camera's orientation and colours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "axis.h"
#include "picture.h"
#include "preproc.h"

namespace preprocess {

class Resampler {
 public:
  // components: how many of the model's components are wanted.
  Resampler(const Model &model, const preproc_output &output, int components);

  int columns() const { return columns_; }
  int rows() const { return rows_; }

  // Fills lines[c][0..columns) with row `row` of component c, 0 to 255.
  void row(const Pixels &pixels, int row, float *const lines[]);

 private:
  // A component's way along the row.
  struct Lane {
    int component;
    int step;
    Axis axis;
    std::vector<std::int32_t> offset;  // of the first tap, in blended_
  };
  // A memory plane, whose components share the vertical step.
  struct Bank {
    int plane;
    Axis axis;
    std::size_t first_byte, bytes;  // what the lanes need of a row
    std::vector<Lane> lanes;
  };

  void add(const Model &model, const preproc_output &output, int component);

  int columns_, rows_;
  std::vector<Bank> banks_;
  std::vector<float> blended_;
};

}  // namespace preprocess
