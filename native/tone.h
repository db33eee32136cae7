// Light into dark pictures: luma is changed, by its place or by a curve, and
// chroma stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bytes.h"
#include "picture.h"
#include "preproc.h"

namespace preprocess {

// The content of an output, as its lines of levels: all rows are looked at
// before the first is changed, where there is CLAHE.
class Tone {
 public:
  static bool wanted(const preproc_output &output);

  // Of a content of columns x rows, as lines have it.
  Tone(const preproc_output &output, int columns, int rows);

  // How the luma of the lines is to be read; all tables are made here.
  void plan(const Model &model, int range);

  // Whether rows are changed by what all of them are like. Then all lines are
  // kept, and for each frame begin() is called, look() for each row, and end(),
  // before the first row is changed.
  bool adapts() const { return clip_ > 0; }
  std::int16_t *kept(int component, int row) {
    return kept_.data() + (std::size_t(component) * rows_ + row) * line_;
  }
  void begin();
  void look(int row, const std::int16_t *const lines[]);
  void end();

  // Changes the lines of a row, three of RGB and else the first one.
  void change(int row, std::int16_t *const lines[]);

 private:
  // A side of the content in tiles, as cv::CLAHE lays them.
  struct Side {
    int length, tiles, tile;
    // Of each sample: the tiles before and behind its place between the middles
    // of two, and the part of the way to the latter.
    struct Place {
      int before, behind, part;
    };
    std::vector<Place> places;
    int whole() const { return tile * tiles; }  // with what is mirrored
    int mirrored(int at) const { return 2 * (length - 1) - at; }
  };

  void lay(Side &side, int length, int tiles, bool divided);
  int luma_of(int at, const std::int16_t *const lines[]) const;
  void count(int tile_row);
  void equalise(std::uint32_t *histogram, std::uint8_t *table) const;
  void blend_tables(int row);
  void adapt(int row, std::int16_t *luma);

  int columns_, rows_;
  double clip_, gamma_;
  Side x_, y_;
  bool rgb_ = false;
  std::vector<std::uint8_t> gray_;         // of a level in steps of 8
  std::vector<std::int16_t> level_;        // of a gray in steps of 1/16
  std::vector<std::int16_t> curve_;        // of a level in steps of 8
  std::vector<std::uint32_t> histograms_;  // 256 a tile
  std::vector<std::uint8_t> tables_;       // 256 a tile
  std::vector<std::int32_t> blended_;      // the tables of a row
  std::vector<std::uint8_t> luma_;         // the grays of a row
  std::vector<std::int16_t> changed_;      // the luma of a row of RGB
  std::size_t line_ = 0;                   // of kept_, with its padding
  Aligned<std::int16_t> kept_;
};

}  // namespace preprocess
