// Outputs that show the same at the same size: their rows are made once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels.h"
#include "lines.h"
#include "output.h"
#include "picture.h"
#include "preproc.h"

namespace preprocess {

class Group {
 public:
  // Of outputs that show what this one does.
  Group(const Kernels &kernels, const preproc_output &config);

  bool suits(const preproc_output &other) const;

  // Adds output `index` of the handle, which has to outlive the group.
  void add(Output &output, std::size_t index);

  int coarsest() const { return lines_.coarsest(); }
  Part part() const { return lines_.part(); }

  bool due(const Target targets[]) const;
  bool takes_chroma(const Target targets[]) const;

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

  preproc_output config_;
  Lines lines_;
  std::vector<Member> members_;
};

}  // namespace preprocess
