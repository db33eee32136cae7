// Colour and normalisation, folded into one affine map.
#pragma once

#include "picture.h"
#include "preproc.h"

namespace preprocess {

// Channel c of an output is k0[c] plus the sum over the source's components s
// of k[c][s] times the sample, held between low[c] and high[c]: the values of
// black and white.
struct Colour {
  int components, channels;
  float k[3][3], k0[3], low[3], high[3];
  float pad[3];  // the value of letterbox borders
};

// The values of integers run from 0 to 255: those of int8 are 128 too high,
// which is their top bit.

// matrix and range say how Y'CbCr is to be read (ITU-R BT.601, BT.709, BT.2020
// with non-constant luminance, SMPTE 240M); of RGB and gray, only range counts.
Colour make_colour(const Model &model, int matrix, int range,
                   const preproc_output &output);

// Maps n samples of each component to n values of each channel.
void convert(const Colour &colour, const float *const components[], int n,
             float *const channels[]);

}  // namespace preprocess
