// What becomes of the rows of one output: a tensor in the caller's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "convert.h"
#include "decode.h"
#include "picture.h"
#include "preproc.h"
#include "store.h"

namespace preprocess {

// Memory of the caller for one output. data is null when it is not due.
struct Target {
  std::uint8_t *data;
  std::size_t capacity;
  bool bordered;  // the border stands there from a frame before
};

// One tensor, for frames of every level of decoding that it may come from.
class Output {
 public:
  Output(const Kernels &kernels, const preproc_output &config);

  const preproc_output &config() const { return config_; }

  // Makes the numbers for pixels of this model.
  void plan(int level, const Model &model, int matrix, int range);

  // The components that are needed of the source.
  int components(int level) const { return plans_[level]->components; }

  // Begins with a frame: where its pixels go. Refuses a target that is too
  // small or crooked.
  std::uint8_t *begin(const Target &target);

  // Takes the levels of a row; see Store.
  void row(int level, int row, const std::int16_t *const lines[],
           std::uint8_t *out) {
    store_.row(*plans_[level], row, lines, out);
  }

  std::size_t bytes() const { return store_.bytes(); }

 private:
  preproc_output config_;
  Store store_;
  std::optional<Conversion> plans_[kLevels];
};

}  // namespace preprocess
