// Planes to a JPEG file.
#pragma once

#include <cstddef>
#include <cstdint>

#include "jpeg_error.h"
#include "planes.h"

namespace preprocess {

// Encodes pictures of one size as baseline JFIF with 4:2:0 chroma.
class JpegEncoder {
 public:
  // components: 1 (gray) or 3; quality: 1 to 100.
  JpegEncoder(int width, int height, int components, int quality);
  ~JpegEncoder();
  JpegEncoder(const JpegEncoder &) = delete;
  JpegEncoder &operator=(const JpegEncoder &) = delete;

  // Encodes planes and returns the bytes written. Refuses when capacity is too
  // small.
  std::size_t encode(const Planes &planes, std::uint8_t *out,
                     std::size_t capacity);

 private:
  bool compress(const Planes &planes);

  JpegErrors errors_;
  jpeg_compress_struct info_;
  jpeg_destination_mgr destination_;
};

}  // namespace preprocess
