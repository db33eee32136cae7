// Numbers without meaning are refused, with a word why, and never crash.
#include <cmath>
#include <cstring>
#include <memory>

#include "harness.h"

using namespace test;

static preproc_status create_status(const preproc_format &format,
                                    const preproc_output *outputs,
                                    std::size_t count) {
  preproc *handle = nullptr;
  preproc_error error;
  const preproc_status status =
      preproc_create(&format, outputs, count, &handle, &error);
  CHECK((status == PREPROC_OK) == (handle != nullptr));
  CHECK((status == PREPROC_OK) == (error.detail[0] == '\0'));
  preproc_destroy(handle);
  return status;
}

template <typename Change>
static preproc_status changed(Change &&change) {
  preproc_format format = planes_of("GREY", 64, 48, 0).format;
  preproc_output output = stretched(format, 32, 32);
  change(format, output);
  return create_status(format, &output, 1);
}

static void single_faults() {
  using F = preproc_format;
  using O = preproc_output;
  CHECK(changed([](F &, O &) {}) == PREPROC_OK);
  CHECK(changed([](F &f, O &) { f.width = 0; }) == PREPROC_GEOMETRY);
  CHECK(changed([](F &f, O &) { f.width = 16385; }) == PREPROC_GEOMETRY);
  CHECK(changed([](F &f, O &) { f.width = f.height = 16384; }) ==
        PREPROC_GEOMETRY);
  CHECK(changed([](F &f, O &) { f.height = -5; }) == PREPROC_GEOMETRY);
  CHECK(changed([](F &f, O &) { f.plane[0].stride = 63; }) == PREPROC_ARGUMENT);
  CHECK(changed([](F &f, O &) { f.plane[0].stride = -64; }) ==
        PREPROC_ARGUMENT);
  CHECK(changed([](F &f, O &) { f.matrix = 6; }) == PREPROC_ARGUMENT);
  CHECK(changed([](F &, O &o) { o.width = o.content_width = 16385; }) ==
        PREPROC_ARGUMENT);
  CHECK(changed([](F &, O &o) { o.content_x = 1; }) == PREPROC_ARGUMENT);
  CHECK(changed([](F &, O &o) { o.content_x = INT32_MAX; }) ==
        PREPROC_ARGUMENT);
  CHECK(changed([](F &, O &o) { o.bounds_width = 65; }) == PREPROC_GEOMETRY);
  CHECK(changed([](F &, O &o) { o.region_x = -1; }) == PREPROC_ARGUMENT);
  CHECK(changed([](F &, O &o) { o.region_width = NAN; }) == PREPROC_ARGUMENT);
  CHECK(changed([](F &, O &o) { o.region_width = 0; }) == PREPROC_ARGUMENT);
  CHECK(changed([](F &, O &o) { o.std[1] = 0; }) == PREPROC_ARGUMENT);
  CHECK(changed([](F &, O &o) { o.mean[0] = INFINITY; }) == PREPROC_ARGUMENT);
  CHECK(changed([](F &, O &o) { o.filter = 3; }) == PREPROC_ARGUMENT);
  CHECK(changed([](F &, O &o) { o.pad = 256; }) == PREPROC_ARGUMENT);
  CHECK(changed([](F &, O &o) {
          o.encode = PREPROC_JPEG;
          o.quality = 0;
        }) == PREPROC_ARGUMENT);
}

// Layouts whose samples would lie elsewhere than in the rows.
static void layouts() {
  using F = preproc_format;
  const auto layout = [](auto &&change) {
    return changed([&](F &f, preproc_output &) { change(f); });
  };
  CHECK(layout([](F &f) { f.kind = 6; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.kind = -1; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.packing = 2; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.red_x = 2; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.planes = 0; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.planes = 4; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.components = 3; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.matrix = PREPROC_HSV180; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.plane[0].bytes = 0; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.plane[0].bytes = INT32_MAX; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.plane[0].pixels = 0; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.plane[0].pixels = 2; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.plane[0].rows = 2; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.plane[0].rows = 0; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.component[0].plane = 1; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.component[0].offset = 1; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.component[0].offset = -1; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.component[0].step = 2; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.component[0].step = 0; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.component[0].word = 2; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.component[0].word = 0; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.component[0].bits = 9; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.component[0].bits = 0; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.component[0].shift = 1; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.component[0].shift = -1; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.component[0].big_endian = 2; }) ==
        PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.component[0].hsub = 2; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.component[0].vsub = 0; }) == PREPROC_ARGUMENT);
  CHECK(layout([](F &f) { f.packing = PREPROC_MIPI; }) == PREPROC_ARGUMENT);
}

static void counts() {
  const preproc_format format = planes_of("GREY", 64, 48, 0).format;
  const std::vector<preproc_output> outputs(PREPROC_MAX_OUTPUTS + 1,
                                            stretched(format, 8, 8));
  CHECK(create_status(format, outputs.data(), 0) == PREPROC_ARGUMENT);
  CHECK(create_status(format, nullptr, 1) == PREPROC_ARGUMENT);
  CHECK(create_status(format, outputs.data(), PREPROC_MAX_OUTPUTS) ==
        PREPROC_OK);
  CHECK(create_status(format, outputs.data(), PREPROC_MAX_OUTPUTS + 1) ==
        PREPROC_ARGUMENT);
}

static void small_or_crooked_target() {
  const Planes source = planes_of("GREY", 64, 48, 0);
  preproc_output output = stretched(source.format, 8, 8);
  output.dtype = PREPROC_FLOAT32;
  preproc *handle = create(source.format, output);
  const std::vector<std::uint8_t> pixels(source.bytes[0]);
  const std::uint8_t *planes[3] = {pixels.data()};
  const std::size_t lengths[3] = {pixels.size()};
  std::vector<std::uint8_t> out(output_bytes(output) + 4);
  CHECK(run(handle, planes, lengths, out.data(), output_bytes(output) - 1) ==
        PREPROC_ARGUMENT);
  CHECK(run(handle, planes, lengths, out.data() + 1, out.size() - 1) ==
        PREPROC_ARGUMENT);
  CHECK(run(handle, planes, lengths, out.data(), out.size()) == PREPROC_OK);
  preproc_destroy(handle);
}

// Any numbers are either refused or work.
static void random_numbers() {
  Random random;
  // Mostly right, now and then one too far.
  const auto near = [&](int v) { return v + (random.below(12) == 0); };
  int accepted = 0;
  for (int i = 0; i < 10000; i++) {
    const int width = 1 + random.below(40), height = 1 + random.below(40);
    const Planes source = planes_of("YUYV", width, height, random.below(3));
    preproc_output o =
        stretched(source.format, 1 + random.below(30), 1 + random.below(30));
    o.content_x = near(random.below(o.width)) - 1;
    o.content_y = near(random.below(o.height)) - 1;
    o.content_width = near(1 + random.below(o.width));
    o.content_height = near(o.height - o.content_y);
    o.bounds_x = random.below(width);
    o.bounds_width = near(width - o.bounds_x);
    o.region_x = o.bounds_x + random.below(8) / 4.0;
    o.region_width = random.below(4 * width) / 4.0;
    o.filter = random.below(3);
    o.color = random.below(3);
    o.layout = random.below(2);
    o.transpose = random.below(2);
    o.reverse_x = random.below(2);
    o.reverse_y = random.below(2);
    if (create_status(source.format, &o, 1) != PREPROC_OK) continue;
    accepted++;
    preproc *handle = create(source.format, o);
    const Edge pixels(source.bytes[0]), out(output_bytes(o));
    const std::uint8_t *planes[3] = {pixels.data()};
    const std::size_t lengths[3] = {pixels.size()};
    CHECK(run(handle, planes, lengths, out.data(), out.size()) == PREPROC_OK);
    preproc_destroy(handle);
  }
  CHECK(accepted > 1000);
}

// A layout of any numbers, many of them plausible.
static preproc_format random_format(Random &random) {
  static const char names[][5] = {"YUYV", "NV12", "RGBP", "BGRH",
                                  "RG10", "pRAA", "HSV3", "Y12P"};
  preproc_format f = planes_of(names[random.below(8)], 1 + random.below(40),
                               1 + random.below(40), random.below(3))
                         .format;
  std::int32_t *const numbers = &f.kind;
  const int count = int(&f.matrix - numbers) + 2;
  static const std::int32_t values[] = {0,  1,  2,   3,         4,         5,
                                        6,  7,  8,   10,        12,        14,
                                        16, 64, 100, INT32_MAX, INT32_MIN, -1};
  for (int i = random.below(4); i > 0; i--)
    numbers[random.below(count)] = values[random.below(18)];
  return f;
}

// Any layout is refused, or is read within the planes that it tells of.
static void random_layouts() {
  Random random;
  int accepted = 0;
  for (int i = 0; i < 20000; i++) {
    const preproc_format f = random_format(random);
    preproc_output o = stretched(f, 1 + random.below(30), 1 + random.below(30));
    o.color = random.below(3);
    o.filter = random.below(3);
    if (create_status(f, &o, 1) != PREPROC_OK) continue;
    if (f.kind == PREPROC_KIND_JPEG) continue;
    accepted++;
    std::unique_ptr<Edge> memory[3];
    const std::uint8_t *planes[3] = {};
    std::size_t lengths[3] = {};
    for (int p = 0; p < f.planes; p++) {
      const preproc_plane &plane = f.plane[p];
      const std::size_t row =
          std::size_t((f.width + plane.pixels - 1) / plane.pixels) *
          plane.bytes;
      if (plane.stride > 1 << 20) break;
      lengths[p] = row + std::size_t(plane.stride) *
                             ((f.height + plane.rows - 1) / plane.rows - 1);
      memory[p] = std::make_unique<Edge>(lengths[p]);
      for (std::size_t k = 0; k < lengths[p]; k++)
        memory[p]->data()[k] = std::uint8_t(random.next() >> 24);
      planes[p] = memory[p]->data();
    }
    preproc *handle = create(f, o);
    const Edge out(output_bytes(o));
    const preproc_status status =
        run(handle, planes, lengths, out.data(), out.size());
    CHECK(status == PREPROC_OK || status == PREPROC_SHORT);
    preproc_destroy(handle);
  }
  CHECK(accepted > 5000);
}

int main() {
  single_faults();
  layouts();
  counts();
  small_or_crooked_target();
  random_numbers();
  random_layouts();
  preproc_destroy(nullptr);
  const std::uint8_t *const no_planes[3] = {};
  const std::size_t no_lengths[3] = {};
  CHECK(run(nullptr, no_planes, no_lengths, nullptr, 0) == PREPROC_ARGUMENT);
  CHECK(std::strcmp(preproc_status_name(PREPROC_CORRUPT), "corrupt") == 0);
  CHECK(std::strcmp(preproc_status_name(preproc_status(99)), "unknown") == 0);
}
