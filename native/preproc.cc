// The C interface: checks the numbers, and lets no exception out.
#include "preproc.h"

#include <cmath>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>

#include "hooks.h"
#include "layout.h"
#include "pipeline.h"
#include "simd.h"
#include "status.h"

struct preproc {
  preprocess::Pipeline pipeline;
};

namespace preprocess {
namespace {

// The one catch of the room.
template <typename Work>
preproc_status guarded(preproc_error *error, Work &&work) noexcept {
  preproc_status status = PREPROC_FAILED;
  const char *detail = "unknown exception";
  char copy[PREPROC_DETAIL];
  try {
    work();
    status = PREPROC_OK;
    detail = "";
  } catch (const Refusal &refusal) {
    status = refusal.status;
    std::snprintf(copy, sizeof copy, "%s", refusal.detail);
    detail = copy;
  } catch (const std::bad_alloc &) {
    detail = "out of memory";
  } catch (const std::exception &exception) {
    std::snprintf(copy, sizeof copy, "%s", exception.what());
    detail = copy;
  } catch (...) {
  }
  if (error != nullptr)
    std::snprintf(error->detail, sizeof error->detail, "%s", detail);
  return status;
}

void check_size(preproc_status status, const char *what, int width,
                int height) {
  if (width < 1 || height < 1 || width > PREPROC_MAX_SIDE ||
      height > PREPROC_MAX_SIDE || product(width, height) > PREPROC_MAX_PIXELS)
    refuse(status, "%s is %dx%d; allowed are sides of 1 to %d and %d pixels",
           what, width, height, PREPROC_MAX_SIDE, PREPROC_MAX_PIXELS);
}

// x .. x+width within 0 .. limit; written so that it cannot overflow.
bool within(int x, int width, int limit) {
  return x >= 0 && width >= 1 && width <= limit && x <= limit - width;
}

bool within(double x, double width, double low, double high) {
  constexpr double kRounding = 1e-6;
  return x >= low - kRounding && width > 0 && x + width <= high + kRounding;
}

bool in_range(int v, int last) { return v >= 0 && v <= last; }

void check_quantisation(const preproc_output &o) {
  if (o.scale == 0) return;
  // Beyond these, products of a whole frame would leave what floats can hold.
  for (int c = 0; c < 3; c++)
    if (!(o.scale * o.std[c] >= 1e-6f) || !(std::abs(o.mean[c]) <= 1e3))
      refuse(PREPROC_ARGUMENT,
             "quantised, scale times std has to be 1e-6 or more, and mean "
             "within 1000 of 0");
  if (!std::isfinite(o.scale) || o.zero_point < -128 || o.zero_point > 255)
    refuse(PREPROC_ARGUMENT,
           "scale has to be finite, and zero_point -128 to 255");
}

void check_words(const preproc_output &o) {
  if (!in_range(o.filter, PREPROC_NEAREST) || !in_range(o.pad, 255) ||
      !in_range(o.color, PREPROC_GRAY) || !in_range(o.dtype, PREPROC_INT8) ||
      !in_range(o.layout, PREPROC_CHW) || !in_range(o.encode, PREPROC_JPEG) ||
      !in_range(o.transpose, 1) || !in_range(o.reverse_x, 1) ||
      !in_range(o.reverse_y, 1))
    refuse(PREPROC_ARGUMENT, "output has an option without meaning");
  if (o.encode == PREPROC_JPEG && (o.quality < 1 || o.quality > 100))
    refuse(PREPROC_ARGUMENT, "quality is %d; allowed are 1 to 100",
           int(o.quality));
  for (int c = 0; c < 3; c++)
    if (!std::isfinite(o.mean[c]) || !std::isfinite(o.std[c]) ||
        !(o.std[c] > 0))
      refuse(PREPROC_ARGUMENT, "mean and std have to be finite, std above 0");
  check_quantisation(o);
}

// Numbers that a calibration may have; what is made of them stays finite, or is
// found not to be seen.
void check_lens(const preproc_format &f, const preproc_lens &l) {
  if (l.model == PREPROC_NO_LENS) return;
  constexpr double kMost = 1e12;
  bool sane = in_range(l.model, PREPROC_FISHEYE) && l.limit > 0 &&
              l.limit <= 1000 && l.width == f.width && l.height == f.height;
  for (int i = 0; i < 4; i++)
    sane = sane && std::abs(l.camera[i]) <= kMost &&
           std::abs(l.picture[i]) <= kMost;
  for (const double k : l.coefficients) sane = sane && std::abs(k) <= kMost;
  for (int i = 0; i < 2; i++)
    sane =
        sane && l.camera[i] > 0 && l.picture[i] > 0 &&
        (l.model != PREPROC_PINHOLE || std::abs(l.coefficients[12 + i]) <= 1.5);
  if (!sane) refuse(PREPROC_ARGUMENT, "lens has numbers without meaning");
}

void check_tone(const preproc_output &o) {
  const bool gamma = o.gamma == 0 || (o.gamma >= 0.05f && o.gamma <= 20);
  const bool clahe =
      o.clahe_clip == 0 ||
      (o.clahe_clip >= 0.1f && o.clahe_clip <= 256 &&
       in_range(o.clahe_columns - 1, 63) && in_range(o.clahe_rows - 1, 63));
  if (!gamma || !clahe)
    refuse(PREPROC_ARGUMENT,
           "gamma has to be 0.05 to 20, clahe_clip 0.1 to 256, and tiles 1 to "
           "64 on a side");
}

void check_output(const preproc_format &f, const preproc_output &o) {
  check_words(o);
  check_lens(f, o.lens);
  check_tone(o);
  check_size(PREPROC_ARGUMENT, "output", o.width, o.height);
  if (!within(o.content_x, o.content_width, o.width) ||
      !within(o.content_y, o.content_height, o.height))
    refuse(PREPROC_ARGUMENT, "content reaches out of the output");
  if (!within(o.bounds_x, o.bounds_width, f.width) ||
      !within(o.bounds_y, o.bounds_height, f.height))
    refuse(PREPROC_GEOMETRY,
           "view %d,%d,%dx%d reaches out of the %dx%d picture", int(o.bounds_x),
           int(o.bounds_y), int(o.bounds_width), int(o.bounds_height),
           int(f.width), int(f.height));
  if (!within(o.region_x, o.region_width, o.bounds_x,
              double(o.bounds_x) + o.bounds_width) ||
      !within(o.region_y, o.region_height, o.bounds_y,
              double(o.bounds_y) + o.bounds_height))
    refuse(PREPROC_ARGUMENT, "region reaches out of the view");
}

void check(const preproc_format *format, const preproc_output *outputs,
           size_t count) {
  if (format == nullptr || outputs == nullptr || count < 1 ||
      count > PREPROC_MAX_OUTPUTS)
    refuse(PREPROC_ARGUMENT, "%zu outputs; allowed are 1 to %d", count,
           PREPROC_MAX_OUTPUTS);
  // What a damaged recording claims is no bug of the caller.
  check_size(PREPROC_GEOMETRY, "frame", format->width, format->height);
  check_layout(*format);
  for (size_t i = 0; i < count; i++) check_output(*format, outputs[i]);
}

}  // namespace
}  // namespace preprocess

using namespace preprocess;

preproc_status preproc_create(const preproc_format *format,
                              const preproc_output *outputs, size_t count,
                              preproc **handle, preproc_error *error) noexcept {
  return guarded(error, [&] {
    *handle = nullptr;
    check(format, outputs, count);
    *handle = new preproc{Pipeline(*format, outputs, count)};
  });
}

preproc_status preproc_run(
    preproc *handle, uint64_t sequence, const uint8_t *plane0, size_t length0,
    const uint8_t *plane1, size_t length1, const uint8_t *plane2,
    size_t length2, uint8_t *output0, size_t capacity0, uint8_t *output1,
    size_t capacity1, uint8_t *output2, size_t capacity2, uint8_t *output3,
    size_t capacity3, uint8_t *output4, size_t capacity4, uint8_t *output5,
    size_t capacity5, uint8_t *output6, size_t capacity6, uint8_t *output7,
    size_t capacity7, uint32_t bordered, uint64_t written[PREPROC_MAX_OUTPUTS],
    preproc_measure *measure, preproc_error *error) noexcept {
  return guarded(error, [&] {
    if (handle == nullptr) refuse(PREPROC_ARGUMENT, "there is no handle");
    misbehave_on_request(sequence);
    const uint8_t *const planes[] = {plane0, plane1, plane2};
    const size_t lengths[] = {length0, length1, length2};
    Target targets[PREPROC_MAX_OUTPUTS] = {
        {output0, capacity0, false}, {output1, capacity1, false},
        {output2, capacity2, false}, {output3, capacity3, false},
        {output4, capacity4, false}, {output5, capacity5, false},
        {output6, capacity6, false}, {output7, capacity7, false}};
    for (int i = 0; i < PREPROC_MAX_OUTPUTS; i++)
      targets[i].bordered = bordered >> i & 1;
    handle->pipeline.run(planes, lengths, targets, written, measure);
    miscompute_on_request(sequence, output0, written[0]);
  });
}

preproc_status preproc_kernels(const char **name,
                               preproc_error *error) noexcept {
  return guarded(error, [&] { *name = simd_name(simd_chosen()); });
}

void preproc_destroy(preproc *handle) noexcept { delete handle; }

const char *preproc_status_name(preproc_status status) noexcept {
  switch (status) {
    case PREPROC_OK:
      return "ok";
    case PREPROC_FAILED:
      return "failed";
    case PREPROC_CORRUPT:
      return "corrupt";
    case PREPROC_SHORT:
      return "short";
    case PREPROC_GEOMETRY:
      return "geometry";
    case PREPROC_UNSUPPORTED:
      return "unsupported";
    case PREPROC_ARGUMENT:
      return "argument";
  }
  return "unknown";
}
