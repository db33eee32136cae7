#include "output.h"

#include "status.h"

namespace preprocess {
namespace {

// The file format fixes what a tensor leaves open.
preproc_output as_encoded(preproc_output o) {
  if (o.encode != PREPROC_JPEG) return o;
  o.dtype = PREPROC_UINT8;
  o.layout = PREPROC_HWC;
  o.scale = 0;
  if (o.color == PREPROC_BGR) o.color = PREPROC_RGB;
  return o;
}

}  // namespace

Output::Output(const Kernels &kernels, const preproc_output &config)
    : config_(as_encoded(config)), store_(kernels, config_) {
  if (config_.encode != PREPROC_JPEG) return;
  picture_.resize(store_.bytes());
  encoder_ = std::make_unique<JpegEncoder>(
      config_.width, config_.height, config_.color == PREPROC_GRAY ? 1 : 3,
      config_.quality);
}

void Output::plan(int level, const Model &model, int matrix, int range) {
  plans_[level] = make_conversion(model, matrix, range, config_);
}

std::uint8_t *Output::begin(const Target &target) {
  if (encoder_) {
    if (!bordered_) store_.border(picture_.data());
    bordered_ = true;
    return picture_.data();
  }
  if (target.capacity < store_.bytes())
    refuse(PREPROC_ARGUMENT, "output has room for %zu bytes, needs %zu",
           target.capacity, store_.bytes());
  if (reinterpret_cast<std::uintptr_t>(target.data) % store_.element() != 0)
    refuse(PREPROC_ARGUMENT, "output is not aligned to its elements");
  if (!target.bordered) store_.border(target.data);
  return target.data;
}

std::size_t Output::finish(const Target &target) {
  if (!encoder_) return store_.bytes();
  return encoder_->encode(picture_.data(), target.data, target.capacity);
}

}  // namespace preprocess
