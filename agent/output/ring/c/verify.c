/* Reads argv[2] frames that claim to be whole of the ring at argv[1], as fast
 * as it can, and looks whether they are: every eight bytes have the sequence
 * number. Prints how many were whole, overtaken and torn. */
#include "edge_agent.h"

int main(int argc, char** argv) {
  ea_ring ring;
  ea_frame f;
  unsigned long long whole = 0, overtaken = 0, torn = 0, quota;
  if (argc != 3 || ea_open(&ring, argv[1], NULL)) return 2;
  quota = strtoull(argv[2], NULL, 10);
  printf("ready\n");
  fflush(stdout);
  while (whole + torn < quota) {
    bool equal = true;
    const ea_status status = ea_newest(&ring, &f);
    if (status == EA_AWAY) return 1;
    if (status == EA_NONE) continue;
    for (size_t i = 0; i < f.length / 8; i++)
      equal = equal && ((const uint64_t*)f.data)[i] == f.sequence;
    if (!ea_valid(&f))
      overtaken++;
    else if (equal)
      whole++;
    else
      torn++;
  }
  printf("result %llu %llu %llu\n", whole, overtaken, torn);
  ea_close(&ring);
  return 0;
}
