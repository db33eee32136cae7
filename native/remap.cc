#include "remap.h"

#include <algorithm>
#include <cmath>

#include "status.h"

namespace preprocess {
namespace {

// How many pixels of our picture a pixel of the content covers, on each axis.
// By PSNR against the mean of 64 points a pixel, on texture at the limit of
// what 640 columns resolve: 38 dB with 1.2 and 41 with 1.4, which blur, 44 to
// 45 from 1.4 to 1.6, and 38 with 1.9, where the bilinear filter misses pixels.
constexpr double kDensity = 1.45;

// How far from it, by factor, a whole number may lead.
constexpr double kNear = 0.1;

struct Point {
  double x, y;
  bool seen;
};

// Where the pixels of the content lie in the camera's picture.
class Map {
 public:
  Map(const preproc_output &output, int columns, int rows)
      : o_(output), lens_(output.lens), columns_(columns), rows_(rows) {}

  // Of a point of the content, counted as pixels are; columns as the output
  // has them.
  Point at(double column, double row) const {
    const double x = (column + 0.5) / columns_, y = (row + 0.5) / rows_;
    Point p{o_.region_x + o_.region_width * (o_.reverse_x ? 1 - x : x),
            o_.region_y + o_.region_height * y, false};
    p.seen = lens_.to_camera(p.x, p.y);
    return p;
  }

  // The camera's pixels that a pixel of the content covers, on the mean.
  Point coverage() const {
    constexpr int kSamples = 16;
    Point sum{0, 0, false};
    int count = 0;
    for (int j = 0; j < kSamples; j++)
      for (int i = 0; i < kSamples; i++) {
        const double column = (i + 0.5) * columns_ / kSamples - 0.5;
        const double row = (j + 0.5) * rows_ / kSamples - 0.5;
        const Point a = at(column - 0.5, row), b = at(column + 0.5, row);
        const Point c = at(column, row - 0.5), d = at(column, row + 0.5);
        if (!a.seen || !b.seen || !c.seen || !d.seen) continue;
        sum.x += std::abs(b.x - a.x);
        sum.y += std::abs(d.y - c.y);
        count++;
      }
    if (count == 0) return {1, 1, false};
    return {sum.x / count, sum.y / count, true};
  }

 private:
  const preproc_output &o_;
  Lens lens_;
  int columns_, rows_;
};

// A run before it is known where our picture lies: its first column, and the
// way to the one behind its last.
struct Stretch {
  double x, y, dx, dy;
};

// The columns of a run that are seen, by bits, and the line through them.
unsigned stretch_of(const Map &map, int column, int columns, int row,
                    Stretch &s) {
  const int last = std::min(kWarpRun, columns - column) - 1;
  Point p[kWarpRun], middle{0, 0, false};
  p[0] = map.at(column, row);
  p[last] = map.at(column + last, row);
  const bool whole = p[0].seen && p[last].seen;
  if (whole) middle = map.at(column + last / 2.0, row);
  unsigned seen = 0;
  for (int i = 0; i <= last; i++) {
    if (!whole && i > 0 && i < last) p[i] = map.at(column + i, row);
    seen |= unsigned(whole || p[i].seen) << i;
  }
  int from = 0, to = last;
  while (!whole && from < to && !p[from].seen) from++;
  while (!whole && to > from && !p[to].seen) to--;
  const double steps = std::max(1, to - from);
  const double dx = (p[to].x - p[from].x) / steps;
  const double dy = (p[to].y - p[from].y) / steps;
  s = {p[from].x - from * dx, p[from].y - from * dy, dx * kWarpRun,
       dy * kWarpRun};
  if (whole) {  // half way from the chord to the arc
    s.x += (middle.x - (p[0].x + p[last].x) / 2) / 2;
    s.y += (middle.y - (p[0].y + p[last].y) / 2) / 2;
  }
  return seen;
}

// What the runs need of the camera's picture.
struct Box {
  double left, right, top, bottom;

  void add(const Stretch &s) {
    left = std::min({left, s.x, s.x + s.dx});
    right = std::max({right, s.x, s.x + s.dx});
    top = std::min({top, s.y, s.y + s.dy});
    bottom = std::max({bottom, s.y, s.y + s.dy});
  }
};

// How many of the camera's pixels one of our picture stands for, on an axis. A
// whole number where it is near one: that is faster, and a JPEG can be decoded
// at that size.
double ratio_of(double coverage) {
  const double ratio = std::max(1.0, coverage / kDensity);
  const double whole = std::floor(ratio + 0.5);
  return std::abs(ratio / whole - 1) < kNear ? whole : ratio;
}

// What our picture has of the `count` pixels of a side of the camera's, of
// which low to high are needed.
Side side_of(double low, double high, int count, double coverage, bool area) {
  const double every = area ? ratio_of(coverage) : 1;
  const int margin = int(2 * every) + 1;
  const double most = count;
  const int from = int(std::floor(std::clamp(low, 0.0, most)));
  const int to = int(std::ceil(std::clamp(high, 0.0, most)));
  const int first = std::clamp(from - margin, 0, count - 1);
  const int length = std::clamp(to + margin, first + 1, count) - first;
  return {first, length, std::max(1, int(length / every))};
}

// v samples, and the half of the least step that the kernel takes it in.
std::int32_t fixed(double v, int steps) {
  constexpr double kOne = 65536, kMost = 16384;
  const double half = steps > 0 ? 0.5 / steps : 0;
  // A lens may bend what it does not see to where there are no numbers.
  const double held = v > -kMost ? std::min(v, kMost) : -kMost;
  return std::int32_t(std::floor((held + half) * kOne + 0.5));
}

// s in samples of our picture.
WarpRun run_of(const preproc_output &source, const Stretch &s) {
  const double x = source.content_width / source.region_width;
  const double y = source.content_height / source.region_height;
  const bool nearest = source.filter == PREPROC_NEAREST;
  return {fixed((s.x - source.region_x) * x - 0.5, nearest ? 1 : kWarpX),
          fixed((s.y - source.region_y) * y - 0.5, nearest ? 1 : kWarpY),
          fixed(s.dx * x, 0) / kWarpRun, fixed(s.dy * y, 0) / kWarpRun};
}

}  // namespace

Remap::Remap(const Kernels &kernels, const preproc_output &output)
    : kernels_(kernels),
      columns_(content_columns(output)),
      rows_(content_rows(output)),
      source_(output),
      warp_(),
      outside_() {
  warp_.count = (columns_ + kWarpRun - 1) / kWarpRun;
  const Map map(output, columns_, rows_);
  std::vector<Stretch> stretches(std::size_t(warp_.count) * rows_);
  Box box{1e9, -1e9, 1e9, -1e9};
  Stretch *s = stretches.data();
  for (int row = 0; row < rows_; row++) {
    gap_of_.push_back(gaps_.size());
    for (int column = 0; column < columns_; column += kWarpRun, s++) {
      const unsigned seen = stretch_of(map, column, columns_, row, *s);
      add_gaps(column, seen);
      if (seen != 0) box.add(*s);
    }
  }
  gap_of_.push_back(gaps_.size());
  const Point covered = map.coverage();
  const bool area = output.filter == PREPROC_AREA;
  place(output,
        side_of(box.left, box.right, output.lens.width, covered.x, area),
        side_of(box.top, box.bottom, output.lens.height, covered.y, area));
  for (const Stretch &s : stretches) runs_.push_back(run_of(source_, s));
}

// The columns of a run from `column` on that are not seen.
void Remap::add_gaps(int column, unsigned seen) {
  const int end = std::min(column + kWarpRun, columns_);
  for (int i = column; i < end; i++) {
    if (seen >> (i - column) & 1) continue;
    const bool next = gaps_.size() > gap_of_.back() && gaps_.back().end == i;
    if (next)
      gaps_.back().end++;
    else
      gaps_.push_back({i, i + 1});
  }
}

// Says where our picture lies in the camera's, and makes room for it.
void Remap::place(const preproc_output &output, const Side &x, const Side &y) {
  source_.transpose = source_.reverse_x = source_.reverse_y = 0;
  source_.content_width = x.samples;
  source_.content_height = y.samples;
  source_.bounds_x = x.first;
  source_.bounds_y = y.first;
  source_.bounds_width = x.length;
  source_.bounds_height = y.length;
  source_.region_x = x.first;
  source_.region_y = y.first;
  source_.region_width = x.length;
  source_.region_height = y.length;
  // A pixel and its neighbours to the right and below are read at once.
  warp_.stride = product(x.samples + 2, 4);
  picture_.resize(product(warp_.stride, y.samples + 1));
  warp_.right = (x.samples - 1) << 16;
  warp_.bottom = (y.samples - 1) << 16;
  warp_.nearest = output.filter == PREPROC_NEAREST;
}

void Remap::take(int row, int components, const std::int16_t *const lines[]) {
  const std::int16_t *const all[] = {lines[0], lines[components > 1 ? 1 : 0],
                                     lines[components > 1 ? 2 : 0]};
  kernels_.pack(all, std::size_t(source_.content_width),
                picture_.data() + std::size_t(row) * warp_.stride);
}

void Remap::row(int row, std::int16_t *const lines[]) {
  warp_.picture = picture_.data();
  warp_.runs = &runs_[std::size_t(row) * warp_.count];
  kernels_.warp(warp_, lines);
}

void Remap::fill_gaps(int row, int components,
                      std::int16_t *const lines[]) const {
  for (std::size_t i = gap_of_[row]; i < gap_of_[row + 1]; i++)
    for (int c = 0; c < components; c++)
      std::fill(lines[c] + gaps_[i].first, lines[c] + gaps_[i].end,
                outside_[c]);
}

void Remap::set_outside(const std::int16_t levels[3]) {
  std::copy(levels, levels + 3, outside_);
}

}  // namespace preprocess
