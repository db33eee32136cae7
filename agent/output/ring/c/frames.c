/* Prints a line for each frame: cc frames.c -lm && ./a.out front model */
#include <edge_agent.h>

int main(int argc, char** argv) {
  ea_ring ring;
  ea_frame f;
  double x, y;
  if (argc != 3) return 2;
  if (ea_open(&ring, argv[1], argv[2]) == EA_AWAY)
    fprintf(stderr, "waiting for the agent: %s\n", ring.why);
  while (ea_next(&ring, &f, -1) == EA_OK) {
    const unsigned first = *(const unsigned char*)f.data; /* use the data... */
    if (!ea_valid(&f)) continue; /* ...and then ask whether it was whole */
    ea_to_camera(&f, f.width / 2.0, f.height / 2.0, &x, &y);
    printf(
        "frame %llu, %.1f ms old, verdict %#x: %zu bytes, first is %u; "
        "its middle is the camera's %.0f,%.0f\n",
        (unsigned long long)f.sequence, (double)ea_age(&f) / 1e6, f.verdict,
        f.length, first, x, y);
    fflush(stdout);
  }
  ea_close(&ring);
  return 0;
}
