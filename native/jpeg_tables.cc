#include "jpeg_tables.h"

#include <algorithm>

namespace preprocess {
namespace {

// An empty slot: a Huffman table without codes, a quantization table of zeros,
// which no file may have.
constexpr JHUFF_TBL kNoCodes{};
constexpr JQUANT_TBL kNoSteps{};

}  // namespace

void JpegTables::create(j_decompress_ptr info) {
  // The typical tables are those that an encoder starts with.
  jpeg_compress_struct typical{};
  typical.err = info->err;
  jpeg_create_compress(&typical);
  typical.input_components = 1;
  typical.in_color_space = JCS_GRAYSCALE;
  jpeg_set_defaults(&typical);
  const auto common = reinterpret_cast<j_common_ptr>(info);
  for (int i = 0; i < NUM_HUFF_TBLS; i++) {
    const bool known = typical.dc_huff_tbl_ptrs[i] != nullptr;
    dc_[i] = known ? *typical.dc_huff_tbl_ptrs[i] : kNoCodes;
    ac_[i] = known ? *typical.ac_huff_tbl_ptrs[i] : kNoCodes;
    info->dc_huff_tbl_ptrs[i] = jpeg_alloc_huff_table(common);
    info->ac_huff_tbl_ptrs[i] = jpeg_alloc_huff_table(common);
  }
  for (JQUANT_TBL *&table : info->quant_tbl_ptrs)
    table = jpeg_alloc_quant_table(common);
  jpeg_destroy_compress(&typical);
}

void JpegTables::reset(j_decompress_ptr info) const {
  for (int i = 0; i < NUM_HUFF_TBLS; i++) {
    *info->dc_huff_tbl_ptrs[i] = dc_[i];
    *info->ac_huff_tbl_ptrs[i] = ac_[i];
  }
  for (JQUANT_TBL *table : info->quant_tbl_ptrs) *table = kNoSteps;
}

bool JpegTables::complete(const jpeg_decompress_struct &info) {
  return std::all_of(info.comp_info, info.comp_info + info.num_components,
                     [](const jpeg_component_info &component) {
                       const JQUANT_TBL *table = component.quant_table;
                       return table != nullptr && table->quantval[0] != 0;
                     });
}

}  // namespace preprocess
