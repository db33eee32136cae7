// Frames whose samples are not bytes of their own to planes of bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "picture.h"
#include "samples.h"
#include "unpacking.h"

namespace preprocess {

// Unpacks frames of one uncompressed format, whose layout was checked, once for
// all outputs. Its planes hold the samples until the next frame.
//
// Y'CbCr and luma keep their grids. HSV and what lies behind a colour filter
// become red, green and blue; the latter also at level 1, half the size, with
// one pixel for each cell of the filter: nothing is made up there, and it costs
// a fraction of the whole.
class Unpacker {
 public:
  Unpacker(const Unpacking &loops, const preproc_format &format);

  // Levels that there are: level n has 1/2^n of the size.
  int levels() const { return levels_; }

  // What unpack(level) gives. Makes room for it: allocates.
  Model prepare(int level);

  // Unpacks a frame at a level that was prepared.
  Pixels unpack(const Pixels &source, int level);

 private:
  Model model(int level) const;
  void unpack_components(const Pixels &source);
  void unpack_hue(const Pixels &source);
  void demosaic(const Pixels &source);
  void demosaic_half(const Pixels &source);
  std::uint8_t *line(const Pixels &source, int row);
  std::uint8_t *at(int plane, int row) {
    return plane_[plane].data() + std::size_t(row) * stride_[plane];
  }

  const Unpacking &loops_;
  preproc_format format_;
  int levels_;
  std::vector<SampleReader> readers_;  // of the components
  std::vector<std::uint8_t> plane_[3];
  std::size_t stride_[3];
  std::vector<std::uint8_t> lines_;  // rows of samples behind a filter
};

}  // namespace preprocess
