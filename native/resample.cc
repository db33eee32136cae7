#include "resample.h"

#include <algorithm>
#include <cmath>

namespace preprocess {
namespace {

// The samples of [start, start+length) camera pixels at `scale` samples a
// pixel and `offset`: from lo to hi, of count.
struct Span {
  int lo, hi;
};

Span span(int start, int length, double scale, double offset, int count) {
  const int lo =
      std::clamp(int(std::floor(start * scale + offset)), 0, count - 1);
  const int hi = int(std::ceil((start + length) * scale + offset - 1e-9));
  return {lo, std::clamp(hi, lo + 1, count)};
}

template <int Taps>
void blend(const std::uint8_t *__restrict source, std::size_t stride,
           const float *weight, std::size_t n, float *__restrict out) {
  for (std::size_t x = 0; x < n; x++) {
    float sum = 0;
    for (int k = 0; k < Taps; k++)
      sum += weight[k] * float(source[k * stride + x]);
    out[x] = sum;
  }
}

// out[x] is the weighted sum of byte x of `taps` rows.
void blend_rows(const std::uint8_t *__restrict source, std::size_t stride,
                const float *weight, int taps, std::size_t n,
                float *__restrict out) {
  switch (taps) {
    case 1:
      return blend<1>(source, stride, weight, n, out);
    case 2:
      return blend<2>(source, stride, weight, n, out);
    case 3:
      return blend<3>(source, stride, weight, n, out);
    case 4:
      return blend<4>(source, stride, weight, n, out);
  }
  blend<4>(source, stride, weight, n, out);
  for (int k = 4; k < taps; k++) {
    const std::uint8_t *row = source + k * stride;
    for (std::size_t x = 0; x < n; x++) out[x] += weight[k] * float(row[x]);
  }
}

template <int Taps>
void gather(const float *__restrict line, const std::int32_t *offset, int step,
            const float *weight, int n, float *__restrict out) {
  for (int i = 0; i < n; i++) {
    const float *source = line + offset[i];
    float sum = 0;
    for (int k = 0; k < Taps; k++)
      sum += weight[i * Taps + k] * source[k * step];
    out[i] = sum;
  }
}

// out[i] is the weighted sum of `taps` samples from offset[i] on.
void gather_columns(const float *__restrict line, const std::int32_t *offset,
                    int step, const float *weight, int taps, int n,
                    float *__restrict out) {
  switch (taps) {
    case 1:
      return gather<1>(line, offset, step, weight, n, out);
    case 2:
      return gather<2>(line, offset, step, weight, n, out);
    case 3:
      return gather<3>(line, offset, step, weight, n, out);
    case 4:
      return gather<4>(line, offset, step, weight, n, out);
  }
  for (int i = 0; i < n; i++) {
    const float *source = line + offset[i];
    float sum = 0;
    for (int k = 0; k < taps; k++)
      sum += weight[i * taps + k] * source[k * step];
    out[i] = sum;
  }
}

}  // namespace

Resampler::Resampler(const Model &model, const preproc_output &output,
                     int components)
    : columns_(output.transpose ? output.content_height : output.content_width),
      rows_(output.transpose ? output.content_width : output.content_height) {
  for (int c = 0; c < components; c++) add(model, output, c);
  std::size_t longest = 0;
  for (Bank &bank : banks_) {
    for (Lane &lane : bank.lanes) {
      const int phase = model.component[lane.component].phase;
      for (int i = 0; i < columns_; i++)
        lane.offset.push_back(lane.axis.first[i] * lane.step + phase -
                              int(bank.first_byte));
    }
    longest = std::max(longest, bank.bytes);
  }
  blended_.resize(longest);
}

void Resampler::add(const Model &model, const preproc_output &output,
                    int component) {
  const Component &c = model.component[component];
  const Span x = span(output.bounds_x, output.bounds_width, c.scale_x,
                      c.offset_x, c.width);
  const Span y = span(output.bounds_y, output.bounds_height, c.scale_y,
                      c.offset_y, c.height);
  Lane lane{
      component,
      c.step,
      make_axis(columns_, output.region_x * c.scale_x + c.offset_x,
                output.region_width * c.scale_x, x.lo, x.hi, output.filter),
      {}};
  const auto [first, last] =
      std::minmax_element(lane.axis.first.begin(), lane.axis.first.end());
  const std::size_t begin = std::size_t(*first) * c.step + c.phase;
  const std::size_t end =
      std::size_t(*last + lane.axis.taps - 1) * c.step + c.phase + 1;
  if (banks_.empty() || banks_.back().plane != c.plane)
    banks_.push_back(
        {c.plane,
         make_axis(rows_, output.region_y * c.scale_y + c.offset_y,
                   output.region_height * c.scale_y, y.lo, y.hi, output.filter),
         begin,
         end - begin,
         {}});
  Bank &bank = banks_.back();
  const std::size_t bank_end = std::max(bank.first_byte + bank.bytes, end);
  bank.first_byte = std::min(bank.first_byte, begin);
  bank.bytes = bank_end - bank.first_byte;
  bank.lanes.push_back(std::move(lane));
}

void Resampler::row(const Pixels &pixels, int row, float *const lines[]) {
  for (const Bank &bank : banks_) {
    const std::size_t stride = pixels.stride[bank.plane];
    const Axis &axis = bank.axis;
    blend_rows(
        pixels.data[bank.plane] + axis.first[row] * stride + bank.first_byte,
        stride, &axis.weight[std::size_t(row) * axis.taps], axis.taps,
        bank.bytes, blended_.data());
    for (const Lane &lane : bank.lanes)
      gather_columns(blended_.data(), lane.offset.data(), lane.step,
                     lane.axis.weight.data(), lane.axis.taps, columns_,
                     lines[lane.component]);
  }
}

}  // namespace preprocess
