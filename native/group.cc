#include "group.h"

#include <algorithm>
#include <cmath>
#include <cstring>

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

// Whether the same is seen through two lenses, and around it.
bool same_lens(const preproc_output &a, const preproc_output &b) {
  if (a.lens.model == PREPROC_NO_LENS) return b.lens.model == PREPROC_NO_LENS;
  return std::memcmp(&a.lens, &b.lens, sizeof a.lens) == 0 && a.pad == b.pad &&
         a.reverse_y == b.reverse_y;
}

bool same_tone(const preproc_output &a, const preproc_output &b) {
  return a.gamma == b.gamma && a.clahe_clip == b.clahe_clip &&
         a.clahe_columns == b.clahe_columns && a.clahe_rows == b.clahe_rows;
}

}  // namespace

Group::Group(const Kernels &kernels, const preproc_output &config)
    : kernels_(kernels),
      config_(config),
      columns_(config.transpose ? config.content_height : config.content_width),
      rows_(config.transpose ? config.content_width : config.content_height),
      coarsest_(0) {
  if (config.lens.model != PREPROC_NO_LENS) remap_.emplace(kernels, config);
  if (Tone::wanted(config)) tone_.emplace(config, columns_, rows_);
  coarsest_ = coarsest_level(source());
}

Part Group::part() const {
  const preproc_output &o = source();
  const int x = int(o.region_x), y = int(o.region_y);
  return {x, y, int(std::ceil(o.region_x + o.region_width)) - x,
          int(std::ceil(o.region_y + o.region_height)) - y};
}

// All that a row depends on.
bool Group::suits(const preproc_output &other) const {
  const preproc_output &o = config_;
  return same_lens(o, other) && same_tone(o, other) &&
         o.content_width == other.content_width &&
         o.content_height == other.content_height &&
         o.region_x == other.region_x && o.region_y == other.region_y &&
         o.region_width == other.region_width &&
         o.region_height == other.region_height &&
         o.bounds_x == other.bounds_x && o.bounds_y == other.bounds_y &&
         o.bounds_width == other.bounds_width &&
         o.bounds_height == other.bounds_height && o.filter == other.filter &&
         o.transpose == other.transpose && o.reverse_x == other.reverse_x;
}

void Group::add(Output &output, std::size_t index) {
  members_.push_back({&output, index, nullptr});
}

bool Group::due(const Target targets[]) const {
  return std::any_of(members_.begin(), members_.end(), [&](const Member &m) {
    return targets[m.index].data != nullptr;
  });
}

void Group::plan(int level, const Model &model, int matrix, int range) {
  int components = 0;
  for (const Member &member : members_) {
    member.output->plan(level, model, matrix, range);
    components = std::max(components, member.output->components(level));
  }
  resamplers_[level].emplace(kernels_, model, source(), components);
  if (tone_) tone_->plan(model, range);
  int columns = resamplers_[level]->columns();
  if (remap_) {
    std::int16_t outside[3];
    gray_levels(model, range, config_.pad, outside);
    remap_->set_outside(outside);
    columns = std::max(columns, remap_->columns());
  }
  for (Aligned<std::int16_t> &line : lines_) line.resize(columns);
}

// Takes what remap_ needs of the frame.
void Group::straighten(Resampler &resampler, int components,
                       const Pixels &pixels, std::int16_t *const lines[]) {
  for (int row = 0; row < resampler.rows(); row++) {
    resampler.row(pixels, row, components, lines);
    remap_->take(row, components, lines);
  }
}

void Group::make_row(Resampler &resampler, int row, int components,
                     const Pixels &pixels, std::int16_t *const lines[]) {
  if (remap_)
    remap_->row(row, lines);
  else
    resampler.row(pixels, row, components, lines);
}

// Has tone_ look at all rows, and keep them.
void Group::adapt(Resampler &resampler, int components, const Pixels &pixels,
                  std::int16_t *const lines[]) {
  tone_->begin();
  for (int row = 0; row < rows_; row++) {
    make_row(resampler, row, components, pixels, lines);
    tone_->look(row, lines);
    for (int c = 0; c < components; c++)
      std::copy(lines[c], lines[c] + columns_, tone_->kept(c, row));
  }
  tone_->end();
}

// Makes each row, and hands it to the outputs that are due.
void Group::make_rows(int level, int components, const Pixels &pixels) {
  Resampler &resampler = *resamplers_[level];
  std::int16_t *const lines[] = {lines_[0].data(), lines_[1].data(),
                                 lines_[2].data()};
  const bool adapts = tone_ && tone_->adapts();
  if (remap_) straighten(resampler, components, pixels, lines);
  if (adapts) adapt(resampler, components, pixels, lines);
  for (int row = 0; row < rows_; row++) {
    std::int16_t *of_row[] = {lines[0], lines[1], lines[2]};
    for (int c = 0; adapts && c < components; c++)
      of_row[c] = tone_->kept(c, row);
    if (!adapts) make_row(resampler, row, components, pixels, lines);
    if (tone_) tone_->change(row, of_row);
    if (remap_) remap_->fill_gaps(row, components, of_row);
    for (const Member &member : members_)
      if (member.to != nullptr)
        member.output->row(level, row, of_row, member.to);
  }
}

void Group::run(int level, const Pixels &pixels, const Target targets[],
                std::uint64_t written[]) {
  int components = 0;
  for (Member &member : members_) {
    const Target &target = targets[member.index];
    member.to = target.data ? member.output->begin(target) : nullptr;
    if (member.to != nullptr)
      components = std::max(components, member.output->components(level));
  }
  if (components == 0) return;
  make_rows(level, components, pixels);
  for (const Member &member : members_)
    if (member.to != nullptr)
      written[member.index] = member.output->finish(targets[member.index]);
}

}  // namespace preprocess
