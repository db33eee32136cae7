#include "lens.h"

#include <cmath>

namespace preprocess {
namespace {

// Not the library's, which differ in the last bit from processor to processor.

// sin x for |x| < 4, by Taylor's series.
double sine(double x) {
  double term = x, sum = x;
  for (int i = 1; i < 20; i++) {
    term *= -x * x / ((2 * i) * (2 * i + 1));
    sum += term;
  }
  return sum;
}

double cosine(double x) {
  const double half = sine(x / 2);
  return 1 - 2 * half * half;
}

// atan x, by halving the angle three times and a series.
double arctangent(double x) {
  for (int i = 0; i < 3; i++) x /= 1 + std::sqrt(1 + x * x);
  double sum = 0;
  for (int i = 27; i > 0; i -= 2) sum = 1.0 / i - x * x * sum;
  return 8 * x * sum;
}

// out = a * b, 3x3 by rows.
void multiply(const double a[9], const double b[9], double out[9]) {
  for (int r = 0; r < 3; r++)
    for (int c = 0; c < 3; c++)
      out[3 * r + c] =
          a[3 * r] * b[c] + a[3 * r + 1] * b[3 + c] + a[3 * r + 2] * b[6 + c];
}

// The homography of a tilted sensor: the rotation about x, then y, and the
// projection onto the sensor again.
void make_tilt(double tau_x, double tau_y, double out[9]) {
  const double sx = sine(tau_x), cx = cosine(tau_x);
  const double sy = sine(tau_y), cy = cosine(tau_y);
  const double about_x[] = {1, 0, 0, 0, cx, sx, 0, -sx, cx};
  const double about_y[] = {cy, 0, -sy, 0, 1, 0, sy, 0, cy};
  double r[9];
  multiply(about_y, about_x, r);
  const double onto[] = {r[8], 0, -r[2], 0, r[8], -r[5], 0, 0, 1};
  multiply(onto, r, out);
}

}  // namespace

Lens::Lens(const preproc_lens &numbers) : n_(numbers) {
  make_tilt(n_.coefficients[12], n_.coefficients[13], tilt_);
}

// How much further from the axis the lens puts what an ideal camera sees at the
// square root of r2.
double Lens::radial(double r2) const {
  const double *k = n_.coefficients;
  if (n_.model == PREPROC_FISHEYE) {
    const double r = std::sqrt(r2), t = arctangent(r), t2 = t * t;
    const double bent =
        t * (1 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3]))));
    return r > 0 ? bent / r : 1;
  }
  return (1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))) /
         (1 + r2 * (k[5] + r2 * (k[6] + r2 * k[7])));
}

void Lens::bend(double &x, double &y) const {
  const double *k = n_.coefficients;
  const double r2 = x * x + y * y, scale = radial(r2);
  if (n_.model == PREPROC_FISHEYE) {
    x *= scale;
    y *= scale;
    return;
  }
  const double u = x * scale + 2 * k[2] * x * y + k[3] * (r2 + 2 * x * x) +
                   r2 * (k[8] + r2 * k[9]);
  const double v = y * scale + k[2] * (r2 + 2 * y * y) + 2 * k[3] * x * y +
                   r2 * (k[10] + r2 * k[11]);
  const double w = tilt_[6] * u + tilt_[7] * v + tilt_[8];
  x = (tilt_[0] * u + tilt_[1] * v + tilt_[2]) / w;
  y = (tilt_[3] * u + tilt_[4] * v + tilt_[5]) / w;
}

bool Lens::to_camera(double &x, double &y) const {
  x = (x - n_.picture[2]) / n_.picture[0];
  y = (y - n_.picture[3]) / n_.picture[1];
  const bool seen = x * x + y * y <= n_.limit * n_.limit;
  bend(x, y);
  x = n_.camera[0] * x + n_.camera[2];
  y = n_.camera[1] * y + n_.camera[3];
  return seen && x >= 0 && y >= 0 && x <= n_.width && y <= n_.height;
}

}  // namespace preprocess
