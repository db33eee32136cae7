// Makes the frames of the benchmark from photographs: a camera that pans and
// zooms over them, with the noise of a sensor, in the formats that cameras
// send.
//
// Usage: frames DIR COUNT PHOTO...

#include <cmath>
#include <cstdio>
#include <cstdlib>
// It takes FILE and size_t for granted.
#include <jpeglib.h>

#include <algorithm>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

namespace {

constexpr int kQuality = 85;
constexpr double kNoise = 4.0;  // standard deviation, levels

using Bytes = std::vector<std::uint8_t>;

// What the camera sees at time t, from 0 to 1: it goes over the photograph and
// comes nearer, but never so near that a pixel of the photograph covers two.
cv::Mat picture(const cv::Mat &photo, double t, cv::Size size, int seed) {
  const double whole = std::min(double(photo.cols) / size.width,
                                double(photo.rows) / size.height);
  const double scale = std::max(whole * (1 - 0.35 * t), std::min(whole, 1.0));
  const double width = size.width * scale, height = size.height * scale;
  const double x = (photo.cols - width) * t, y = (photo.rows - height) * t;
  cv::Mat rgb, noise(size, CV_16SC3), sum;
  const cv::Rect2d region{x, y, width, height};
  cv::resize(photo(cv::Rect(region)), rgb, size, 0, 0, cv::INTER_AREA);
  cv::RNG random(static_cast<std::uint64_t>(seed) + 1);
  random.fill(noise, cv::RNG::NORMAL, 0, kNoise);
  rgb.convertTo(sum, CV_16SC3);
  sum += noise;
  sum.convertTo(rgb, CV_8UC3);
  cv::cvtColor(rgb, rgb, cv::COLOR_BGR2RGB);
  return rgb;
}

std::uint8_t level(double v) {
  return std::uint8_t(std::clamp(v + 0.5, 0.0, 255.0));
}

// BT.601, limited range, which is what a V4L2 camera of unknown colours has.
struct Yuv {
  double y, u, v;
};
Yuv yuv_of(const cv::Vec3b &p) {
  const double r = p[0] / 255.0, g = p[1] / 255.0, b = p[2] / 255.0;
  const double y = 0.299 * r + 0.587 * g + 0.114 * b;
  return {16 + 219 * y, 128 + 224 * (b - y) / 1.772,
          128 + 224 * (r - y) / 1.402};
}

// The mean of the chroma of `rows` rows of two pixels.
Yuv chroma(const cv::Mat &rgb, int x, int y, int rows) {
  Yuv sum{};
  for (int i = 0; i < rows * 2; i++) {
    const Yuv p = yuv_of(rgb.at<cv::Vec3b>(y + i / 2, x + i % 2));
    sum.u += p.u / (rows * 2);
    sum.v += p.v / (rows * 2);
  }
  return sum;
}

Bytes yuyv(const cv::Mat &rgb) {
  Bytes out;
  for (int y = 0; y < rgb.rows; y++)
    for (int x = 0; x < rgb.cols; x += 2) {
      const Yuv c = chroma(rgb, x, y, 1);
      out.push_back(level(yuv_of(rgb.at<cv::Vec3b>(y, x)).y));
      out.push_back(level(c.u));
      out.push_back(level(yuv_of(rgb.at<cv::Vec3b>(y, x + 1)).y));
      out.push_back(level(c.v));
    }
  return out;
}

Bytes nv12(const cv::Mat &rgb) {
  Bytes out;
  for (int y = 0; y < rgb.rows; y++)
    for (int x = 0; x < rgb.cols; x++)
      out.push_back(level(yuv_of(rgb.at<cv::Vec3b>(y, x)).y));
  for (int y = 0; y < rgb.rows; y += 2)
    for (int x = 0; x < rgb.cols; x += 2) {
      const Yuv c = chroma(rgb, x, y, 2);
      out.push_back(level(c.u));
      out.push_back(level(c.v));
    }
  return out;
}

// `vertical` is 1 for 4:2:2 and 2 for 4:2:0.
Bytes jpeg(const cv::Mat &rgb, int vertical) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char *file = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &file, &size);
  info.image_width = JDIMENSION(rgb.cols);
  info.image_height = JDIMENSION(rgb.rows);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, kQuality, TRUE);
  info.comp_info[0].h_samp_factor = 2;
  info.comp_info[0].v_samp_factor = vertical;
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<std::uint8_t *>(rgb.ptr(int(info.next_scanline)));
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  Bytes out(file, file + size);
  jpeg_destroy_compress(&info);
  std::free(file);
  return out;
}

// Frames one after the other, and beside them the length of each in a line.
class Recording {
 public:
  explicit Recording(const std::string &name)
      : frames_(name, std::ios::binary), lengths_(name + ".lengths") {}
  void add(const Bytes &frame) {
    frames_.write(reinterpret_cast<const char *>(frame.data()),
                  std::streamsize(frame.size()));
    lengths_ << frame.size() << '\n';
  }
  bool good() { return frames_.flush().good() && lengths_.flush().good(); }

 private:
  std::ofstream frames_, lengths_;
};

int make(const std::string &dir, int count, char **photos, int n) {
  Recording yuyv_file(dir + "/1080p.yuyv"), nv12_file(dir + "/1080p.nv12");
  Recording j422(dir + "/1080p-422.mjpg"), j420(dir + "/1080p-420.mjpg");
  Recording small(dir + "/720p-422.mjpg");
  std::vector<cv::Mat> opened;
  for (int k = 0; k < n; k++) {
    opened.push_back(cv::imread(photos[k]));
    if (opened.back().empty()) {
      std::fprintf(stderr, "frames: %s: no picture\n", photos[k]);
      return 1;
    }
  }
  // One photograph after the other in each few frames, so that whoever takes
  // some of them takes some of each.
  for (int i = 0; i < count; i++) {
    const cv::Mat &photo = opened[std::size_t(i % n)];
    const double t = double(i / n) / std::max(1, count / n);
    const cv::Mat large = picture(photo, t, {1920, 1080}, i);
    yuyv_file.add(yuyv(large));
    nv12_file.add(nv12(large));
    j422.add(jpeg(large, 1));
    j420.add(jpeg(large, 2));
    small.add(jpeg(picture(photo, t, {1280, 720}, i), 1));
  }
  for (Recording *r : {&yuyv_file, &nv12_file, &j422, &j420, &small})
    if (!r->good()) {
      std::fprintf(stderr, "frames: writing to %s failed\n", dir.c_str());
      return 1;
    }
  return 0;
}

}  // namespace

int main(int argc, char **argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: frames DIR COUNT PHOTO...\n");
    return 2;
  }
  return make(argv[1], std::atoi(argv[2]), argv + 3, argc - 3);
}
