#include "harness.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace test {

Edge::Edge(std::size_t size) : size_(size) {
  const std::size_t page = std::size_t(sysconf(_SC_PAGESIZE));
  mapped_ = (size + page - 1) / page * page + page;
  void *memory = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED);
  base_ = static_cast<std::uint8_t *>(memory);
  CHECK(mprotect(base_ + mapped_ - page, page, PROT_NONE) == 0);
  data_ = base_ + mapped_ - page - size;
}

Edge::Edge(const std::vector<std::uint8_t> &bytes) : Edge(bytes.size()) {
  std::copy(bytes.begin(), bytes.end(), data_);
}

Edge::~Edge() { munmap(base_, mapped_); }

preproc_output stretched(const preproc_format &format, int width, int height) {
  preproc_output o{};
  o.width = o.content_width = width;
  o.height = o.content_height = height;
  o.region_width = o.bounds_width = format.width;
  o.region_height = o.bounds_height = format.height;
  o.quality = 90;
  for (float &std : o.std) std = 1;
  return o;
}

std::size_t output_bytes(const preproc_output &o) {
  const std::size_t element = o.dtype == PREPROC_FLOAT32   ? 4
                              : o.dtype == PREPROC_FLOAT16 ? 2
                                                           : 1;
  return std::size_t(o.width) * o.height * element *
         (o.color == PREPROC_GRAY ? 1 : 3);
}

namespace {

// A format as the table of package capture has it.
struct Shape {
  const char *name;
  int kind, packing, planes, components;
  int bytes[3], pixels[3], rows[3];
  preproc_component component[3];
};

const Shape shapes[] = {
    {"YUYV",
     PREPROC_KIND_YUV,
     PREPROC_WORDS,
     1,
     3,
     {4},
     {2},
     {1},
     {{0, 0, 2, 1, 0, 0, 8, 1, 1},
      {0, 1, 4, 1, 0, 0, 8, 2, 1},
      {0, 3, 4, 1, 0, 0, 8, 2, 1}}},
    {"UYVY",
     PREPROC_KIND_YUV,
     PREPROC_WORDS,
     1,
     3,
     {4},
     {2},
     {1},
     {{0, 1, 2, 1, 0, 0, 8, 1, 1},
      {0, 0, 4, 1, 0, 0, 8, 2, 1},
      {0, 2, 4, 1, 0, 0, 8, 2, 1}}},
    {"NV12",
     PREPROC_KIND_YUV,
     PREPROC_WORDS,
     2,
     3,
     {1, 2},
     {1, 2},
     {1, 2},
     {{0, 0, 1, 1, 0, 0, 8, 1, 1},
      {1, 0, 2, 1, 0, 0, 8, 2, 2},
      {1, 1, 2, 1, 0, 0, 8, 2, 2}}},
    {"YU12",
     PREPROC_KIND_YUV,
     PREPROC_WORDS,
     3,
     3,
     {1, 1, 1},
     {1, 2, 2},
     {1, 2, 2},
     {{0, 0, 1, 1, 0, 0, 8, 1, 1},
      {1, 0, 1, 1, 0, 0, 8, 2, 2},
      {2, 0, 1, 1, 0, 0, 8, 2, 2}}},
    {"GREY",
     PREPROC_KIND_LUMA,
     PREPROC_WORDS,
     1,
     1,
     {1},
     {1},
     {1},
     {{0, 0, 1, 1, 0, 0, 8, 1, 1}}},
    {"RGB3",
     PREPROC_KIND_RGB,
     PREPROC_WORDS,
     1,
     3,
     {3},
     {1},
     {1},
     {{0, 0, 3, 1, 0, 0, 8, 1, 1},
      {0, 1, 3, 1, 0, 0, 8, 1, 1},
      {0, 2, 3, 1, 0, 0, 8, 1, 1}}},
    {"BGR3",
     PREPROC_KIND_RGB,
     PREPROC_WORDS,
     1,
     3,
     {3},
     {1},
     {1},
     {{0, 2, 3, 1, 0, 0, 8, 1, 1},
      {0, 1, 3, 1, 0, 0, 8, 1, 1},
      {0, 0, 3, 1, 0, 0, 8, 1, 1}}},
    {"XR24",
     PREPROC_KIND_RGB,
     PREPROC_WORDS,
     1,
     3,
     {4},
     {1},
     {1},
     {{0, 2, 4, 1, 0, 0, 8, 1, 1},
      {0, 1, 4, 1, 0, 0, 8, 1, 1},
      {0, 0, 4, 1, 0, 0, 8, 1, 1}}},
    {"P010",
     PREPROC_KIND_YUV,
     PREPROC_WORDS,
     2,
     3,
     {2, 4},
     {1, 2},
     {1, 2},
     {{0, 0, 2, 2, 0, 6, 10, 1, 1},
      {1, 0, 4, 2, 0, 6, 10, 2, 2},
      {1, 2, 4, 2, 0, 6, 10, 2, 2}}},
    {"Y10 ",
     PREPROC_KIND_LUMA,
     PREPROC_WORDS,
     1,
     1,
     {2},
     {1},
     {1},
     {{0, 0, 2, 2, 0, 0, 10, 1, 1}}},
    {"Y16 ",
     PREPROC_KIND_LUMA,
     PREPROC_WORDS,
     1,
     1,
     {2},
     {1},
     {1},
     {{0, 0, 2, 2, 0, 0, 16, 1, 1}}},
    {"Y12P",
     PREPROC_KIND_LUMA,
     PREPROC_MIPI,
     1,
     1,
     {3},
     {2},
     {1},
     {{0, 0, 0, 0, 0, 0, 12, 1, 1}}},
    {"RGBP",
     PREPROC_KIND_RGB,
     PREPROC_WORDS,
     1,
     3,
     {2},
     {1},
     {1},
     {{0, 0, 2, 2, 0, 11, 5, 1, 1},
      {0, 0, 2, 2, 0, 5, 6, 1, 1},
      {0, 0, 2, 2, 0, 0, 5, 1, 1}}},
    {"BGRH",
     PREPROC_KIND_RGB,
     PREPROC_WORDS,
     1,
     3,
     {4},
     {1},
     {1},
     {{0, 0, 4, 4, 1, 14, 6, 1, 1},
      {0, 0, 4, 4, 1, 20, 6, 1, 1},
      {0, 0, 4, 4, 1, 26, 6, 1, 1}}},
    {"HSV3",
     PREPROC_KIND_HSV,
     PREPROC_WORDS,
     1,
     3,
     {3},
     {1},
     {1},
     {{0, 0, 3, 1, 0, 0, 8, 1, 1},
      {0, 1, 3, 1, 0, 0, 8, 1, 1},
      {0, 2, 3, 1, 0, 0, 8, 1, 1}}},
    {"RGGB",
     PREPROC_KIND_BAYER,
     PREPROC_WORDS,
     1,
     1,
     {1},
     {1},
     {1},
     {{0, 0, 1, 1, 0, 0, 8, 1, 1}}},
    {"RG10",
     PREPROC_KIND_BAYER,
     PREPROC_WORDS,
     1,
     1,
     {2},
     {1},
     {1},
     {{0, 0, 2, 2, 0, 0, 10, 1, 1}}},
    {"pRAA",
     PREPROC_KIND_BAYER,
     PREPROC_MIPI,
     1,
     1,
     {5},
     {4},
     {1},
     {{0, 0, 0, 0, 0, 0, 10, 1, 1}}},
    {"pREE",
     PREPROC_KIND_BAYER,
     PREPROC_MIPI,
     1,
     1,
     {7},
     {4},
     {1},
     {{0, 0, 0, 0, 0, 0, 14, 1, 1}}},
};

void describe(const Shape &shape, preproc_format &format, int slack) {
  format.kind = shape.kind;
  format.packing = shape.packing;
  format.planes = shape.planes;
  format.components = shape.components;
  format.range = PREPROC_FULL;
  if (shape.kind == PREPROC_KIND_HSV) format.matrix = PREPROC_HSV180;
  for (int p = 0; p < shape.planes; p++) {
    const int row =
        (format.width + shape.pixels[p] - 1) / shape.pixels[p] * shape.bytes[p];
    format.plane[p] = {row + slack, shape.bytes[p], shape.pixels[p],
                       shape.rows[p]};
  }
  for (int i = 0; i < shape.components; i++)
    format.component[i] = shape.component[i];
}

}  // namespace

Planes planes_of(const char *name, int width, int height, int slack) {
  Planes planes{};
  preproc_format &format = planes.format;
  format.width = width;
  format.height = height;
  for (const Shape &shape : shapes)
    if (std::strcmp(shape.name, name) == 0) describe(shape, format, slack);
  planes.count = format.planes;
  for (int p = 0; p < planes.count; p++) {
    const preproc_plane &plane = format.plane[p];
    const int rows = (height + plane.rows - 1) / plane.rows;
    planes.bytes[p] =
        std::size_t(plane.stride) * (rows - 1) + (plane.stride - slack);
  }
  CHECK(planes.count > 0);
  return planes;
}

preproc_format jpeg_format(int width, int height) {
  preproc_format format{};
  format.kind = PREPROC_KIND_JPEG;
  format.width = width;
  format.height = height;
  return format;
}

preproc *create(const preproc_format &format, const preproc_output &output) {
  preproc *handle = nullptr;
  preproc_error error;
  const preproc_status status =
      preproc_create(&format, &output, 1, &handle, &error);
  if (status != PREPROC_OK) std::fprintf(stderr, "%s\n", error.detail);
  CHECK(status == PREPROC_OK);
  return handle;
}

preproc_status run(preproc *handle, const std::uint8_t *const planes[],
                   const std::size_t lengths[], std::uint8_t *out,
                   std::size_t capacity, std::uint64_t *written,
                   preproc_measure *measure, std::uint32_t bordered) {
  std::uint64_t bytes[PREPROC_MAX_OUTPUTS] = {};
  preproc_error error;
  preproc_measure ignored;
  if (measure == nullptr) measure = &ignored;
  const preproc_status status = preproc_run(
      handle, 0, planes[0], lengths[0], planes[1], lengths[1], planes[2],
      lengths[2], out, capacity, nullptr, 0, nullptr, 0, nullptr, 0, nullptr, 0,
      nullptr, 0, nullptr, 0, nullptr, 0, bordered, bytes, measure, &error);
  CHECK((status == PREPROC_OK) == (error.detail[0] == '\0'));
  if (written != nullptr) *written = bytes[0];
  return status;
}

std::vector<std::uint8_t> jpeg(int width, int height, int quality) {
  const Planes source = planes_of("RGB3", width, height, 0);
  std::vector<std::uint8_t> pixels(source.bytes[0]);
  Random random;
  for (std::size_t i = 0; i < pixels.size(); i++)
    pixels[i] = std::uint8_t(i / 7 + random.below(32));
  preproc_output output = stretched(source.format, width, height);
  output.encode = PREPROC_JPEG;
  output.quality = quality;
  preproc *handle = create(source.format, output);
  std::vector<std::uint8_t> file(pixels.size() * 2 + 4096);
  const std::uint8_t *planes[3] = {pixels.data()};
  const std::size_t lengths[3] = {pixels.size()};
  std::uint64_t written = 0;
  CHECK(run(handle, planes, lengths, file.data(), file.size(), &written) ==
        PREPROC_OK);
  preproc_destroy(handle);
  file.resize(written);
  return file;
}

}  // namespace test
