// libjpeg-turbo and libyuv by hand (libyuv), and what no preprocessor can do
// without (limit): the decoding of a JPEG at half its size; of raw frames, to
// read each byte once and to write each element of the content once.
#include <cstdio>
// It takes FILE and size_t for granted.
#include <jpeglib.h>
#include <libyuv.h>

#include <algorithm>
#include <cstring>

#include "contender.h"

namespace bench {
namespace {

// A JPEG as planes of half its size.
class HalfDecoder {
 public:
  HalfDecoder() {
    info_.err = jpeg_std_error(&errors_);
    jpeg_create_decompress(&info_);
  }
  ~HalfDecoder() { jpeg_destroy_decompress(&info_); }
  HalfDecoder(const HalfDecoder &) = delete;
  HalfDecoder &operator=(const HalfDecoder &) = delete;

  void decode(const Bytes &frame) {
    jpeg_mem_src(&info_, frame.data, frame.size);
    jpeg_read_header(&info_, TRUE);
    info_.raw_data_out = TRUE;
    info_.out_color_space = JCS_YCbCr;
    info_.do_fancy_upsampling = FALSE;
    info_.scale_num = 1;
    info_.scale_denom = 2;
    jpeg_start_decompress(&info_);
    for (int c = 0; c < 3; c++) {
      const jpeg_component_info &comp = info_.comp_info[c];
      width[c] = int(comp.downsampled_width);
      height[c] = int(comp.downsampled_height);
      stride[c] = int(comp.width_in_blocks) * comp.DCT_scaled_size;
      plane_[c].resize(std::size_t(stride[c]) * info_.total_iMCU_rows *
                       comp.v_samp_factor * comp.DCT_scaled_size);
    }
    for (unsigned row = 0; row < info_.total_iMCU_rows; row++) read(row);
    jpeg_abort_decompress(&info_);
  }

  const std::uint8_t *plane(int c) const { return plane_[c].data(); }
  int width[3], height[3], stride[3];

 private:
  void read(unsigned group) {
    JSAMPROW rows[3][32];
    JSAMPARRAY planes[3] = {rows[0], rows[1], rows[2]};
    for (int c = 0; c < 3; c++) {
      const jpeg_component_info &comp = info_.comp_info[c];
      const unsigned n = unsigned(comp.v_samp_factor * comp.DCT_scaled_size);
      for (unsigned r = 0; r < n; r++)
        rows[c][r] = plane_[c].data() + std::size_t(group * n + r) * stride[c];
    }
    jpeg_read_raw_data(
        &info_, planes,
        JDIMENSION(info_.max_v_samp_factor * info_.min_DCT_scaled_size));
  }

  jpeg_decompress_struct info_{};
  jpeg_error_mgr errors_;
  std::vector<std::uint8_t> plane_[3];
};

// One picture of pixels R, G, B, A to three planes of floats.
void normalise(const std::uint8_t *__restrict rgba, int pixels,
               float *__restrict r, float *__restrict g, float *__restrict b) {
  constexpr float k[] = {1 / (255 * kStd[0]), 1 / (255 * kStd[1]),
                         1 / (255 * kStd[2])};
  constexpr float k0[] = {-kMean[0] / kStd[0], -kMean[1] / kStd[1],
                          -kMean[2] / kStd[2]};
  for (int i = 0; i < pixels; i++) {
    r[i] = rgba[4 * i] * k[0] + k0[0];
    g[i] = rgba[4 * i + 1] * k[1] + k0[1];
    b[i] = rgba[4 * i + 2] * k[2] + k0[2];
  }
}

class LibYuv : public Contender {
 public:
  explicit LibYuv(const Job &job)
      : job_(job),
        rows_(job.content_height()),
        y_(kSide * rows_),
        u_(kSide * rows_),
        v_(kSide * rows_),
        full_(std::size_t(job.width) * job.height * 3 / 2),
        rgba_(std::size_t(kSide) * rows_ * 4),
        boxed_(std::size_t(kSide) * kSide * 3, kPad),
        tensor_(std::size_t(kSide) * kSide * 3) {
    for (int c = 0; c < 3; c++)
      std::fill_n(tensor_.data() + std::size_t(c) * kSide * kSide,
                  kSide * kSide, (kPad / 255.0f - kMean[c]) / kStd[c]);
  }

  void run(const Frames &frames, std::size_t first,
           std::size_t count) override {
    for (std::size_t i = first; i < first + count; i++) frame(frames[i]);
  }
  Bytes output() const override {
    if (job_.output == "bytes") return {boxed_.data(), boxed_.size()};
    return {reinterpret_cast<const std::uint8_t *>(tensor_.data()),
            tensor_.size() * sizeof(float)};
  }

 private:
  void frame(const Bytes &bytes) {
    if (job_.compressed())
      mjpg(bytes);
    else if (job_.format == "NV12")
      nv12(bytes);
    else
      yuyv(bytes);
    if (job_.output == "bytes") {
      libyuv::ARGBToRGB24(rgba_.data(), kSide * 4,
                          boxed_.data() + job_.content_y() * kSide * 3,
                          kSide * 3, kSide, rows_);
      return;
    }
    float *content = tensor_.data() + job_.content_y() * kSide;
    normalise(rgba_.data(), kSide * rows_, content, content + kSide * kSide,
              content + 2 * kSide * kSide);
  }

  void box(const std::uint8_t *from, int stride, int width, int height,
           std::vector<std::uint8_t> &to, int to_width, int to_height) {
    libyuv::ScalePlane(from, stride, width, height, to.data(), to_width,
                       to_width, to_height, libyuv::kFilterBox);
  }

  void mjpg(const Bytes &bytes) {
    half_.decode(bytes);
    const auto scale = [&](int c, std::vector<std::uint8_t> &to, int width) {
      box(half_.plane(c), half_.stride[c], half_.width[c], half_.height[c], to,
          width, rows_);
    };
    scale(0, y_, kSide);
    scale(1, u_, kSide / 2);
    scale(2, v_, kSide / 2);
    libyuv::J422ToABGR(y_.data(), kSide, u_.data(), kSide / 2, v_.data(),
                       kSide / 2, rgba_.data(), kSide * 4, kSide, rows_);
  }

  // Half of the chroma rows are all that the smaller picture needs.
  void yuyv(const Bytes &bytes) {
    const int w = job_.width, h = job_.height;
    libyuv::YUY2ToNV12(bytes.data, w * 2, full_.data(), w,
                       full_.data() + std::size_t(w) * h, w, w, h);
    nv12({full_.data(), full_.size()});
  }

  void nv12(const Bytes &bytes) {
    const int w = job_.width, h = job_.height;
    libyuv::NV12Scale(bytes.data, w, bytes.data + std::size_t(w) * h, w, w, h,
                      y_.data(), kSide, u_.data(), kSide, kSide, rows_,
                      libyuv::kFilterBox);
    libyuv::NV12ToABGR(y_.data(), kSide, u_.data(), kSide, rgba_.data(),
                       kSide * 4, kSide, rows_);
  }

  Job job_;
  int rows_;
  HalfDecoder half_;
  std::vector<std::uint8_t> y_, u_, v_, full_, rgba_, boxed_;
  std::vector<float> tensor_;
};

class Limit : public Contender {
 public:
  explicit Limit(const Job &job)
      : job_(job), tensor_(std::size_t(kSide) * kSide * 3) {}

  void run(const Frames &frames, std::size_t first,
           std::size_t count) override {
    for (std::size_t i = first; i < first + count; i++)
      if (job_.compressed())
        half_.decode(frames[i]);
      else
        touch(frames[i]);
  }
  Bytes output() const override { return {nullptr, 0}; }

 private:
  void touch(const Bytes &frame) {
    std::uint64_t sum = 0, word;
    for (std::size_t i = 0; i + 8 <= frame.size; i += 8) {
      std::memcpy(&word, frame.data + i, 8);
      sum += word;
    }
    const std::size_t content = std::size_t(kSide) * job_.content_height();
    for (int c = 0; c < 3; c++) {
      float *plane = tensor_.data() + std::size_t(c) * kSide * kSide +
                     std::size_t(job_.content_y()) * kSide;
      std::fill_n(plane, content, float(sum % 256));
    }
  }

  Job job_;
  HalfDecoder half_;
  std::vector<float> tensor_;
};

}  // namespace

std::unique_ptr<Contender> make_contender(const Job &job) {
  if (job.way == "limit" && job.output == "model")
    return std::make_unique<Limit>(job);
  if (job.way == "libyuv" && (job.output == "model" || job.output == "bytes"))
    return std::make_unique<LibYuv>(job);
  return nullptr;
}

}  // namespace bench
