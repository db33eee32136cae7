#include "picture.h"

#include "status.h"

namespace preprocess {
namespace {

constexpr std::uint32_t fourcc(const char (&c)[5]) {
  return std::uint32_t(std::uint8_t(c[0])) |
         std::uint32_t(std::uint8_t(c[1])) << 8 |
         std::uint32_t(std::uint8_t(c[2])) << 16 |
         std::uint32_t(std::uint8_t(c[3])) << 24;
}

// A line of the table of formats: component c lies in plane[c] at step, phase;
// chroma is subsampled by hsub, vsub. Plane p has bytes[p] bytes for each group
// of group[p] pixels of a row.
struct Arrangement {
  std::uint32_t pixel_format;
  bool rgb;
  int components;
  int plane[3], step[3], phase[3];
  int hsub, vsub;
  int planes;
  int bytes[3], group[3];
};

const Arrangement arrangements[] = {
    {fourcc("YUYV"),
     false,
     3,
     {0, 0, 0},
     {2, 4, 4},
     {0, 1, 3},
     2,
     1,
     1,
     {4},
     {2}},
    {fourcc("UYVY"),
     false,
     3,
     {0, 0, 0},
     {2, 4, 4},
     {1, 0, 2},
     2,
     1,
     1,
     {4},
     {2}},
    {fourcc("NV12"),
     false,
     3,
     {0, 1, 1},
     {1, 2, 2},
     {0, 0, 1},
     2,
     2,
     2,
     {1, 2},
     {1, 2}},
    {fourcc("YU12"),
     false,
     3,
     {0, 1, 2},
     {1, 1, 1},
     {0, 0, 0},
     2,
     2,
     3,
     {1, 1, 1},
     {1, 2, 2}},
    {fourcc("GREY"), false, 1, {0}, {1}, {0}, 1, 1, 1, {1}, {1}},
    {fourcc("RGB3"),
     true,
     3,
     {0, 0, 0},
     {3, 3, 3},
     {0, 1, 2},
     1,
     1,
     1,
     {3},
     {1}},
    {fourcc("BGR3"),
     true,
     3,
     {0, 0, 0},
     {3, 3, 3},
     {2, 1, 0},
     1,
     1,
     1,
     {3},
     {1}},
};

int ceil_div(int a, int b) { return (a + b - 1) / b; }

Model model_of(const Arrangement &a, int width, int height) {
  Model m{};
  m.rgb = a.rgb;
  m.components = a.components;
  m.planes = a.planes;
  for (int p = 0; p < a.planes; p++) {
    m.row_bytes[p] = std::size_t(ceil_div(width, a.group[p])) * a.bytes[p];
    m.rows[p] = ceil_div(height, p > 0 ? a.vsub : 1);
  }
  for (int c = 0; c < a.components; c++) {
    const int hsub = c > 0 ? a.hsub : 1, vsub = c > 0 ? a.vsub : 1;
    m.component[c] = {a.plane[c],
                      a.step[c],
                      a.phase[c],
                      ceil_div(width, hsub),
                      ceil_div(height, vsub),
                      1.0 / hsub,
                      1.0 / vsub};
  }
  return m;
}

}  // namespace

bool is_compressed(std::uint32_t pixel_format) {
  return pixel_format == fourcc("MJPG") || pixel_format == fourcc("JPEG");
}

Model raw_model(const preproc_format &format) {
  for (const Arrangement &a : arrangements)
    if (a.pixel_format == format.pixel_format)
      return model_of(a, format.width, format.height);
  refuse(PREPROC_UNSUPPORTED, "pixel format 0x%08x is not known",
         unsigned(format.pixel_format));
}

Pixels raw_pixels(const preproc_format &format, const Model &model,
                  const std::uint8_t *const planes[],
                  const std::size_t lengths[]) {
  Pixels pixels{};
  for (int p = 0; p < model.planes; p++) {
    const std::size_t stride = std::size_t(format.stride[p]);
    const std::size_t need =
        product(stride, std::size_t(model.rows[p] - 1)) + model.row_bytes[p];
    if (planes[p] == nullptr || lengths[p] < need)
      refuse(PREPROC_SHORT, "plane %d has %zu bytes, needs %zu", p, lengths[p],
             need);
    pixels.data[p] = planes[p];
    pixels.stride[p] = stride;
  }
  return pixels;
}

}  // namespace preprocess
