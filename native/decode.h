// JPEG frames to planes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "jpeg_error.h"
#include "jpeg_tables.h"
#include "picture.h"

namespace preprocess {

// What decides the shape of a JPEG's planes besides its size.
struct Sampling {
  int components;
  bool rgb;
  int h[3], v[3];
  bool operator==(const Sampling &other) const;
};

struct Bytes {
  const std::uint8_t *data;
  std::size_t length;
};

// Decoding at 1/2^level of the size, by libjpeg's reduced inverse DCT.
constexpr int kLevels = 4;

// A decoder of frames of one size. Its planes hold the decoded samples until
// the next read_header.
class JpegDecoder {
 public:
  JpegDecoder(int width, int height);
  ~JpegDecoder();
  JpegDecoder(const JpegDecoder &) = delete;
  JpegDecoder &operator=(const JpegDecoder &) = delete;

  // Reads the header of a frame, which has to stay valid until decode() or
  // abandon(). Refuses damage, other sizes and what is not supported.
  Sampling read_header(const std::uint8_t *data, std::size_t length);

  // What decode(level) of the frame whose header was read would give. Makes
  // room for it: allocates when a larger level or other sampling comes.
  Model prepare(int level);

  // Decodes the frame whose header was read, at a level that was prepared. All
  // of its bits are read, as damage is found in no other way; but samples are
  // made of the rows around the camera's [top, bottom) only, and of chroma only
  // when it is wanted. The others are what they were.
  Pixels decode(int level, int top, int bottom, bool chroma);

  // The frame's bytes from the first scan's data on: all that makes the
  // picture, but for tables. Headers may carry a time that differs each frame.
  Bytes scans() const { return scans_; }

  // Forgets the frame. Harmless without one.
  void abandon();

 private:
  void scale(int level);
  void check_header() const;
  bool start(bool chroma);
  bool read_rows(int top, int bottom, bool chroma);
  void want(bool luma, bool chroma);

  int width_, height_;
  JpegErrors errors_;
  jpeg_decompress_struct info_;
  jpeg_progress_mgr progress_;
  JpegTables tables_;
  // Not cleared: what is never decoded takes no memory.
  std::unique_ptr<std::uint8_t[]> plane_[3];
  std::size_t room_[3], stride_[3];
  Bytes scans_;
};

}  // namespace preprocess
