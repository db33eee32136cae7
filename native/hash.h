// A fast hash of bytes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace preprocess {

// A Hash of bytes that come in pieces. The same pieces have the same hash;
// others have another one, but for one case in 2^64. It is of no use against
// somebody who sets out to make two that agree.
//
// Four lanes, which the processor works on side by side. Each step of a lane is
// a bijection of what was there and of the bytes that come in, so that a change
// within eight bytes is never lost.
class Hash {
 public:
  void add(const std::uint8_t *data, std::size_t length) {
    std::size_t done = 0;
    for (; length - done >= kBlock; done += kBlock) block(data + done);
    if (done < length) rest(data + done, length - done);
    length_ += length;
  }

  std::uint64_t value() const;

 private:
  static constexpr int kLanes = 4;
  static constexpr std::size_t kBlock = kLanes * sizeof(std::uint64_t);

  static std::uint64_t step(std::uint64_t lane, std::uint64_t word) {
    const std::uint64_t product = (lane ^ word) * 0x9e3779b97f4a7c15;  // golden
    return product ^ product >> 29;
  }

  void block(const std::uint8_t *data) {
    for (int k = 0; k < kLanes; k++) {
      std::uint64_t word;
      __builtin_memcpy(&word, data + k * sizeof word, sizeof word);
      lanes_[k] = step(lanes_[k], word);
    }
  }

  void rest(const std::uint8_t *data, std::size_t length);

  std::uint64_t lanes_[kLanes] = {1, 2, 3, 4};
  std::uint64_t length_ = 0;
};

}  // namespace preprocess
