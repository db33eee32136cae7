/* What the unused parts of OpenCV's core name and this build leaves out: LAPACK
 * and BLAS (cv::solve, invert, SVD and gemm of large matrices), OpenGL, and zlib
 * (cv::FileStorage). The shared libraries would add 20 MB and, with OpenGL, Mesa
 * and LLVM to a device.
 * Nothing here calls them: who does is told. The list is what the archives of
 * Debian 12 need, the same on amd64 and arm64. */
#include <stdio.h>
#include <stdlib.h>

#define ABSENT(name)                                               \
  void name(void) {                                                \
    fputs("agent: " #name " is not part of this build\n", stderr); \
    abort();                                                       \
  }

ABSENT(glXGetProcAddressARB)
ABSENT(cblas_cgemm)
ABSENT(cblas_dgemm)
ABSENT(cblas_sgemm)
ABSENT(cblas_zgemm)
ABSENT(dgels_)
ABSENT(dgeqrf_)
ABSENT(dgesdd_)
ABSENT(dgesv_)
ABSENT(dgetrf_)
ABSENT(dposv_)
ABSENT(dpotrf_)
ABSENT(sgels_)
ABSENT(sgeqrf_)
ABSENT(sgesdd_)
ABSENT(sgesv_)
ABSENT(sgetrf_)
ABSENT(sposv_)
ABSENT(spotrf_)
ABSENT(gzclose)
ABSENT(gzeof)
ABSENT(gzgets)
ABSENT(gzopen)
ABSENT(gzputs)
ABSENT(gzrewind)
