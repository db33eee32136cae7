// A part of the camera's picture, in its pixels.
#pragma once

#include "picture.h"

namespace preprocess {

struct Part {
  int x, y, width, height;
};

// The smallest part that holds both.
Part together(const Part &a, const Part &b);

// Narrows a picture to a part of it. Components that are not as large as luma,
// or as green, are lost: they get no samples.
void narrow(const Part &part, Model *model, Pixels *pixels);

}  // namespace preprocess
