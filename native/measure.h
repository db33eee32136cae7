// What a frame's samples say about the camera: how bright and how sharp the
// picture is, and a hash that tells whether it is the picture of before. A thin
// grid of samples is looked at.
#pragma once

#include "picture.h"
#include "preproc.h"

namespace preprocess {

// Measures a picture whose camera has format.width pixels in a row; pixels may
// be a decoding of it at a smaller scale. content is a hash of the samples.
preproc_measure measure(const preproc_format &format, const Model &model,
                        const Pixels &pixels);

// A hash of all samples, and one of a thin grid of the first plane's bytes.
std::uint64_t hash_of(const Model &model, const Pixels &pixels);
std::uint64_t hash_of_some(const Model &model, const Pixels &pixels);

// The same numbers sample by sample: the reference of measure, and what
// measures pictures that are too small for it.
preproc_measure measure_plainly(const preproc_format &format,
                                const Model &model, const Pixels &pixels);

}  // namespace preprocess
