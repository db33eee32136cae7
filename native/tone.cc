#include "tone.h"

#include <algorithm>
#include <cmath>

#include "kernels.h"
#include "status.h"

namespace preprocess {
namespace {

constexpr int kBins = 256;
constexpr int kParts = 1024;             // of the way from tile to tile
constexpr int kWhite = 255 * kLevel;     // the highest level
constexpr int kCoarse = 8;               // levels in a step of a table
constexpr int kFine = 16;                // steps of a gray
constexpr int kGrays = 255 * kFine + 1;  // and all of them

// The luma of RGB, BT.601, in 1/32768.
constexpr int kRed = 9798, kGreen = 19234, kBlue = 3736;

int step_of(int level) { return (level + kCoarse / 2) / kCoarse; }

}  // namespace

bool Tone::wanted(const preproc_output &output) {
  return output.clahe_clip > 0 || (output.gamma > 0 && output.gamma != 1);
}

Tone::Tone(const preproc_output &output, int columns, int rows)
    : columns_(columns),
      rows_(rows),
      clip_(output.clahe_clip),
      gamma_(output.gamma > 0 ? output.gamma : 1) {
  changed_.resize(columns);
  if (!adapts()) return;
  const bool turned = output.transpose != 0;
  const int across =
      std::min(turned ? output.clahe_rows : output.clahe_columns, columns);
  const int down =
      std::min(turned ? output.clahe_columns : output.clahe_rows, rows);
  const bool divided = columns % across == 0 && rows % down == 0;
  lay(x_, columns, across, divided);
  lay(y_, rows, down, divided);
  const std::size_t tiles = product(across, down);
  histograms_.resize(product(tiles, kBins));
  tables_.resize(product(tiles, kBins));
  blended_.resize(product(across, kBins));
  luma_.resize(columns);
  const std::size_t padding = kPadding / sizeof(std::int16_t);
  line_ = (columns + 2 * padding - 1) / padding * padding;
}

// As cv::CLAHE does: where a side is not divided by the tiles, both are made
// longer by mirroring, until they are.
void Tone::lay(Side &side, int length, int tiles, bool divided) {
  side.length = length;
  side.tiles = tiles;
  side.tile =
      divided ? length / tiles : (length + tiles - length % tiles) / tiles;
  for (int i = 0; i < length; i++) {
    const int at =
        int((2L * kParts * i + side.tile) / (2L * side.tile)) - kParts / 2;
    const int before = at >= 0 ? at / kParts : -1;
    side.places.push_back({std::max(before, 0), std::min(before + 1, tiles - 1),
                           at & (kParts - 1)});
  }
}

void Tone::plan(const Model &model, int range) {
  rgb_ = model.rgb;
  const int black = range == PREPROC_FULL ? 0 : 16 * kLevel;
  const int white = range == PREPROC_FULL ? kWhite : 235 * kLevel;
  level_.resize(kGrays);
  for (int i = 0; i < kGrays; i++) {
    const double light = std::pow(double(i) / (kGrays - 1), gamma_);
    level_[i] = std::int16_t(black + std::lround(light * (white - black)));
  }
  gray_.resize(kWhite / kCoarse + 1);
  curve_.resize(kWhite / kCoarse + 1);
  for (int i = 0; i <= kWhite / kCoarse; i++) {
    const double gray =
        std::clamp(double(i * kCoarse - black) / (white - black) * (kGrays - 1),
                   0.0, kGrays - 1.0);
    gray_[i] = std::uint8_t(std::lround(gray / kFine));
    curve_[i] = level_[std::lround(gray)];
  }
  if (adapts())
    kept_.resize(product(line_, product(rows_, rgb_ ? 3 : model.components)));
}

int Tone::luma_of(int at, const std::int16_t *const lines[]) const {
  if (!rgb_) return lines[0][at];
  return (kRed * lines[0][at] + kGreen * lines[1][at] + kBlue * lines[2][at]) >>
         15;
}

void Tone::begin() { std::fill(histograms_.begin(), histograms_.end(), 0); }

void Tone::look(int row, const std::int16_t *const lines[]) {
  for (int x = 0; x < columns_; x++)
    luma_[x] = gray_[step_of(luma_of(x, lines))];
  count(row / y_.tile);
  const int again = y_.mirrored(row);
  if (again >= y_.length && again < y_.whole()) count(again / y_.tile);
}

// Counts the row that luma_ holds in the tiles of a row of them.
void Tone::count(int tile_row) {
  std::uint32_t *histogram =
      &histograms_[std::size_t(tile_row) * x_.tiles * kBins];
  for (int tile = 0, x = 0; tile < x_.tiles; tile++, histogram += kBins) {
    const int end = (tile + 1) * x_.tile;
    for (; x < std::min(end, columns_); x++) histogram[luma_[x]]++;
    for (; x < end; x++) histogram[luma_[std::max(x_.mirrored(x), 0)]]++;
  }
}

void Tone::end() {
  for (std::size_t i = 0; i < histograms_.size(); i += kBins)
    equalise(&histograms_[i], &tables_[i]);
}

// The table of a tile: what is above the limit in the histogram is given to all
// grays alike, and the rest of it to some in even distances.
void Tone::equalise(std::uint32_t *histogram, std::uint8_t *table) const {
  const int area = x_.tile * y_.tile;
  const std::uint32_t limit =
      std::uint32_t(std::max(1.0, std::floor(clip_ * area / kBins)));
  std::uint32_t clipped = 0;
  for (int i = 0; i < kBins; i++)
    if (histogram[i] > limit) {
      clipped += histogram[i] - limit;
      histogram[i] = limit;
    }
  const std::uint32_t each = clipped / kBins, rest = clipped % kBins;
  for (int i = 0; i < kBins; i++) histogram[i] += each;
  const int step = rest > 0 ? std::max(1, int(kBins / rest)) : 1;
  for (std::uint32_t i = 0; i < rest && i * step < kBins; i++)
    histogram[i * step]++;
  const float scale = 255.0f / float(area);
  std::uint32_t sum = 0;
  for (int i = 0; i < kBins; i++) {
    sum += histogram[i];
    table[i] =
        std::uint8_t(std::min(std::nearbyint(float(sum) * scale), 255.0f));
  }
}

// The tables of a row: between those of the tiles above and below.
void Tone::blend_tables(int row) {
  const Side::Place &p = y_.places[row];
  const std::size_t length = std::size_t(x_.tiles) * kBins;
  const std::uint8_t *above = &tables_[p.before * length];
  const std::uint8_t *below = &tables_[p.behind * length];
  for (std::size_t i = 0; i < length; i++)
    blended_[i] = above[i] * (kParts - p.part) + below[i] * p.part;
}

// Puts the new luma of a row in place of its own.
void Tone::adapt(int row, std::int16_t *luma) {
  constexpr int kStep = kParts * kParts / kFine;
  blend_tables(row);
  for (int x = 0; x < columns_; x++) {
    const Side::Place &p = x_.places[x];
    const int gray = gray_[step_of(luma[x])];
    const int sum = blended_[p.before * kBins + gray] * (kParts - p.part) +
                    blended_[p.behind * kBins + gray] * p.part;
    luma[x] = level_[(sum + kStep / 2) / kStep];
  }
}

void Tone::change(int row, std::int16_t *const lines[]) {
  std::int16_t *luma = lines[0];
  if (rgb_) {
    luma = changed_.data();
    for (int x = 0; x < columns_; x++)
      luma[x] = std::int16_t(luma_of(x, lines));
  }
  if (adapts())
    adapt(row, luma);
  else
    for (int x = 0; x < columns_; x++) luma[x] = curve_[step_of(luma[x])];
  if (!rgb_) return;
  for (int x = 0; x < columns_; x++) {
    const int more = luma[x] - luma_of(x, lines);
    for (int c = 0; c < 3; c++)
      lines[c][x] = std::int16_t(std::clamp(lines[c][x] + more, 0, kWhite));
  }
}

}  // namespace preprocess
