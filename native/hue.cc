#include "hue.h"

namespace preprocess {
namespace {

// The nearest whole of v/d.
constexpr int rounded(int v, int d) { return (2 * v + d) / (2 * d); }

// A sixth of a turn goes from one corner of the colour hexagon to the next
// (A. R. Smith, "Color Gamut Transform Pairs", 1978): there one channel rises
// or falls between the darkest and the brightest one.
template <int Turn>
void rgb_from_hsv(int n, std::uint8_t *const rows[3]) {
  constexpr int kWhole = 255 * Turn;
  for (int i = 0; i < n; i++) {
    const int hue = rows[0][i] % Turn, saturation = rows[1][i];
    const int high = rows[2][i];
    const int sixth = hue * 6 / Turn, part = hue * 6 - sixth * Turn;
    // A channel at `part` of a sixth of the way between low and high, and back.
    const int low = rounded(high * (255 - saturation), 255);
    const int up =
        rounded(high * (kWhole - saturation * (Turn - part)), kWhole);
    const int down = rounded(high * (kWhole - saturation * part), kWhole);
    const int levels[] = {low, high, up, down};
    // Which of them red, green and blue are in each sixth.
    static constexpr std::uint8_t kChannel[6][3] = {
        {1, 2, 0}, {3, 1, 0}, {0, 1, 2}, {0, 3, 1}, {2, 0, 1}, {1, 0, 3}};
    for (int c = 0; c < 3; c++)
      rows[c][i] = std::uint8_t(levels[kChannel[sixth][c]]);
  }
}

}  // namespace

void rgb_from_hsv180(int n, std::uint8_t *const rows[3]) {
  rgb_from_hsv<180>(n, rows);
}

void rgb_from_hsv256(int n, std::uint8_t *const rows[3]) {
  rgb_from_hsv<256>(n, rows);
}

}  // namespace preprocess
