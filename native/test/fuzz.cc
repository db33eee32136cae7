// Any bytes, any layout, any stride, any option: a status. And a good frame is
// the same picture whatever was in memory before, with every instruction set.
//
// For libFuzzer; `make fuzz` builds it with the sanitizers. The input is the
// frame's bytes, and behind them what the rest is chosen by: so a JPEG file is
// a seed as it is.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "harness.h"

namespace {

constexpr std::size_t kChosen = 224;
constexpr int kMostPixels = 1 << 15;

class Choices {
 public:
  Choices(const std::uint8_t *data, std::size_t length) {
    std::copy(data, data + length, bytes_);
  }
  std::uint8_t byte() { return at_ < kChosen ? bytes_[at_++] : 0; }
  int below(int n) { return byte() % n; }
  int between(int first, int last) { return first + below(last - first + 1); }
  std::uint32_t word() {
    std::uint32_t v = 0;
    for (int i = 0; i < 4; i++) v = v << 8 | byte();
    return v;
  }

 private:
  std::uint8_t bytes_[kChosen] = {};
  std::size_t at_ = 0;
};

// Puts any number anywhere, now and then.
template <typename T>
void poke(Choices &choose, T *numbers) {
  for (int n = choose.byte() < 200 ? 0 : choose.between(1, 3); n > 0; n--) {
    const std::uint32_t value = choose.word();
    const std::size_t at = choose.word() % (sizeof *numbers / sizeof value);
    std::memcpy(reinterpret_cast<char *>(numbers) + at * sizeof value, &value,
                sizeof value);
  }
}

// The size that a JPEG tells, or one that it does not have.
void size_of(const std::uint8_t *data, std::size_t length,
             preproc_format *format) {
  for (std::size_t i = 0; i + 9 < length; i++)
    if (data[i] == 0xff && data[i + 1] >= 0xc0 && data[i + 1] <= 0xc2) {
      format->height = data[i + 5] << 8 | data[i + 6];
      format->width = data[i + 7] << 8 | data[i + 8];
      return;
    }
}

void choose_component(Choices &choose, preproc_format *f, int i, bool packed) {
  preproc_component &c = f->component[i];
  c.word = 1 << choose.below(3);
  c.bits = c.word == 1 ? choose.between(1, 8) : choose.between(1, 16);
  if (choose.below(2) == 0) c.bits = std::min(8 * c.word, 16);
  if (choose.below(2) == 0) c.shift = choose.below(8 * c.word - c.bits + 1);
  c.big_endian = choose.below(2);
  const bool sub = f->kind == PREPROC_KIND_YUV && i > 0;
  c.hsub = sub ? 1 << choose.below(3) : 1;
  c.vsub = sub && !packed ? 1 << choose.below(3) : 1;
  c.plane = packed ? 0 : std::min(i, f->planes - 1);
  c.step = packed ? c.word * (choose.between(1, 4)) * c.hsub : c.word;
  if (!packed && f->planes < f->components && i > 0) c.step *= 2;
  c.offset = packed || i == 2 ? c.word * choose.below(4) : 0;
}

// Planes that hold what the components need, and mostly not much more.
void choose_planes(Choices &choose, preproc_format *f) {
  for (int p = 0; p < f->planes; p++) {
    preproc_plane &plane = f->plane[p];
    plane.pixels = plane.bytes = plane.rows = 1;
    for (int i = 0; i < f->components; i++) {
      const preproc_component &c = f->component[i];
      if (c.plane != p) continue;
      plane.pixels = std::max(plane.pixels, c.hsub);
      plane.rows = std::max(plane.rows, c.vsub);
    }
    for (int i = 0; i < f->components; i++) {
      const preproc_component &c = f->component[i];
      if (c.plane != p) continue;
      const int steps = plane.pixels / c.hsub;
      plane.bytes = std::max(
          plane.bytes,
          std::max(c.step * steps, c.step * (steps - 1) + c.offset + c.word));
    }
    const int groups = (f->width + plane.pixels - 1) / plane.pixels;
    plane.stride = groups * plane.bytes + choose.below(3) * choose.below(70);
  }
}

preproc_format choose_format(Choices &choose, const std::uint8_t *data,
                             std::size_t length) {
  preproc_format f{};
  f.width = choose.between(1, 130);
  f.height = choose.between(1, 90);
  f.kind = choose.below(2) == 0 ? PREPROC_KIND_JPEG : choose.below(6);
  f.range = choose.below(2);
  f.matrix = f.kind == PREPROC_KIND_HSV
                 ? choose.between(PREPROC_HSV180, PREPROC_HSV256)
                 : choose.between(PREPROC_BT601, PREPROC_SMPTE240M);
  if (f.kind == PREPROC_KIND_JPEG) {
    if (choose.below(8) < 7) size_of(data, length, &f);
    poke(choose, &f);
    return f;
  }
  f.red_x = choose.below(2);
  f.red_y = choose.below(2);
  const bool one = f.kind == PREPROC_KIND_LUMA || f.kind == PREPROC_KIND_BAYER;
  f.components = one ? 1 : 3;
  f.planes = one || f.kind == PREPROC_KIND_HSV ? 1 : choose.between(1, 3);
  if (one && choose.below(3) == 0) {
    const int bits = 10 + 2 * choose.below(3);
    f.packing = PREPROC_MIPI;
    f.component[0] = {0, 0, 1, 1, 0, 0, bits, 1, 1};
    const int pixels = bits == 12 ? 2 : 4;
    const int bytes = pixels * bits / 8;
    f.plane[0] = {(f.width + pixels - 1) / pixels * bytes + choose.below(9),
                  bytes, pixels, 1};
  } else {
    for (int i = 0; i < f.components; i++)
      choose_component(choose, &f, i, f.planes == 1);
    choose_planes(choose, &f);
  }
  poke(choose, &f);
  return f;
}

// A part of `whole`.
void choose_part(Choices &choose, int whole, std::int32_t *at,
                 std::int32_t *count) {
  *at = choose.below(3) != 0 ? 0
                             : choose.below(std::max(1, std::min(whole, 256)));
  *count = std::max(1, whole - *at);
  if (choose.below(3) == 0) *count = std::max(1, *count - choose.below(64));
}

// A lens near one that there is, or one that is not of this world.
preproc_lens choose_lens(Choices &choose, const preproc_format &f) {
  preproc_lens lens{};
  if (choose.below(4) != 3) return lens;
  lens.model = choose.below(3);
  lens.width = f.width;
  lens.height = f.height;
  for (double *matrix : {lens.camera, lens.picture}) {
    matrix[0] = f.width * (1 + choose.byte()) / 128.0;
    matrix[1] = f.width * (1 + choose.byte()) / 128.0;
    matrix[2] = f.width * choose.byte() / 256.0;
    matrix[3] = f.height * choose.byte() / 256.0;
  }
  const int wild = choose.below(4) == 3 ? 1 : 8;
  for (int i = choose.below(15); i > 0; i--)
    lens.coefficients[i - 1] = (choose.byte() - 128) / 128.0 / wild;
  lens.limit = (1 + choose.byte()) / 32.0;
  return lens;
}

preproc_output choose_output(Choices &choose, const preproc_format &f) {
  preproc_output o{};
  o.width = choose.between(1, 100);
  o.height = choose.between(1, 70);
  choose_part(choose, o.width, &o.content_x, &o.content_width);
  choose_part(choose, o.height, &o.content_y, &o.content_height);
  choose_part(choose, f.width, &o.bounds_x, &o.bounds_width);
  choose_part(choose, f.height, &o.bounds_y, &o.bounds_height);
  const double cut = choose.byte() / 600.0;
  o.region_x = o.bounds_x + cut * o.bounds_width;
  o.region_width = o.bounds_width * (1 - 2 * cut);
  o.region_y = o.bounds_y;
  o.region_height = o.bounds_height;
  const int turn = choose.byte();
  o.transpose = turn & 1;
  o.reverse_x = turn >> 1 & 1;
  o.reverse_y = turn >> 2 & 1;
  o.layout = turn >> 3 & 1;
  o.encode = (turn & 0x30) == 0;
  o.filter = choose.below(3);
  o.pad = choose.byte();
  o.color = choose.below(3);
  o.dtype = choose.below(4);
  o.quality = choose.between(1, 100);
  for (int c = 0; c < 3; c++) {
    o.mean[c] = choose.byte() / 255.f;
    o.std[c] = (1 + choose.byte()) / 255.f;
  }
  if (choose.below(3) == 0 && !o.encode) {
    o.scale = (1 + choose.byte()) / 999.f;
    o.zero_point = choose.between(0, 200) - 100;
  }
  o.lens = choose_lens(choose, f);
  poke(choose, &o);
  return o;
}

// A frame's planes, each in memory of its own that ends where it ends.
struct Frame {
  std::unique_ptr<std::uint8_t[]> memory[PREPROC_MAX_PLANES];
  std::size_t length[PREPROC_MAX_PLANES] = {};
};

Frame frame_of(Choices &choose, const preproc_format &f,
               const std::uint8_t *data, std::size_t length) {
  Frame frame;
  const bool jpeg = f.kind == PREPROC_KIND_JPEG;
  for (int p = 0; p < (jpeg ? 1 : f.planes); p++) {
    std::size_t n = length;
    if (!jpeg) {
      const preproc_plane &plane = f.plane[p];
      const int rows = (f.height + plane.rows - 1) / plane.rows;
      const int groups = (f.width + plane.pixels - 1) / plane.pixels;
      n = std::size_t(plane.stride) * (rows - 1) +
          std::size_t(groups) * plane.bytes;
      if (n > 1 << 22) n = 0;  // a status, too
      if (choose.below(16) == 0) n -= std::min(n, std::size_t(choose.byte()));
    }
    frame.memory[p].reset(new std::uint8_t[n]);
    frame.length[p] = n;
    for (std::size_t i = 0; i < n; i++)
      frame.memory[p][i] = length > 0 ? data[(i + p) % length] : 0;
  }
  return frame;
}

bool is_large(std::int64_t width, std::int64_t height) {
  return width > 0 && height > 0 && width * height > kMostPixels;
}

// The images of a frame, made by one instruction set.
struct Images {
  preproc_status status = PREPROC_OK;
  std::vector<std::uint8_t> bytes[3];
  preproc_measure measure{};
};

Images images_of(const char *set, const preproc_format &f,
                 const std::vector<preproc_output> &outputs, const Frame &frame,
                 std::uint8_t before) {
  setenv("AGENT_SIMD", set, 1);
  Images images;
  preproc *handle = nullptr;
  preproc_error error;
  images.status =
      preproc_create(&f, outputs.data(), outputs.size(), &handle, &error);
  CHECK((images.status == PREPROC_OK) == (handle != nullptr));
  CHECK((images.status == PREPROC_OK) == (error.detail[0] == '\0'));
  CHECK(images.status != PREPROC_FAILED);
  if (handle == nullptr) return images;
  // Twice: the second one meets what the first has left.
  for (int round = 0; round < 2; round++) {
    std::uint8_t *out[3] = {};
    std::size_t room[3] = {};
    std::unique_ptr<std::uint8_t[]> memory[3];
    for (std::size_t i = 0; i < outputs.size(); i++) {
      room[i] = test::output_bytes(outputs[i]);
      if (outputs[i].encode) room[i] = 2 * room[i] + 65536;
      memory[i].reset(new std::uint8_t[room[i]]);
      out[i] = memory[i].get();
      std::memset(out[i], before, room[i]);
    }
    std::uint64_t written[PREPROC_MAX_OUTPUTS] = {};
    images.status = preproc_run(
        handle, 1, frame.memory[0].get(), frame.length[0],
        frame.memory[1].get(), frame.length[1], frame.memory[2].get(),
        frame.length[2], out[0], room[0], out[1], room[1], out[2], room[2],
        nullptr, 0, nullptr, 0, nullptr, 0, nullptr, 0, nullptr, 0, 0, written,
        &images.measure, &error);
    CHECK((images.status == PREPROC_OK) == (error.detail[0] == '\0'));
    if (images.status != PREPROC_OK) break;
    for (std::size_t i = 0; i < outputs.size(); i++) {
      std::vector<std::uint8_t> bytes(out[i], out[i] + written[i]);
      CHECK(round == 0 || bytes == images.bytes[i]);
      images.bytes[i] = std::move(bytes);
    }
  }
  preproc_destroy(handle);
  return images;
}

void check_alike(const Images &a, const Images &b) {
  CHECK(a.status == b.status);
  if (a.status != PREPROC_OK) return;
  for (int i = 0; i < 3; i++) CHECK(a.bytes[i] == b.bytes[i]);
  CHECK(std::memcmp(&a.measure, &b.measure, sizeof a.measure) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data,
                                      std::size_t length) {
  const std::size_t chosen = std::min(length, kChosen);
  const std::size_t n = length - chosen;
  Choices choose(data + n, chosen);
  const preproc_format format = choose_format(choose, data, n);
  preproc_format near = format;  // sizes that can be calculated with
  near.width = std::clamp(near.width, 1, 1 << 20);
  near.height = std::clamp(near.height, 1, 1 << 20);
  std::vector<preproc_output> outputs;
  for (int i = choose.between(1, 3); i > 0; i--)
    outputs.push_back(choose_output(choose, near));
  if (is_large(format.width, format.height)) return 0;  // it only costs time
  for (const preproc_output &o : outputs)
    if (is_large(o.width, o.height)) return 0;
  preproc *handle = nullptr;
  preproc_error error;
  const preproc_status status =
      preproc_create(&format, outputs.data(), outputs.size(), &handle, &error);
  preproc_destroy(handle);
  if (status != PREPROC_OK) return 0;
  const Frame frame = frame_of(choose, format, data, n);
  static const char *const sets[] = {"avx2", "sse4", "avx2", "avx512"};
  const char *const set = sets[choose.below(4)];
  check_alike(images_of(set, format, outputs, frame, 0xaa),
              images_of("none", format, outputs, frame, 0x55));
  return 0;
}
