// OpenCV: as most people write it (plain), and as an expert would: everything
// preallocated, JPEG decoded at half the size, normalised into place (tuned);
// and resized before the colours are made (planes).
#include <algorithm>
#include <opencv2/calib3d.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "contender.h"

namespace bench {
namespace {

const cv::Size kPreview(640, 360);
const std::vector<int> kQuality{cv::IMWRITE_JPEG_QUALITY, 80};

cv::Mat whole(const Job &job, const Bytes &frame) {
  auto *data = const_cast<std::uint8_t *>(frame.data);
  if (job.compressed()) return cv::Mat(1, int(frame.size), CV_8UC1, data);
  if (job.format == "NV12")
    return cv::Mat(job.height * 3 / 2, job.width, CV_8UC1, data);
  return cv::Mat(job.height, job.width, CV_8UC2, data);
}

Bytes bytes_of(const cv::Mat &mat) {
  return {mat.data, mat.total() * mat.elemSize()};
}
Bytes bytes_of(const std::vector<std::uint8_t> &file) {
  return {file.data(), file.size()};
}

// The lens of the jobs that undistort.
cv::Matx33d camera() { return {1400, 0, 960, 0, 1400, 540, 0, 0, 1}; }
const cv::Vec<double, 5> kBend(-0.28, 0.08, 0, 0, 0);

// Every step makes a new picture, in the order in which one thinks of them.
class Plain : public Contender {
 public:
  explicit Plain(const Job &job) : job_(job) {}

  void run(const Frames &frames, std::size_t first,
           std::size_t count) override {
    last_.release();
    for (std::size_t i = first; i < first + count; i++) {
      const cv::Mat result = frame(frames[i]);
      if (i + 1 == first + count) last_ = result;
    }
  }
  Bytes output() const override { return bytes_of(last_); }

 private:
  // Gives the result, which the loop around it lets go of.
  cv::Mat frame(const Bytes &bytes) const {
    const cv::Mat bgr = decoded(whole(job_, bytes));
    if (job_.output == "bgr") return preview(bgr);
    if (job_.output == "bytes") return letterbox(bgr);
    if (job_.output == "jpeg") return encoded(preview(bgr));
    if (job_.output == "three") {
      const cv::Mat second = preview(bgr), third = encoded(preview(bgr));
      return tensor(letterbox(bgr));
    }
    if (job_.output != "undistorted") return tensor(letterbox(bgr));
    cv::Mat straight;
    cv::undistort(bgr, straight, camera(), kBend);
    return tensor(letterbox(straight));
  }

  cv::Mat encoded(const cv::Mat &bgr) const {
    std::vector<std::uint8_t> file;
    cv::imencode(".jpg", bgr, file, kQuality);
    return cv::Mat(file, true);
  }

  cv::Mat decoded(const cv::Mat &source) const {
    if (job_.compressed()) return cv::imdecode(source, cv::IMREAD_COLOR);
    cv::Mat bgr;
    cv::cvtColor(source, bgr,
                 job_.format == "NV12" ? cv::COLOR_YUV2BGR_NV12
                                       : cv::COLOR_YUV2BGR_YUY2);
    return bgr;
  }

  cv::Mat preview(const cv::Mat &bgr) const {
    cv::Mat small;
    cv::resize(bgr, small, kPreview);
    return small;
  }

  cv::Mat letterbox(const cv::Mat &bgr) const {
    cv::Mat small, boxed, rgb;
    cv::resize(bgr, small, {kSide, job_.content_height()});
    const int top = job_.content_y();
    const int bottom = kSide - top - job_.content_height();
    cv::copyMakeBorder(small, boxed, top, bottom, 0, 0, cv::BORDER_CONSTANT,
                       cv::Scalar::all(kPad));
    cv::cvtColor(boxed, rgb, cv::COLOR_BGR2RGB);
    return rgb;
  }

  cv::Mat tensor(const cv::Mat &rgb) const {
    cv::Mat floats, stacked;
    rgb.convertTo(floats, CV_32FC3, 1 / 255.0);
    cv::subtract(floats, cv::Scalar(kMean[0], kMean[1], kMean[2]), floats);
    cv::divide(floats, cv::Scalar(kStd[0], kStd[1], kStd[2]), floats);
    std::vector<cv::Mat> channels;
    cv::split(floats, channels);
    cv::vconcat(channels, stacked);
    return stacked;
  }

  Job job_;
  cv::Mat last_;
};

class Tuned : public Contender {
 public:
  explicit Tuned(const Job &job)
      : job_(job),
        content_(0, job.content_y(), kSide, job.content_height()),
        boxed_(kSide, kSide, CV_8UC3, cv::Scalar::all(kPad)),
        tensor_(3 * kSide, kSide, CV_32FC1) {
    cv::setNumThreads(1);
    for (int c = 0; c < 3; c++)
      plane(c).setTo((kPad / 255.0 - kMean[c]) / kStd[c]);
    if (job.output == "undistorted") straighten();
  }

  void run(const Frames &frames, std::size_t first,
           std::size_t count) override {
    for (std::size_t i = first; i < first + count; i++) frame(frames[i]);
  }
  Bytes output() const override {
    if (job_.output == "jpeg") return bytes_of(file_);
    if (job_.output == "bgr") return bytes_of(small_);
    return job_.output == "bytes" ? bytes_of(boxed_) : bytes_of(tensor_);
  }

 protected:
  // Fills small_, of the size of the content: BGR, or RGB where that is as
  // cheap; says whether it is RGB.
  virtual bool shrink(const cv::Mat &source) {
    bool rgb = false;
    if (job_.compressed()) {
      cv::imdecode(source, cv::IMREAD_REDUCED_COLOR_2, &large_);
    } else {
      rgb = job_.output != "bgr" && job_.output != "jpeg";
      const int nv12 = rgb ? cv::COLOR_YUV2RGB_NV12 : cv::COLOR_YUV2BGR_NV12;
      const int yuyv = rgb ? cv::COLOR_YUV2RGB_YUY2 : cv::COLOR_YUV2BGR_YUY2;
      cv::cvtColor(source, large_, job_.format == "NV12" ? nv12 : yuyv);
    }
    if (map1_.empty())
      cv::resize(large_, small_, content_.size());
    else
      cv::remap(large_, small_, map1_, map2_, cv::INTER_LINEAR);
    return rgb;
  }

  Job job_;
  cv::Rect content_;
  cv::Mat large_, small_;

 private:
  // Makes one map of undistortion and resizing, from what is decoded.
  void straighten() {
    const double scale = double(kSide) / job_.width;
    const cv::Matx33d k = camera();
    const auto at = [](double x, double by) { return (x + 0.5) * by - 0.5; };
    const cv::Matx33d small(k(0, 0) * scale, 0, at(k(0, 2), scale), 0,
                            k(1, 1) * scale, at(k(1, 2), scale), 0, 0, 1);
    cv::Mat x, y;
    cv::initUndistortRectifyMap(k, kBend, cv::noArray(), small, content_.size(),
                                CV_32FC1, x, y);
    if (job_.compressed()) {
      x = (x + 0.5) * 0.5 - 0.5;
      y = (y + 0.5) * 0.5 - 0.5;
    }
    cv::convertMaps(x, y, map1_, map2_, CV_16SC2);
  }

  cv::Mat plane(int c) { return tensor_.rowRange(c * kSide, (c + 1) * kSide); }

  void frame(const Bytes &bytes) {
    const bool rgb = shrink(whole(job_, bytes));
    if (job_.output == "bytes") fill_bytes(rgb);
    if (job_.output == "model" || job_.output == "three" || !map1_.empty())
      fill_tensor(rgb);
    if (job_.output == "jpeg" || job_.output == "three")
      cv::imencode(".jpg", small_, file_, kQuality);
  }

  void fill_bytes(bool rgb) {
    cv::Mat inside = boxed_(content_);
    if (rgb)
      small_.copyTo(inside);
    else
      cv::cvtColor(small_, inside, cv::COLOR_BGR2RGB);
  }

  void fill_tensor(bool rgb) {
    for (int c = 0; c < 3; c++) {
      cv::extractChannel(small_, channel_, rgb ? c : 2 - c);
      cv::Mat inside = plane(c)(content_);
      channel_.convertTo(inside, CV_32F, 1 / (255.0 * kStd[c]),
                         -kMean[c] / kStd[c]);
    }
  }

  cv::Mat boxed_, tensor_, channel_, map1_, map2_;
  std::vector<std::uint8_t> file_;
};

// Luma and chroma are resized each for itself, so that colours are made at the
// size of the content.
class Planes : public Tuned {
 public:
  using Tuned::Tuned;

 protected:
  bool shrink(const cv::Mat &source) override {
    const cv::Size size = content_.size(),
                   half(size.width / 2, size.height / 2);
    if (job_.format == "NV12") {
      const cv::Mat chroma(job_.height / 2, job_.width / 2, CV_8UC2,
                           source.data + std::size_t(job_.width) * job_.height);
      cv::resize(source.rowRange(0, job_.height), luma_, size);
      cv::resize(chroma, chroma_, half);
    } else {
      // As pairs of luma and one chroma, and as two lumas and both chromas.
      const cv::Mat pairs(job_.height, job_.width / 2, CV_8UC4, source.data);
      cv::resize(source, pairs_, size);
      cv::extractChannel(pairs_, luma_, 0);
      cv::resize(pairs, quads_, half);
      chroma_.create(half, CV_8UC2);
      const int from_to[] = {1, 0, 3, 1};
      cv::mixChannels(&quads_, 1, &chroma_, 1, from_to, 2);
    }
    cv::cvtColorTwoPlane(luma_, chroma_, small_, cv::COLOR_YUV2RGB_NV12);
    return true;
  }

 private:
  cv::Mat luma_, chroma_, pairs_, quads_;
};

}  // namespace

std::unique_ptr<Contender> make_contender(const Job &job) {
  if (job.way == "plain") return std::make_unique<Plain>(job);
  if (job.way == "tuned") return std::make_unique<Tuned>(job);
  const bool planes = job.output == "model" || job.output == "bytes";
  if (job.way == "planes" && planes && !job.compressed())
    return std::make_unique<Planes>(job);
  return nullptr;
}

}  // namespace bench
