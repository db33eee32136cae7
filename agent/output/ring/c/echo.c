/* Does what the test says, line by line, with the ring at argv[1], and prints a
 * line of JSON for each: next, next SECONDS, newest, valid, describe.
 * python/echo.py does the same. And parse SIZE LENGTH, with a description. */
#include "edge_agent.h"

static uint32_t crc32(const unsigned char* data, size_t length) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < length; i++) {
    crc ^= data[i];
    for (int bit = 0; bit < 8; bit++)
      crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
  }
  return ~crc;
}

/* JSON has no NaN. */
static void print_point(const char* name, double x, double y) {
  if (x != x || y != y)
    printf(",\"%s\":[null,null]", name);
  else
    printf(",\"%s\":[%.17g,%.17g]", name, x, y);
}

static void print_frame(const ea_frame* f) {
  double x, y, back_x, back_y;
  printf("{\"status\":\"frame\",\"sequence\":%llu,\"timestamp\":%lld",
         (unsigned long long)f->sequence, (long long)f->timestamp);
  printf(",\"dequeued\":%lld,\"published\":%lld", (long long)f->dequeued,
         (long long)f->published);
  printf(",\"skipped\":%llu", (unsigned long long)f->skipped);
  printf(",\"length\":%zu,\"verdict\":%u,\"width\":%u,\"height\":%u", f->length,
         f->verdict, f->width, f->height);
  printf(",\"camera\":[%u,%u]", f->camera_width, f->camera_height);
  for (int i = 0; i < 6; i++)
    printf("%s%.17g", i ? "," : ",\"geometry\":[", f->geometry[i]);
  printf("]");
  ea_to_camera(f, 10, 20, &x, &y);
  print_point("point", x, y);
  ea_from_camera(f, x, y, &back_x, &back_y);
  print_point("back", back_x, back_y);
  ea_to_camera(f, f->width, f->height, &x, &y);
  print_point("corner", x, y);
  printf(",\"crc\":%lu,\"old\":%s",
         (unsigned long)crc32((const unsigned char*)f->data, f->length),
         ea_age(f) > 0 ? "true" : "false");
  printf(",\"valid\":%s}\n", ea_valid(f) ? "true" : "false");
}

static void print_matrix(const char* name, const ea_matrix* m) {
  printf(",\"%s\":{\"fx\":%.17g,\"fy\":%.17g,\"cx\":%.17g,\"cy\":%.17g}", name,
         m->fx, m->fy, m->cx, m->cy);
}

static void print_lens(const ea_lens* l) {
  printf(",\"lens\":{\"model\":\"%s\",\"width\":%lld,\"height\":%lld",
         l->model == EA_PINHOLE ? "pinhole" : "fisheye", (long long)l->width,
         (long long)l->height);
  print_matrix("camera", &l->camera);
  print_matrix("picture", &l->picture);
  printf(",\"limit\":%.17g", l->limit);
  for (int i = 0; i < 14; i++)
    printf("%s%.17g", i ? "," : ",\"coefficients\":[", l->coefficients[i]);
  printf("]}");
}

static void print_text(const char* name, const char* text) {
  printf(",\"%s\":\"", name);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\' || (unsigned char)*text < ' ')
      printf("\\u%04x", *text);
    else
      putchar(*text);
  }
  printf("\"");
}

static void print_integer(const char* name, int64_t v) {
  printf(",\"%s\":%lld", name, (long long)v);
}

static void print_description(const ea_description* d) {
  printf("{\"version\":%lld", (long long)d->version);
  print_text("camera", d->camera);
  print_text("output", d->output);
  print_text("encode", d->encode);
  print_text("color", d->color);
  if (d->rank) {
    print_text("dtype", d->dtype);
    print_text("layout", d->layout);
    printf(",\"shape\":[%lld,%lld,%lld]", (long long)d->shape[0],
           (long long)d->shape[1], (long long)d->shape[2]);
  }
  print_integer("size", d->size);
  print_integer("slots", d->slots);
  print_integer("first_slot", d->first_slot);
  print_integer("slot_size", d->slot_size);
  print_integer("header_size", d->header_size);
  print_integer("data_size", d->data_size);
  print_integer("message_size", d->message_size);
  print_integer("width", d->width);
  print_integer("height", d->height);
  print_integer("newest", d->newest);
  printf(",\"scale\":%.9g,\"zero_point\":%lld", d->scale,
         (long long)d->zero_point);
  if (d->lens.model) print_lens(&d->lens);
  printf("}\n");
}

static void print_status(const ea_ring* ring, ea_status status) {
  printf("{\"status\":\"%s\"", status == EA_NONE ? "none" : "away");
  print_text("why", ring->why);
  printf("}\n");
}

/* Of a text that follows on stdin, and may be anything. */
static bool parse(long long size, unsigned long length) {
  ea_description d;
  char why[64];
  char* text = (char*)malloc(length + !length); /* exact, for the sanitizer */
  if (!text || fread(text, 1, length, stdin) != length) return false;
  if (ea_parse_(&d, text, length, size, why, sizeof why)) {
    print_description(&d);
  } else {
    printf("{\"version\":0");
    print_text("error", why);
    printf("}\n");
  }
  free(text);
  return true;
}

int main(int argc, char** argv) {
  char line[64], command[16];
  ea_ring ring;
  ea_frame frame;
  if (argc != 2) return 2;
  ea_open(&ring, argv[1], NULL);
  while (fgets(line, sizeof line, stdin)) {
    double seconds = -1;
    long long size;
    unsigned long length;
    if (sscanf(line, "parse %lld %lu", &size, &length) == 2) {
      if (!parse(size, length)) return 2;
      fflush(stdout);
      continue;
    }
    if (sscanf(line, "%15s %lf", command, &seconds) < 1) return 2;
    if (!strcmp(command, "describe")) {
      print_description(&ring.description);
    } else if (!strcmp(command, "valid")) {
      printf("{\"valid\":%s}\n", ea_valid(&frame) ? "true" : "false");
    } else {
      const int timeout = seconds < 0 ? -1 : (int)(seconds * 1000);
      const ea_status status = strcmp(command, "next")
                                   ? ea_newest(&ring, &frame)
                                   : ea_next(&ring, &frame, timeout);
      if (status == EA_OK)
        print_frame(&frame);
      else
        print_status(&ring, status);
    }
    fflush(stdout);
  }
  ea_close(&ring);
  return 0;
}
