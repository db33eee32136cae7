// Memory for the lines that kernels work on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels.h"

namespace preprocess {

// Elements of which the first lies at a multiple of kPadding bytes, with
// kPadding unused bytes behind the last.
template <typename T>
class Aligned {
 public:
  // Forgets what there was.
  void resize(std::size_t count) {
    memory_.assign(count * sizeof(T) + 2 * kPadding, 0);
    const auto at = reinterpret_cast<std::uintptr_t>(memory_.data());
    skip_ = kPadding - at % kPadding;
  }
  T *data() { return reinterpret_cast<T *>(memory_.data() + skip_); }
  const T *data() const {
    return reinterpret_cast<const T *>(memory_.data() + skip_);
  }

 private:
  // Copying would lose the alignment; moving keeps the memory where it is.
  struct Fixed : std::vector<std::uint8_t> {
    Fixed() = default;
    Fixed(Fixed &&) = default;
    Fixed &operator=(Fixed &&) = default;
  };
  Fixed memory_;
  std::size_t skip_ = 0;
};

}  // namespace preprocess
