// Colour, normalisation and element type: the numbers of the last kernel.
#pragma once

#include "kernels.h"
#include "picture.h"
#include "preproc.h"

namespace preprocess {

struct Conversion {
  int components;  // that are needed of the source
  int line[3];     // the components that are the lines of Kernels::pixels
  Colours colours;
  Elements elements;
};

// The values of integers run from 0 to 255: those of int8 are 128 too high,
// which is their top bit.

Elements elements_of(const preproc_output &output);

// The levels of a gray of 0 to 255, by component.
void gray_levels(const Model &model, int range, int gray,
                 std::int16_t levels[3]);

// matrix and range say how Y'CbCr is to be read (ITU-R BT.601, BT.709, BT.2020
// with non-constant luminance, SMPTE 240M); of RGB and gray, only range counts.
Conversion make_conversion(const Model &model, int matrix, int range,
                           const preproc_output &output);

// The way to Y' (channel 0), Cb or Cr of JFIF: BT.601 in full range, as bytes.
Conversion make_jfif(const Model &model, int matrix, int range, int channel);

}  // namespace preprocess
