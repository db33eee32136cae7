// What every contender of the benchmark shares: the job, the frames, and the
// conversation with the program that measures.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bench {

// The tensor of all jobs that make one: 640x640, the picture in the middle.
constexpr int kSide = 640;
constexpr std::uint8_t kPad = 114;
constexpr float kMean[] = {0.485f, 0.456f, 0.406f};
constexpr float kStd[] = {0.229f, 0.224f, 0.225f};

struct Job {
  std::string way;     // which of a program's ways to do it
  std::string format;  // YUYV, NV12, MJPG
  int width, height;   // of the frames
  std::string output;  // model, bytes, bgr, jpeg, undistorted, three
  std::string file;    // with the frames
  bool compressed() const { return format == "MJPG"; }
  int content_height() const { return kSide * height / width; }
  int content_y() const { return (kSide - content_height()) / 2; }
};

struct Bytes {
  const std::uint8_t *data;
  std::size_t size;
};

// The frames of a file, in memory.
class Frames {
 public:
  explicit Frames(const std::string &file);
  std::size_t count() const { return frames_.size(); }
  Bytes operator[](std::size_t i) const { return frames_[i % count()]; }

 private:
  std::vector<Bytes> frames_;
};

// One way to preprocess frames.
class Contender {
 public:
  virtual ~Contender() = default;
  // Preprocesses frames first to first+count, less than a second's work.
  virtual void run(const Frames &frames, std::size_t first,
                   std::size_t count) = 0;
  // What came of the last frame.
  virtual Bytes output() const = 0;
};

// Makes the contender of a job; null when the way cannot do it.
std::unique_ptr<Contender> make_contender(const Job &job);

[[noreturn]] void fail(const std::string &what);

}  // namespace bench
