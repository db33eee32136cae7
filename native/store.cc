#include "store.h"

#include <algorithm>
#include <cstring>

#include "plain.h"
#include "status.h"

namespace preprocess {
namespace {

std::size_t element_bytes(int dtype) {
  return dtype == PREPROC_FLOAT32 ? 4 : dtype == PREPROC_FLOAT16 ? 2 : 1;
}

}  // namespace

Store::Store(const Kernels &kernels, const preproc_output &output)
    : kernels_(kernels),
      output_(output),
      channels_(output.color == PREPROC_GRAY ? 1 : 3),
      columns_(content_columns(output)),
      rows_(content_rows(output)) {
  const std::size_t pixels = product(output.width, output.height);
  element_ = element_bytes(output.dtype);
  bytes_ = product(pixels, channels_ * element_);
  const bool planar = output.layout == PREPROC_CHW;
  pixel_ = planar ? element_ : channels_ * element_;
  plane_ = planar ? pixels * element_ : 0;
  make_pad(output);
  if (!output.transpose) return;
  tile_row_ = product(columns_, element_);
  tile_plane_ = tile_row_ * kTile;
  tile_.resize(tile_plane_ * channels_);
}

// Columns `column` to column+count of the content, from the tile.
void Store::place_tile(int column, int count, std::uint8_t *out) const {
  Tile tile{};
  tile.from_row = tile_row_;
  tile.to_row = output_.width * pixel_;
  tile.rows = count;
  tile.columns = columns_;
  tile.channels = channels_;
  tile.element = element_;
  tile.interleaved = plane_ == 0;
  std::uint8_t *to = out + output_.content_y * tile.to_row +
                     (output_.content_x + column) * pixel_;
  for (int c = 0; c < channels_; c++) {
    tile.from[c] = tile_.data() + c * tile_plane_;
    tile.to[c] = to + c * plane_;
  }
  kernels_.turn(tile);
}

void Store::row(const Conversion &conversion, int row,
                const std::int16_t *const lines[], std::uint8_t *out) {
  const std::int16_t *ordered[3];
  for (int c = 0; c < 3; c++) ordered[c] = lines[conversion.line[c]];
  if (output_.transpose) return turned(conversion, row, ordered, out);
  const int y = output_.reverse_y ? rows_ - 1 - row : row;
  const std::size_t pixel =
      std::size_t(output_.content_y + y) * output_.width + output_.content_x;
  void *to[3];
  for (int c = 0; c < 3; c++) to[c] = out + pixel * pixel_ + c * plane_;
  kernels_.pixels(conversion.colours, conversion.elements, ordered, columns_,
                  to);
}

// Rows are gathered in planes, which are turned when the tile is full.
void Store::turned(const Conversion &conversion, int row,
                   const std::int16_t *const lines[], std::uint8_t *out) {
  const int first = row / kTile * kTile;
  const int count = std::min(kTile, rows_ - first);
  const int i = output_.reverse_y ? first + count - 1 - row : row - first;
  void *to[3];
  for (int c = 0; c < 3; c++)
    to[c] = tile_.data() + i * tile_row_ + c * tile_plane_;
  Elements planes = conversion.elements;
  planes.interleaved = false;
  kernels_.pixels(conversion.colours, planes, lines, columns_, to);
  if (row == first + count - 1)
    place_tile(output_.reverse_y ? rows_ - first - count : first, count, out);
}

// Makes the pixels of a row of border: what a gray picture of that level is.
void Store::make_pad(const preproc_output &output) {
  const Elements elements = elements_of(output);
  const int half = elements.element == Element::kUint8 ? kShade / 2 : 0;
  Colours colours{};
  colours.mix = Mix::kOne;
  colours.channels = channels_;
  colours.ceiling = std::int16_t(INT16_MAX - 255 * kShade - half);
  for (std::int16_t &base : colours.base)
    base = std::int16_t(output.pad * kShade + colours.ceiling + half);
  const std::vector<std::int16_t> black(output.width);
  const std::int16_t *lines[] = {black.data(), black.data(), black.data()};
  pad_row_ = product(output.width, pixel_);
  pad_.resize(product(pad_row_, plane_ ? channels_ : 1));
  void *to[3];
  for (int c = 0; c < 3; c++) to[c] = pad_.data() + c * pad_row_;
  plain::pixels(colours, elements, lines, output.width, to);
}

void Store::fill(std::uint8_t *out, int x, int y, int width, int height) const {
  for (int c = 0; c < (plane_ ? channels_ : 1); c++)
    for (int r = y; r < y + height; r++)
      std::memcpy(out + c * plane_ + r * pad_row_ + x * pixel_,
                  pad_.data() + c * pad_row_, width * pixel_);
}

void Store::border(std::uint8_t *out) const {
  const preproc_output &o = output_;
  const int right = o.content_x + o.content_width;
  const int bottom = o.content_y + o.content_height;
  fill(out, 0, 0, o.width, o.content_y);
  fill(out, 0, bottom, o.width, o.height - bottom);
  fill(out, 0, o.content_y, o.content_x, o.content_height);
  fill(out, right, o.content_y, o.width - right, o.content_height);
}

}  // namespace preprocess
