#include "columns.h"

#include <algorithm>
#include <climits>

namespace preprocess {
namespace {

constexpr int kBlock = 16;

// What one block takes: bytes of the line, and the weight of each.
struct Block {
  int at[kBlock], weight[kBlock];
};

// Lays the taps of a sample into a block, from slot `slot` on. A weight of all
// is two of a half, since a byte with a sign holds no more than 127.
bool lay(const Axis &axis, int sample, Placement place, int taps, int slot,
         Block &block) {
  const Reach reach = reach_of(axis, sample);
  const int n = reach.end - reach.begin;
  if (n > taps) return false;
  int whole[kBlock];
  whole_weights(axis, sample, kWhole, reach, whole);
  const auto at = [&](int k) {
    return (axis.first[sample] + reach.begin + k) * place.step + place.shift;
  };
  for (int k = 0; k < taps; k++) {
    block.at[slot + k] = at(std::min(k, n - 1));
    block.weight[slot + k] = k < n ? whole[k] : 0;
  }
  for (int k = 0; k < n; k++)
    if (whole[k] == kWhole) {
      block.at[slot] = block.at[slot + 1] = at(k);
      block.weight[slot] = block.weight[slot + 1] = kWhole / 2;
      std::fill(block.weight + slot + 2, block.weight + slot + taps, 0);
    }
  return true;
}

// Where the block is to be loaded; -1 when its bytes are too far apart. Slots
// without weight may take any byte.
int window(const Block &block, std::size_t length) {
  int low = INT_MAX, high = 0;
  for (int k = 0; k < kBlock; k++) {
    if (block.weight[k] == 0) continue;
    low = std::min(low, block.at[k]);
    high = std::max(high, block.at[k]);
  }
  low = std::max(0, std::min(low, int(length) - kBlock));
  return high - low < kBlock ? low : -1;
}

void write(const Block &block, int from, int vector_bytes, std::uint8_t *code) {
  for (int k = 0; k < kBlock; k++) {
    code[k] = std::uint8_t(block.weight[k] == 0 ? 0 : block.at[k] - from);
    code[vector_bytes + k] = std::uint8_t(block.weight[k]);
  }
}

}  // namespace

// The bytes of a value.
int Columns::taps_of(Kind kind) {
  if (kind == Kind::kFour) return 4;
  if (kind == Kind::kEight) return 8;
  return kind == Kind::kSixteen ? 16 : 2;
}

// Block k of a step goes to vector k%vectors, see columns-inl.h.
bool Columns::tabulate(const Kernels &kernels, const Axis &axis,
                       const std::vector<Placement> &places, Kind kind,
                       std::size_t length) {
  const int samples = int(axis.first.size());
  const int taps = taps_of(kind);
  const int in_block = kBlock / taps / int(places.size());
  const int vectors = 8 / in_block;
  const int bytes = 16 * kernels.blocks;
  kind_ = kind;
  steps_ = (samples + kernels.lanes - 1) / kernels.lanes;
  const int blocks = steps_ * kernels.blocks * vectors;
  offset_.resize(blocks);
  code_.resize(std::size_t(blocks) * 32);
  for (int b = 0; b < blocks; b++) {
    Block block{};
    for (std::size_t p = 0; p < places.size(); p++)
      for (int i = 0; i < in_block; i++)
        if (!lay(axis, std::min(b * in_block + i, samples - 1), places[p], taps,
                 (int(p) * in_block + i) * taps, block))
          return false;
    offset_[b] = window(block, length);
    if (offset_[b] < 0) return false;
    const int step = b / (kernels.blocks * vectors);
    const int k = b % (kernels.blocks * vectors);
    const int vector = step * vectors + k % vectors;
    write(block, offset_[b], bytes,
          code_.data() + vector * 2 * bytes + k / vectors * kBlock);
  }
  return true;
}

void Columns::sum_up(const Axis &axis, int shift, std::size_t length) {
  const int samples = int(axis.first.size());
  kind_ = Kind::kSums;
  taps_ = (axis.taps + 7) / 8 * 8;
  least_ = std::size_t(taps_);
  offset_.resize(samples);
  weight_.assign(std::size_t(samples) * taps_, 0);
  std::vector<int> whole(axis.taps);
  for (int i = 0; i < samples; i++) {
    whole_weights(axis, i, kFineWhole, {0, axis.taps}, whole.data());
    const int first = axis.first[i] + shift;
    offset_[i] = std::max(0, std::min(first, int(length) - taps_));
    std::copy(whole.begin(), whole.end(),
              &weight_[std::size_t(i) * taps_ + (first - offset_[i])]);
  }
}

Columns::Columns(const Kernels &kernels, const Axis &axis, Placement place,
                 std::size_t length) {
  for (Kind kind : {Kind::kTwo, Kind::kFour, Kind::kEight, Kind::kSixteen})
    if (tabulate(kernels, axis, {place}, kind, length)) return;
  sum_up(axis, place.shift, length);
}

std::optional<Columns> Columns::of_pair(const Kernels &kernels,
                                        const Axis &axis, Placement a,
                                        Placement b, std::size_t length) {
  Columns columns;
  if (!columns.tabulate(kernels, axis, {a, b}, Kind::kPair, length)) return {};
  return columns;
}

void Columns::run(const Kernels &kernels, const std::uint8_t *line,
                  std::int16_t *to, std::int16_t *other) const {
  const ColumnTable table{steps_, offset_.data(), code_.data()};
  switch (kind_) {
    case Kind::kTwo:
      return kernels.columns2(table, line, to);
    case Kind::kPair:
      return kernels.columns2x2(table, line, to, other);
    case Kind::kFour:
      return kernels.columns4(table, line, to);
    case Kind::kEight:
      return kernels.columns8(table, line, to);
    case Kind::kSixteen:
      return kernels.columns16(table, line, to);
    case Kind::kSums:
      return kernels.column_sums(
          {int(offset_.size()), taps_, offset_.data(), weight_.data()}, line,
          to);
  }
}

}  // namespace preprocess
