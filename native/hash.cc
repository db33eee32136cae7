#include "hash.h"

#include <cstring>

namespace preprocess {

void Hash::rest(const std::uint8_t *data, std::size_t length) {
  std::uint8_t padded[kBlock] = {};
  std::memcpy(padded, data, length);
  block(padded);
}

std::uint64_t Hash::value() const {
  std::uint64_t hash = length_;
  for (const std::uint64_t lane : lanes_) hash = step(hash, lane);
  return hash;
}

}  // namespace preprocess
