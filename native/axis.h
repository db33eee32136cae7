// The weights of a resampling along one axis.
#pragma once

#include <cstdint>
#include <vector>

namespace preprocess {

// Output sample i is the sum over k < taps of weight[i*taps+k] times source
// sample first[i]+k. The weights of a sample sum to 1.
struct Axis {
  int taps;
  std::vector<std::int32_t> first;
  std::vector<double> weight;
};

// Resamples source coordinates [start, start+length) to n samples; sample i of
// the source covers i to i+1, and only samples lo <= i < hi are read.
// filter is one of PREPROC_AREA, _LINEAR, _NEAREST.
Axis make_axis(int n, double start, double length, int lo, int hi, int filter);

// The same samples in the opposite order.
Axis reversed(const Axis &axis);

// The part of the taps of a sample that has weight: from begin to end.
struct Reach {
  int begin, end;
};
Reach reach_of(const Axis &axis, int sample);

// The weights of a sample as whole numbers of which the sum is `total`, each as
// close as can be: whole[0..end-begin).
void whole_weights(const Axis &axis, int sample, int total, Reach reach,
                   int whole[]);

}  // namespace preprocess
