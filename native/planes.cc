#include "planes.h"

#include <algorithm>
#include <cstring>

#include "status.h"

namespace preprocess {
namespace {

// `count` pixels from `at` on, as samples that cover two each: the first one
// and the last one may cover a pixel more than there is.
struct Halves {
  int at, count;
  int before, after;
};

Halves halves(int at, int count) {
  const int first = at / 2, end = (at + count + 1) / 2;
  return {first, end - first, at - 2 * first, 2 * end - at - count};
}

// The camera's side of an axis: `content` pixels are `length`.
void widen(const Halves &h, bool reversed, int content, double *start,
           double *length) {
  const double pixel = *length / content;
  *start -= (reversed ? h.after : h.before) * pixel;
  *length = 2 * h.count * pixel;
}

preproc_output as_plane(preproc_output o) {
  o.color = PREPROC_GRAY;
  o.dtype = PREPROC_UINT8;
  o.layout = PREPROC_HWC;
  o.scale = 0;
  return o;
}

// Chroma of the same picture. Its samples are means whatever the filter is: it
// is a sampling that the file's format asks for.
preproc_output halved(preproc_output o) {
  const Halves x = halves(o.content_x, o.content_width);
  const Halves y = halves(o.content_y, o.content_height);
  widen(o.transpose ? y : x, o.reverse_x, content_columns(o), &o.region_x,
        &o.region_width);
  widen(o.transpose ? x : y, o.reverse_y, content_rows(o), &o.region_y,
        &o.region_height);
  o.width = (o.width + 1) / 2;
  o.height = (o.height + 1) / 2;
  o.content_x = x.at;
  o.content_y = y.at;
  o.content_width = x.count;
  o.content_height = y.count;
  o.filter = PREPROC_AREA;
  o.gamma = o.clahe_clip = 0;  // which leave chroma as it is
  o.pad = 128;
  return o;
}

// libjpeg reads whole blocks.
int whole_blocks(int width) { return (width + 7) / 8 * 8; }

void repeat_last(Plane &plane) {
  if (plane.stride == plane.width) return;
  for (int y = 0; y < plane.height; y++) {
    std::uint8_t *end =
        &plane.samples[std::size_t(y) * plane.stride + plane.width];
    std::memset(end, end[-1], plane.stride - plane.width);
  }
}

bool takes_luma(const Conversion &c) {
  for (int k = 0; k < 3; k++)
    if (c.colours.gain[k] != 0 && c.line[k] == 0) return true;
  return false;
}

// The same for a model without luma.
Conversion without_luma(Conversion c) {
  for (int &line : c.line) line = std::max(0, line - 1);
  return c;
}

Model without_luma(Model model) {
  model.component[0] = model.component[1];
  model.component[1] = model.component[2];
  model.components = 2;
  return model;
}

}  // namespace

Planes::Planes(const Kernels &kernels, const preproc_output &output)
    : config_{as_plane(output), halved(as_plane(output))},
      luma_(kernels, config_[0]),
      chroma_(kernels, config_[1]) {
  add_plane(kernels, config_[0]);
  if (output.color == PREPROC_GRAY) return;
  add_plane(kernels, config_[1]);
  add_plane(kernels, config_[1]);
}

void Planes::add_plane(const Kernels &kernels, const preproc_output &config) {
  preproc_output padded = config;
  padded.width = whole_blocks(config.width);
  planes_.push_back({config.width, config.height, padded.width, {}});
  stores_.emplace_back(kernels, padded);
}

// What is not content never changes: the border, and chroma without colours.
void Planes::draw_borders() {
  for (int i = 0; i < count(); i++)
    planes_[i].samples.assign(product(planes_[i].stride, planes_[i].height),
                              config_[i > 0].pad);
}

void Planes::plan(int level, const Model &model, int matrix, int range) {
  Conversion *c = conversions_[level];
  for (int i = 0; i < 3; i++) c[i] = make_jfif(model, matrix, range, i);
  std::int16_t pad[3];
  gray_levels(model, range, config_[0].pad, pad);
  luma_.plan(level, model, range, c[0].components, pad);
  coloured_ = count() > 1 && model.components > 1;
  if (!coloured_) return clear_chroma();
  if (takes_luma(c[1]) || takes_luma(c[2]))
    return chroma_.plan(level, model, range, chroma_components_ = 3, pad);
  c[1] = without_luma(c[1]);
  c[2] = without_luma(c[2]);
  const std::int16_t chroma[] = {pad[1], pad[2], 0};
  chroma_components_ = 2;
  chroma_.plan(level, without_luma(model), range, 2, chroma);
}

// Chroma at the content's edge is half the border's where it covers a pixel of
// that.
void Planes::soften(Plane &plane) const {
  const preproc_output &luma = config_[0], &chroma = config_[1];
  const int left = chroma.content_x, top = chroma.content_y;
  const int right = left + chroma.content_width - 1;
  const int bottom = top + chroma.content_height - 1;
  const auto mix = [&](int x, int y, int width, int height) {
    for (int row = y; row < y + height; row++)
      for (int column = x; column < x + width; column++) {
        std::uint8_t &sample =
            plane.samples[std::size_t(row) * plane.stride + column];
        sample = std::uint8_t((sample + chroma.pad + 1) / 2);
      }
  };
  const int end_x = luma.content_x + luma.content_width;
  const int end_y = luma.content_y + luma.content_height;
  if (luma.content_x % 2) mix(left, top, 1, chroma.content_height);
  if (end_x % 2 && end_x < luma.width)
    mix(right, top, 1, chroma.content_height);
  if (luma.content_y % 2) mix(left, top, chroma.content_width, 1);
  if (end_y % 2 && end_y < luma.height)
    mix(left, bottom, chroma.content_width, 1);
}

// After frames with colours.
void Planes::clear_chroma() {
  for (int i = 1; i < count(); i++)
    std::fill(planes_[i].samples.begin(), planes_[i].samples.end(), 128);
}

void Planes::row(int plane, int level, int row,
                 const std::int16_t *const lines[]) {
  stores_[plane].row(conversions_[level][plane], row, lines,
                     planes_[plane].samples.data());
}

void Planes::render(int level, const Pixels &pixels) {
  if (planes_[0].samples.empty()) draw_borders();
  luma_.each(level, conversions_[level][0].components, pixels,
             [&](int y, const std::int16_t *const *lines) {
               row(0, level, y, lines);
             });
  if (coloured_) {
    chroma_.each(level, chroma_components_, pixels,
                 [&](int y, const std::int16_t *const *lines) {
                   row(1, level, y, lines);
                   row(2, level, y, lines);
                 });
    soften(planes_[1]);
    soften(planes_[2]);
  }
  for (Plane &plane : planes_) repeat_last(plane);
}

}  // namespace preprocess
