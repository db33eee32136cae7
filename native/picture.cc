#include "picture.h"

#include <algorithm>
#include <cmath>

#include "layout.h"
#include "status.h"

namespace preprocess {

Model raw_model(const preproc_format &format) {
  Model m{};
  m.rgb = format.kind == PREPROC_KIND_RGB;
  m.planes = format.planes;
  for (int p = 0; p < m.planes; p++) {
    m.row_bytes[p] = row_bytes(format, p);
    m.rows[p] = ceil_div(format.height, format.plane[p].rows);
  }
  if (!is_plain(format)) return m;
  m.components = format.components;
  for (int i = 0; i < m.components; i++) {
    const preproc_component &c = format.component[i];
    m.component[i] = {c.plane,
                      c.step,
                      c.offset,
                      ceil_div(format.width, c.hsub),
                      ceil_div(format.height, c.vsub),
                      1.0 / c.hsub,
                      1.0 / c.vsub};
  }
  return m;
}

Pixels raw_pixels(const preproc_format &format, const Model &model,
                  const std::uint8_t *const planes[],
                  const std::size_t lengths[]) {
  Pixels pixels{};
  for (int p = 0; p < model.planes; p++) {
    const std::size_t stride = std::size_t(format.plane[p].stride);
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

Span span(int start, int length, double scale, double offset, int count) {
  const int lo =
      std::clamp(int(std::floor(start * scale + offset)), 0, count - 1);
  const int hi = int(std::ceil((start + length) * scale + offset - 1e-9));
  return {lo, std::clamp(hi, lo + 1, count)};
}

}  // namespace preprocess
