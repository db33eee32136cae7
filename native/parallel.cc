// What OpenCV's own parallel.cpp defines, for one thread. A member of an
// archive is linked only for a symbol that nothing else has, so that with these
// neither that file nor oneTBB and hwloc, 0.9 MB on a device, are part of the
// program. Its pool would be hidden threads, and a process has several cameras.
#include <opencv2/core.hpp>
#include <opencv2/core/utility.hpp>

namespace cv {

// Declared in headers of OpenCV that Debian does not have.
unsigned defaultNumberOfThreads();
const char *currentParallelFramework();

ParallelLoopBody::~ParallelLoopBody() = default;

void parallel_for_(const Range &range, const ParallelLoopBody &body, double) {
  if (!range.empty()) body(range);
}

int getNumThreads() { return 1; }
int getThreadNum() { return 0; }
int getNumberOfCPUs() { return 1; }
void setNumThreads(int) {}
unsigned defaultNumberOfThreads() { return 1; }
const char *currentParallelFramework() { return nullptr; }

}  // namespace cv
