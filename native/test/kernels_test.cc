// Every kernel of every instruction set gives the bits of the plain one, reads
// nothing behind the bytes that it is given, and writes no pixel too many.
#include "../kernels.h"

#include <cmath>
#include <cstring>
#include <memory>

#include "../axis.h"
#include "../bytes.h"
#include "../columns.h"
#include "../convert.h"
#include "../plain.h"
#include "harness.h"

using namespace test;
using namespace preprocess;

namespace {

using Line = Aligned<std::uint8_t>;
using Levels = Aligned<std::int16_t>;

const Kernels &plainly = *find_kernels(Simd::kNone);

void fill(std::uint8_t *data, std::size_t n, Random &random, int kind) {
  for (std::size_t i = 0; i < n; i++)
    data[i] = std::uint8_t(kind == 0   ? random.below(256)
                           : kind == 1 ? 255
                                       : 255 * random.below(2));
}

// Weights of which the sum is `whole`.
std::vector<std::int16_t> weights(int taps, int whole, Random &random) {
  std::vector<std::int16_t> w(taps);
  for (int i = 0; i < whole; i++) w[random.below(taps)]++;
  return w;
}

bool same(const Line &a, const Line &b, std::size_t n) {
  return std::memcmp(a.data(), b.data(), n) == 0;
}

// Rows that end where the page does.
void rows(const Kernels &k) {
  Random random;
  for (int n : {1, 2, 3, 15, 16, 17, 31, 32, 34, 63, 64, 65, 66, 127, 128, 130,
                200, 258, 640})
    for (int taps : {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 33})
      for (int slack : {0, 5}) {
        const std::size_t stride = n + slack;
        const Edge source(stride * (taps - 1) + n);
        fill(source.data(), source.size(), random, n % 3);
        const bool many = taps > kFewTaps;
        const auto w = weights(taps, many ? kFineWhole : kWhole, random);
        const Rows rows{source.data(), stride, taps, w.data(), stride};
        Line a[2], b[2];
        for (int i = 0; i < 2; i++) a[i].resize(n), b[i].resize(n);
        if (many) {
          k.blend_many(rows, n, a[0].data());
          plainly.blend_many(rows, n, b[0].data());
          CHECK(same(a[0], b[0], n));
          continue;
        }
        if (taps > 1) {
          k.blend(rows, n, a[0].data());
          plainly.blend(rows, n, b[0].data());
          CHECK(same(a[0], b[0], n));
        }
        if (n % 2) continue;
        k.blend_split2(rows, n, a[0].data(), a[1].data());
        plainly.blend_split2(rows, n, b[0].data(), b[1].data());
        CHECK(same(a[0], b[0], n / 2) && same(a[1], b[1], n / 2));
      }
}

void splits(const Kernels &k) {
  Random random;
  for (std::size_t n : {1, 3, 15, 16, 17, 63, 64, 65, 127, 129, 300})
    for (std::size_t step : {3, 4}) {
      const Edge source(n * step);
      fill(source.data(), source.size(), random, 0);
      Line a[4], b[4];
      std::uint8_t *to[2][4];
      for (int i = 0; i < 4; i++) {
        a[i].resize(n), b[i].resize(n);
        to[0][i] = a[i].data(), to[1][i] = b[i].data();
      }
      (step == 3 ? k.split3 : k.split4)(source.data(), n, to[0]);
      (step == 3 ? plainly.split3 : plainly.split4)(source.data(), n, to[1]);
      for (std::size_t i = 0; i < step; i++) CHECK(same(a[i], b[i], n));
    }
}

// The levels of an axis, as doubles.
double level(const Axis &axis, int i, const std::uint8_t *line, int step) {
  double sum = 0;
  for (int k = 0; k < axis.taps; k++)
    sum += axis.weight[i * axis.taps + k] * line[(axis.first[i] + k) * step];
  return sum * kLevel;
}

void same_levels(const Levels &a, const Levels &b, const Axis &axis,
                 const std::uint8_t *line, int step) {
  for (std::size_t i = 0; i < axis.first.size(); i++) {
    CHECK(a.data()[i] == b.data()[i]);
    // Two weights may be off by 1/256 of 255 each, or eight by less.
    CHECK(std::abs(a.data()[i] - level(axis, int(i), line, step)) <=
          2.01 * kLevel);
  }
}

// A line of `from` samples, its end at the page's, to `to` levels.
void columns(const Kernels &k) {
  Random random;
  const int sizes[][2] = {
      {1, 1},     {1, 40},     {2, 5},     {16, 16},   {17, 16},    {20, 7},
      {64, 64},   {96, 64},    {97, 65},   {100, 33},  {192, 64},   {255, 64},
      {256, 64},  {257, 64},   {300, 200}, {640, 100}, {640, 64},   {640, 33},
      {1000, 10}, {1920, 640}, {960, 640}, {37, 1920}, {1280, 1279}};
  for (const auto &size : sizes)
    for (int filter = 0; filter <= PREPROC_NEAREST; filter++)
      for (bool backwards : {false, true}) {
        const int from = size[0], to = size[1];
        Axis axis = make_axis(to, 0, from, 0, from, filter);
        if (backwards) axis = reversed(axis);
        Levels a[2], b[2];
        for (int i = 0; i < 2; i++) a[i].resize(to), b[i].resize(to);
        const Columns fast(k, axis, {1, 0}, from);
        const Columns slow(plainly, axis, {1, 0}, from);
        // A line that is too short is never read in place.
        const Edge line(std::max(std::size_t(from), fast.least()));
        fill(line.data(), line.size(), random, filter);
        fast.run(k, line.data(), a[0].data(), nullptr);
        slow.run(plainly, line.data(), b[0].data(), nullptr);
        same_levels(a[0], b[0], axis, line.data(), 1);

        const auto pair = Columns::of_pair(k, axis, {2, 0}, {2, 1}, 2 * from);
        const auto other =
            Columns::of_pair(plainly, axis, {2, 0}, {2, 1}, 2 * from);
        CHECK(pair.has_value() == other.has_value());
        if (!pair) continue;
        const Edge both(std::max(std::size_t(2 * from), pair->least()));
        fill(both.data(), both.size(), random, 0);
        pair->run(k, both.data(), a[0].data(), a[1].data());
        other->run(plainly, both.data(), b[0].data(), b[1].data());
        same_levels(a[0], b[0], axis, both.data(), 2);
        same_levels(a[1], b[1], axis, both.data() + 1, 2);
      }
}

// What the element of the output in words is.
preproc_output output_of(int color, int dtype, int layout, bool quantised) {
  preproc_output o{};
  o.color = color;
  o.dtype = dtype;
  o.layout = layout;
  for (int c = 0; c < 3; c++) {
    o.mean[c] = 0.4f + 0.1f * c;
    o.std[c] = 0.2f + 0.01f * c;
  }
  o.scale = quantised ? 0.02f : 0;
  o.zero_point = quantised ? 3 : 0;
  return o;
}

void pixels_of(const Kernels &k, const Conversion &c, std::size_t n,
               const Levels lines[3]) {
  const std::int16_t *const from[] = {lines[c.line[0]].data(),
                                      lines[c.line[1]].data(),
                                      lines[c.line[2]].data()};
  const std::size_t element = c.elements.element == Element::kFloat32   ? 4
                              : c.elements.element == Element::kFloat16 ? 2
                                                                        : 1;
  const int channels = c.colours.channels;
  const std::size_t row = n * element * (c.elements.interleaved ? channels : 1);
  std::unique_ptr<Edge> a[3], b[3];
  void *to[2][3];
  for (int i = 0; i < 3; i++) {
    a[i] = std::make_unique<Edge>(row), b[i] = std::make_unique<Edge>(row);
    to[0][i] = a[i]->data(), to[1][i] = b[i]->data();
  }
  k.pixels(c.colours, c.elements, from, n, to[0]);
  plainly.pixels(c.colours, c.elements, from, n, to[1]);
  for (int i = 0; i < (c.elements.interleaved ? 1 : channels); i++)
    CHECK(std::memcmp(a[i]->data(), b[i]->data(), row) == 0);
}

void pixels(const Kernels &k) {
  Random random;
  Model models[3]{};
  models[0].components = models[1].components = 3;
  models[1].rgb = true;
  models[2].components = 1;
  for (std::size_t n : {1, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 130, 257}) {
    Levels lines[3];
    for (Levels &line : lines) {
      line.resize(n);
      for (std::size_t i = 0; i < n; i++)
        line.data()[i] =
            std::int16_t(random.below(3) ? random.below(255 * kLevel + 1)
                                         : 255 * kLevel * random.below(2));
    }
    for (const Model &model : models)
      for (int matrix = 0; matrix <= PREPROC_BT2020; matrix++)
        for (int range = 0; range <= PREPROC_FULL; range++)
          for (int color = 0; color <= PREPROC_GRAY; color++)
            for (int dtype = 0; dtype <= PREPROC_INT8; dtype++)
              for (int layout = 0; layout <= PREPROC_CHW; layout++)
                for (bool quantised : {false, true})
                  pixels_of(k,
                            make_conversion(
                                model, matrix, range,
                                output_of(color, dtype, layout, quantised)),
                            n, lines);
  }
}

// float16 of numbers of every size, by the way of a scale.
void halves(const Kernels &k) {
  Random random;
  Levels lines[3];
  lines[0].resize(512);
  for (int i = 0; i < 512; i++)
    lines[0].data()[i] = std::int16_t(random.below(255 * kLevel));
  Model model{};
  model.components = 1;
  for (int exponent = -40; exponent < 20; exponent++)
    for (float mean : {0.f, 1.f}) {
      preproc_output o =
          output_of(PREPROC_GRAY, PREPROC_FLOAT16, PREPROC_HWC, false);
      o.std[0] = std::ldexp(1.1f, -exponent);
      o.mean[0] = mean;
      pixels_of(k, make_conversion(model, 0, PREPROC_FULL, o), 512, lines);
    }
}

// Each element where it belongs, and none beside it.
void turns(const Kernels &k) {
  Random random;
  for (std::size_t element : {1, 2, 4})
    for (int rows : {1, 5, 15, kTile})
      for (int columns : {1, 3, 4, 16, 17, 33, 47})
        for (int channels : {1, 3})
          for (bool interleaved : {false, true}) {
            const std::size_t slack = 7 * element;
            const std::size_t row = columns * element;
            const std::size_t unit = element * (interleaved ? channels : 1);
            const std::size_t to_row = rows * unit + slack;
            const std::size_t bytes = to_row * (columns - 1) + rows * unit;
            std::unique_ptr<Edge> from[3], a[3], b[3];
            Tile tile{};
            tile.from_row = row;
            tile.rows = rows, tile.columns = columns, tile.channels = channels;
            tile.element = element, tile.interleaved = interleaved;
            tile.to_row = to_row;
            Tile other = tile;
            for (int c = 0; c < 3; c++) {
              from[c] = std::make_unique<Edge>(row * rows);
              fill(from[c]->data(), row * rows, random, 0);
              a[c] = std::make_unique<Edge>(bytes);
              b[c] = std::make_unique<Edge>(bytes);
              tile.from[c] = other.from[c] = from[c]->data();
              tile.to[c] = a[c]->data(), other.to[c] = b[c]->data();
            }
            k.turn(tile);
            plainly.turn(other);
            for (int c = 0; c < 3; c++)
              CHECK(std::memcmp(a[c]->data(), b[c]->data(), bytes) == 0);
          }
}

}  // namespace

int main() {
  int sets = 0;
  for (Simd set : {Simd::kSse4, Simd::kAvx2, Simd::kAvx512, Simd::kNeon}) {
    if (!simd_works(set)) continue;
    const Kernels &k = *find_kernels(set);
    CHECK(k.set == set);
    rows(k);
    splits(k);
    columns(k);
    pixels(k);
    halves(k);
    turns(k);
    sets++;
  }
  std::printf("%d instruction sets\n", sets);
}
