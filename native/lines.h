// The rows of an output's content, as lines of levels.
#pragma once

#include <cstdint>
#include <optional>

#include "bytes.h"
#include "decode.h"
#include "part.h"
#include "picture.h"
#include "preproc.h"
#include "remap.h"
#include "resample.h"
#include "tone.h"

namespace preprocess {

// For frames of every level of decoding that they may come from: by resampling
// or, where the output has a lens, by way of a picture of our own; and with the
// tone that it asks for.
class Lines {
 public:
  Lines(const Kernels &kernels, const preproc_output &output);

  // The highest level of decoding that still covers the content.
  int coarsest() const;

  // What is looked at of the camera's picture.
  Part part() const;

  // Makes the tables for so many components of this model. What a lens does not
  // see becomes the levels of `outside`.
  void plan(int level, const Model &model, int range, int components,
            const std::int16_t outside[3]);

  // Calls take(row, lines) with each row of the content, in their order. Of the
  // components that were planned for, the first ones may be enough.
  template <typename Take>
  void each(int level, int components, const Pixels &pixels, Take &&take) {
    const Frame frame{*resamplers_[level], components, pixels};
    if (remap_) straighten(frame);
    if (adapts()) adapt(frame);
    for (int row = 0; row < rows_; row++) {
      std::int16_t *lines[3];
      finish_row(frame, row, lines);
      take(row, lines);
    }
  }

 private:
  // What a Resampler makes of the frame.
  const preproc_output &source() const {
    return remap_ ? remap_->source() : output_;
  }

  struct Frame {
    Resampler &resampler;
    int components;
    const Pixels &pixels;
  };

  bool adapts() const { return tone_ && tone_->adapts(); }
  void straighten(const Frame &frame);
  void adapt(const Frame &frame);
  void make_row(const Frame &frame, int row, std::int16_t *const lines[]);
  void finish_row(const Frame &frame, int row, std::int16_t *lines[3]);

  const Kernels &kernels_;
  preproc_output output_;
  int columns_, rows_;          // of the content, as the camera has it
  std::optional<Remap> remap_;  // where there is a lens
  std::optional<Tone> tone_;
  std::optional<Resampler> resamplers_[kLevels];
  Aligned<std::int16_t> lines_[3];  // a row, by component
};

}  // namespace preprocess
