// The way of a frame: decode once, resample once for each group of outputs that
// show the same, then for each output make pixels, and encode where it is a
// file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "decode.h"
#include "file_output.h"
#include "group.h"
#include "output.h"
#include "part.h"
#include "picture.h"
#include "preproc.h"
#include "unpack.h"

namespace preprocess {

class Pipeline {
 public:
  Pipeline(const preproc_format &format, const preproc_output *outputs,
           std::size_t count);

  void run(const std::uint8_t *const planes[], const std::size_t lengths[],
           const Target targets[], std::uint64_t written[],
           preproc_measure *measure);

 private:
  void add(const Kernels &kernels, const preproc_output &output,
           std::size_t index);
  // Calls visit with all that makes outputs.
  template <typename Visit>
  void each_maker(Visit &&visit) {
    for (Group &group : groups_) visit(group);
    for (FileOutput &file : files_) visit(file);
  }
  int level_of(const Target targets[]);
  template <typename Decoder>
  void plan_levels(Decoder &decoder);
  void plan(int level);
  void plan_jpeg(const Sampling &sampling);
  bool chroma_of(const Target targets[]);
  Pixels decode(const std::uint8_t *data, std::size_t length,
                const Target targets[], int level);
  std::uint64_t content(std::uint64_t samples, const Pixels &source);
  std::uint64_t content_of(std::uint64_t samples, const Pixels &source);

  preproc_format format_;
  Model source_;           // the planes of the caller, of uncompressed formats
  Part part_;              // what all outputs together look at, due or not
  Model models_[kLevels];  // of the levels that plans were made for
  int levels_ = 1;
  std::size_t count_;            // of outputs
  std::vector<Output> outputs_;  // tensors
  std::vector<Group> groups_;
  std::vector<FileOutput> files_;
  std::unique_ptr<JpegDecoder> decoder_;  // of compressed formats
  std::unique_ptr<Unpacker> unpacker_;    // of those that are not plain
  std::optional<Sampling> sampling_;      // that the plans were made for
  // Of the newest uncompressed frame: the hash of its samples, what is known of
  // its content, and how many frames before it were the same.
  std::uint64_t samples_ = 0, content_ = 0;
  int still_ = 0;
};

}  // namespace preprocess
