#include "group.h"

#include <algorithm>
#include <cstring>

namespace preprocess {
namespace {

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
    : config_(config), lines_(kernels, config) {}

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

bool Group::takes_chroma(const Target targets[]) const {
  return std::any_of(members_.begin(), members_.end(), [&](const Member &m) {
    return targets[m.index].data != nullptr &&
           m.output->config().color != PREPROC_GRAY;
  });
}

void Group::plan(int level, const Model &model, int matrix, int range) {
  int components = 0;
  for (const Member &member : members_) {
    member.output->plan(level, model, matrix, range);
    components = std::max(components, member.output->components(level));
  }
  std::int16_t outside[3];
  gray_levels(model, range, config_.pad, outside);
  lines_.plan(level, model, range, components, outside);
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
  lines_.each(level, components, pixels,
              [&](int row, const std::int16_t *const lines[]) {
                for (const Member &member : members_)
                  if (member.to != nullptr)
                    member.output->row(level, row, lines, member.to);
              });
  for (const Member &member : members_)
    if (member.to != nullptr) written[member.index] = member.output->bytes();
}

}  // namespace preprocess
