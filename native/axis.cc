#include "axis.h"

#include <algorithm>
#include <cmath>

#include "preproc.h"

namespace preprocess {
namespace {

// The weights of one output sample, before they are padded to a common count.
struct Taps {
  int first = 0;
  std::vector<double> weight;
};

// Takes away what rounding left of a whole number.
double snap(double v) {
  const double whole = std::round(v);
  return std::abs(v - whole) < 1e-6 ? whole : v;
}

Taps nearest(double centre, int lo, int hi) {
  return {std::clamp(int(std::floor(snap(centre))), lo, hi - 1), {1.0}};
}

Taps linear(double centre, int lo, int hi) {
  const double position = std::clamp(centre - 0.5, double(lo), double(hi - 1));
  const int first = int(std::floor(position));
  const double w = position - first;
  if (w < 1e-6) return {first, {1.0}};
  return {first, {1 - w, w}};
}

// The mean of what [a, b) covers.
Taps area(double a, double b, int lo, int hi) {
  a = std::clamp(snap(a), double(lo), hi - 1e-3);
  b = std::clamp(snap(b), a + 1e-3, double(hi));
  Taps taps;
  taps.first = int(std::floor(a));
  for (int i = taps.first; i < b && i < hi; i++) {
    const double covered = std::min(b, i + 1.0) - std::max(a, double(i));
    taps.weight.push_back(covered / (b - a));
  }
  return taps;
}

}  // namespace

Axis make_axis(int n, double start, double length, int lo, int hi, int filter) {
  const double scale = length / n;
  std::vector<Taps> all(n);
  std::size_t count = 1;
  for (int i = 0; i < n; i++) {
    // In this form it is exact where the true value is a whole number.
    const double centre = start + (2.0 * i + 1) * length / (2.0 * n);
    if (filter == PREPROC_NEAREST)
      all[i] = nearest(centre, lo, hi);
    else if (filter == PREPROC_AREA && scale > 1)
      all[i] =
          area(start + i * length / n, start + (i + 1) * length / n, lo, hi);
    else
      all[i] = linear(centre, lo, hi);
    count = std::max(count, all[i].weight.size());
  }
  Axis axis{int(count), std::vector<std::int32_t>(n),
            std::vector<double>(n * count)};
  for (int i = 0; i < n; i++) {
    // The window moves back where it would reach past hi.
    const int first = std::min(all[i].first, hi - int(count));
    axis.first[i] = first;
    for (std::size_t k = 0; k < all[i].weight.size(); k++)
      axis.weight[i * count + (all[i].first - first) + k] = all[i].weight[k];
  }
  return axis;
}

Axis reversed(const Axis &axis) {
  const std::size_t n = axis.first.size(), taps = std::size_t(axis.taps);
  Axis other{axis.taps, {axis.first.rbegin(), axis.first.rend()}, {}};
  for (std::size_t i = n; i-- > 0;)
    other.weight.insert(other.weight.end(), &axis.weight[i * taps],
                        &axis.weight[i * taps] + taps);
  return other;
}

Reach reach_of(const Axis &axis, int sample) {
  const double *weight = &axis.weight[std::size_t(sample) * axis.taps];
  Reach reach{0, axis.taps};
  while (reach.begin + 1 < reach.end && weight[reach.begin] == 0) reach.begin++;
  while (reach.begin + 1 < reach.end && weight[reach.end - 1] == 0) reach.end--;
  return reach;
}

void whole_weights(const Axis &axis, int sample, int total, Reach reach,
                   int whole[]) {
  const double *weight =
      &axis.weight[std::size_t(sample) * axis.taps + reach.begin];
  // Each rounded so that the sum up to it is right: no weight is off by 1, and
  // what is missing of one is not added far away from it.
  double sum = 0;
  int done = 0;
  for (int k = 0; k < reach.end - reach.begin; k++) {
    sum += weight[k] * total;
    whole[k] = int(std::lround(sum)) - done;
    done += whole[k];
  }
  whole[reach.end - reach.begin - 1] += total - done;
}

}  // namespace preprocess
