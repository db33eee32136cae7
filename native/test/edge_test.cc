// Nothing is read behind a frame's last byte or written behind an output's.
#include <memory>

#include "harness.h"

using namespace test;

static void one_frame(const Planes &source, const preproc_output &output) {
  std::unique_ptr<Edge> memory[PREPROC_MAX_PLANES];
  const std::uint8_t *planes[PREPROC_MAX_PLANES] = {};
  std::size_t lengths[PREPROC_MAX_PLANES] = {};
  for (int p = 0; p < source.count; p++) {
    memory[p] = std::make_unique<Edge>(source.bytes[p]);
    planes[p] = memory[p]->data();
    lengths[p] = source.bytes[p];
  }
  preproc *handle = create(source.format, output);
  const Edge out(output_bytes(output));
  CHECK(run(handle, planes, lengths, out.data(), out.size()) == PREPROC_OK);
  lengths[source.count - 1]--;
  CHECK(run(handle, planes, lengths, out.data(), out.size()) == PREPROC_SHORT);
  preproc_destroy(handle);
}

template <std::size_t N>
static void every_size(const char (&name)[N]) {
  const int sizes[][2] = {{1, 1}, {2, 2}, {3, 5}, {17, 9}, {64, 48}, {101, 3}};
  const int targets[][2] = {{1, 1}, {4, 3}, {33, 31}, {130, 70}};
  for (const auto &size : sizes)
    for (const auto &target : targets)
      for (int slack : {0, 1, 4096})
        for (int filter = 0; filter <= PREPROC_NEAREST; filter++)
          for (int dtype = 0; dtype <= PREPROC_FLOAT16; dtype++) {
            const Planes source = planes_of(name, size[0], size[1], slack);
            preproc_output o = stretched(source.format, target[0], target[1]);
            o.filter = filter;
            o.dtype = dtype;
            o.layout = slack == 1;
            o.transpose = slack == 0;
            o.reverse_x = filter == 1;
            o.reverse_y = filter == 2;
            one_frame(source, o);
          }
}

// Every beginning of a JPEG is refused, and read no further than it goes.
static void truncated_jpeg() {
  const std::vector<std::uint8_t> file = jpeg(50, 40, 80);
  const preproc_format format = jpeg_format(50, 40);
  for (int size : {50, 20, 5}) {
    preproc_output output = stretched(format, size, size);
    preproc *handle = create(format, output);
    const Edge out(output_bytes(output));
    for (std::size_t n = 0; n <= file.size(); n++) {
      const Edge part(
          std::vector<std::uint8_t>(file.begin(), file.begin() + n));
      const std::uint8_t *planes[3] = {part.data()};
      const std::size_t lengths[3] = {n};
      const preproc_status status =
          run(handle, planes, lengths, out.data(), out.size());
      // The last bytes may hold no more than the end marker and fill bits.
      if (n == file.size())
        CHECK(status == PREPROC_OK);
      else if (n < file.size() - 4)
        CHECK(status == PREPROC_CORRUPT || status == PREPROC_SHORT);
    }
    preproc_destroy(handle);
  }
}

int main() {
  every_size("YUYV");
  every_size("UYVY");
  every_size("NV12");
  every_size("YU12");
  every_size("GREY");
  every_size("RGB3");
  every_size("BGR3");
  every_size("XR24");
  every_size("P010");
  every_size("Y10 ");
  every_size("Y16 ");
  every_size("Y12P");
  every_size("RGBP");
  every_size("BGRH");
  every_size("HSV3");
  every_size("RGGB");
  every_size("RG10");
  every_size("pRAA");
  every_size("pREE");
  truncated_jpeg();
}
