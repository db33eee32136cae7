#include "measure.h"

#include <algorithm>

#include "hash.h"

namespace preprocess {
namespace {

// The grid: rows of runs of samples side by side. What lies side by side costs
// one load; a mean over a run is free of the sensor's noise.
constexpr int kRun = 32, kColumns = 12, kRows = 24;
constexpr std::size_t kHashed = 128;  // bytes of each run's row

// Neighbours for the sharpness are as far away as pixels of a picture about
// this wide, so that it does not depend on the camera's size or on the scale of
// the decoding.
constexpr int kSharpWidth = 480;

// Of the runs, this part may be brighter than "high" or darker than "low": a
// burnt-in clock, a lamp.
constexpr double kExcepted = 0.02;

struct Grid {
  int columns, rows, run;
  int reach_x, reach_y;    // to the neighbours, in samples
  int margin_x, margin_y;  // the first run's place
  int last_x, last_y;      // the last run's place
  bool inside;             // no neighbour lies outside of the picture

  int x(int i) const { return place(i, columns, margin_x, last_x); }
  int y(int i) const { return place(i, rows, margin_y, last_y); }

 private:
  static int place(int i, int n, int first, int last) {
    return n < 2 ? first + (last - first) / 2
                 : first + int(std::int64_t(last - first) * i / (n - 1));
  }
};

// The component that says the most of brightness: luma, or green.
const Component &main_component(const Model &model) {
  return model.component[model.rgb ? 1 : 0];
}

int reach_of(int pixels, double scale) {
  return std::max(1, int(pixels * scale + 0.5));
}

Grid grid_of(const preproc_format &format, const Model &model) {
  const Component &c = main_component(model);
  int pixels = 1;
  while (format.width / (2 * pixels) >= kSharpWidth) pixels *= 2;
  Grid g{};
  g.reach_x = reach_of(pixels, c.scale_x);
  g.reach_y = reach_of(pixels, c.scale_y);
  g.run = std::min(kRun, c.width);
  g.inside = c.width >= kRun + 2 * g.reach_x && c.height > 2 * g.reach_y;
  g.margin_x = g.inside ? g.reach_x : 0;
  g.margin_y = g.inside ? g.reach_y : 0;
  g.last_x = c.width - g.margin_x - g.run;
  g.last_y = c.height - g.margin_y - 1;
  // In a narrow picture runs overlap, so that no column is left out.
  g.columns =
      std::min((c.width - 2 * g.margin_x + g.run - 1) / g.run, kColumns);
  g.rows = std::min(kRows, c.height - 2 * g.margin_y);
  return g;
}

// What has been seen so far.
struct Tally {
  std::uint32_t levels[256];  // how many runs have this mean
  std::int64_t luma;          // the sum of the runs' means
  std::int64_t laplacian, squares;
  int runs, samples;
  Hash content;

  void run(int sum, int n) {
    const int mean = (2 * sum + n) / (2 * n);
    levels[mean]++;
    luma += mean;
    runs++;
    samples += n;
  }

  // The level that `part` of the runs do not exceed.
  int quantile(double part) const {
    const auto rank = std::uint32_t(part * (runs - 1) + 0.5);
    std::uint32_t below = 0;
    int level = 0;
    while (level < 255 && (below += levels[level]) <= rank) level++;
    return level;
  }
};

preproc_measure result(const Tally &t, bool limited) {
  const float scale = limited ? 255.f / 219 : 1, zero = limited ? 16 : 0;
  const auto full = [&](double level) {
    return std::clamp((float(level) - zero) * scale, 0.f, 255.f);
  };
  const double mean = double(t.laplacian) / t.samples;
  const double variance = double(t.squares) / t.samples - mean * mean;
  preproc_measure m{};
  m.content = t.content.value();
  m.luma_low = full(t.quantile(kExcepted));
  m.luma_mean = full(double(t.luma) / t.runs);
  m.luma_high = full(t.quantile(1 - kExcepted));
  m.sharpness = float(variance) * scale * scale;
  return m;
}

bool is_limited(const preproc_format &format) {
  return format.range == PREPROC_LIMITED;
}

// BT.601 in 1/256; the three make 256.
int luma_of(int r, int g, int b) { return (77 * r + 150 * g + 29 * b) >> 8; }

// Whether brightness is a sum of three components. The planes of an RGB JPEG
// may have been subsampled: there, green stands for all.
bool is_weighted(const Model &model) {
  const Component *c = model.component;
  return model.rgb && c[0].width == c[1].width && c[0].height == c[1].height &&
         c[2].width == c[1].width && c[2].height == c[1].height;
}

const std::uint8_t *at(const Pixels &pixels, const Component &c, int x, int y) {
  return pixels.data[c.plane] + std::size_t(y) * pixels.stride[c.plane] +
         std::size_t(x) * c.step + c.phase;
}

// Hashes the bytes around a run.
void hash_run(const Model &model, const Pixels &pixels, int x, int y,
              Tally &t) {
  const Component &c = main_component(model);
  const std::size_t row = model.row_bytes[c.plane];
  const std::size_t n = std::min(kHashed, row);
  const std::size_t first = std::min(std::size_t(x) * c.step, row - n);
  t.content.add(at(pixels, c, 0, y) - c.phase + first, n);
}

template <int Step>
void take(const std::uint8_t *__restrict from, std::int16_t *__restrict to) {
  for (int i = 0; i < kRun; i++) to[i] = from[i * Step];
}

// The run's brightness, summed up; `main` are the main component's samples.
int brightness(const Model &model, const Pixels &pixels, bool weighted, int x,
               int y, const std::int16_t *main) {
  int sum = 0;
  if (!weighted) {
    for (int i = 0; i < kRun; i++) sum += main[i];
    return sum;
  }
  const Component *c = model.component;
  const std::uint8_t *r = at(pixels, c[0], x, y), *b = at(pixels, c[2], x, y);
  for (int i = 0; i < kRun; i++)
    sum += luma_of(r[i * c[0].step], main[i], b[i * c[2].step]);
  return sum;
}

template <int Step>
void measure_run(const Model &model, const Pixels &pixels, const Grid &g, int x,
                 int y, bool weighted, Tally &t) {
  const Component &c = main_component(model);
  const std::size_t stride = pixels.stride[c.plane];
  const std::uint8_t *centre = at(pixels, c, x, y);
  std::int16_t here[kRun], left[kRun], right[kRun], up[kRun], down[kRun];
  take<Step>(centre, here);
  take<Step>(centre - g.reach_x * Step, left);
  take<Step>(centre + g.reach_x * Step, right);
  take<Step>(centre - g.reach_y * stride, up);
  take<Step>(centre + g.reach_y * stride, down);
  int sum = 0, squares = 0;
  for (int i = 0; i < kRun; i++) {
    // 16 bits are enough, and eight products are one instruction.
    const std::int16_t l = 4 * here[i] - left[i] - right[i] - up[i] - down[i];
    sum += l;
    squares += l * l;
  }
  t.laplacian += sum;
  t.squares += squares;
  t.run(brightness(model, pixels, weighted, x, y, here), kRun);
}

// Calls visit(x, y) for each run.
template <typename Visit>
void walk(const Grid &g, Visit &&visit) {
  int x[kColumns];  // a division each, which is not done for every row
  for (int i = 0; i < g.columns; i++) x[i] = g.x(i);
  for (int j = 0; j < g.rows; j++) {
    const int y = g.y(j);
    for (int i = 0; i < g.columns; i++) visit(x[i], y);
  }
}

template <int Step>
Tally tally(const Model &model, const Pixels &pixels, const Grid &g) {
  Tally t{};
  const bool weighted = is_weighted(model);
  walk(g, [&](int x, int y) {
    measure_run<Step>(model, pixels, g, x, y, weighted, t);
    hash_run(model, pixels, x, y, t);
  });
  return t;
}

// A sample, or the nearest one where there is none.
int sample(const Pixels &pixels, const Component &c, int x, int y) {
  return *at(pixels, c, std::clamp(x, 0, c.width - 1),
             std::clamp(y, 0, c.height - 1));
}

int luma_at(const Model &model, const Pixels &pixels, int x, int y) {
  if (!is_weighted(model)) return sample(pixels, main_component(model), x, y);
  const Component *c = model.component;
  return luma_of(sample(pixels, c[0], x, y), sample(pixels, c[1], x, y),
                 sample(pixels, c[2], x, y));
}

void plain_run(const Model &model, const Pixels &pixels, const Grid &g, int x,
               int y, Tally &t) {
  const Component &c = main_component(model);
  int sum = 0;
  for (int i = x; i < x + g.run; i++) {
    const int l = 4 * sample(pixels, c, i, y) -
                  sample(pixels, c, i - g.reach_x, y) -
                  sample(pixels, c, i + g.reach_x, y) -
                  sample(pixels, c, i, y - g.reach_y) -
                  sample(pixels, c, i, y + g.reach_y);
    t.laplacian += l;
    t.squares += std::int64_t(l) * l;
    sum += luma_at(model, pixels, i, y);
  }
  t.run(sum, g.run);
}

}  // namespace

std::uint64_t hash_of(const Model &model, const Pixels &pixels) {
  Hash hash;
  for (int p = 0; p < model.planes; p++)
    for (int row = 0; row < model.rows[p]; row++)
      hash.add(pixels.data[p] + std::size_t(row) * pixels.stride[p],
               model.row_bytes[p]);
  return hash.value();
}

std::uint64_t hash_of_some(const Model &model, const Pixels &pixels) {
  const std::size_t n = std::min(kHashed, model.row_bytes[0]);
  const std::size_t last = model.row_bytes[0] - n;
  const int rows = std::min(kRows, model.rows[0]);
  Hash hash;
  for (int j = 0; j < rows; j++) {
    const std::size_t y = std::size_t(model.rows[0] - 1) * j / kRows;
    for (std::size_t i = 0; i < kColumns; i++)
      hash.add(pixels.data[0] + y * pixels.stride[0] + last * i / kColumns, n);
  }
  return hash.value();
}

preproc_measure measure(const preproc_format &format, const Model &model,
                        const Pixels &pixels) {
  const Grid g = grid_of(format, model);
  if (!g.inside) return measure_plainly(format, model, pixels);
  const bool limited = is_limited(format);
  switch (main_component(model).step) {
    case 1:
      return result(tally<1>(model, pixels, g), limited);
    case 2:
      return result(tally<2>(model, pixels, g), limited);
    case 3:
      return result(tally<3>(model, pixels, g), limited);
    case 4:
      return result(tally<4>(model, pixels, g), limited);
  }
  return measure_plainly(format, model, pixels);
}

preproc_measure measure_plainly(const preproc_format &format,
                                const Model &model, const Pixels &pixels) {
  const Grid g = grid_of(format, model);
  Tally t{};
  walk(g, [&](int x, int y) {
    plain_run(model, pixels, g, x, y, t);
    hash_run(model, pixels, x, y, t);
  });
  return result(t, is_limited(format));
}

}  // namespace preprocess
