// The resampling of a picture to the size of an output's content, a row at a
// time and still in the camera's colours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "axis.h"
#include "bytes.h"
#include "columns.h"
#include "kernels.h"
#include "picture.h"
#include "preproc.h"

namespace preprocess {

class Resampler {
 public:
  // components: how many of the model's components are wanted.
  Resampler(const Kernels &kernels, const Model &model,
            const preproc_output &output, int components);

  int columns() const { return columns_; }
  int rows() const { return rows_; }

  // Fills lines[c] with the levels (see kernels.h) of row `row` of component c,
  // for c < components, left to right as in the output where reverse_x asks for
  // that; rows are those of the camera. A line has room for columns() values
  // and kPadding bytes behind them.
  void row(const Pixels &pixels, int row, int components,
           std::int16_t *const lines[]);

 private:
  // The vertical step of a row of the output.
  struct Row {
    int first, taps;
    std::size_t weight;  // of the first tap, in Bank::weights
  };
  // The horizontal step of a component, or of two.
  struct Lane {
    int part;  // the line of bytes that it reads
    int component, other;
    Columns columns;
  };
  // How a row of bytes becomes lines: not at all, by taking every second, third
  // or fourth byte, by taking every second one twice, or slowly.
  enum class Split { kNone, kTwo, kTwoAndTwo, kThree, kFour, kEach };
  // Bytes of a row that are copied one by one, of kEach.
  struct Each {
    int first, step, count;
  };
  // A memory plane, whose components share the vertical step.
  struct Bank {
    int plane = 0, component = 0;  // the first one of its components
    Split split = Split::kNone;
    int again = 0;  // the part that kTwoAndTwo splits once more
    std::size_t first_byte = 0, bytes = 0;  // what the lanes need of a row
    std::size_t least = 0;                  // what they read of it in place
    std::vector<Each> each;
    std::vector<Row> rows;
    std::vector<std::int16_t> weights;
    std::vector<Lane> lanes;
  };

  void add(const Model &model, const preproc_output &output, int first,
           int count);
  void add_rows(const Axis &axis, Bank &bank) const;
  void add_lane(const Component &c, const Axis &axis, int component, int part,
                Bank &bank) const;
  bool add_pair(const Component c[], const Axis axis[], int component, int part,
                Bank &bank) const;
  void add_lanes(const Component c[], const Axis axis[], int first, int count,
                 Bank &bank) const;
  const std::uint8_t *blended(const Bank &bank, const Rows &rows);
  void parted(const Bank &bank, const Rows &rows, const std::uint8_t *parts[]);

  const Kernels &kernels_;
  int columns_, rows_;
  std::vector<Bank> banks_;
  Aligned<std::uint8_t> blended_, part_[4];
};

}  // namespace preprocess
