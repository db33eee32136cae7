/* The C interface of the preprocessor.
 *
 * What enters: the planes of one camera frame. What leaves: pixels of every
 * output that is due, in the caller's memory. A handle belongs to one thread at
 * a time, starts no thread, calls nothing back, logs nothing, keeps no pointer
 * of the caller, and allocates only in preproc_create and when the sampling of
 * JPEG frames changes. No function lets an exception out. */
#ifndef PREPROC_H
#define PREPROC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define PREPROC_NOEXCEPT noexcept
#else
#define PREPROC_NOEXCEPT
#endif

/* Limits, checked before anything is allocated. */
#define PREPROC_MAX_SIDE 16384
#define PREPROC_MAX_PIXELS 67108864
#define PREPROC_MAX_OUTPUTS 8
#define PREPROC_MAX_PLANES 3
#define PREPROC_DETAIL 200

/* What the caller does next. */
typedef enum {
  PREPROC_OK = 0,
  PREPROC_FAILED,      /* no memory, or a library failed: try the next frame */
  PREPROC_CORRUPT,     /* the bitstream is damaged: drop the frame */
  PREPROC_SHORT,       /* fewer bytes than the format needs: drop the frame */
  PREPROC_GEOMETRY,    /* not the size that was agreed on: negotiate anew */
  PREPROC_UNSUPPORTED, /* no code for this: choose another format */
  PREPROC_ARGUMENT     /* the caller is wrong: a bug */
} preproc_status;

typedef struct {
  char detail[PREPROC_DETAIL]; /* one line, always ended; empty when OK */
} preproc_error;

enum {
  PREPROC_BT601 = 0,
  PREPROC_BT709,
  PREPROC_BT2020,
  PREPROC_SMPTE240M,
  PREPROC_HSV180, /* of HSV: the steps of hue in a turn */
  PREPROC_HSV256
};
enum { PREPROC_LIMITED = 0, PREPROC_FULL };
enum { PREPROC_AREA = 0, PREPROC_LINEAR, PREPROC_NEAREST };
enum { PREPROC_RGB = 0, PREPROC_BGR, PREPROC_GRAY };
enum { PREPROC_UINT8 = 0, PREPROC_FLOAT32, PREPROC_FLOAT16, PREPROC_INT8 };
enum { PREPROC_HWC = 0, PREPROC_CHW };
enum { PREPROC_RAW = 0, PREPROC_JPEG };
enum { PREPROC_NO_LENS = 0, PREPROC_PINHOLE, PREPROC_FISHEYE };

/* What the components of a frame are: Y'CbCr, R'G'B', luma alone, the samples
 * behind a Bayer filter, HSV, or a JPEG bitstream, which has none. */
enum {
  PREPROC_KIND_YUV = 0,
  PREPROC_KIND_RGB,
  PREPROC_KIND_LUMA,
  PREPROC_KIND_BAYER,
  PREPROC_KIND_HSV,
  PREPROC_KIND_JPEG
};
/* MIPI: CSI-2's RAW10, RAW12 or RAW14, by the bits of the component. */
enum { PREPROC_WORDS = 0, PREPROC_MIPI };

/* A row has `bytes` for each `pixels` that it begins; there is a row for each
 * `rows` of the picture. */
typedef struct {
  int32_t stride; /* bytes from row to row */
  int32_t bytes, pixels, rows;
} preproc_plane;

/* A sample is `bits` from bit `shift` on, 0 being the lowest, of a word of
 * `word` bytes. One stands for hsub x vsub pixels, in whose middle it is. */
typedef struct {
  int32_t plane;
  int32_t offset, step; /* bytes to the first sample of a row and to the next */
  int32_t word;         /* 1, 2 or 4 */
  int32_t big_endian;   /* 0 or 1 */
  int32_t shift, bits;
  int32_t hsub, vsub;
} preproc_component;

/* How the frames look. JPEG has no planes or components and ignores matrix and
 * range: it is JFIF. */
typedef struct {
  int32_t width, height; /* pixels */
  int32_t kind, packing;
  int32_t red_x, red_y; /* where red is in a Bayer cell of two by two */
  int32_t planes, components;
  preproc_plane plane[PREPROC_MAX_PLANES];
  preproc_component component[3];
  int32_t matrix, range;
} preproc_format;

/* What bends the camera's pictures, which are width x height: the calibrated
 * camera, and the ideal one whose undistorted picture, of the same size,
 * regions and bounds refer to. Each is fx, fy, cx, cy in pixels. coefficients
 * are in OpenCV's order: k1 k2 p1 p2 k3 k4 k5 k6 s1 s2 s3 s4 tau_x tau_y, or
 * the fisheye's k1 k2 k3 k4. Rays further from the axis than limit focal
 * lengths are not seen. */
typedef struct {
  int32_t model, width, height;
  double camera[4], picture[4], coefficients[14], limit;
} preproc_lens;

/* What one output looks like and which part of the camera's picture it shows.
 * The region is resampled to the content; content that is smaller than the
 * output is surrounded with pad. */
typedef struct {
  int32_t width, height; /* pixels of the output */
  int32_t content_x, content_y, content_width, content_height;
  /* In camera pixels; pixel i covers i to i+1. */
  double region_x, region_y, region_width, region_height;
  /* Samples outside (the view's crop) are never mixed in. */
  int32_t bounds_x, bounds_y, bounds_width, bounds_height;
  /* transpose: the content's x runs along the camera's y. reverse_x: what runs
   * along the camera's x runs against it; reverse_y likewise. */
  int32_t transpose, reverse_x, reverse_y;
  int32_t filter, pad, color, dtype, layout, encode, quality;
  /* real = (v/255 - mean) / std, by channel in the order of color: the value of
   * float types. Integers are round(real / scale) + zero_point, held within the
   * type; with a scale of 0 they are v, for int8 less 128. */
  float mean[3], std[3];
  float scale;
  int32_t zero_point;
  /* The content's luma, 0 to 1, becomes luma to the power of gamma, 0 being the
   * same as 1; before that, unless clahe_clip is 0, contrast-limited adaptive
   * histogram equalisation as cv::CLAHE does it, in as many tiles. */
  float gamma, clahe_clip;
  int32_t clahe_columns, clahe_rows;
  /* Unless it has no model, pixels without a picture of the camera's become
   * pad. */
  preproc_lens lens;
} preproc_output;

/* What the samples of a frame say about the camera. Of the part of the
 * picture that the outputs together show, due or not, on a thin grid. Luma is 0
 * for black to 255 for white, in every format. */
typedef struct {
  /* A hash: of a bitstream from its first scan on; of an uncompressed frame's
   * grid or, while that does not change, of everything. So it is the same from
   * the second of a row of equal frames on, and another one within sixteen
   * frames of any change. */
  uint64_t content;
  /* Means over 32 samples side by side: 2 % are darker than low, 2 % are
   * brighter than high. */
  float luma_low, luma_mean, luma_high;
  /* The variance of the Laplacian, in luma levels squared, between pixels of a
   * picture that is 480 to 959 wide. */
  float sharpness;
} preproc_measure;

typedef struct preproc preproc;

/* Makes a handle for frames of one format. *handle is for preproc_destroy; it
 * is NULL unless the status is OK. */
preproc_status preproc_create(const preproc_format *format,
                              const preproc_output *outputs, size_t count,
                              preproc **handle,
                              preproc_error *error) PREPROC_NOEXCEPT;

/* Preprocesses one frame. A NULL output is not due. Bit i of bordered says that
 * the memory of output i holds an image that this handle has made for that
 * output, and that nobody has written to it since: its border is then left as
 * it is. written[i] is the bytes of output i. measure may be NULL; it is all
 * zero when no output is due, since nothing is decoded then. Planes and outputs
 * must not overlap. After an error the outputs hold nothing of use, and the
 * handle is as good as before. */
preproc_status preproc_run(
    preproc *handle, uint64_t sequence, const uint8_t *plane0, size_t length0,
    const uint8_t *plane1, size_t length1, const uint8_t *plane2,
    size_t length2, uint8_t *output0, size_t capacity0, uint8_t *output1,
    size_t capacity1, uint8_t *output2, size_t capacity2, uint8_t *output3,
    size_t capacity3, uint8_t *output4, size_t capacity4, uint8_t *output5,
    size_t capacity5, uint8_t *output6, size_t capacity6, uint8_t *output7,
    size_t capacity7, uint32_t bordered, uint64_t written[PREPROC_MAX_OUTPUTS],
    preproc_measure *measure, preproc_error *error) PREPROC_NOEXCEPT;

void preproc_destroy(preproc *handle) PREPROC_NOEXCEPT;

/* A word such as "corrupt"; static memory. */
const char *preproc_status_name(preproc_status status) PREPROC_NOEXCEPT;

/* The instruction set of the kernels of handles made from now on, such as
 * "avx2": the best that the processor has, or the one of the environment
 * variable AGENT_SIMD. *name is static memory; PREPROC_ARGUMENT when that names
 * none that would work. */
preproc_status preproc_kernels(const char **name,
                               preproc_error *error) PREPROC_NOEXCEPT;

/* Versions of the libraries, and the instruction sets that OpenCV uses, such as
 * "SSE4.2 AVX2"; static memory. */
const char *preproc_opencv_version(void) PREPROC_NOEXCEPT;
const char *preproc_jpeg_version(void) PREPROC_NOEXCEPT;
const char *preproc_instruction_sets(void) PREPROC_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif /* PREPROC_H */
