/* Whatever an agent sends for a description: what is accepted stays inside the
 * memory. For libFuzzer; the first byte is its size, in pages. */
#include "edge_agent.h"

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ea_description d;
  char why[40];
  if (size < 1) return 0;
  const int64_t memory = data[0] * (int64_t)4096;
  /* At the end of a block of its own, for the sanitizer. */
  char* text = (char*)malloc(size);
  if (!text) return 0;
  memcpy(text, data, size);
  if (ea_parse_(&d, text + 1, size - 1, memory, why, sizeof why)) {
    const int64_t last = d.first_slot + (d.slots - 1) * d.slot_size;
    if (last < 128 || last % 8 || d.header_size % 8 || d.newest < 0 ||
        last + d.header_size + d.data_size > memory || d.lens.model < 0 ||
        !memchr(d.camera, 0, sizeof d.camera))
      abort();
  } else if (!memchr(why, 0, sizeof why)) {
    abort();
  }
  free(text);
  return 0;
}
