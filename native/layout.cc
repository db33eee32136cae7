#include "layout.h"

#include "status.h"

namespace preprocess {
namespace {

// Of group sizes, steps and subsampling: more than any format has, and so
// little that no sum of ours overflows.
constexpr int kMost = 64;

bool in_range(int v, int first, int last) { return v >= first && v <= last; }

bool is_flag(int v) { return in_range(v, 0, 1); }

// Components of each kind.
constexpr int kComponents[] = {3, 3, 1, 1, 3, 0};

void check_words(const preproc_format &f) {
  if (!in_range(f.kind, PREPROC_KIND_YUV, PREPROC_KIND_JPEG) ||
      !in_range(f.packing, PREPROC_WORDS, PREPROC_MIPI) ||
      !in_range(f.matrix, PREPROC_BT601, PREPROC_HSV256) ||
      !in_range(f.range, PREPROC_LIMITED, PREPROC_FULL) || !is_flag(f.red_x) ||
      !is_flag(f.red_y))
    refuse(PREPROC_ARGUMENT, "format has a word without meaning");
  const bool hue = f.matrix >= PREPROC_HSV180;
  if (f.kind != PREPROC_KIND_JPEG && hue != (f.kind == PREPROC_KIND_HSV))
    refuse(PREPROC_ARGUMENT, "format of kind %d has matrix %d", int(f.kind),
           int(f.matrix));
}

void check_plane(const preproc_format &f, int p) {
  const preproc_plane &plane = f.plane[p];
  if (!in_range(plane.bytes, 1, kMost) || !in_range(plane.pixels, 1, kMost) ||
      !in_range(plane.rows, 1, kMost))
    refuse(
        PREPROC_ARGUMENT,
        "plane %d has %d bytes a %d pixels, a row in %d; allowed are 1 to %d",
        p, int(plane.bytes), int(plane.pixels), int(plane.rows), kMost);
  const std::size_t row = row_bytes(f, p);
  if (plane.stride < 0 || std::size_t(plane.stride) < row)
    refuse(PREPROC_ARGUMENT, "stride of plane %d is %d, a row has %zu bytes", p,
           int(plane.stride), row);
}

// MIPI packs by groups, which only formats of one component have.
void check_mipi(const preproc_format &f) {
  const preproc_component &c = f.component[0];
  const preproc_plane &plane = f.plane[0];
  if (f.components != 1 || f.planes != 1 || c.plane != 0 || c.hsub != 1 ||
      c.vsub != 1 || plane.rows != 1 || !in_range(c.bits, 10, 14) ||
      c.bits % 2 != 0 || plane.pixels != (c.bits == 12 ? 2 : 4) ||
      plane.bytes * 8 != plane.pixels * c.bits)
    refuse(PREPROC_ARGUMENT, "%d bits in groups of %d bytes are not MIPI's",
           int(c.bits), int(plane.bytes));
}

void check_component(const preproc_format &f, int i) {
  const preproc_component &c = f.component[i];
  const bool sub = f.kind == PREPROC_KIND_YUV && i > 0;
  if (!in_range(c.plane, 0, f.planes - 1) || !in_range(c.offset, 0, kMost) ||
      !in_range(c.step, 1, kMost) || !in_range(c.word, 1, 4) || c.word == 3 ||
      !is_flag(c.big_endian) || !in_range(c.bits, 1, 16) ||
      !in_range(c.shift, 0, 8 * c.word - c.bits) ||
      !in_range(c.hsub, 1, sub ? kMost : 1) ||
      !in_range(c.vsub, 1, sub ? kMost : 1))
    refuse(PREPROC_ARGUMENT, "component %d has a place without meaning", i);
  const int last = ceil_div(f.width, c.hsub) - 1;
  const preproc_plane &plane = f.plane[c.plane];
  if (std::size_t(last) * c.step + c.offset + c.word > row_bytes(f, c.plane) ||
      ceil_div(f.height, c.vsub) > ceil_div(f.height, plane.rows))
    refuse(PREPROC_ARGUMENT, "component %d reaches out of plane %d", i,
           int(c.plane));
}

}  // namespace

std::size_t row_bytes(const preproc_format &f, int p) {
  return std::size_t(ceil_div(f.width, f.plane[p].pixels)) * f.plane[p].bytes;
}

bool is_plain(const preproc_format &f) {
  if (f.packing != PREPROC_WORDS || f.kind > PREPROC_KIND_LUMA) return false;
  for (int i = 0; i < f.components; i++)
    if (f.component[i].word != 1 || f.component[i].bits != 8) return false;
  return true;
}

void check_layout(const preproc_format &f) {
  check_words(f);
  if (f.kind == PREPROC_KIND_JPEG) return;
  if (!in_range(f.planes, 1, PREPROC_MAX_PLANES) ||
      f.components != kComponents[f.kind])
    refuse(PREPROC_ARGUMENT, "format of kind %d has %d components in %d planes",
           int(f.kind), int(f.components), int(f.planes));
  for (int p = 0; p < f.planes; p++) check_plane(f, p);
  if (f.packing == PREPROC_MIPI) return check_mipi(f);
  for (int i = 0; i < f.components; i++) check_component(f, i);
}

}  // namespace preprocess
