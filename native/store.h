// The last step: where pixels go in an output, its orientation and borders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bytes.h"
#include "convert.h"
#include "kernels.h"
#include "preproc.h"

namespace preprocess {

class Store {
 public:
  Store(const Kernels &kernels, const preproc_output &output);

  // The bytes of the output, and of an element.
  std::size_t bytes() const { return bytes_; }
  std::size_t element() const { return element_; }

  // Writes the borders, all of what rows() does not.
  void border(std::uint8_t *out) const;

  // Writes row `row` of the content, of which these are the lines of levels by
  // component. Rows are the camera's, all of a picture in their order. out has
  // bytes() bytes and is aligned to its elements.
  void row(const Conversion &conversion, int row,
           const std::int16_t *const lines[], std::uint8_t *out);

 private:
  void make_pad(const preproc_output &output);
  void fill(std::uint8_t *out, int x, int y, int width, int height) const;
  void turned(const Conversion &conversion, int row,
              const std::int16_t *const lines[], std::uint8_t *out);
  void place_tile(int column, int count, std::uint8_t *out) const;

  const Kernels &kernels_;
  preproc_output output_;
  int channels_, columns_, rows_;  // of the content, as the camera has it
  std::size_t bytes_, element_;
  // Bytes from pixel to pixel, and of the planes of channels.
  std::size_t pixel_, plane_;
  std::vector<std::uint8_t> pad_;  // a row of border, by channel when planar
  std::size_t pad_row_ = 0;
  // Of an output that is transposed: kTile rows of the content, which are as
  // many columns of the output, as planes of channels.
  Aligned<std::uint8_t> tile_;
  std::size_t tile_row_ = 0, tile_plane_ = 0;
};

}  // namespace preprocess
