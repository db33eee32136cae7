// Undistorted rows are the same on every instruction set and stay inside of the
// picture whatever the runs say; and any lens gives a status and no fault.
#include <cstring>

#include "../bytes.h"
#include "../kernels.h"
#include "harness.h"

using namespace test;
using namespace preprocess;

namespace {

using Levels = Aligned<std::int16_t>;

const Kernels &plainly = *find_kernels(Simd::kNone);

bool same(const Levels &a, const Levels &b, int n) {
  return std::memcmp(a.data(), b.data(), n * sizeof(std::int16_t)) == 0;
}

void warped(const Kernels &k, int columns, int rows, int count, bool nearest,
            Random &random) {
  const std::size_t stride = (columns + 2) * 4;
  const Edge picture(stride * (rows + 1));
  for (std::size_t i = 0; i < picture.size(); i++)
    picture.data()[i] = std::uint8_t(random.below(3) ? random.below(256) : 255);
  std::vector<WarpRun> runs(count);
  for (WarpRun &run : runs) {
    const auto within = [&](int most) { return random.below(most + 1); };
    run = {within(columns << 16), within(rows << 16),
           within(1 << 18) - (1 << 17), within(1 << 18) - (1 << 17)};
    if (random.below(4) == 0)  // the wildest that a table has
      run = {-(1 << 30), 1 << 30, 1 << 27, -(1 << 27)};
  }
  const Warp warp{picture.data(), stride, (columns - 1) << 16, (rows - 1) << 16,
                  nearest,        count,  runs.data()};
  Levels a[3], b[3];
  std::int16_t *to[2][3];
  for (int c = 0; c < 3; c++) {
    a[c].resize(count * kWarpRun), b[c].resize(count * kWarpRun);
    to[0][c] = a[c].data(), to[1][c] = b[c].data();
  }
  k.warp(warp, to[0]);
  plainly.warp(warp, to[1]);
  for (int c = 0; c < 3; c++) CHECK(same(a[c], b[c], count * kWarpRun));
}

void packed(const Kernels &k, std::size_t n, Random &random) {
  Levels lines[3];
  for (Levels &line : lines) {
    line.resize(n);
    for (std::size_t i = 0; i < n; i++)
      line.data()[i] = std::int16_t(random.below(255 * kLevel + 1));
  }
  const std::int16_t *const from[] = {lines[0].data(), lines[1].data(),
                                      lines[2].data()};
  const Edge a(4 * n), b(4 * n);
  k.pack(from, n, a.data());
  plainly.pack(from, n, b.data());
  CHECK(std::memcmp(a.data(), b.data(), 4 * n) == 0);
}

void kernels(const Kernels &k) {
  Random random;
  for (std::size_t n : {1, 7, 8, 15, 16, 17, 31, 33, 64, 65, 130, 641})
    packed(k, n, random);
  for (const auto &size : {std::pair<int, int>{1, 1}, {2, 1}, {1, 9}, {37, 21}})
    for (int count : {1, 2, 9})
      for (bool nearest : {false, true})
        warped(k, size.first, size.second, count, nearest, random);
}

preproc_lens lens_of(const preproc_format &f) {
  preproc_lens l{};
  l.model = PREPROC_PINHOLE;
  l.width = f.width;
  l.height = f.height;
  const double side = f.width;
  const double camera[] = {side, side, side / 2, f.height / 2.0};
  std::memcpy(l.camera, camera, sizeof camera);
  std::memcpy(l.picture, camera, sizeof camera);
  l.coefficients[0] = -0.3;
  l.limit = 1;
  return l;
}

preproc_status status_of(const Planes &source, const preproc_lens &lens) {
  preproc_output output = stretched(source.format, 45, 31);
  output.lens = lens;
  preproc *handle = nullptr;
  preproc_error error;
  const preproc_status made =
      preproc_create(&source.format, &output, 1, &handle, &error);
  if (made != PREPROC_OK) return made;
  const Edge frame(source.bytes[0]), out(output_bytes(output));
  const std::uint8_t *planes[PREPROC_MAX_PLANES] = {frame.data()};
  const std::size_t lengths[PREPROC_MAX_PLANES] = {frame.size()};
  const preproc_status ran =
      run(handle, planes, lengths, out.data(), out.size());
  preproc_destroy(handle);
  return ran;
}

// Numbers from a calibration's to those that nobody measured.
void wild_lenses() {
  Random random;
  const double numbers[] = {0,   1,    -1,   0.3,   -0.3,  20,    1e-9,
                            1e6, -1e6, 1e12, -1e12, 1e300, -1e300};
  constexpr int kNumbers = sizeof numbers / sizeof *numbers;
  int good = 0;
  for (int i = 0; i < 600; i++) {
    const Planes source =
        planes_of("YUYV", 1 + random.below(70), 1 + random.below(50), 3);
    preproc_lens l = lens_of(source.format);
    l.model = PREPROC_PINHOLE + random.below(2);
    l.limit = random.below(2) ? 50 : 0.8;
    double *const all[] = {l.camera, l.picture, l.coefficients};
    for (int changes = random.below(4); changes > 0; changes--) {
      const int which = random.below(3);
      all[which][random.below(which < 2 ? 4 : 14)] =
          numbers[random.below(kNumbers)];
    }
    const preproc_status status = status_of(source, l);
    CHECK(status == PREPROC_OK || status == PREPROC_ARGUMENT);
    good += status == PREPROC_OK;
  }
  CHECK(good > 100 && good < 580);
}

void refused() {
  const Planes source = planes_of("YUYV", 40, 30, 0);
  const preproc_lens good = lens_of(source.format);
  CHECK(status_of(source, good) == PREPROC_OK);
  const auto refuses = [&](void (*change)(preproc_lens &)) {
    preproc_lens bad = good;
    change(bad);
    CHECK(status_of(source, bad) == PREPROC_ARGUMENT);
  };
  refuses([](preproc_lens &l) { l.model = 3; });
  refuses([](preproc_lens &l) { l.width++; });
  refuses([](preproc_lens &l) { l.camera[0] = 0; });
  refuses([](preproc_lens &l) { l.picture[1] = -1; });
  refuses([](preproc_lens &l) { l.limit = 0; });
  refuses([](preproc_lens &l) { l.limit = __builtin_nan(""); });
  refuses([](preproc_lens &l) { l.coefficients[4] = __builtin_inf(); });
  refuses([](preproc_lens &l) { l.coefficients[13] = 3; });
}

}  // namespace

int main() {
  for (Simd set : {Simd::kSse4, Simd::kAvx2, Simd::kAvx512, Simd::kNeon})
    if (simd_works(set)) kernels(*find_kernels(set));
  refused();
  wild_lenses();
}
