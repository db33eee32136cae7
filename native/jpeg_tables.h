// The tables that a JPEG frame is decoded with.
#pragma once

#include "jpeg_error.h"

namespace preprocess {

// libjpeg keeps the tables of one frame for the next, which suits a file in
// parts, but makes the fate of a frame depend on those before it. Here each
// frame has its own tables, and for the Huffman tables that it lacks those that
// Motion JPEG leaves out: the typical ones of ISO/IEC 10918-1, K.3. There are
// no quantization tables that could stand in.
class JpegTables {
 public:
  // Makes room in info for every table. It may jump to info's errors.
  void create(j_decompress_ptr info);

  // Forgets what the frame before brought. To be called before a header is
  // read; allocates nothing.
  void reset(j_decompress_ptr info) const;

  // Whether the frame that is being decoded brought a quantization table for
  // each of its components.
  static bool complete(const jpeg_decompress_struct &info);

 private:
  JHUFF_TBL dc_[NUM_HUFF_TBLS], ac_[NUM_HUFF_TBLS];
};

}  // namespace preprocess
