// The inner loops: those of a row of an output. Each exists once in plain C++,
// which says what it does (plain.cc), and once for each instruction set
// (kernels.cc); all give the same bits. That is possible because everything up
// to the last step is whole numbers, and that one multiplies and adds without
// fusing the two.
//
// The way of a row:
//
//	rows of samples -> blend -> one row of bytes -> split -> lines of bytes,
//	a component each -> columns -> lines of levels -> colour -> pixels
//
// A level is a sample times 128 in 16 bits: 0 to 32640. Lines of ours begin at
// a multiple of kPadding bytes and may be read and written for kPadding bytes
// behind their end. Of the camera's rows nothing is read beyond the bytes that
// are named, of pixels nothing written.
#pragma once

#include <cstddef>
#include <cstdint>

#include "simd.h"

namespace preprocess {

constexpr std::size_t kPadding = 128;

constexpr int kLevel = 128;  // of one step of a sample

// The weights of rows, and those of columns that fit into a table, are bytes of
// which the sum is this; so the sum of any bytes fits into 16 bits with a sign.
constexpr int kWhole = 128;
// Where there are more than kFewTaps they have 16 bits.
constexpr int kFineWhole = 1 << 14;
constexpr int kFewTaps = 8;

// Some bytes of `taps` rows, of which the first begins at `first`, and their
// weights. `ahead` bytes behind them lies what will be asked for next, which is
// brought nearer meanwhile; it need not exist.
struct Rows {
  const std::uint8_t *first;
  std::size_t stride;
  int taps;
  const std::int16_t *weight;
  std::size_t ahead;
};

// A horizontal step as a table: each block takes 16 bytes of a line, puts those
// that it needs in order and multiplies them by weights.
struct ColumnTable {
  int steps;  // each makes `lanes` values
  const std::int32_t *offset;
  // For each vector: the bytes' places in their block, then their weights.
  const std::uint8_t *code;
};

// The general horizontal step: value i is the sum of `taps` (a multiple of 8)
// bytes from offset[i] on.
struct ColumnSums {
  int count, taps;
  const std::int32_t *offset;
  const std::int16_t *weight;
};

// How levels become channels. A shade is a colour times kShade. The sum that
// makes it ends where 16 bits do, which is made the place of white by what is
// in base; what is below zero when `ceiling` is taken away again is black.
constexpr int kShade = 32;

enum class Mix {
  kCopy,     // a channel is a line
  kOne,      // all channels are the first line
  kYuv,      // luma, and two lines of chroma
  kWeighted  // one channel, the weighted sum of three lines
};

// Factors are in 1/32768 and lead from levels to shades. With kYuv the first
// line is luma; the first channel adds far[0] times the second line, the last
// channel far[1] times the third one, and the middle one near[0] and near[1]
// times the two.
struct Colours {
  Mix mix;
  int channels;
  std::int16_t gain[3], far[2], near[2];
  std::int16_t base[3], ceiling;
};

enum class Element { kUint8, kQuantised, kFloat32, kFloat16 };

// What pixels look like. A float is its shade times scale plus shift, by
// channel; a quantised byte is that, held to 0..255 and rounded. Bytes are
// combined with `sign`, 0x80 for those of two's complement.
struct Elements {
  Element element;
  bool interleaved;
  std::uint8_t sign;
  float scale[3], shift[3];
};

// A run of columns of an undistorted row: where its first pixel lies in a
// picture of four bytes a pixel, and the way to the next, in 1/65536 of its
// pixels. Where nothing is to be seen it may be anything.
constexpr int kWarpRun = 8;
constexpr int kWarpX = 128, kWarpY = 64;  // steps between two pixels
struct WarpRun {
  std::int32_t x, y, dx, dy;
};

struct Warp {
  const std::uint8_t *picture;
  std::size_t stride;
  std::int32_t right, bottom;  // runs are held between 0 and these
  bool nearest;                // or between four pixels
  int count;
  const WarpRun *runs;
};

// Some rows of an output whose rows are the camera's columns: row i of channel
// c begins at from[c] + i*from_row, and its elements go down column i of what
// begins at to[c], or of pixels at to[0] when they are interleaved.
constexpr int kTile = 16;
struct Tile {
  const std::uint8_t *from[3];
  std::size_t from_row;
  int rows, columns, channels;  // up to kTile rows
  std::size_t element;          // bytes: 1, 2 or 4
  bool interleaved;
  std::uint8_t *to[3];
  std::size_t to_row;
};

struct Kernels {
  Simd set;
  int blocks;  // of 16 bytes in a vector
  int lanes;   // values that a step of a ColumnTable makes: 8 * blocks

  // to[x] = the weighted sum of byte x of the rows, rounded; 2 to kFewTaps
  // taps.
  void (*blend)(const Rows &rows, std::size_t n, std::uint8_t *to);
  // The same for weights of kFineWhole; any number of taps.
  void (*blend_many)(const Rows &rows, std::size_t n, std::uint8_t *to);
  // blend, then split2. 1 to kFewTaps taps; n is even.
  void (*blend_split2)(const Rows &rows, std::size_t n, std::uint8_t *even,
                       std::uint8_t *odd);
  // Byte 3*i+c or 4*i+c goes to to[c][i], for i < n.
  void (*split3)(const std::uint8_t *from, std::size_t n,
                 std::uint8_t *const to[]);
  void (*split4)(const std::uint8_t *from, std::size_t n,
                 std::uint8_t *const to[]);

  // Two bytes a value: `blocks` blocks a step.
  void (*columns2)(const ColumnTable &table, const std::uint8_t *line,
                   std::int16_t *to);
  // Two bytes a value for two components that lie in turns: 2*blocks blocks.
  void (*columns2x2)(const ColumnTable &table, const std::uint8_t *line,
                     std::int16_t *to, std::int16_t *other);
  // Four, eight or sixteen bytes a value: 2*blocks, 4*blocks or 8*blocks
  // blocks a step.
  void (*columns4)(const ColumnTable &table, const std::uint8_t *line,
                   std::int16_t *to);
  void (*columns8)(const ColumnTable &table, const std::uint8_t *line,
                   std::int16_t *to);
  void (*columns16)(const ColumnTable &table, const std::uint8_t *line,
                    std::int16_t *to);
  void (*column_sums)(const ColumnSums &sums, const std::uint8_t *line,
                      std::int16_t *to);

  // Four bytes a pixel: the levels of three lines, rounded.
  void (*pack)(const std::int16_t *const lines[], std::size_t n,
               std::uint8_t *to);
  // The levels of kWarpRun columns of each run, by component.
  void (*warp)(const Warp &warp, std::int16_t *const to[]);

  // Makes n pixels of three lines of levels. to[c] is where the elements of
  // channel c go; to[0] where pixels go when they are interleaved.
  void (*pixels)(const Colours &colours, const Elements &elements,
                 const std::int16_t *const lines[], std::size_t n,
                 void *const to[]);
  void (*turn)(const Tile &tile);
};

// The kernels of a set, or null when this build has none.
const Kernels *find_kernels(Simd set);

}  // namespace preprocess
