/* Reads the ring at argv[1] for argv[2] seconds from its first frame on, and
 * prints for each frame how long after its publication it was here, in ns, and
 * how many were passed over before it. */
#include "edge_agent.h"

enum { MOST = 100000 };
static struct {
  long long late;
  unsigned long long skipped;
} frames[MOST];

int main(int argc, char** argv) {
  ea_ring ring;
  ea_frame f;
  int n = 0;
  int64_t end = 0;
  if (argc != 3 || ea_open(&ring, argv[1], NULL)) return 1;
  while (n < MOST && (!end || ea_now_() < end)) {
    const ea_status status = ea_next(&ring, &f, 1000);
    const int64_t now = ea_now_();
    if (status != EA_OK) continue;
    if (!end) end = now + (int64_t)(atof(argv[2]) * 1e9);
    frames[n].late = now - f.published;
    frames[n++].skipped = f.skipped;
  }
  for (int i = 0; i < n; i++)
    printf("%lld %llu\n", frames[i].late, frames[i].skipped);
  return 0;
}
