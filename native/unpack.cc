#include "unpack.h"

#include <algorithm>

#include "hue.h"
#include "layout.h"
#include "status.h"

namespace preprocess {
namespace {

// Rows of samples that are kept: a row, and those above and below.
constexpr int kLines = 3;
// Room before a row, so that the row itself is aligned.
constexpr std::size_t kMargin = kUnpackPadding;

// Rows of ours are a number of vectors of any instruction set.
std::size_t aligned(std::size_t n) {
  return (n + kUnpackPadding - 1) / kUnpackPadding * kUnpackPadding;
}

// A row with a sample more on both sides, and what is read behind it.
std::size_t line_bytes(int width) {
  return kMargin + aligned(std::size_t(width) + 1) + 2 * kUnpackPadding;
}

// Half a picture's components: red and blue are sited at their corner of the
// cell, a quarter of it from the middle, and the mean of both greens there.
Model cells_of(const preproc_format &f) {
  Model m{};
  const double red_x = 0.25 - 0.5 * f.red_x, red_y = 0.25 - 0.5 * f.red_y;
  const double x[] = {red_x, 0, -red_x}, y[] = {red_y, 0, -red_y};
  for (int c = 0; c < 3; c++)
    m.component[c] = {c, 1, 0, f.width / 2, f.height / 2, 0.5, 0.5, x[c], y[c]};
  return m;
}

// Each component in a plane of its own.
Model planes_of(const preproc_format &f) {
  Model m{};
  for (int c = 0; c < 3; c++) {
    const int i = f.kind == PREPROC_KIND_YUV ? c : 0;
    const preproc_component &from = f.component[i];
    m.component[c] = {c,
                      1,
                      0,
                      ceil_div(f.width, from.hsub),
                      ceil_div(f.height, from.vsub),
                      1.0 / from.hsub,
                      1.0 / from.vsub};
  }
  return m;
}

}  // namespace

Unpacker::Unpacker(const Unpacking &loops, const preproc_format &format)
    : loops_(loops), format_(format), levels_(1), stride_() {
  for (int i = 0; i < format.components; i++)
    readers_.emplace_back(loops, format, i);
  if (format.kind != PREPROC_KIND_BAYER) return;
  levels_ = format.width > 1 && format.height > 1 ? 2 : 1;
  lines_.resize(kLines * line_bytes(format.width));
}

Model Unpacker::model(int level) const {
  Model m = level > 0 ? cells_of(format_) : planes_of(format_);
  m.rgb = format_.kind != PREPROC_KIND_YUV && format_.kind != PREPROC_KIND_LUMA;
  m.components = m.planes = format_.kind == PREPROC_KIND_LUMA ? 1 : 3;
  for (int c = 0; c < m.components; c++) {
    m.row_bytes[c] = std::size_t(m.component[c].width);
    m.rows[c] = m.component[c].height;
  }
  return m;
}

Model Unpacker::prepare(int level) {
  const Model m = model(level);
  for (int c = 0; c < m.planes; c++) {
    const std::size_t bytes = product(aligned(m.row_bytes[c]), m.rows[c]);
    if (plane_[c].size() < bytes) plane_[c].resize(bytes);
  }
  return m;
}

Pixels Unpacker::unpack(const Pixels &source, int level) {
  const Model m = model(level);
  Pixels pixels{};
  for (int c = 0; c < m.planes; c++) {
    pixels.data[c] = plane_[c].data();
    pixels.stride[c] = stride_[c] = aligned(m.row_bytes[c]);
  }
  if (format_.kind == PREPROC_KIND_HSV)
    unpack_hue(source);
  else if (format_.kind != PREPROC_KIND_BAYER)
    unpack_components(source);
  else if (level == 0)
    demosaic(source);
  else
    demosaic_half(source);
  return pixels;
}

void Unpacker::unpack_components(const Pixels &source) {
  for (int i = 0; i < format_.components; i++) {
    const preproc_component &c = format_.component[i];
    const int columns = ceil_div(format_.width, c.hsub);
    const int rows = ceil_div(format_.height, c.vsub);
    for (int y = 0; y < rows; y++)
      readers_[i].read(source.data[c.plane] + y * source.stride[c.plane],
                       columns, at(i, y));
  }
}

void Unpacker::unpack_hue(const Pixels &source) {
  for (int y = 0; y < format_.height; y++) {
    std::uint8_t *const rows[] = {at(0, y), at(1, y), at(2, y)};
    for (int i = 0; i < 3; i++) {
      const int plane = format_.component[i].plane;
      readers_[i].read(source.data[plane] + y * source.stride[plane],
                       format_.width, rows[i]);
    }
    if (format_.matrix == PREPROC_HSV180)
      rgb_from_hsv180(format_.width, rows);
    else
      rgb_from_hsv256(format_.width, rows);
  }
}

// Row `row` of the samples, which stays until the third row after it is read.
std::uint8_t *Unpacker::line(const Pixels &source, int row) {
  std::uint8_t *line = lines_.data() + kMargin +
                       std::size_t(row % kLines) * line_bytes(format_.width);
  const int plane = format_.component[0].plane, n = format_.width;
  readers_[0].read(source.data[plane] + row * source.stride[plane], n, line);
  // Beyond the edge lies what lies as far before it, which is the same colour.
  line[-1] = line[std::min(1, n - 1)];
  line[n] = line[std::max(n - 2, 0)];
  return line;
}

void Unpacker::demosaic(const Pixels &source) {
  const int last = format_.height - 1;
  const std::size_t n = std::size_t(format_.width);
  std::uint8_t *here = line(source, 0);
  std::uint8_t *below = last > 0 ? line(source, 1) : here;
  std::uint8_t *above = below;
  for (int y = 0; y <= last; y++) {
    const bool red = y % 2 == format_.red_y;
    const int first = red ? format_.red_x : 1 - format_.red_x;
    loops_.demosaic(above, here, below, n, first, at(red ? 0 : 2, y), at(1, y),
                    at(red ? 2 : 0, y));
    above = here;
    here = below;
    below = y + 2 <= last ? line(source, y + 2) : above;
  }
}

void Unpacker::demosaic_half(const Pixels &source) {
  const bool red = format_.red_y == 0;  // in the upper row
  const int first = red ? format_.red_x : 1 - format_.red_x;
  for (int y = 0; y < format_.height / 2; y++) {
    const std::uint8_t *upper = line(source, 2 * y);
    const std::uint8_t *lower = line(source, 2 * y + 1);
    loops_.cells(upper, lower, std::size_t(format_.width / 2), first,
                 at(red ? 0 : 2, y), at(1, y), at(red ? 2 : 0, y));
  }
}

}  // namespace preprocess
