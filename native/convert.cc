#include "convert.h"

#include <algorithm>

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
struct Rows {
  double k[3][3], k0[3];
};

Rows from_yuv(int matrix, int range) {
  const Luma w = luma_of(matrix);
  const double green = 1 - w.red - w.blue;
  const bool full = range == PREPROC_FULL;
  const double y = full ? 1 : 255.0 / 219, c = full ? 1 : 255.0 / 224;
  const double black = full ? 0 : 16;
  Rows rows{{{y, 0, c * 2 * (1 - w.red)},
             {y, -c * 2 * (1 - w.blue) * w.blue / green,
              -c * 2 * (1 - w.red) * w.red / green},
             {y, c * 2 * (1 - w.blue), 0}},
            {}};
  for (int i = 0; i < 3; i++)
    rows.k0[i] = -y * black - (rows.k[i][1] + rows.k[i][2]) * 128;
  return rows;
}

Rows from_luma(int range) {
  Rows rows = from_yuv(PREPROC_BT601, range);
  for (int i = 0; i < 3; i++) {
    rows.k0[i] = range == PREPROC_FULL ? 0 : -16 * 255.0 / 219;
    rows.k[i][1] = rows.k[i][2] = 0;
  }
  return rows;
}

Rows from_rgb(int range, bool gray) {
  const bool full = range == PREPROC_FULL;
  const double gain = full ? 1 : 255.0 / 219;
  Rows rows = gray ? Rows{{{0.299, 0.587, 0.114}}, {}}
                   : Rows{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, {}};
  for (int i = 0; i < 3; i++) {
    for (double &k : rows.k[i]) k *= gain;
    rows.k0[i] = full ? 0 : -16 * gain;
  }
  return rows;
}

Rows rows_of(const Model &model, int matrix, int range, bool gray) {
  if (model.rgb) return from_rgb(range, gray);
  if (gray || model.components == 1) return from_luma(range);
  return from_yuv(matrix, range);
}

// A channel's value is gain * v + shift.
struct Line {
  double gain, shift;
};

Line line_of(const preproc_output &output, int channel) {
  const bool floats =
      output.dtype == PREPROC_FLOAT32 || output.dtype == PREPROC_FLOAT16;
  if (!floats && output.scale == 0) return {1, 0};
  const double std = output.std[channel];
  const Line real{1 / (255 * std), -output.mean[channel] / std};
  if (floats) return real;
  const double zero =
      output.zero_point + (output.dtype == PREPROC_INT8 ? 128 : 0);
  return {real.gain / output.scale, real.shift / output.scale + zero};
}

// What an element of the output can hold of v.
double held(const preproc_output &output, double v) {
  const bool integers =
      output.dtype == PREPROC_UINT8 || output.dtype == PREPROC_INT8;
  return integers ? std::clamp(v, 0.0, 255.0) : v;
}

}  // namespace

Colour make_colour(const Model &model, int matrix, int range,
                   const preproc_output &output) {
  const bool gray = output.color == PREPROC_GRAY;
  const Rows rows = rows_of(model, matrix, range, gray);
  Colour colour{};
  colour.channels = gray ? 1 : 3;
  colour.components = model.rgb || !gray ? model.components : 1;
  for (int c = 0; c < colour.channels; c++) {
    const int source = output.color == PREPROC_BGR ? 2 - c : c;
    const auto [gain, shift] = line_of(output, c);
    for (int s = 0; s < 3; s++)
      colour.k[c][s] = float(gain * rows.k[source][s]);
    colour.k0[c] = float(gain * rows.k0[source] + shift);
    colour.low[c] = float(held(output, shift));
    colour.high[c] = float(held(output, gain * 255 + shift));
    colour.pad[c] = float(held(output, gain * output.pad + shift));
  }
  return colour;
}

void convert(const Colour &colour, const float *const components[], int n,
             float *const channels[]) {
  const float *__restrict a = components[0];
  const float *__restrict b = components[1];
  const float *__restrict d = components[2];
  for (int c = 0; c < colour.channels; c++) {
    float *__restrict out = channels[c];
    const float *k = colour.k[c];
    const float ka = k[0], kb = k[1], kd = k[2], k0 = colour.k0[c];
    const float low = colour.low[c], high = colour.high[c];
    if (colour.components == 1)
      for (int i = 0; i < n; i++)
        out[i] = std::min(std::max(ka * a[i] + k0, low), high);
    else
      for (int i = 0; i < n; i++)
        out[i] = std::min(std::max(ka * a[i] + kb * b[i] + kd * d[i] + k0, low),
                          high);
  }
}

}  // namespace preprocess
