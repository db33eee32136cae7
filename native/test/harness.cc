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

Planes planes_of(const char (&name)[5], int width, int height, int slack) {
  struct Shape {
    const char *name;
    int count, group[3], bytes[3], vsub[3];
  };
  static const Shape shapes[] = {
      {"YUYV", 1, {2}, {4}, {1}},
      {"UYVY", 1, {2}, {4}, {1}},
      {"NV12", 2, {1, 2}, {1, 2}, {1, 2}},
      {"YU12", 3, {1, 2, 2}, {1, 1, 1}, {1, 2, 2}},
      {"GREY", 1, {1}, {1}, {1}},
      {"RGB3", 1, {1}, {3}, {1}},
      {"BGR3", 1, {1}, {3}, {1}},
  };
  Planes planes{};
  planes.format.pixel_format = fourcc(name);
  planes.format.width = width;
  planes.format.height = height;
  for (const Shape &shape : shapes) {
    if (std::strcmp(shape.name, name) != 0) continue;
    planes.count = shape.count;
    for (int p = 0; p < shape.count; p++) {
      const int row =
          (width + shape.group[p] - 1) / shape.group[p] * shape.bytes[p];
      const int rows = (height + shape.vsub[p] - 1) / shape.vsub[p];
      planes.format.stride[p] = row + slack;
      planes.bytes[p] = std::size_t(row + slack) * (rows - 1) + row;
    }
  }
  CHECK(planes.count > 0);
  return planes;
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
                   preproc_measure *measure) {
  std::uint64_t bytes[PREPROC_MAX_OUTPUTS] = {};
  preproc_error error;
  preproc_measure ignored;
  if (measure == nullptr) measure = &ignored;
  const preproc_status status = preproc_run(
      handle, 0, planes[0], lengths[0], planes[1], lengths[1], planes[2],
      lengths[2], out, capacity, nullptr, 0, nullptr, 0, nullptr, 0, nullptr, 0,
      nullptr, 0, nullptr, 0, nullptr, 0, bytes, measure, &error);
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
