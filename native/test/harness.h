// What the C++ tests share: checks, frames at the edge of a page, outputs.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "../preproc.h"

#define CHECK(condition)                                                   \
  do {                                                                     \
    if (!(condition)) {                                                    \
      std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                        \
    }                                                                      \
  } while (0)

namespace test {

// Bytes whose end is the end of a page, before one that cannot be touched.
class Edge {
 public:
  explicit Edge(std::size_t size);
  Edge(const std::vector<std::uint8_t> &bytes);
  ~Edge();
  Edge(const Edge &) = delete;
  Edge &operator=(const Edge &) = delete;

  std::uint8_t *data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::uint8_t *base_, *data_;
  std::size_t mapped_, size_;
};

// The same numbers on every run.
class Random {
 public:
  std::uint32_t next() { return state_ = state_ * 1664525u + 1013904223u; }
  int below(int n) { return int((next() >> 8) % std::uint32_t(n)); }

 private:
  std::uint32_t state_ = 1;
};

// The whole picture of `format` stretched to width x height, uint8 RGB.
preproc_output stretched(const preproc_format &format, int width, int height);

std::size_t output_bytes(const preproc_output &output);

// A format of `planes` planes with rows `slack` bytes longer than needed.
struct Planes {
  preproc_format format;
  int count;
  std::size_t bytes[PREPROC_MAX_PLANES];
};
Planes planes_of(const char *pixel_format, int width, int height, int slack);

preproc_format jpeg_format(int width, int height);

preproc *create(const preproc_format &format, const preproc_output &output);

// preproc_run with one output; the frame is measured in any case.
preproc_status run(preproc *handle, const std::uint8_t *const planes[],
                   const std::size_t lengths[], std::uint8_t *out,
                   std::size_t capacity, std::uint64_t *written = nullptr,
                   preproc_measure *measure = nullptr,
                   std::uint32_t bordered = 0);

// A noisy picture as a JPEG file.
std::vector<std::uint8_t> jpeg(int width, int height, int quality);

}  // namespace test
