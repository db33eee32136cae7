// The heap is as large after many frames, good and bad, as after the first.
#include <fstream>
#include <iterator>
#include <string>

#include "harness.h"

using namespace test;

// Of the address sanitizer; Debian's gcc comes without its header.
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();

static std::vector<std::uint8_t> bytes_of(const std::string &name) {
  std::ifstream file(name, std::ios::binary);
  CHECK(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

static void steady(preproc *handle, const std::vector<std::uint8_t> &good,
                   const std::vector<std::uint8_t> &bad, std::uint8_t *out,
                   std::size_t capacity) {
  const auto frame = [&](const std::vector<std::uint8_t> &bytes) {
    const std::uint8_t *planes[3] = {bytes.data()};
    const std::size_t lengths[3] = {bytes.size()};
    return run(handle, planes, lengths, out, capacity);
  };
  CHECK(frame(good) == PREPROC_OK);
  CHECK(frame(bad) != PREPROC_OK);
  CHECK(frame(good) == PREPROC_OK);
  const std::size_t before = __sanitizer_get_current_allocated_bytes();
  for (int i = 0; i < 200; i++) {
    CHECK(frame(good) == PREPROC_OK);
    CHECK(frame(bad) != PREPROC_OK);
  }
  CHECK(__sanitizer_get_current_allocated_bytes() == before);
}

static void jpeg_frames(int encode) {
  const std::vector<std::uint8_t> good = jpeg(160, 120, 85);
  std::vector<std::uint8_t> bad(good.begin(), good.begin() + good.size() / 2);
  const preproc_format format = jpeg_format(160, 120);
  preproc_output output = stretched(format, 64, 64);
  output.encode = encode;
  preproc *handle = create(format, output);
  std::vector<std::uint8_t> out(65536);
  steady(handle, good, bad, out.data(), out.size());
  preproc_destroy(handle);
}

template <std::size_t N>
static void raw_frames(const char (&name)[N]) {
  const Planes source = planes_of(name, 160, 120, 0);
  const std::vector<std::uint8_t> good(source.bytes[0], 100), bad(7);
  const preproc_output output = stretched(source.format, 64, 64);
  preproc *handle = create(source.format, output);
  std::vector<std::uint8_t> out(output_bytes(output));
  steady(handle, good, bad, out.data(), out.size());
  preproc_destroy(handle);
}

// A camera may change the sampling from frame to frame.
static void changing_samplings() {
  const preproc_format format = jpeg_format(51, 38);
  preproc *handle = create(format, stretched(format, 12, 12));
  std::vector<std::uint8_t> out(output_bytes(stretched(format, 12, 12)));
  const auto round = [&] {
    for (const char *name : {"422", "progressive", "gray", "420", "rgb", "444",
                             "arithmetic", "411", "scans", "440"}) {
      const std::vector<std::uint8_t> file =
          bytes_of(std::string("../preproc/testdata/jpeg/") + name + ".jpg");
      const std::uint8_t *planes[3] = {file.data()};
      const std::size_t lengths[3] = {file.size()};
      const preproc_status status =
          run(handle, planes, lengths, out.data(), out.size());
      CHECK(status == PREPROC_OK || std::string(name) == "arithmetic");
    }
    return __sanitizer_get_current_allocated_bytes();
  };
  round();
  const std::size_t before = round();
  for (int i = 0; i < 50; i++) CHECK(round() == before);
  preproc_destroy(handle);
}

int main() {
  changing_samplings();
  jpeg_frames(PREPROC_RAW);
  jpeg_frames(PREPROC_JPEG);
  raw_frames("YUYV");
  raw_frames("RGBP");
  raw_frames("pRAA");
}
