#include "convert.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "status.h"

namespace preprocess {
namespace {

struct Luma {
  double red, blue;  // Kr and Kb of the recommendation
};

Luma luma_of(int matrix) {
  if (matrix == PREPROC_BT709) return {0.2126, 0.0722};
  if (matrix == PREPROC_BT2020) return {0.2627, 0.0593};
  if (matrix == PREPROC_SMPTE240M) return {0.212, 0.087};
  return {0.299, 0.114};
}

// Red, green and blue from Y', Cb, Cr, all 0 to 255.
struct Matrix {
  double k[3][3], k0[3];
};

Matrix from_yuv(int matrix, int range) {
  const Luma w = luma_of(matrix);
  const double green = 1 - w.red - w.blue;
  const bool full = range == PREPROC_FULL;
  const double y = full ? 1 : 255.0 / 219, c = full ? 1 : 255.0 / 224;
  const double black = full ? 0 : 16;
  Matrix rows{{{y, 0, c * 2 * (1 - w.red)},
               {y, -c * 2 * (1 - w.blue) * w.blue / green,
                -c * 2 * (1 - w.red) * w.red / green},
               {y, c * 2 * (1 - w.blue), 0}},
              {}};
  for (int i = 0; i < 3; i++)
    rows.k0[i] = -y * black - (rows.k[i][1] + rows.k[i][2]) * 128;
  return rows;
}

Matrix from_luma(int range) {
  Matrix rows = from_yuv(PREPROC_BT601, range);
  for (int i = 0; i < 3; i++) {
    rows.k0[i] = range == PREPROC_FULL ? 0 : -16 * 255.0 / 219;
    rows.k[i][1] = rows.k[i][2] = 0;
  }
  return rows;
}

Matrix from_rgb(int range, bool gray) {
  const bool full = range == PREPROC_FULL;
  const double gain = full ? 1 : 255.0 / 219;
  Matrix rows = gray ? Matrix{{{0.299, 0.587, 0.114}}, {}}
                     : Matrix{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {}};
  for (int i = 0; i < 3; i++) {
    for (double &k : rows.k[i]) k *= gain;
    rows.k0[i] = full ? 0 : -16 * gain;
  }
  return rows;
}

Matrix rows_of(const Model &model, int matrix, int range, bool gray) {
  if (model.rgb) return from_rgb(range, gray);
  if (gray || model.components == 1) return from_luma(range);
  return from_yuv(matrix, range);
}

// A factor from levels to shades in 1/32768, and a colour as shades.
std::int16_t factor(double k) {
  return std::int16_t(std::lround(k * kShade * 32768 / kLevel));
}
int shades(double colour) { return int(std::lround(colour * kShade)); }

Mix mix_of(const Model &model, bool gray) {
  if (model.rgb) return gray ? Mix::kWeighted : Mix::kCopy;
  return gray || model.components == 1 ? Mix::kOne : Mix::kYuv;
}

// Which component each of the three lines is.
void order_lines(bool bgr, Conversion &c) {
  if (c.colours.mix == Mix::kCopy && bgr) std::swap(c.line[0], c.line[2]);
  if (c.colours.mix == Mix::kYuv && !bgr) std::swap(c.line[1], c.line[2]);
  for (int k = c.components; k < 3; k++) c.line[k] = 0;
}

void set_factors(const Matrix &rows, bool bgr, Conversion &c) {
  Colours &colours = c.colours;
  const int *line = c.line;
  const bool copy = colours.mix == Mix::kCopy;
  for (int k = 0; k < 3; k++) {
    const int row = bgr ? 2 - k : k;
    colours.gain[k] = factor(copy ? rows.k[k][k] : rows.k[0][k]);
    colours.base[k] = std::int16_t(shades(rows.k0[row]) + colours.ceiling);
  }
  if (colours.mix != Mix::kYuv) return;
  const int first = bgr ? 2 : 0;
  colours.far[0] = factor(rows.k[first][line[1]]);
  colours.far[1] = factor(rows.k[2 - first][line[2]]);
  colours.near[0] = factor(rows.k[1][line[1]]);
  colours.near[1] = factor(rows.k[1][line[2]]);
}

Element element_of(const preproc_output &output) {
  if (output.dtype == PREPROC_FLOAT32) return Element::kFloat32;
  if (output.dtype == PREPROC_FLOAT16) return Element::kFloat16;
  return output.scale == 0 ? Element::kUint8 : Element::kQuantised;
}

// Y', Cb and Cr of JFIF from red, green and blue: ITU-T T.871, 7.
constexpr double kJfif[3][3] = {
    {0.299, 0.587, 0.114},
    {-0.299 / 1.772, -0.587 / 1.772, 0.5},
    {0.5, -0.587 / 1.402, -0.114 / 1.402},
};

// What rounding may leave of a factor that is zero.
constexpr double kNone = 1e-9;

// A row of the product of kJfif and the matrix.
struct Sum {
  double k[3], k0;
};

Sum jfif_of(const Matrix &rgb, int channel) {
  Sum sum{{}, channel == 0 ? 0.0 : 128.0};
  for (int i = 0; i < 3; i++) {
    const double part = kJfif[channel][i];
    for (int s = 0; s < 3; s++) sum.k[s] += part * rgb.k[i][s];
    sum.k0 += part * rgb.k0[i];
  }
  return sum;
}

}  // namespace

Elements elements_of(const preproc_output &output) {
  Elements e{};
  e.element = element_of(output);
  e.interleaved = output.layout == PREPROC_HWC;
  e.sign = output.dtype == PREPROC_INT8 ? 0x80 : 0;
  const bool quantised = e.element == Element::kQuantised;
  const double step = quantised ? output.scale : 1;
  const double zero = quantised ? output.zero_point + e.sign : 0;
  for (int c = 0; c < 3; c++) {
    const double std = output.std[c] * step;
    e.scale[c] = float(1 / (255.0 * kShade * std));
    e.shift[c] = float(-output.mean[c] / std + zero);
    if (!std::isfinite(e.scale[c] * 255 * kShade) || !std::isfinite(e.shift[c]))
      refuse(PREPROC_ARGUMENT, "mean and std make numbers beyond float32");
  }
  return e;
}

void gray_levels(const Model &model, int range, int gray,
                 std::int16_t levels[3]) {
  const double luma = range == PREPROC_FULL ? gray : 16 + gray * 219.0 / 255;
  for (int c = 0; c < 3; c++)
    levels[c] = std::int16_t(
        std::lround((model.rgb || c == 0 ? luma : 128.0) * kLevel));
}

Conversion make_conversion(const Model &model, int matrix, int range,
                           const preproc_output &output) {
  const bool gray = output.color == PREPROC_GRAY;
  const bool bgr = output.color == PREPROC_BGR;
  Conversion c{};
  c.elements = elements_of(output);
  c.colours.mix = mix_of(model, gray);
  c.colours.channels = gray ? 1 : 3;
  c.components = c.colours.mix == Mix::kOne ? 1 : 3;
  for (int k = 0; k < 3; k++) c.line[k] = k;
  order_lines(bgr, c);
  // A whole number is what a shade is cut to: half a step makes that rounding.
  const int half = c.elements.element == Element::kUint8 ? kShade / 2 : 0;
  c.colours.ceiling = std::int16_t(INT16_MAX - 255 * kShade - half);
  set_factors(rows_of(model, matrix, range, gray), bgr, c);
  for (std::int16_t &base : c.colours.base) base = std::int16_t(base + half);
  return c;
}

Conversion make_jfif(const Model &model, int matrix, int range, int channel) {
  const Sum sum = jfif_of(rows_of(model, matrix, range, false), channel);
  Conversion c{};
  c.elements = {Element::kUint8, true, 0, {}, {}};
  std::vector<int> lines;
  for (int s = 0; s < 3; s++)
    if (std::abs(sum.k[s]) > kNone) lines.push_back(s);
  // The largest one first: only there may a sum pass white.
  std::sort(lines.begin(), lines.end(),
            [&](int a, int b) { return sum.k[a] > sum.k[b]; });
  c.colours.mix = lines.size() > 1 ? Mix::kWeighted : Mix::kOne;
  c.colours.channels = 1;
  c.components = model.components == 1 || lines == std::vector<int>{0} ? 1 : 3;
  for (std::size_t k = 0; k < lines.size(); k++) {
    c.line[k] = lines[k];
    c.colours.gain[k] = factor(sum.k[lines[k]]);
  }
  c.colours.ceiling = INT16_MAX - 255 * kShade - kShade / 2;
  c.colours.base[0] =
      std::int16_t(shades(sum.k0) + c.colours.ceiling + kShade / 2);
  return c;
}

}  // namespace preprocess
