// What becomes of a frame in one output: a JPEG file in the caller's memory.
#pragma once

#include <cstddef>
#include <memory>

#include "encode.h"
#include "output.h"
#include "planes.h"

namespace preprocess {

class FileOutput {
 public:
  // Output `index` of the handle.
  FileOutput(const Kernels &kernels, const preproc_output &config,
             std::size_t index)
      : planes_(kernels, config),
        encoder_(std::make_unique<JpegEncoder>(
            config.width, config.height, planes_.count(), config.quality)),
        index_(index) {}

  int coarsest() const { return planes_.coarsest(); }
  Part part() const { return planes_.part(); }
  bool due(const Target targets[]) const {
    return targets[index_].data != nullptr;
  }
  bool takes_chroma(const Target targets[]) const {
    return due(targets) && planes_.count() > 1;
  }

  // Makes the tables for pixels of this model.
  void plan(int level, const Model &model, int matrix, int range) {
    planes_.plan(level, model, matrix, range);
  }

  // Fills its target, when it is due.
  void run(int level, const Pixels &pixels, const Target targets[],
           std::uint64_t written[]) {
    if (!due(targets)) return;
    planes_.render(level, pixels);
    written[index_] = encoder_->encode(planes_, targets[index_].data,
                                       targets[index_].capacity);
  }

 private:
  Planes planes_;
  std::unique_ptr<JpegEncoder> encoder_;
  std::size_t index_;
};

}  // namespace preprocess
