#include "output.h"

#include "status.h"

namespace preprocess {
Output::Output(const Kernels &kernels, const preproc_output &config)
    : config_(config), store_(kernels, config) {}

void Output::plan(int level, const Model &model, int matrix, int range) {
  plans_[level] = make_conversion(model, matrix, range, config_);
}

std::uint8_t *Output::begin(const Target &target) {
  if (target.capacity < store_.bytes())
    refuse(PREPROC_ARGUMENT, "output has room for %zu bytes, needs %zu",
           target.capacity, store_.bytes());
  if (reinterpret_cast<std::uintptr_t>(target.data) % store_.element() != 0)
    refuse(PREPROC_ARGUMENT, "output is not aligned to its elements");
  if (!target.bordered) store_.border(target.data);
  return target.data;
}

}  // namespace preprocess
