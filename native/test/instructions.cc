// Not a test: what callgrind counts the instructions of. Each job preprocesses
// the same few frames; only these are counted, and dumped under the job's name.
//
// Usage: valgrind --tool=callgrind --instr-atstart=no instructions 720P.jpg

#include <valgrind/callgrind.h>

#include <fstream>
#include <iterator>
#include <string>

#include "harness.h"

using namespace test;

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr int kFrames = 2;

// A frame of one format; of compressed ones, only plane 0.
struct Frame {
  preproc_format format;
  Bytes planes[PREPROC_MAX_PLANES];
};

Bytes read_file(const char *name) {
  std::ifstream file(name, std::ios::binary);
  CHECK(file.good());
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

Frame compressed(Bytes file, int width, int height) {
  Frame frame{};
  frame.format = jpeg_format(width, height);
  frame.planes[0] = std::move(file);
  return frame;
}

// Slopes with noise.
Frame raw(const char *name, int width, int height) {
  const Planes shape = planes_of(name, width, height, 0);
  Frame frame{};
  frame.format = shape.format;
  Random random;
  for (int p = 0; p < shape.count; p++) {
    frame.planes[p].resize(shape.bytes[p]);
    for (std::size_t i = 0; i < shape.bytes[p]; i++)
      frame.planes[p][i] = std::uint8_t(i / 31 + random.below(16));
  }
  return frame;
}

// The picture in the middle of a square, as floats in planes: what a detector
// takes.
preproc_output letterbox(const preproc_format &format, int side) {
  preproc_output o = stretched(format, side, side);
  o.content_height = side * format.height / format.width;
  o.content_y = (side - o.content_height) / 2;
  o.pad = 114;
  o.dtype = PREPROC_FLOAT32;
  o.layout = PREPROC_CHW;
  const float mean[] = {0.485f, 0.456f, 0.406f};
  const float std[] = {0.229f, 0.224f, 0.225f};
  for (int c = 0; c < 3; c++) {
    o.mean[c] = mean[c];
    o.std[c] = std[c];
  }
  return o;
}

preproc_output bytes_of(preproc_output o) {
  o.dtype = PREPROC_UINT8;
  o.layout = PREPROC_HWC;
  return o;
}

preproc_output turned(preproc_output o) {
  std::swap(o.content_x, o.content_y);
  std::swap(o.content_width, o.content_height);
  o.transpose = o.reverse_y = 1;
  return o;
}

preproc_output encoded(preproc_output o) {
  o.encode = PREPROC_JPEG;
  o.quality = 80;
  return o;
}

preproc_output straight(preproc_output o) {
  o.lens.model = PREPROC_PINHOLE;
  o.lens.width = o.bounds_width;
  o.lens.height = o.bounds_height;
  const double camera[] = {1400, 1400, 960, 540};
  for (int i = 0; i < 4; i++) o.lens.camera[i] = o.lens.picture[i] = camera[i];
  o.lens.coefficients[0] = -0.28;
  o.lens.coefficients[1] = 0.08;
  o.lens.limit = 1;
  return o;
}

preproc_output unfiltered(preproc_output o) {
  o.filter = PREPROC_LINEAR;
  return o;
}

void count(const std::string &job, const Frame &frame,
           const preproc_output &output) {
  preproc *handle = create(frame.format, output);
  const std::uint8_t *planes[PREPROC_MAX_PLANES];
  std::size_t lengths[PREPROC_MAX_PLANES];
  for (int p = 0; p < PREPROC_MAX_PLANES; p++) {
    planes[p] = frame.planes[p].data();
    lengths[p] = frame.planes[p].size();
  }
  // Room for a file that is larger than its pixels, which none is.
  Bytes out(output_bytes(output) + 4096);
  // The border stands from the first frame on, as it does in a ring.
  std::uint32_t bordered = 0;
  const auto once = [&] {
    CHECK(run(handle, planes, lengths, out.data(), out.size(), nullptr, nullptr,
              bordered) == PREPROC_OK);
    bordered = 1;
  };
  // Tables are made for the first frame, and a picture that stands still is
  // looked at whole for the sixteen after it, and then for each sixteenth.
  for (int i = 0; i < 18; i++) once();
  CALLGRIND_START_INSTRUMENTATION;
  for (int i = 0; i < kFrames; i++) once();
  CALLGRIND_STOP_INSTRUMENTATION;
  CALLGRIND_DUMP_STATS_AT(job.c_str());
  preproc_destroy(handle);
}

// "Y10 " is one word.
std::string job_of(const char *format, const char *job) {
  const std::string name(format);
  return name.substr(0, name.find(' ')) + job;
}

}  // namespace

int main(int argc, char **argv) {
  CHECK(argc == 2);
  const Frame yuyv = raw("YUYV", 1920, 1080), nv12 = raw("NV12", 1920, 1080);
  const Frame yu12 = raw("YU12", 1920, 1080), rgb3 = raw("RGB3", 1920, 1080);
  const Frame mjpg = compressed(read_file(argv[1]), 1280, 720);
  const auto model = [](const Frame &f) { return letterbox(f.format, 640); };
  count("YUYV-float32", yuyv, model(yuyv));
  count("YUYV-float32-linear", yuyv, unfiltered(model(yuyv)));
  count("YUYV-float32-turned", yuyv, turned(model(yuyv)));
  count("YUYV-float32-straight", yuyv, straight(model(yuyv)));
  count("YUYV-uint8", yuyv, bytes_of(model(yuyv)));
  count("NV12-float32", nv12, model(nv12));
  count("NV12-uint8", nv12, bytes_of(model(nv12)));
  count("YU12-float32", yu12, model(yu12));
  count("RGB3-float32", rgb3, model(rgb3));
  // What has to be unpacked first, and behind a filter at half the size; then
  // at its full size.
  for (const char *name : {"Y10 ", "Y16 ", "P010", "RGBP", "BGRH", "XR24",
                           "HSV3", "RGGB", "RG10", "pRAA"}) {
    const Frame frame = raw(name, 1920, 1080);
    count(job_of(name, "-float32"), frame, model(frame));
  }
  for (const char *name : {"RGGB", "RG10", "pRAA"}) {
    const Frame frame = raw(name, 1920, 1080);
    count(job_of(name, "-1280-float32"), frame, letterbox(frame.format, 1280));
  }
  count("MJPG-720p-float32", mjpg, model(mjpg));
  count("MJPG-720p-jpeg", mjpg, encoded(stretched(mjpg.format, 640, 360)));
}
