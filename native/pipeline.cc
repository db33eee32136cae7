#include "pipeline.h"

#include <algorithm>
#include <climits>
#include <cmath>

#include "hash.h"
#include "measure.h"
#include "status.h"

namespace preprocess {
namespace {

int coarsest_level(const preproc_output &o) {
  if (o.filter == PREPROC_NEAREST) return 0;  // it means a pixel of the camera
  const int columns = o.transpose ? o.content_height : o.content_width;
  const int rows = o.transpose ? o.content_width : o.content_height;
  int level = 0;
  while (level + 1 < kLevels &&
         columns <= o.region_width / (2 << level) + 1e-9 &&
         rows <= o.region_height / (2 << level) + 1e-9)
    level++;
  return level;
}

Grid content_of(const preproc_output &o) {
  if (o.transpose) return {o.content_height, o.content_width};
  return {o.content_width, o.content_height};
}

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
    : kernels_(kernels),
      config_(as_encoded(config)),
      content_(content_of(config)),
      coarsest_(0),
      store_(kernels, config_) {
  if (config_.lens.model != PREPROC_NO_LENS) remap_.emplace(kernels, config_);
  if (Tone::wanted(config_))
    tone_.emplace(config_, content_.columns, content_.rows);
  coarsest_ = coarsest_level(source());
  if (config_.encode != PREPROC_JPEG) return;
  picture_.resize(store_.bytes());
  encoder_ = std::make_unique<JpegEncoder>(
      config_.width, config_.height, config_.color == PREPROC_GRAY ? 1 : 3,
      config_.quality);
}

Part Output::part() const {
  const preproc_output &o = source();
  const int x = int(o.region_x), y = int(o.region_y);
  return {x, y, int(std::ceil(o.region_x + o.region_width)) - x,
          int(std::ceil(o.region_y + o.region_height)) - y};
}

void Output::plan(int level, const Model &model, int matrix, int range) {
  const Conversion conversion = make_conversion(model, matrix, range, config_);
  plans_[level].emplace(Plan{
      Resampler(kernels_, model, source(), conversion.components), conversion});
  if (tone_) tone_->plan(model, range);
  int columns = plans_[level]->resampler.columns();
  if (remap_) {
    std::int16_t outside[3];
    gray_levels(model, range, config_.pad, outside);
    remap_->set_outside(outside);
    columns = std::max(columns, remap_->columns());
  }
  for (Aligned<std::int16_t> &line : lines_) line.resize(columns);
}

void Output::render(int level, const Pixels &pixels, std::uint8_t *out,
                    bool bordered) {
  Plan &plan = *plans_[level];
  std::int16_t *const lines[] = {lines_[0].data(), lines_[1].data(),
                                 lines_[2].data()};
  if (!bordered) store_.border(out);
  if (remap_) straighten(plan, pixels, lines);
  const bool adapts = tone_ && tone_->adapts();
  if (adapts) adapt(plan, pixels, lines);
  const int components = plan.conversion.components;
  for (int row = 0; row < content_.rows; row++) {
    std::int16_t *of_row[] = {lines[0], lines[1], lines[2]};
    for (int c = 0; adapts && c < components; c++)
      of_row[c] = tone_->kept(c, row);
    if (!adapts) make_row(plan, pixels, row, lines);
    if (tone_) tone_->change(row, of_row);
    if (remap_) remap_->fill_gaps(row, components, of_row);
    store_.row(plan.conversion, row, of_row, out);
  }
}

// Takes what remap_ needs of the frame.
void Output::straighten(Plan &plan, const Pixels &pixels,
                        std::int16_t *const lines[]) {
  for (int row = 0; row < plan.resampler.rows(); row++) {
    plan.resampler.row(pixels, row, lines);
    remap_->take(row, plan.conversion.components, lines);
  }
}

void Output::make_row(Plan &plan, const Pixels &pixels, int row,
                      std::int16_t *const lines[]) {
  if (remap_)
    remap_->row(row, lines);
  else
    plan.resampler.row(pixels, row, lines);
}

// Has tone_ look at all rows, and keep them.
void Output::adapt(Plan &plan, const Pixels &pixels,
                   std::int16_t *const lines[]) {
  tone_->begin();
  for (int row = 0; row < content_.rows; row++) {
    make_row(plan, pixels, row, lines);
    tone_->look(row, lines);
    for (int c = 0; c < plan.conversion.components; c++)
      std::copy(lines[c], lines[c] + content_.columns, tone_->kept(c, row));
  }
  tone_->end();
}

std::size_t Output::run(int level, const Pixels &pixels, const Target &target) {
  if (encoder_) {
    render(level, pixels, picture_.data(), bordered_);
    bordered_ = true;
    return encoder_->encode(picture_.data(), target.data, target.capacity);
  }
  if (target.capacity < store_.bytes())
    refuse(PREPROC_ARGUMENT, "output has room for %zu bytes, needs %zu",
           target.capacity, store_.bytes());
  if (reinterpret_cast<std::uintptr_t>(target.data) % store_.element() != 0)
    refuse(PREPROC_ARGUMENT, "output is not aligned to its elements");
  render(level, pixels, target.data, target.bordered);
  return store_.bytes();
}

Pipeline::Pipeline(const preproc_format &format, const preproc_output *outputs,
                   std::size_t count)
    : format_(format), part_(), models_() {
  const Kernels &kernels = *find_kernels(simd_chosen());
  for (std::size_t i = 0; i < count; i++)
    outputs_.emplace_back(kernels, outputs[i]);
  part_ = outputs_[0].part();
  for (const Output &output : outputs_) part_ = together(part_, output.part());
  if (format.kind == PREPROC_KIND_JPEG) {
    format_.matrix = PREPROC_BT601;
    format_.range = PREPROC_FULL;
    decoder_ = std::make_unique<JpegDecoder>(format.width, format.height);
    return;
  }
  const Model &model = models_[0] = raw_model(format);
  for (Output &output : outputs_)
    output.plan(0, model, format_.matrix, format_.range);
}

// The highest level that covers every output that is due.
int Pipeline::level_of(const Target targets[]) const {
  int level = kLevels - 1;
  for (std::size_t i = 0; i < outputs_.size(); i++)
    if (targets[i].data != nullptr)
      level = std::min(level, outputs_[i].coarsest());
  return level;
}

// Outputs may be due in any combination: each gets a plan for every level that
// another one may force on it, so that no frame has to make one.
void Pipeline::plan_jpeg(const Sampling &sampling) {
  if (sampling_ == sampling) return;
  sampling_.reset();
  int finest = kLevels;
  for (const Output &output : outputs_)
    finest = std::min(finest, output.coarsest());
  for (int level = finest; level < kLevels; level++) {
    const Model &model = models_[level] = decoder_->prepare(level);
    for (Output &output : outputs_)
      if (level <= output.coarsest())
        output.plan(level, model, format_.matrix, format_.range);
  }
  sampling_ = sampling;
}

bool Pipeline::chroma_of(const Target targets[]) const {
  for (std::size_t i = 0; i < outputs_.size(); i++)
    if (targets[i].data != nullptr && !outputs_[i].gray()) return true;
  return false;
}

Pixels Pipeline::decode(const std::uint8_t *data, std::size_t length,
                        const Target targets[], int level) {
  plan_jpeg(decoder_->read_header(data, length));
  return decoder_->decode(level, part_.y, part_.y + part_.height,
                          chroma_of(targets));
}

preproc_measure Pipeline::measured(int level, const Pixels &pixels) {
  Model model = models_[level];
  Pixels seen = pixels;
  narrow(part_, &model, &seen);
  preproc_measure m = measure(format_, model, seen);
  if (!decoder_) {
    m.content = content_of(m.content, pixels);
    return m;
  }
  const Bytes scans = decoder_->scans();
  Hash hash;
  hash.add(scans.data, scans.length);
  m.content = hash.value();
  return m;
}

// The samples of a live camera differ from frame to frame, by noise. Where they
// do not, only the whole tells a camera that repeats itself from one without
// noise, in whose picture something small moves. The whole is looked at for
// sixteen frames, and then at each sixteenth: it costs a sixth of the
// preprocessing.
std::uint64_t Pipeline::content_of(std::uint64_t samples,
                                   const Pixels &pixels) {
  constexpr int kEvery = 16;
  if (samples != samples_) {
    samples_ = content_ = samples;
    still_ = 0;
    return content_;
  }
  if (still_ < kEvery || still_ % kEvery == 0) {
    const std::uint64_t whole = hash_of(models_[0], pixels);
    if (whole != content_) still_ = 0;
    content_ = whole;
  }
  still_ = still_ < INT_MAX ? still_ + 1 : kEvery;
  return content_;
}

void Pipeline::run(const std::uint8_t *const planes[],
                   const std::size_t lengths[], const Target targets[],
                   std::uint64_t written[], preproc_measure *measure) {
  std::fill(written, written + outputs_.size(), 0);
  if (measure != nullptr) *measure = {};
  const auto due = [](const Target &target) { return target.data != nullptr; };
  if (std::none_of(targets, targets + outputs_.size(), due)) return;
  const int level = decoder_ ? level_of(targets) : 0;
  const Pixels pixels = decoder_
                            ? decode(planes[0], lengths[0], targets, level)
                            : raw_pixels(format_, models_[0], planes, lengths);
  for (std::size_t i = 0; i < outputs_.size(); i++)
    if (due(targets[i]))
      written[i] = outputs_[i].run(level, pixels, targets[i]);
  // Last: what it looks at has just passed through the cache.
  if (measure != nullptr) *measure = measured(level, pixels);
}

}  // namespace preprocess
