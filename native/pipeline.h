// The way of a frame: decode once, then for each output resample, make pixels,
// and encode where it is a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "convert.h"
#include "decode.h"
#include "encode.h"
#include "part.h"
#include "picture.h"
#include "preproc.h"
#include "remap.h"
#include "resample.h"
#include "store.h"
#include "tone.h"

namespace preprocess {

// Memory of the caller for one output. data is null when it is not due.
struct Target {
  std::uint8_t *data;
  std::size_t capacity;
  bool bordered;  // the border stands there from a frame before
};

struct Grid {
  int columns, rows;
};

// One output, for frames of every level of decoding that it may come from.
class Output {
 public:
  Output(const Kernels &kernels, const preproc_output &config);

  // The highest level of decoding that still covers the content.
  int coarsest() const { return coarsest_; }

  // What is looked at of the camera's picture.
  Part part() const;

  bool gray() const { return config_.color == PREPROC_GRAY; }

  // Makes the tables for pixels of this model.
  void plan(int level, const Model &model, int matrix, int range);

  // Fills the target and returns its bytes.
  std::size_t run(int level, const Pixels &pixels, const Target &target);

 private:
  struct Plan {
    Resampler resampler;  // of what remap_ takes, where there is a lens
    Conversion conversion;
  };

  void render(int level, const Pixels &pixels, std::uint8_t *out,
              bool bordered);
  // What a Resampler makes of the frame.
  const preproc_output &source() const {
    return remap_ ? remap_->source() : config_;
  }
  void straighten(Plan &plan, const Pixels &pixels,
                  std::int16_t *const lines[]);
  void adapt(Plan &plan, const Pixels &pixels, std::int16_t *const lines[]);
  void make_row(Plan &plan, const Pixels &pixels, int row,
                std::int16_t *const lines[]);

  const Kernels &kernels_;
  preproc_output config_;
  Grid content_;  // as the camera has it
  std::optional<Remap> remap_;
  std::optional<Tone> tone_;
  int coarsest_;
  Store store_;
  std::optional<Plan> plans_[kLevels];
  std::unique_ptr<JpegEncoder> encoder_;
  std::vector<std::uint8_t> picture_;  // what the encoder reads
  bool bordered_ = false;              // picture_ is
  Aligned<std::int16_t> lines_[3];     // a row, by component
};

class Pipeline {
 public:
  Pipeline(const preproc_format &format, const preproc_output *outputs,
           std::size_t count);

  void run(const std::uint8_t *const planes[], const std::size_t lengths[],
           const Target targets[], std::uint64_t written[],
           preproc_measure *measure);

 private:
  int level_of(const Target targets[]) const;
  void plan_jpeg(const Sampling &sampling);
  bool chroma_of(const Target targets[]) const;
  Pixels decode(const std::uint8_t *data, std::size_t length,
                const Target targets[], int level);
  preproc_measure measured(int level, const Pixels &pixels);
  std::uint64_t content_of(std::uint64_t samples, const Pixels &pixels);

  preproc_format format_;
  Part part_;              // what all outputs together look at, due or not
  Model models_[kLevels];  // of the levels that plans were made for
  std::vector<Output> outputs_;
  std::unique_ptr<JpegDecoder> decoder_;  // of compressed formats
  std::optional<Sampling> sampling_;      // that the plans were made for
  // Of the newest uncompressed frame: the hash of its samples, what is known of
  // its content, and how many frames before it were the same.
  std::uint64_t samples_ = 0, content_ = 0;
  int still_ = 0;
};

}  // namespace preprocess
