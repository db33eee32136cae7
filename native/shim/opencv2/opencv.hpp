// gocv includes <opencv2/opencv.hpp>, and Debian's names every module that
// OpenCV has. This one names the two that we link.
//
// gocv cannot leave imgcodecs out, which would install GDAL with it: here its
// functions exist and fail. gocv catches cv::Exception and hands it on.
#pragma once
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <string>
#include <vector>

namespace cv {

[[noreturn]] inline void imgcodecs_is_left_out() {
  CV_Error(Error::StsNotImplemented, "imgcodecs is not part of this build");
}

inline Mat imread(const std::string &, int) { imgcodecs_is_left_out(); }
inline bool imreadmulti(const std::string &, std::vector<Mat> &, int) {
  imgcodecs_is_left_out();
}
inline bool imreadmulti(const std::string &, std::vector<Mat> &, int, int,
                        int) {
  imgcodecs_is_left_out();
}
inline bool imwrite(const std::string &, const Mat &,
                    const std::vector<int> & = {}) {
  imgcodecs_is_left_out();
}
inline bool imencode(const std::string &, const Mat &, std::vector<uchar> &,
                     const std::vector<int> & = {}) {
  imgcodecs_is_left_out();
}
inline Mat imdecode(const std::vector<uchar> &, int) {
  imgcodecs_is_left_out();
}
inline Mat imdecode(const std::vector<uchar> &, int, Mat *) {
  imgcodecs_is_left_out();
}

}  // namespace cv
