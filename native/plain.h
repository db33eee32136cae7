// What each kernel does, in plain C++: the reference of the others, what they
// call for rows that are shorter than a vector, and what runs where there is no
// instruction set. See kernels.h.
#pragma once

#include "kernels.h"

namespace preprocess::plain {

void blend(const Rows &rows, std::size_t n, std::uint8_t *to);
void blend_many(const Rows &rows, std::size_t n, std::uint8_t *to);
void blend_split2(const Rows &rows, std::size_t n, std::uint8_t *even,
                  std::uint8_t *odd);
void split3(const std::uint8_t *from, std::size_t n, std::uint8_t *const to[]);
void split4(const std::uint8_t *from, std::size_t n, std::uint8_t *const to[]);
void columns2(const ColumnTable &table, const std::uint8_t *line,
              std::int16_t *to);
void columns2x2(const ColumnTable &table, const std::uint8_t *line,
                std::int16_t *to, std::int16_t *other);
void columns4(const ColumnTable &table, const std::uint8_t *line,
              std::int16_t *to);
void columns8(const ColumnTable &table, const std::uint8_t *line,
              std::int16_t *to);
void columns16(const ColumnTable &table, const std::uint8_t *line,
               std::int16_t *to);
void column_sums(const ColumnSums &sums, const std::uint8_t *line,
                 std::int16_t *to);
void pack(const std::int16_t *const lines[], std::size_t n, std::uint8_t *to);
void warp(const Warp &warp, std::int16_t *const to[]);
void pixels(const Colours &colours, const Elements &elements,
            const std::int16_t *const lines[], std::size_t n, void *const to[]);

void turn(const Tile &tile);

// The bits of v as an IEEE 754 binary16, to the nearest, to even between two.
std::uint16_t half(float v);

// The weights of a sample and its neighbour, by the part of the way to that
// one: in pairs, which fill a vector of 16 bytes.
struct WarpWeights {
  alignas(16) std::int16_t x[kWarpX][8];
  alignas(16) std::uint8_t y[kWarpY][16];
};
const WarpWeights &warp_weights();

const Kernels &kernels();

}  // namespace preprocess::plain
