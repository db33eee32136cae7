#include "lines.h"

#include <algorithm>
#include <cmath>

namespace preprocess {

Lines::Lines(const Kernels &kernels, const preproc_output &output)
    : kernels_(kernels),
      output_(output),
      columns_(content_columns(output)),
      rows_(content_rows(output)) {
  if (output.lens.model != PREPROC_NO_LENS) remap_.emplace(kernels, output);
  if (Tone::wanted(output)) tone_.emplace(output, columns_, rows_);
}

int Lines::coarsest() const {
  const preproc_output &o = source();
  if (o.filter == PREPROC_NEAREST) return 0;  // it means a pixel of the camera
  const int columns = content_columns(o), rows = content_rows(o);
  int level = 0;
  while (level + 1 < kLevels &&
         columns <= o.region_width / (2 << level) + 1e-9 &&
         rows <= o.region_height / (2 << level) + 1e-9)
    level++;
  return level;
}

Part Lines::part() const {
  const preproc_output &o = source();
  const int x = int(o.region_x), y = int(o.region_y);
  return {x, y, int(std::ceil(o.region_x + o.region_width)) - x,
          int(std::ceil(o.region_y + o.region_height)) - y};
}

void Lines::plan(int level, const Model &model, int range, int components,
                 const std::int16_t outside[3]) {
  resamplers_[level].emplace(kernels_, model, source(), components);
  if (tone_) tone_->plan(model, range);
  if (remap_) remap_->set_outside(outside);
  const int columns = std::max(columns_, resamplers_[level]->columns());
  for (Aligned<std::int16_t> &line : lines_) line.resize(columns);
}

// Takes what remap_ needs of the frame.
void Lines::straighten(const Frame &frame) {
  std::int16_t *const lines[] = {lines_[0].data(), lines_[1].data(),
                                 lines_[2].data()};
  for (int row = 0; row < frame.resampler.rows(); row++) {
    frame.resampler.row(frame.pixels, row, frame.components, lines);
    remap_->take(row, frame.components, lines);
  }
}

void Lines::make_row(const Frame &frame, int row, std::int16_t *const lines[]) {
  if (remap_)
    remap_->row(row, lines);
  else
    frame.resampler.row(frame.pixels, row, frame.components, lines);
}

// Has tone_ look at all rows, and keep them.
void Lines::adapt(const Frame &frame) {
  std::int16_t *const lines[] = {lines_[0].data(), lines_[1].data(),
                                 lines_[2].data()};
  tone_->begin();
  for (int row = 0; row < rows_; row++) {
    make_row(frame, row, lines);
    tone_->look(row, lines);
    for (int c = 0; c < frame.components; c++)
      std::copy(lines[c], lines[c] + columns_, tone_->kept(c, row));
  }
  tone_->end();
}

void Lines::finish_row(const Frame &frame, int row, std::int16_t *lines[3]) {
  for (int c = 0; c < 3; c++)
    lines[c] = adapts() && c < frame.components ? tone_->kept(c, row)
                                                : lines_[c].data();
  if (!adapts()) make_row(frame, row, lines);
  if (tone_) tone_->change(row, lines);
  if (remap_) remap_->fill_gaps(row, frame.components, lines);
}

}  // namespace preprocess
