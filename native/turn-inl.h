// Rows to columns. See kernels.h.
#if defined(NATIVE_TURN_INL_H) == defined(HWY_TARGET_TOGGLE)
#ifdef NATIVE_TURN_INL_H
#undef NATIVE_TURN_INL_H
#else
#define NATIVE_TURN_INL_H
#endif

#include "ops-inl.h"
#include "plain.h"

HWY_BEFORE_NAMESPACE();
namespace preprocess {
namespace HWY_NAMESPACE {

// A square of elements, as many as there are in a block, with rows and columns
// exchanged: each round puts a row and the one half the square below it in
// turns.
template <typename T>
class Square {
 public:
  static constexpr int kSide = int(16 / sizeof(T));
  using D = hn::Full128<T>;

  Square(const std::uint8_t *from, std::size_t row) {
    for (int i = 0; i < kSide; i++)
      rows[i] = hn::LoadU(
          D(), reinterpret_cast<const T *>(from + std::size_t(i) * row));
    for (int round = 1; round < kSide; round *= 2) {
      hn::Vec<D> next[kSide];
      for (int i = 0; i < kSide / 2; i++) {
        next[2 * i] = hn::InterleaveLower(D(), rows[i], rows[i + kSide / 2]);
        next[2 * i + 1] =
            hn::InterleaveUpper(D(), rows[i], rows[i + kSide / 2]);
      }
      for (int i = 0; i < kSide; i++) rows[i] = next[i];
    }
  }

  hn::Vec<D> rows[kSide];
};

template <typename T>
void planes_of(const Tile &t, int columns) {
  using S = Square<T>;
  for (int c = 0; c < t.channels; c++)
    for (int x = 0; x < columns; x += S::kSide)
      for (int y = 0; y < kTile; y += S::kSide) {
        const S square(t.from[c] + y * t.from_row + x * sizeof(T), t.from_row);
        for (int i = 0; i < S::kSide; i++)
          hn::StoreU(square.rows[i], typename S::D(),
                     reinterpret_cast<T *>(t.to[c] + (x + i) * t.to_row) + y);
      }
}

template <typename T>
void pixels_of(const Tile &t, int columns) {
  using S = Square<T>;
  for (int x = 0; x < columns; x += S::kSide)
    for (int y = 0; y < kTile; y += S::kSide) {
      const std::size_t at = y * t.from_row + x * sizeof(T);
      const S a(t.from[0] + at, t.from_row), b(t.from[1] + at, t.from_row),
          c(t.from[2] + at, t.from_row);
      for (int i = 0; i < S::kSide; i++)
        hn::StoreInterleaved3(
            a.rows[i], b.rows[i], c.rows[i], typename S::D(),
            reinterpret_cast<T *>(t.to[0] + (x + i) * t.to_row) + 3 * y);
    }
}

template <typename T>
void turn_of(const Tile &tile) {
  const int columns = tile.columns / Square<T>::kSide * Square<T>::kSide;
  if (tile.interleaved && tile.channels == 3)
    pixels_of<T>(tile, columns);
  else
    planes_of<T>(tile, columns);
  // What is left of the columns.
  Tile rest = tile;
  rest.columns -= columns;
  for (int c = 0; c < tile.channels; c++) {
    rest.from[c] += columns * sizeof(T);
    rest.to[c] += columns * tile.to_row;
  }
  plain::turn(rest);
}

void turn(const Tile &tile) {
  if (tile.rows < kTile) return plain::turn(tile);
  if (tile.element == 1) return turn_of<std::uint8_t>(tile);
  if (tile.element == 2) return turn_of<std::uint16_t>(tile);
  turn_of<float>(tile);
}

}  // namespace HWY_NAMESPACE
}  // namespace preprocess
HWY_AFTER_NAMESPACE();

#endif
