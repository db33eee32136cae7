// Where a point of the undistorted picture lies in the camera's.
#pragma once

#include "preproc.h"

namespace preprocess {

class Lens {
 public:
  explicit Lens(const preproc_lens &numbers);

  // Takes a point of the undistorted picture to the camera's, both in pixels.
  // False where the lens shows nothing; the point is finite all the same, if
  // the numbers are sane.
  //
  // The formulas are OpenCV's (calib3d, "Camera Calibration and 3D
  // Reconstruction" and "Fisheye camera model"), in operations that every
  // machine rounds alike: tables are the same everywhere.
  bool to_camera(double &x, double &y) const;

 private:
  double radial(double r2) const;
  void bend(double &x, double &y) const;

  preproc_lens n_;
  double tilt_[9];
};

}  // namespace preprocess
