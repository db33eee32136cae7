#include "decode.h"

#include <algorithm>
#include <climits>

#include "status.h"

namespace preprocess {
namespace {

// A progressive file may repeat scans without end, each as costly as a whole
// picture. libjpeg's own default script has ten.
constexpr int kMaxScans = 100;

void limit_scans(j_common_ptr info) {
  auto *decompress = reinterpret_cast<j_decompress_ptr>(info);
  if (info->is_decompressor && decompress->input_scan_number > kMaxScans)
    JpegErrors::leave(info, PREPROC_UNSUPPORTED, "more than 100 scans");
}

// Where bits were lost or turned, the decoder mostly comes to the last block
// with some data left. Of webcams it is known that they leave a few bytes.
constexpr int kSurplus = 16;

bool is_restart(int marker) {
  return marker >= JPEG_RST0 && marker < JPEG_RST0 + 8;
}

// The bytes, but for padding, between the last block and the file's end.
int surplus(j_decompress_ptr info) {
  // Of several scans, libjpeg has read all.
  if (jpeg_input_complete(info)) return 0;
  if (info->unread_marker != 0)
    return is_restart(info->unread_marker) ? INT_MAX : 0;
  const std::uint8_t *at = info->src->next_input_byte;
  const std::uint8_t *const end = at + info->src->bytes_in_buffer;
  int count = 0;
  for (; at < end && count <= kSurplus; at++) {
    if (*at != 0xff)
      count += *at != 0;
    else if (at + 1 < end && at[1] == JPEG_EOI)
      break;
  }
  return count;
}

}  // namespace

bool Sampling::operator==(const Sampling &other) const {
  return components == other.components && rgb == other.rgb &&
         std::equal(h, h + components, other.h) &&
         std::equal(v, v + components, other.v);
}

JpegDecoder::JpegDecoder(int width, int height)
    : width_(width),
      height_(height),
      errors_(),
      info_(),
      progress_(),
      tables_(),
      room_(),
      stride_(),
      scans_() {
  errors_.install();
  info_.err = &errors_.base;
  if (setjmp(errors_.jump)) errors_.refuse();
  jpeg_create_decompress(&info_);
  tables_.create(&info_);
  progress_.progress_monitor = limit_scans;
  info_.progress = &progress_;
}

JpegDecoder::~JpegDecoder() { jpeg_destroy_decompress(&info_); }

void JpegDecoder::abandon() { jpeg_abort_decompress(&info_); }

void JpegDecoder::check_header() const {
  const int width = int(info_.image_width), height = int(info_.image_height);
  if (width != width_ || height != height_)
    refuse(PREPROC_GEOMETRY, "jpeg: picture is %dx%d, agreed on was %dx%d",
           width, height, width_, height_);
  if (info_.arith_code) refuse(PREPROC_UNSUPPORTED, "jpeg: arithmetic coding");
  const J_COLOR_SPACE space = info_.jpeg_color_space;
  const bool known = info_.num_components == 1
                         ? space == JCS_GRAYSCALE
                         : info_.num_components == 3 &&
                               (space == JCS_YCbCr || space == JCS_RGB);
  if (!known)
    refuse(PREPROC_UNSUPPORTED,
           "jpeg: %d components of colour space %d; supported are grayscale, "
           "YCbCr and RGB",
           info_.num_components, int(space));
}

Sampling JpegDecoder::read_header(const std::uint8_t *data,
                                  std::size_t length) {
  abandon();
  if (data == nullptr || length == 0) refuse(PREPROC_SHORT, "jpeg: no bytes");
  if (setjmp(errors_.jump)) {
    abandon();
    errors_.refuse();
  }
  tables_.reset(&info_);
  jpeg_mem_src(&info_, data, length);
  jpeg_read_header(&info_, TRUE);
  check_header();
  scans_ = {info_.src->next_input_byte, info_.src->bytes_in_buffer};
  info_.raw_data_out = TRUE;
  info_.out_color_space = info_.jpeg_color_space;
  info_.do_fancy_upsampling = FALSE;
  Sampling sampling{};
  sampling.components = info_.num_components;
  sampling.rgb = info_.jpeg_color_space == JCS_RGB;
  for (int c = 0; c < info_.num_components; c++) {
    sampling.h[c] = info_.comp_info[c].h_samp_factor;
    sampling.v[c] = info_.comp_info[c].v_samp_factor;
  }
  return sampling;
}

void JpegDecoder::scale(int level) {
  info_.scale_num = 1;
  info_.scale_denom = 1u << level;
  if (setjmp(errors_.jump)) errors_.refuse();
  jpeg_calc_output_dimensions(&info_);
}

Model JpegDecoder::prepare(int level) {
  scale(level);
  Model model{};
  model.rgb = info_.jpeg_color_space == JCS_RGB;
  model.components = model.planes = info_.num_components;
  for (int c = 0; c < info_.num_components; c++) {
    const jpeg_component_info &info = info_.comp_info[c];
    const int size = info.DCT_scaled_size;
    model.component[c] = {
        c,
        1,
        0,
        int(info.downsampled_width),
        int(info.downsampled_height),
        double(info.h_samp_factor * size) / (info_.max_h_samp_factor * DCTSIZE),
        double(info.v_samp_factor * size) /
            (info_.max_v_samp_factor * DCTSIZE)};
    model.row_bytes[c] = info.downsampled_width;
    model.rows[c] = int(info.downsampled_height);
    // libjpeg writes whole blocks and whole rows of them.
    const std::size_t stride = product(info.width_in_blocks, size);
    const std::size_t rows =
        product(info_.total_iMCU_rows, info.v_samp_factor * size);
    const std::size_t bytes = product(stride, rows);
    if (room_[c] >= bytes) continue;
    room_[c] = 0;
    plane_[c].reset(new std::uint8_t[bytes]);
    room_[c] = bytes;
  }
  return model;
}

// libjpeg makes no samples of a component that is not needed, which is looked
// up for each row of blocks. RGB has no chroma.
void JpegDecoder::want(bool luma, bool chroma) {
  const bool rgb = info_.jpeg_color_space == JCS_RGB;
  for (int c = 0; c < info_.num_components; c++)
    info_.comp_info[c].component_needed = luma && (c == 0 || chroma || rgb);
}

bool JpegDecoder::start(bool chroma) {
  if (setjmp(errors_.jump)) return false;
  want(true, chroma);
  jpeg_start_decompress(&info_);
  // Only now: a table may stand between two scans.
  if (!JpegTables::complete(info_))
    JpegErrors::leave(reinterpret_cast<j_common_ptr>(&info_), PREPROC_CORRUPT,
                      "a component has no quantization table");
  return true;
}

bool JpegDecoder::read_rows(int top, int bottom, bool chroma) {
  JSAMPROW rows[3][4 * DCTSIZE];
  JSAMPARRAY planes[3] = {rows[0], rows[1], rows[2]};
  if (setjmp(errors_.jump)) return false;
  const int height = info_.max_v_samp_factor * info_.min_DCT_scaled_size;
  const int pixels = info_.max_v_samp_factor * DCTSIZE;
  // Filters may look one sample of chroma further.
  const int margin = pixels / info_.min_DCT_scaled_size;
  for (int group = 0; group < int(info_.total_iMCU_rows); group++) {
    want(
        group * pixels < bottom + margin && (group + 1) * pixels > top - margin,
        chroma);
    for (int c = 0; c < info_.num_components; c++) {
      const jpeg_component_info &info = info_.comp_info[c];
      const int count = info.v_samp_factor * info.DCT_scaled_size;
      for (int r = 0; r < count; r++)
        rows[c][r] =
            plane_[c].get() + (std::size_t(group) * count + r) * stride_[c];
    }
    jpeg_read_raw_data(&info_, planes, height);
  }
  if (surplus(&info_) > kSurplus)
    JpegErrors::leave(reinterpret_cast<j_common_ptr>(&info_), PREPROC_CORRUPT,
                      "data is left over after the last row");
  return true;
}

Pixels JpegDecoder::decode(int level, int top, int bottom, bool chroma) {
  scale(level);
  Pixels pixels{};
  for (int c = 0; c < info_.num_components; c++) {
    const jpeg_component_info &info = info_.comp_info[c];
    stride_[c] = std::size_t(info.width_in_blocks) * info.DCT_scaled_size;
    pixels.data[c] = plane_[c].get();
    pixels.stride[c] = stride_[c];
  }
  const bool good = start(chroma) && read_rows(top, bottom, chroma);
  // Not jpeg_finish_decompress: cameras pad what follows the last row.
  abandon();
  if (!good) errors_.refuse();
  return pixels;
}

}  // namespace preprocess
