#include "store.h"

#include <opencv2/core/hal/hal.hpp>

#include "status.h"

namespace preprocess {
namespace {

std::size_t element_bytes(int dtype) {
  return dtype == PREPROC_FLOAT32 ? 4 : dtype == PREPROC_FLOAT16 ? 2 : 1;
}

// float16 and int8 go through the store as their bits; sign is what int8 has
// besides.
void elements(const float *values, int n, std::uint8_t sign,
              std::uint8_t *out) {
  for (int i = 0; i < n; i++)
    out[i] = std::uint8_t(int(values[i] + 0.5f)) ^ sign;
}

void elements(const float *values, int n, std::uint8_t, std::uint16_t *out) {
  cv::hal::cvt32f16f(values, reinterpret_cast<cv::float16_t *>(out), n);
}

void elements(const float *values, int n, std::uint8_t, float *out) {
  std::copy(values, values + n, out);
}

}  // namespace

Store::Store(const preproc_output &output, const Colour &colour)
    : output_(output), channels_(colour.channels) {
  std::copy(colour.pad, colour.pad + 3, pad_);
  const std::size_t pixels = product(output.width, output.height);
  element_ = element_bytes(output.dtype);
  sign_ = output.dtype == PREPROC_INT8 ? 0x80 : 0;
  bytes_ = product(pixels, channels_ * element_);
  const bool planar = output.layout == PREPROC_CHW;
  pixel_step_ = planar ? 1 : channels_;
  channel_step_ = planar ? std::ptrdiff_t(pixels) : 1;
  // The camera's x and y as steps through the output.
  step_x_ = output.transpose ? output.width : 1;
  step_y_ = output.transpose ? 1 : output.width;
  columns_ = output.transpose ? output.content_height : output.content_width;
  const int rows =
      output.transpose ? output.content_width : output.content_height;
  origin_ = std::ptrdiff_t(output.content_y) * output.width + output.content_x;
  if (output.reverse_x) {
    origin_ += (columns_ - 1) * step_x_;
    step_x_ = -step_x_;
  }
  if (output.reverse_y) {
    origin_ += (rows - 1) * step_y_;
    step_y_ = -step_y_;
  }
  line_.resize(columns_ * element_);
}

template <typename T>
void Store::place(const T *values, int channel, std::ptrdiff_t pixel,
                  T *out) const {
  T *to = out + pixel * pixel_step_ + channel * channel_step_;
  const std::ptrdiff_t step = step_x_ * pixel_step_;
  if (step == 1)
    std::copy(values, values + columns_, to);
  else if (step == 3)
    for (int i = 0; i < columns_; i++) to[i * 3] = values[i];
  else
    for (int i = 0; i < columns_; i++) to[i * step] = values[i];
}

void Store::row(int row, const float *const channels[], std::uint8_t *out) {
  const std::ptrdiff_t pixel = origin_ + row * step_y_;
  for (int c = 0; c < channels_; c++) {
    if (element_ == 1) {
      elements(channels[c], columns_, sign_, line_.data());
      place(line_.data(), c, pixel, out);
    } else if (output_.dtype == PREPROC_FLOAT16) {
      auto *line = reinterpret_cast<std::uint16_t *>(line_.data());
      elements(channels[c], columns_, sign_, line);
      place(line, c, pixel, reinterpret_cast<std::uint16_t *>(out));
    } else {
      place(channels[c], c, pixel, reinterpret_cast<float *>(out));
    }
  }
}

template <typename T>
void Store::fill(T *out, int x, int y, int width, int height) const {
  if (width <= 0) return;
  for (int c = 0; c < channels_; c++) {
    T value;
    elements(&pad_[c], 1, sign_, &value);
    for (int r = y; r < y + height; r++) {
      T *to = out + (std::ptrdiff_t(r) * output_.width + x) * pixel_step_ +
              c * channel_step_;
      for (int i = 0; i < width; i++) to[i * pixel_step_] = value;
    }
  }
}

template <typename T>
void Store::border_of(T *out) const {
  const preproc_output &o = output_;
  const int right = o.content_x + o.content_width;
  const int bottom = o.content_y + o.content_height;
  fill(out, 0, 0, o.width, o.content_y);
  fill(out, 0, bottom, o.width, o.height - bottom);
  fill(out, 0, o.content_y, o.content_x, o.content_height);
  fill(out, right, o.content_y, o.width - right, o.content_height);
}

void Store::border(std::uint8_t *out) const {
  if (element_ == 1)
    border_of(out);
  else if (output_.dtype == PREPROC_FLOAT16)
    border_of(reinterpret_cast<std::uint16_t *>(out));
  else
    border_of(reinterpret_cast<float *>(out));
}

}  // namespace preprocess
