// The last step: element type, order of the axes, orientation and borders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "convert.h"
#include "preproc.h"

namespace preprocess {

class Store {
 public:
  Store(const preproc_output &output, const Colour &colour);

  // The bytes of the output, and of an element.
  std::size_t bytes() const { return bytes_; }
  std::size_t element() const { return element_; }

  // Writes the borders, all of what rows() does not.
  void border(std::uint8_t *out) const;

  // Writes row `row` of the content, which is in the camera's orientation:
  // channels[c] has its values. out has bytes() bytes and is aligned to
  // its elements.
  void row(int row, const float *const channels[], std::uint8_t *out);

 private:
  template <typename T>
  void fill(T *out, int x, int y, int width, int height) const;
  template <typename T>
  void border_of(T *out) const;
  template <typename T>
  void place(const T *values, int channel, std::ptrdiff_t pixel, T *out) const;

  preproc_output output_;
  float pad_[3];
  int channels_;
  std::size_t bytes_, element_;
  // Steps from element to element, in elements.
  std::ptrdiff_t pixel_step_, channel_step_;
  // Where the content begins, and its steps along the camera's axes, in pixels.
  std::ptrdiff_t origin_, step_x_, step_y_;
  int columns_;
  std::uint8_t sign_;               // 0x80 turns 0..255 into -128..127
  std::vector<std::uint8_t> line_;  // one row of one channel as elements
};

}  // namespace preprocess
