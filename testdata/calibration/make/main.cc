// Makes the calibration files of the directory above, what OpenCV says of
// points under them, and pictures that OpenCV undistorted by them.
#include <fstream>
#include <opencv2/calib3d.hpp>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

namespace {

struct Case {
  std::string name;
  bool fisheye;
  double fx, fy, cx, cy;
  std::vector<double> k;
};

constexpr int kWidth = 320, kHeight = 240;

const std::vector<Case> kCases = {
    {"pinhole-4", false, 260, 262, 158.5, 121.25, {-0.28, 0.07, 1e-3, -7e-4}},
    {"pinhole-5",
     false,
     260,
     262,
     158.5,
     121.25,
     {-0.31, 0.12, 8e-4, -5e-4, -0.02}},
    {"rational-8",
     false,
     210,
     211,
     160.25,
     118,
     {2.1, 0.9, 1e-4, 2e-4, 0.04, 2.45, 1.6, 0.23}},
    {"prism-12",
     false,
     280,
     279,
     161,
     119,
     {-0.2, 0.05, 5e-4, 3e-4, 0.01, 0.02, 0.01, 0.001, 2e-3, -1e-3, 1.5e-3,
      5e-4}},
    {"tilted-14",
     false,
     280,
     279,
     161,
     119,
     {-0.2, 0.05, 5e-4, 3e-4, 0.01, 0.02, 0.01, 0.001, 2e-3, -1e-3, 1.5e-3,
      5e-4, 0.02, -0.03}},
    {"pincushion-5",
     false,
     400,
     400,
     160,
     120,
     {0.22, 0.03, -4e-4, 6e-4, 0.01}},
    {"fisheye-4", true, 145, 146, 159, 120.5, {-0.02, 0.006, -0.003, 4e-4}},
};

cv::Mat matrix(const Case &c) {
  return (cv::Mat_<double>(3, 3) << c.fx, 0, c.cx, 0, c.fy, c.cy, 0, 0, 1);
}

// As OpenCV's calibration sample writes it, with what it adds at the end.
void write_calibration(const Case &c) {
  cv::FileStorage out(c.name + ".yaml", cv::FileStorage::WRITE);
  out << "calibration_time"
      << "Mon Nov 23 16:00:00 2026"
      << "nr_of_frames" << 2 << "image_width" << kWidth << "image_height"
      << kHeight << "board_width" << 9 << "board_height" << 6 << "square_size"
      << 0.025 << "flags" << 0 << "fisheye_model" << int(c.fisheye)
      << "camera_matrix" << matrix(c) << "distortion_coefficients"
      << cv::Mat(c.k, true) << "avg_reprojection_error" << 0.19
      << "image_points" << cv::Mat(2, 54, CV_32FC2, cv::Scalar(1.5, 2.25));
}

// The camera's pixel of each ray, by OpenCV.
std::vector<cv::Point2d> bend(const Case &c,
                              const std::vector<cv::Point2d> &rays) {
  std::vector<cv::Point2d> pixels;
  if (c.fisheye) {
    cv::fisheye::distortPoints(rays, pixels, matrix(c), c.k);
    return pixels;
  }
  std::vector<cv::Point3d> points;
  for (const cv::Point2d &ray : rays)
    points.emplace_back(ray.x, ray.y, 1);
  cv::projectPoints(points, cv::Vec3d(), cv::Vec3d(), matrix(c), c.k, pixels);
  return pixels;
}

void write_points(const Case &c, std::ostream &out) {
  std::vector<cv::Point2d> rays;
  for (int y = -4; y <= 4; y++)
    for (int x = -4; x <= 4; x++)
      rays.emplace_back(x * 0.12 + 0.001, y * 0.09 - 0.002);
  const std::vector<cv::Point2d> pixels = bend(c, rays);
  for (std::size_t i = 0; i < rays.size(); i++)
    out << c.name << ' ' << rays[i].x << ' ' << rays[i].y << ' ' << pixels[i].x
        << ' ' << pixels[i].y << '\n';
}

cv::Mat scene() {
  cv::Mat picture(kHeight, kWidth, CV_8UC1);
  for (int y = 0; y < kHeight; y++)
    for (int x = 0; x < kWidth; x++)
      picture.at<uchar>(y, x) = uchar(128 + 50 * std::sin(x / 7.0) +
                                      50 * std::cos(y / 5.0 + x / 31.0));
  for (int i = 0; i < 8; i++)
    cv::rectangle(picture, {20 + 36 * i, 20 + 25 * i},
                  {40 + 36 * i, 32 + 25 * i}, cv::Scalar(i % 2 ? 250 : 5), 2);
  cv::GaussianBlur(picture, picture, {5, 5}, 1.2);
  return picture;
}

void write_picture(const std::string &name, const cv::Mat &picture) {
  std::ofstream out(name + ".pgm", std::ios::binary);
  out << "P5\n" << picture.cols << ' ' << picture.rows << "\n255\n";
  out.write(reinterpret_cast<const char *>(picture.data),
            std::streamsize(picture.total()));
}

void undistort(const Case &c, const cv::Mat &picture) {
  cv::Mat out;
  if (c.fisheye)
    cv::fisheye::undistortImage(picture, out, matrix(c), c.k, matrix(c));
  else
    cv::undistort(picture, out, matrix(c), c.k);
  write_picture(c.name, out);
}

} // namespace

int main() {
  std::ofstream points("points.txt");
  points.precision(17);
  const cv::Mat picture = scene();
  write_picture("scene", picture);
  for (const Case &c : kCases) {
    write_calibration(c);
    write_points(c, points);
    if (c.name == "pinhole-5" || c.name == "rational-8" ||
        c.name == "fisheye-4")
      undistort(c, picture);
  }
}
