#include "plain.h"

#include <algorithm>
#include <cstring>

namespace preprocess::plain {
namespace {

int weighted(const Rows &rows, std::size_t x) {
  int sum = 0;
  for (int k = 0; k < rows.taps; k++)
    sum += rows.weight[k] * rows.first[k * rows.stride + x];
  return sum;
}

std::uint8_t blended(const Rows &rows, std::size_t x) {
  if (rows.taps == 1) return rows.first[x];
  return std::uint8_t((weighted(rows, x) + kWhole / 2) / kWhole);
}

// The values of a block: `values` of `taps` bytes each.
void block(const std::uint8_t *line, const std::uint8_t *code, int values,
           int taps, std::int16_t *to) {
  for (int i = 0; i < values; i++) {
    int sum = 0;
    for (int k = i * taps; k < (i + 1) * taps; k++)
      sum += line[code[k]] * code[16 + k];
    to[i] = std::int16_t(sum);
  }
}

// a*b/32768, rounded, as the processors have it in one instruction.
int scaled(int a, int b) { return (a * b + (1 << 14)) >> 15; }

// The shades of pixel i.
void mixed(const Colours &c, const std::int16_t *const lines[], std::size_t i,
           int out[3]) {
  const int first = scaled(lines[0][i], c.gain[0]);
  const int a = lines[1][i], b = lines[2][i];
  for (int k = 0; k < c.channels; k++) {
    out[k] = first + c.base[k];
    if (c.mix == Mix::kCopy)
      out[k] = scaled(lines[k][i], c.gain[k]) + c.base[k];
  }
  if (c.mix == Mix::kWeighted)
    out[0] += scaled(a, c.gain[1]) + scaled(b, c.gain[2]);
  if (c.mix == Mix::kYuv) {
    out[0] += scaled(a, c.far[0]);
    out[1] += scaled(a, c.near[0]) + scaled(b, c.near[1]);
    out[2] += scaled(b, c.far[1]);
  }
  for (int k = 0; k < c.channels; k++)
    out[k] = std::max(0, std::min(out[k], 32767) - c.ceiling);
}

void put(const Elements &e, int channel, int shade, std::uint8_t *to) {
  if (e.element == Element::kUint8) {
    *to = std::uint8_t(shade / kShade) ^ e.sign;
    return;
  }
  const float product = float(shade) * e.scale[channel];
  const float value = product + e.shift[channel];
  if (e.element == Element::kQuantised) {
    const float held = std::min(std::max(value, 0.f), 255.f);
    *to = std::uint8_t(int(held + 0.5f)) ^ e.sign;
  } else if (e.element == Element::kFloat32) {
    std::memcpy(to, &value, sizeof value);
  } else {
    const std::uint16_t bits = half(value);
    std::memcpy(to, &bits, sizeof bits);
  }
}

}  // namespace

void blend(const Rows &rows, std::size_t n, std::uint8_t *to) {
  for (std::size_t x = 0; x < n; x++) to[x] = blended(rows, x);
}

void blend_many(const Rows &rows, std::size_t n, std::uint8_t *to) {
  for (std::size_t x = 0; x < n; x++)
    to[x] = std::uint8_t((weighted(rows, x) + kFineWhole / 2) / kFineWhole);
}

void blend_split2(const Rows &rows, std::size_t n, std::uint8_t *even,
                  std::uint8_t *odd) {
  for (std::size_t x = 0; x < n / 2; x++) {
    even[x] = blended(rows, 2 * x);
    odd[x] = blended(rows, 2 * x + 1);
  }
}

void split3(const std::uint8_t *from, std::size_t n, std::uint8_t *const to[]) {
  for (std::size_t i = 0; i < n; i++)
    for (int c = 0; c < 3; c++) to[c][i] = from[3 * i + c];
}

void split4(const std::uint8_t *from, std::size_t n, std::uint8_t *const to[]) {
  for (std::size_t i = 0; i < n; i++)
    for (int c = 0; c < 4; c++) to[c][i] = from[4 * i + c];
}

void columns2(const ColumnTable &t, const std::uint8_t *line,
              std::int16_t *to) {
  for (int i = 0; i < t.steps; i++)
    block(line + t.offset[i], t.code + i * 32, 8, 2, to + i * 8);
}

void columns2x2(const ColumnTable &t, const std::uint8_t *line,
                std::int16_t *to, std::int16_t *other) {
  for (int i = 0; i < 2 * t.steps; i++) {
    std::int16_t both[8];
    block(line + t.offset[i], t.code + i * 32, 8, 2, both);
    std::copy(both, both + 4, to + i * 4);
    std::copy(both + 4, both + 8, other + i * 4);
  }
}

void columns4(const ColumnTable &t, const std::uint8_t *line,
              std::int16_t *to) {
  for (int i = 0; i < 2 * t.steps; i++)
    block(line + t.offset[i], t.code + i * 32, 4, 4, to + i * 4);
}

void columns8(const ColumnTable &t, const std::uint8_t *line,
              std::int16_t *to) {
  for (int i = 0; i < 4 * t.steps; i++)
    block(line + t.offset[i], t.code + i * 32, 2, 8, to + i * 2);
}

void columns16(const ColumnTable &t, const std::uint8_t *line,
               std::int16_t *to) {
  for (int i = 0; i < 8 * t.steps; i++)
    block(line + t.offset[i], t.code + i * 32, 1, 16, to + i);
}

void column_sums(const ColumnSums &s, const std::uint8_t *line,
                 std::int16_t *to) {
  constexpr int kStep = kFineWhole / kLevel;
  for (int i = 0; i < s.count; i++) {
    int sum = kStep / 2;
    for (int k = 0; k < s.taps; k++)
      sum += line[s.offset[i] + k] * s.weight[i * s.taps + k];
    to[i] = std::int16_t(sum / kStep);
  }
}

void pixels(const Colours &c, const Elements &e,
            const std::int16_t *const lines[], std::size_t n,
            void *const to[]) {
  const std::size_t size = e.element == Element::kFloat32   ? 4
                           : e.element == Element::kFloat16 ? 2
                                                            : 1;
  const std::size_t step = e.interleaved ? c.channels : 1;
  for (std::size_t i = 0; i < n; i++) {
    int out[3];
    mixed(c, lines, i, out);
    for (int k = 0; k < c.channels; k++) {
      auto *first = static_cast<std::uint8_t *>(to[e.interleaved ? 0 : k]);
      put(e, k, out[k], first + (i * step + (e.interleaved ? k : 0)) * size);
    }
  }
}

void turn(const Tile &t) {
  const std::size_t step = t.element * (t.interleaved ? t.channels : 1);
  for (int c = 0; c < t.channels; c++)
    for (int x = 0; x < t.columns; x++)
      for (int y = 0; y < t.rows; y++)
        std::memcpy((t.interleaved ? t.to[0] + c * t.element : t.to[c]) +
                        x * t.to_row + y * step,
                    t.from[c] + y * t.from_row + x * t.element, t.element);
}

std::uint16_t half(float v) {
  std::uint32_t bits;
  std::memcpy(&bits, &v, sizeof bits);
  const std::uint32_t sign = bits & 0x80000000;
  bits ^= sign;
  std::uint32_t magnitude;
  if (bits >= 0x47800000) {  // 65536 and more
    magnitude = 0x7c00;
  } else if (bits < 0x38800000) {  // below 2^-14: a sum rounds at 2^-24
    float value, half = 0.5f;
    std::memcpy(&value, &bits, sizeof value);
    value += half;
    std::memcpy(&magnitude, &value, sizeof magnitude);
    magnitude -= 0x3f000000;
  } else {
    magnitude = (bits + 0xc8000fff + (bits >> 13 & 1)) >> 13;
  }
  return std::uint16_t(sign >> 16 | magnitude);
}

void pack(const std::int16_t *const lines[], std::size_t n, std::uint8_t *to) {
  for (std::size_t i = 0; i < n; i++, to += 4) {
    for (int c = 0; c < 3; c++)
      to[c] = std::uint8_t((lines[c][i] + kLevel / 2) / kLevel);
    to[3] = 0;
  }
}

const WarpWeights &warp_weights() {
  static const WarpWeights weights = [] {
    WarpWeights w;
    for (int part = 0; part < kWarpX; part++)
      for (int i = 0; i < 8; i++)
        w.x[part][i] = std::int16_t(i % 2 ? part : kWarpX - part);
    for (int part = 0; part < kWarpY; part++)
      for (int i = 0; i < 16; i++)
        w.y[part][i] = std::uint8_t(i % 2 ? part : kWarpY - part);
    return w;
  }();
  return weights;
}

void warp(const Warp &w, std::int16_t *const to[]) {
  for (int i = 0; i < w.count * kWarpRun; i++) {
    const WarpRun &run = w.runs[i / kWarpRun];
    const int k = i % kWarpRun;
    const int x = std::clamp(run.x + k * run.dx, 0, w.right);
    const int y = std::clamp(run.y + k * run.dy, 0, w.bottom);
    const std::uint8_t *at = w.picture + (y >> 16) * w.stride + (x >> 16) * 4;
    const int fx = w.nearest ? 0 : (x >> 9) % kWarpX;
    const int fy = w.nearest ? 0 : (y >> 10) % kWarpY;
    for (int c = 0; c < 3; c++) {
      const auto column = [&](const std::uint8_t *p) {
        return p[c] * (kWarpY - fy) + p[w.stride + c] * fy;
      };
      const int sum = column(at) * (kWarpX - fx) + column(at + 4) * fx;
      to[c][i] = std::int16_t((sum + 32) >> 6);
    }
  }
}

const Kernels &kernels() {
  static const Kernels table{
      Simd::kNone, 1,           8,        blend,      blend_many, blend_split2,
      split3,      split4,      columns2, columns2x2, columns4,   columns8,
      columns16,   column_sums, pack,     warp,       pixels,     turn};
  return table;
}

}  // namespace preprocess::plain
