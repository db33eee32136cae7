// Outputs that show the same at the same size: their rows are made once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "bytes.h"
#include "decode.h"
#include "kernels.h"
#include "output.h"
#include "part.h"
#include "picture.h"
#include "preproc.h"
#include "remap.h"
#include "resample.h"
#include "tone.h"

namespace preprocess {

class Group {
 public:
  // Of outputs that show what this one does.
  Group(const Kernels &kernels, const preproc_output &config);

  bool suits(const preproc_output &other) const;

  // Adds output `index` of the handle, which has to outlive the group.
  void add(Output &output, std::size_t index);

  // The highest level of decoding that still covers the content.
  int coarsest() const { return coarsest_; }

  // What is looked at of the camera's picture.
  Part part() const;

  bool due(const Target targets[]) const;

  // Makes the tables for pixels of this model.
  void plan(int level, const Model &model, int matrix, int range);

  // Fills the targets of those of its outputs that are due.
  void run(int level, const Pixels &pixels, const Target targets[],
           std::uint64_t written[]);

 private:
  struct Member {
    Output *output;
    std::size_t index;
    std::uint8_t *to;  // of this frame; null when it is not due
  };

  // What a Resampler makes of the frame.
  const preproc_output &source() const {
    return remap_ ? remap_->source() : config_;
  }
  void straighten(Resampler &resampler, int components, const Pixels &pixels,
                  std::int16_t *const lines[]);
  void adapt(Resampler &resampler, int components, const Pixels &pixels,
             std::int16_t *const lines[]);
  void make_row(Resampler &resampler, int row, int components,
                const Pixels &pixels, std::int16_t *const lines[]);
  void make_rows(int level, int components, const Pixels &pixels);

  const Kernels &kernels_;
  preproc_output config_;
  int columns_, rows_;          // of the content, as the camera has it
  std::optional<Remap> remap_;  // where there is a lens
  std::optional<Tone> tone_;
  int coarsest_;
  std::vector<Member> members_;
  std::optional<Resampler> resamplers_[kLevels];
  Aligned<std::int16_t> lines_[3];  // a row, by component
};

}  // namespace preprocess
