// Rows of hue, saturation and value to rows of red, green and blue.
#pragma once

#include <cstdint>

namespace preprocess {

// rows are hue, saturation and value, and become red, green and blue; hue has
// 180 or 256 steps a turn.
void rgb_from_hsv180(int n, std::uint8_t *const rows[3]);
void rgb_from_hsv256(int n, std::uint8_t *const rows[3]);

}  // namespace preprocess
