// The tables of the horizontal step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "axis.h"
#include "bytes.h"
#include "kernels.h"

namespace preprocess {

// Where the samples of a component lie in a line of bytes: sample i is at byte
// i*step + shift.
struct Placement {
  int step, shift;
};

// The horizontal step of one component, or of two that lie in turns in a line
// and are resampled alike. It reads the `length` bytes of the line that it was
// made for; of a line that is shorter than least(), as many as that.
class Columns {
 public:
  // One component, of step 1.
  Columns(const Kernels &kernels, const Axis &axis, Placement place,
          std::size_t length);

  // Two components of step 2; none where their samples are too far apart.
  static std::optional<Columns> of_pair(const Kernels &kernels,
                                        const Axis &axis, Placement a,
                                        Placement b, std::size_t length);

  std::size_t least() const { return least_; }

  // Makes the levels of a row; `other` is of the second component.
  void run(const Kernels &kernels, const std::uint8_t *line, std::int16_t *to,
           std::int16_t *other) const;

 private:
  enum class Kind { kTwo, kPair, kFour, kEight, kSixteen, kSums };

  Columns() = default;

  static int taps_of(Kind kind);
  bool tabulate(const Kernels &kernels, const Axis &axis,
                const std::vector<Placement> &places, Kind kind,
                std::size_t length);
  void sum_up(const Axis &axis, int shift, std::size_t length);

  Kind kind_ = Kind::kSums;
  std::size_t least_ = 16;
  int steps_ = 0, taps_ = 0;
  std::vector<std::int32_t> offset_;
  Aligned<std::uint8_t> code_;
  std::vector<std::int16_t> weight_;
};

}  // namespace preprocess
