// Tone of any content, however small, stays within its tables and lines.
#include "../tone.h"

#include <cstring>

#include "../kernels.h"
#include "harness.h"

using namespace test;
using namespace preprocess;

namespace {

// Lines that end where the page does.
struct Lines {
  explicit Lines(int columns)
      : edge{Edge(columns * sizeof(std::int16_t)),
             Edge(columns * sizeof(std::int16_t)),
             Edge(columns * sizeof(std::int16_t))} {
    for (int c = 0; c < 3; c++)
      line[c] = reinterpret_cast<std::int16_t *>(edge[c].data());
  }
  Edge edge[3];
  std::int16_t *line[3];
};

void fill(Lines &lines, int columns, Random &random) {
  for (std::int16_t *line : lines.line)
    for (int i = 0; i < columns; i++)
      line[i] = std::int16_t(random.below(4) ? random.below(255 * kLevel + 1)
                                             : 255 * kLevel * random.below(2));
}

void one_content(Tone &tone, int columns, int rows, int components) {
  Random random;
  Lines lines(columns);
  if (tone.adapts()) {
    tone.begin();
    for (int row = 0; row < rows; row++) {
      fill(lines, columns, random);
      tone.look(row, lines.line);
      for (int c = 0; c < components; c++)
        std::memcpy(tone.kept(c, row), lines.line[c],
                    columns * sizeof(std::int16_t));
    }
    tone.end();
  }
  for (int row = 0; row < rows; row++) {
    fill(lines, columns, random);
    tone.change(row, lines.line);
    for (int c = 0; c < components; c++)
      for (int i = 0; i < columns; i++)
        CHECK(lines.line[c][i] >= 0 && lines.line[c][i] <= 255 * kLevel);
  }
}

}  // namespace

int main() {
  const int sizes[][2] = {{1, 1}, {1, 7}, {2, 1}, {9, 64}, {65, 3}, {130, 97}};
  const int tiles[][2] = {{1, 1}, {8, 8}, {64, 64}, {3, 5}};
  for (const auto &size : sizes)
    for (const auto &grid : tiles)
      for (float clip : {0.f, 0.1f, 2.f, 256.f})
        for (float gamma : {0.f, 0.05f, 0.6f, 20.f})
          for (bool rgb : {false, true})
            for (int turned : {0, 1}) {
              preproc_output o{};
              o.clahe_clip = clip;
              o.clahe_columns = grid[0];
              o.clahe_rows = grid[1];
              o.gamma = gamma;
              o.transpose = turned;
              Model model{};
              model.rgb = rgb;
              model.components = rgb ? 3 : 1;
              Tone tone(o, size[0], size[1]);
              tone.plan(model, rgb ? PREPROC_FULL : PREPROC_LIMITED);
              for (int frame = 0; frame < 2; frame++)
                one_content(tone, size[0], size[1], model.components);
            }
}
