#include "pipeline.h"

#include <algorithm>
#include <climits>

#include "hash.h"
#include "layout.h"
#include "measure.h"
#include "status.h"

namespace preprocess {

Pipeline::Pipeline(const preproc_format &format, const preproc_output *outputs,
                   std::size_t count)
    : format_(format), source_(), part_(), models_(), count_(count) {
  const Kernels &kernels = *find_kernels(simd_chosen());
  outputs_.reserve(count);  // groups know where they are
  for (std::size_t i = 0; i < count; i++) add(kernels, outputs[i], i);
  bool first = true;
  each_maker([&](const auto &maker) {
    part_ = first ? maker.part() : together(part_, maker.part());
    first = false;
  });
  if (format.kind == PREPROC_KIND_JPEG) {
    format_.matrix = PREPROC_BT601;
    format_.range = PREPROC_FULL;
    decoder_ = std::make_unique<JpegDecoder>(format.width, format.height);
    levels_ = kLevels;
    return;
  }
  source_ = raw_model(format);
  if (is_plain(format)) {
    models_[0] = source_;
    plan(0);
    return;
  }
  if (format.kind == PREPROC_KIND_HSV) format_.range = PREPROC_FULL;
  unpacker_ = std::make_unique<Unpacker>(*find_unpacking(kernels.set), format_);
  levels_ = unpacker_->levels();
  plan_levels(*unpacker_);
}

void Pipeline::add(const Kernels &kernels, const preproc_output &config,
                   std::size_t index) {
  if (config.encode == PREPROC_JPEG) {
    files_.emplace_back(kernels, config, index);
    return;
  }
  Output &output = outputs_.emplace_back(kernels, config);
  const auto group =
      std::find_if(groups_.begin(), groups_.end(),
                   [&](const Group &g) { return g.suits(config); });
  if (group == groups_.end())
    groups_.emplace_back(kernels, config).add(output, index);
  else
    group->add(output, index);
}

// Makes the tables for models_[level].
void Pipeline::plan(int level) {
  each_maker([&](auto &maker) {
    if (level <= maker.coarsest())
      maker.plan(level, models_[level], format_.matrix, format_.range);
  });
}

// The highest level that covers every output that is due.
int Pipeline::level_of(const Target targets[]) {
  int level = levels_ - 1;
  each_maker([&](const auto &maker) {
    if (maker.due(targets)) level = std::min(level, maker.coarsest());
  });
  return level;
}

// Outputs may be due in any combination: each gets a plan for every level that
// another one may force on it, so that no frame has to make one.
template <typename Decoder>
void Pipeline::plan_levels(Decoder &decoder) {
  int finest = levels_ - 1;
  each_maker(
      [&](const auto &maker) { finest = std::min(finest, maker.coarsest()); });
  for (int level = finest; level < levels_; level++) {
    models_[level] = decoder.prepare(level);
    plan(level);
  }
}

void Pipeline::plan_jpeg(const Sampling &sampling) {
  if (sampling_ == sampling) return;
  sampling_.reset();
  plan_levels(*decoder_);
  sampling_ = sampling;
}

bool Pipeline::chroma_of(const Target targets[]) {
  bool chroma = false;
  each_maker([&](const auto &maker) {
    chroma = chroma || maker.takes_chroma(targets);
  });
  return chroma;
}

Pixels Pipeline::decode(const std::uint8_t *data, std::size_t length,
                        const Target targets[], int level) {
  plan_jpeg(decoder_->read_header(data, length));
  return decoder_->decode(level, part_.y, part_.y + part_.height,
                          chroma_of(targets));
}

// The content of a frame is that of its bytes, however they were decoded:
// samples is a hash of those that were measured.
std::uint64_t Pipeline::content(std::uint64_t samples, const Pixels &source) {
  if (unpacker_) samples = hash_of_some(source_, source);
  if (!decoder_) return content_of(samples, source);
  const Bytes scans = decoder_->scans();
  Hash hash;
  hash.add(scans.data, scans.length);
  return hash.value();
}

// The samples of a live camera differ from frame to frame, by noise. Where they
// do not, only the whole tells a camera that repeats itself from one without
// noise, in whose picture something small moves. The whole is looked at for
// sixteen frames, and then at each sixteenth: it costs a sixth of the
// preprocessing.
std::uint64_t Pipeline::content_of(std::uint64_t samples,
                                   const Pixels &source) {
  constexpr int kEvery = 16;
  if (samples != samples_) {
    samples_ = content_ = samples;
    still_ = 0;
    return content_;
  }
  if (still_ < kEvery || still_ % kEvery == 0) {
    const std::uint64_t whole = hash_of(source_, source);
    if (whole != content_) still_ = 0;
    content_ = whole;
  }
  still_ = still_ < INT_MAX ? still_ + 1 : kEvery;
  return content_;
}

void Pipeline::run(const std::uint8_t *const planes[],
                   const std::size_t lengths[], const Target targets[],
                   std::uint64_t written[], preproc_measure *measure) {
  std::fill(written, written + count_, 0);
  if (measure != nullptr) *measure = {};
  const auto due = [](const Target &target) { return target.data != nullptr; };
  if (std::none_of(targets, targets + count_, due)) return;
  const int level = level_of(targets);
  const Pixels source =
      decoder_ ? Pixels{} : raw_pixels(format_, source_, planes, lengths);
  const Pixels pixels = decoder_ ? decode(planes[0], lengths[0], targets, level)
                        : unpacker_ ? unpacker_->unpack(source, level)
                                    : source;
  each_maker([&](auto &maker) { maker.run(level, pixels, targets, written); });
  // Last: what it looks at has just passed through the cache.
  if (measure == nullptr) return;
  Model model = models_[level];
  Pixels seen = pixels;
  narrow(part_, &model, &seen);
  *measure = preprocess::measure(format_, model, seen);
  measure->content = content(measure->content, source);
}

}  // namespace preprocess
