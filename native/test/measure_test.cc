// The fast measure is the plain one, and the hash sees every change.
#include "../measure.h"

#include <cmath>
#include <cstring>
#include <memory>

#include "../hash.h"
#include "../part.h"
#include "harness.h"

using namespace test;
using namespace preprocess;

static bool equal(const preproc_measure &a, const preproc_measure &b) {
  return a.content == b.content && a.luma_low == b.luma_low &&
         a.luma_mean == b.luma_mean && a.luma_high == b.luma_high &&
         a.sharpness == b.sharpness;
}

// A picture of slopes and noise; each plane ends at a page's edge.
template <std::size_t N>
static void one_picture(const char (&name)[N], int width, int height,
                        int slack) {
  const Planes source = planes_of(name, width, height, slack);
  const Model model = raw_model(source.format);
  std::unique_ptr<Edge> memory[PREPROC_MAX_PLANES];
  Pixels pixels{};
  Random random;
  for (int p = 0; p < source.count; p++) {
    memory[p] = std::make_unique<Edge>(source.bytes[p]);
    for (std::size_t i = 0; i < source.bytes[p]; i++)
      memory[p]->data()[i] = std::uint8_t(i / 5 + random.below(64));
    pixels.data[p] = memory[p]->data();
    pixels.stride[p] = std::size_t(source.format.plane[p].stride);
  }
  for (int range : {PREPROC_LIMITED, PREPROC_FULL}) {
    preproc_format format = source.format;
    format.range = range;
    const preproc_measure m = measure(format, model, pixels);
    CHECK(equal(m, measure_plainly(format, model, pixels)));
    CHECK(m.luma_low <= m.luma_mean && m.luma_mean <= m.luma_high);
    CHECK(m.luma_low >= 0 && m.luma_high <= 255 && m.sharpness >= 0);
  }
}

template <std::size_t N>
static void every_size(const char (&name)[N]) {
  const int sizes[][2] = {{1, 1},     {3, 5},      {33, 3},    {34, 3},
                          {47, 2},    {64, 48},    {101, 37},  {641, 31},
                          {1280, 17}, {1921, 250}, {4000, 40}, {8000, 60}};
  for (const auto &size : sizes)
    for (int slack : {0, 3}) one_picture(name, size[0], size[1], slack);
}

// A part of a picture is measured like a picture that has nothing else.
template <std::size_t N>
static void narrowed(const char (&name)[N], int bytes) {
  const Part part{30, 17, 220, 90};
  const Planes source = planes_of(name, 401, 150, 7);
  const Planes cut = planes_of(name, part.width, part.height, 0);
  std::vector<std::uint8_t> whole(source.bytes[0]), piece(cut.bytes[0]);
  Random random;
  for (std::uint8_t &byte : whole) byte = std::uint8_t(random.below(256));
  const std::size_t stride = std::size_t(source.format.plane[0].stride);
  const std::size_t row = std::size_t(part.width) * bytes;
  for (int y = 0; y < part.height; y++)
    std::memcpy(&piece[y * row], &whole[(part.y + y) * stride + part.x * bytes],
                row);
  Model model = raw_model(source.format);
  Pixels pixels{{whole.data()}, {stride}};
  narrow(part, &model, &pixels);
  const Model small = raw_model(cut.format);
  CHECK(equal(measure(source.format, model, pixels),
              measure(source.format, small, Pixels{{piece.data()}, {row}})));
}

// A decoding at a smaller scale, as libjpeg makes it.
static void decoded() {
  preproc_format format = planes_of("GREY", 1920, 1080, 0).format;
  format.range = PREPROC_FULL;
  for (int level = 0; level < 4; level++) {
    const Planes source = planes_of("GREY", 1920 >> level, 1080 >> level, 8);
    Model model = raw_model(source.format);
    model.component[0].scale_x = model.component[0].scale_y =
        1.0 / (1 << level);
    const Edge memory(source.bytes[0]);
    Pixels pixels{};
    pixels.data[0] = memory.data();
    pixels.stride[0] = std::size_t(source.format.plane[0].stride);
    // Waves of 64 camera pixels are as sharp at every scale.
    for (std::size_t i = 0; i < memory.size(); i++)
      memory.data()[i] = std::uint8_t(
          128 + 100 * std::sin(double(i % pixels.stride[0] << level) / 10.2));
    const preproc_measure m = measure(format, model, pixels);
    CHECK(equal(m, measure_plainly(format, model, pixels)));
    CHECK(level == 3 || (m.sharpness > 100 && m.sharpness < 140));
  }
}

// Every bit of what is hashed counts, and so do the length and the order.
static void hash() {
  std::vector<std::uint8_t> bytes(203);
  const auto value = [&](std::size_t n) {
    const Edge edge(
        std::vector<std::uint8_t>(bytes.begin(), bytes.begin() + n));
    Hash h;
    h.add(edge.data(), n);
    return h.value();
  };
  Random random;
  for (std::uint8_t &b : bytes) b = std::uint8_t(random.below(256));
  for (std::size_t n : {1, 8, 31, 32, 33, 64, 203}) {
    const std::uint64_t before = value(n);
    CHECK(before == value(n));
    CHECK(before != value(n - 1));
    for (std::size_t i = 0; i < 8 * n; i++) {
      bytes[i / 8] ^= 1 << i % 8;
      CHECK(value(n) != before);
      bytes[i / 8] ^= 1 << i % 8;
    }
  }
  Hash ab, ba;
  ab.add(&bytes[0], 32);
  ab.add(&bytes[32], 32);
  ba.add(&bytes[32], 32);
  ba.add(&bytes[0], 32);
  CHECK(ab.value() != ba.value());
  const std::vector<std::uint8_t> zeroes(64);
  Hash shorter, longer;
  shorter.add(zeroes.data(), 40);
  longer.add(zeroes.data(), 41);
  CHECK(shorter.value() != longer.value());
}

int main() {
  every_size("YUYV");
  every_size("UYVY");
  every_size("NV12");
  every_size("YU12");
  every_size("GREY");
  every_size("RGB3");
  every_size("BGR3");
  narrowed("GREY", 1);
  narrowed("YUYV", 2);
  narrowed("RGB3", 3);
  decoded();
  hash();
}
