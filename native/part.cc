#include "part.h"

#include <algorithm>

namespace preprocess {
Part together(const Part &a, const Part &b) {
  const int x = std::min(a.x, b.x), y = std::min(a.y, b.y);
  return {x, y, std::max(a.x + a.width, b.x + b.width) - x,
          std::max(a.y + a.height, b.y + b.height) - y};
}

void narrow(const Part &part, Model *model, Pixels *pixels) {
  const Component main = model->component[model->rgb ? 1 : 0];
  const Span x =
      span(part.x, part.width, main.scale_x, main.offset_x, main.width);
  const Span y =
      span(part.y, part.height, main.scale_y, main.offset_y, main.height);
  bool moved[PREPROC_MAX_PLANES] = {};
  for (int i = 0; i < model->components; i++) {
    Component &c = model->component[i];
    const bool alike = c.width == main.width && c.height == main.height;
    c.width = alike ? x.hi - x.lo : 0;
    c.height = alike ? y.hi - y.lo : 0;
    if (!alike || moved[c.plane]) continue;
    moved[c.plane] = true;
    pixels->data[c.plane] += std::size_t(y.lo) * pixels->stride[c.plane] +
                             std::size_t(x.lo) * c.step;
    // The last sample may be shorter than a step.
    std::size_t &row = model->row_bytes[c.plane];
    row = std::min(row - std::size_t(x.lo) * c.step,
                   std::size_t(c.width) * c.step);
  }
}

}  // namespace preprocess
