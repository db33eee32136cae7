// Undistortion: rows of the content are made from a picture of our own, which
// is the part of the frame that they need, made smaller as far as the outputs
// allow. So the filter covers what a pixel covers, though a row is bilinear.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bytes.h"
#include "kernels.h"
#include "lens.h"
#include "picture.h"
#include "preproc.h"

namespace preprocess {

// Whole pixels of a side of the camera's picture, and how many samples of ours
// they become.
struct Side {
  int first, length, samples;
};

class Remap {
 public:
  Remap(const Kernels &kernels, const preproc_output &output);

  int columns() const { return columns_; }
  int rows() const { return rows_; }

  // What a Resampler has to make of the frame: its content is our picture.
  const preproc_output &source() const { return source_; }

  // What is outside of the camera's picture becomes these levels, by component.
  void set_outside(const std::int16_t levels[3]);

  // Takes row `row` of the source's content, lines of levels by component.
  void take(int row, int components, const std::int16_t *const lines[]);

  // Fills lines[c] with the levels of row `row`, as Resampler::row does, but
  // for what shows nothing, where anything is. Only after all rows were taken.
  void row(int row, std::int16_t *const lines[]);

  // Fills in what shows nothing.
  void fill_gaps(int row, int components, std::int16_t *const lines[]) const;

 private:
  // Columns of a row that show nothing.
  struct Gap {
    int first, end;
  };

  void add_gaps(int column, unsigned seen);
  void place(const preproc_output &output, const Side &x, const Side &y);

  const Kernels &kernels_;
  int columns_, rows_;
  preproc_output source_;
  Warp warp_;
  std::vector<WarpRun> runs_;        // row by row
  std::vector<Gap> gaps_;            // in the order of rows
  std::vector<std::size_t> gap_of_;  // the first one of each row, and the end
  Aligned<std::uint8_t> picture_;
  std::int16_t outside_[3];
};

}  // namespace preprocess
