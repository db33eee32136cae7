/* Frames of an edge camera agent, of the same machine. C99 and C++; this file
 * and libc are all (and -lm, where ea_to_camera or ea_from_camera is called).
 *
 *   #include <edge_agent.h>
 *
 *   ea_ring ring;
 *   ea_frame f;
 *   if (ea_open(&ring, "front", "model")) fprintf(stderr, "%s\n", ring.why);
 *   while (ea_next(&ring, &f, -1) == EA_OK) {        // always the newest one
 *     detect(f.data, f.description->shape);  // in the agent's memory: no copy
 *     if (!ea_valid(&f)) continue;  // it took too long: written over meanwhile
 *     ea_to_camera(&f, x, y, &x, &y);  // from the model's coordinates
 *   }
 *   ea_close(&ring);
 *
 * There are three ways to ask, the same as in the agent's Python module and its
 * Go package: ea_newest waits for nothing, ea_next waits for a frame that was
 * not given before, for ever or for a time. Both connect again by themselves
 * when the agent hung up. A ring, its frames and what is found through them are
 * for one thread at a time, and allocate nothing.
 *
 * The agent waits for nobody: it writes over a frame when slots - 1 newer ones
 * were published. Use the data first, then ask ea_valid. Its PROTOCOL.md says
 * what is read here; names that end in _ are not for callers. */
#ifndef EDGE_AGENT_H
#define EDGE_AGENT_H

/* For -std=c99, when this is the first header. */
#if defined(__STRICT_ANSI__) && !defined(_GNU_SOURCE) && \
    !defined(_DEFAULT_SOURCE) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#ifndef CLOCK_MONOTONIC
#error "edge_agent.h needs POSIX: include it first, or define _POSIX_C_SOURCE"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "edge_agent.h is for little-endian processors"
#endif

typedef enum {
  EA_OK = 0,
  EA_NONE, /* no frame, or no newer one: the camera is away, or slower */
  EA_AWAY  /* no agent: ring.why says why; the next call tries again */
} ea_status;

/* Bits of a verdict, 0 for a good frame. Newer agents may have others. */
enum {
  EA_FROZEN = 1,
  EA_BLACK = 2,
  EA_BLOWN_OUT = 4,
  EA_BLURRED = 8,
  EA_STALE = 16
};

enum { EA_NO_LENS = 0, EA_PINHOLE, EA_FISHEYE };

typedef struct {
  double fx, fy, cx, cy; /* pixels; pixel i covers i to i + 1 */
} ea_matrix;

/* What bends the pictures of a camera whose frames are undistorted. */
typedef struct {
  int model;
  int64_t width, height;
  ea_matrix camera, picture;
  double coefficients[14], limit;
} ea_lens;

/* What the frames of a ring look like, while a connection stands. */
typedef struct {
  char camera[256], output[256];
  char encode[8]; /* "raw": a tensor; "jpeg": a file */
  char dtype[16]; /* "uint8", "int8", "float16", "float32" */
  char layout[8], color[8];
  int64_t rank, shape[3]; /* rank is 3, or 0 for a file */
  double scale;           /* an element q of int8 is scale * (q - zero_point) */
  int64_t zero_point, width, height;
  ea_lens lens;
  /* The map of the shared memory, in bytes. */
  int64_t version, size, slots, first_slot, slot_size, header_size, data_size,
      message_size, newest;
} ea_description;

/* Good until the next call with its ring. */
typedef struct {
  const void* data; /* read-only, at a multiple of 64 bytes */
  size_t length;
  const ea_description* description;
  uint64_t sequence; /* of the camera; a gap is frames that were lost */
  int64_t timestamp, dequeued, published; /* CLOCK_MONOTONIC, ns; of capture,
                                             arrival in the agent, completion */
  uint64_t skipped; /* published since the frame that was given before */
  uint32_t verdict, width, height;
  uint32_t camera_width, camera_height; /* 0 where the agent does not say */
  double geometry[6];                   /* xx xy x0 yx yy y0 */
  const unsigned char* slot_;
  uint64_t generation_;
} ea_frame;

typedef struct {
  char path[108], why[200];
  ea_description description;
  int socket_;
  const unsigned char* memory_; /* NULL until the agent described its ring */
  uint64_t last_;
  int64_t pause_, retry_, limit_; /* ns */
} ea_ring;

/* Connects to the output of a camera, below the directory that EDGE_AGENT_RUN
 * names in the environment, else below /run/agent; or with output NULL to the
 * socket at the path camera. EA_AWAY when no agent is there: the ring can be
 * used all the same, and connects when one comes. */
static inline ea_status ea_open(ea_ring* ring, const char* camera,
                                const char* output);
/* Hangs up; frames must not be used any more. */
static inline void ea_close(ea_ring* ring);
/* The newest frame that there is, also one that was given before or is from
 * before the connection. It waits for nothing. */
static inline ea_status ea_newest(ea_ring* ring, ea_frame* frame);
/* Waits for a frame that is newer than the one given before, and than the
 * connection, and gives the newest; for timeout_ms, or for ever below 0. */
static inline ea_status ea_next(ea_ring* ring, ea_frame* frame, int timeout_ms);
/* After the work: was the data this frame's own to the end? */
static inline bool ea_valid(const ea_frame* frame);
/* Nanoseconds since capture. */
static inline int64_t ea_age(const ea_frame* frame);
/* Maps a point of the frame to the camera's picture, in pixels; NaN where the
 * frame shows nothing that the lens lets through. The results may be the
 * arguments. */
static inline void ea_to_camera(const ea_frame* frame, double x, double y,
                                double* camera_x, double* camera_y);
/* The inverse; NaN for a point that the undistorted picture has nowhere. */
static inline void ea_from_camera(const ea_frame* frame, double camera_x,
                                  double camera_y, double* x, double* y);

/* --- The description: JSON, of known keys. ------------------------------- */

typedef struct {
  const char *at, *end;
} ea_text_;

typedef bool (*ea_member_)(ea_text_* t, const char* key, void* into);

static inline bool ea_ended_(ea_text_* t) {
  while (t->at < t->end &&
         (*t->at == ' ' || *t->at == '\t' || *t->at == '\r' || *t->at == '\n'))
    t->at++;
  return t->at == t->end;
}

static inline bool ea_is_(ea_text_* t, char c) {
  if (ea_ended_(t) || *t->at != c) return false;
  t->at++;
  return true;
}

static inline bool ea_hex_(ea_text_* t, unsigned* v) {
  *v = 0;
  for (int i = 0; i < 4; i++, t->at++) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char* d = t->at < t->end && *t->at ? strchr(digits, *t->at) : NULL;
    if (!d) return false;
    *v = *v << 4 | (unsigned)((d - digits) & 15);
  }
  return true;
}

/* Appends the UTF-8 of one character; halves of a pair become U+FFFD. */
static inline void ea_append_(char* into, size_t size, size_t* n, unsigned c) {
  unsigned char b[3];
  size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : 3;
  if (c >= 0xd800 && c < 0xe000) c = 0xfffd;
  b[0] = (unsigned char)(length == 1   ? c
                         : length == 2 ? 0xc0 | c >> 6
                                       : 0xe0 | c >> 12);
  if (length == 3) b[1] = (unsigned char)(0x80 | (c >> 6 & 0x3f));
  if (length > 1) b[length - 1] = (unsigned char)(0x80 | (c & 0x3f));
  if (*n + length < size) {
    memcpy(into + *n, b, length);
    *n += length;
  }
}

/* What does not fit into size bytes, with the NUL, is left out. */
static inline bool ea_string_(ea_text_* t, char* into, size_t size) {
  size_t n = 0;
  if (!ea_is_(t, '"')) return false;
  for (; t->at < t->end; t->at++) {
    unsigned char c = (unsigned char)*t->at;
    if (c < ' ') return false;
    if (c == '"') {
      t->at++;
      into[n] = 0;
      return true;
    }
    if (c != '\\') {
      if (n + 1 < size) into[n++] = (char)c;
      continue;
    }
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char* escape;
    unsigned v;
    if (++t->at == t->end) return false;
    if (*t->at == 'u') {
      t->at++;
      if (!ea_hex_(t, &v)) return false;
      t->at--;
    } else if (*t->at && (escape = strchr(from, *t->at))) {
      v = (unsigned char)to[escape - from];
    } else {
      return false;
    }
    ea_append_(into, size, &n, v);
  }
  return false;
}

/* A number, right to some units in the last place. strtod would ask the
 * locale for its point. */
static inline bool ea_number_(ea_text_* t, double* v, bool* whole) {
  bool minus = ea_is_(t, '-'), digits = false;
  double m = 0;
  int exponent = 0, e = 0;
  *whole = true;
  const char* first = t->at;
  for (; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++) {
    m = m * 10 + (*t->at - '0');
    digits = true;
  }
  if (!digits || (*first == '0' && t->at - first > 1)) return false;
  if (t->at < t->end && *t->at == '.') {
    *whole = digits = false;
    for (t->at++; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++) {
      digits = true;
      if (m < 1e17) {
        m = m * 10 + (*t->at - '0');
        exponent--;
      }
    }
    if (!digits) return false;
  }
  if (t->at < t->end && (*t->at == 'e' || *t->at == 'E')) {
    *whole = digits = false;
    t->at++;
    bool below = t->at < t->end && *t->at == '-';
    if (t->at < t->end && (*t->at == '-' || *t->at == '+')) t->at++;
    for (; t->at < t->end && *t->at >= '0' && *t->at <= '9'; t->at++) {
      digits = true;
      if (e < 10000) e = e * 10 + (*t->at - '0');
    }
    if (!digits) return false;
    exponent += below ? -e : e;
  }
  double power = 1;
  for (int i = exponent < 0 ? -exponent : exponent; i > 0 && power < 1e300; i--)
    power *= 10;
  *v = exponent < 0 ? m / power : m * power;
  if (minus) *v = -*v;
  return *v - *v == 0; /* finite */
}

/* Whole numbers that a double has exactly, and all generations are. */
static inline bool ea_integer_(ea_text_* t, int64_t* v) {
  double d;
  bool whole;
  if (!ea_number_(t, &d, &whole) || !whole) return false;
  if (!(d >= -9007199254740991.0 && d <= 9007199254740991.0)) return false;
  *v = (int64_t)d;
  return true;
}

static inline bool ea_object_(ea_text_* t, ea_member_ member, void* into) {
  char key[32];
  if (!ea_is_(t, '{')) return false;
  if (ea_is_(t, '}')) return true;
  do {
    if (!ea_string_(t, key, sizeof key) || !ea_is_(t, ':') ||
        !member(t, key, into))
      return false;
  } while (ea_is_(t, ','));
  return ea_is_(t, '}');
}

static inline bool ea_numbers_(ea_text_* t, double* v, int n) {
  bool whole;
  for (int i = 0; i < n; i++)
    if (!ea_is_(t, i ? ',' : '[') || !ea_number_(t, &v[i], &whole))
      return false;
  return ea_is_(t, ']');
}

/* Passes over a value of an unknown key, depth in depth. */
static inline bool ea_skip_(ea_text_* t, int depth) {
  static const char* const words[] = {"true", "false", "null"};
  char rest[1];
  double number;
  bool whole;
  const bool array = ea_is_(t, '[');
  if (array || ea_is_(t, '{')) {
    const char close = array ? ']' : '}';
    if (depth == 0) return false;
    if (ea_is_(t, close)) return true;
    do {
      if (!array && (!ea_string_(t, rest, 1) || !ea_is_(t, ':'))) return false;
      if (!ea_skip_(t, depth - 1)) return false;
    } while (ea_is_(t, ','));
    return ea_is_(t, close);
  }
  if (t->at < t->end && *t->at == '"') return ea_string_(t, rest, 1);
  for (int i = 0; i < 3; i++) {
    const size_t n = strlen(words[i]);
    if ((size_t)(t->end - t->at) >= n && !memcmp(t->at, words[i], n)) {
      t->at += n;
      return true;
    }
  }
  return ea_number_(t, &number, &whole);
}

static inline bool ea_matrix_member_(ea_text_* t, const char* key, void* into) {
  ea_matrix* m = (ea_matrix*)into;
  bool whole;
  if (!strcmp(key, "fx")) return ea_number_(t, &m->fx, &whole);
  if (!strcmp(key, "fy")) return ea_number_(t, &m->fy, &whole);
  if (!strcmp(key, "cx")) return ea_number_(t, &m->cx, &whole);
  if (!strcmp(key, "cy")) return ea_number_(t, &m->cy, &whole);
  return ea_skip_(t, 8);
}

static inline bool ea_lens_member_(ea_text_* t, const char* key, void* into) {
  ea_lens* l = (ea_lens*)into;
  bool whole;
  if (!strcmp(key, "camera"))
    return ea_object_(t, ea_matrix_member_, &l->camera);
  if (!strcmp(key, "picture"))
    return ea_object_(t, ea_matrix_member_, &l->picture);
  if (!strcmp(key, "coefficients")) return ea_numbers_(t, l->coefficients, 14);
  if (!strcmp(key, "limit")) return ea_number_(t, &l->limit, &whole);
  if (!strcmp(key, "width")) return ea_integer_(t, &l->width);
  if (!strcmp(key, "height")) return ea_integer_(t, &l->height);
  if (!strcmp(key, "model")) {
    char model[16];
    if (!ea_string_(t, model, sizeof model)) return false;
    l->model = !strcmp(model, "pinhole")   ? EA_PINHOLE
               : !strcmp(model, "fisheye") ? EA_FISHEYE
                                           : -1;
    return true;
  }
  return ea_skip_(t, 8);
}

typedef struct {
  ea_description* d;
  char magic[32], error[160];
} ea_greeting_;

static inline bool ea_member_of_ring_(ea_text_* t, const char* key,
                                      void* into) {
  ea_greeting_* g = (ea_greeting_*)into;
  ea_description* d = g->d;
  const struct {
    const char* key;
    char* into;
    size_t size;
  } strings[] = {
      {"magic", g->magic, sizeof g->magic},
      {"error", g->error, sizeof g->error},
      {"camera", d->camera, sizeof d->camera},
      {"output", d->output, sizeof d->output},
      {"encode", d->encode, sizeof d->encode},
      {"dtype", d->dtype, sizeof d->dtype},
      {"layout", d->layout, sizeof d->layout},
      {"color", d->color, sizeof d->color},
  };
  const struct {
    const char* key;
    int64_t* into;
  } integers[] = {
      {"version", &d->version},       {"size", &d->size},
      {"slots", &d->slots},           {"first_slot", &d->first_slot},
      {"slot_size", &d->slot_size},   {"header_size", &d->header_size},
      {"data_size", &d->data_size},   {"message_size", &d->message_size},
      {"zero_point", &d->zero_point}, {"width", &d->width},
      {"height", &d->height},         {"newest", &d->newest},
  };
  bool whole;
  for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
    if (!strcmp(key, strings[i].key))
      return ea_string_(t, strings[i].into, strings[i].size);
  for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++)
    if (!strcmp(key, integers[i].key)) return ea_integer_(t, integers[i].into);
  if (!strcmp(key, "scale")) return ea_number_(t, &d->scale, &whole);
  if (!strcmp(key, "lens")) return ea_object_(t, ea_lens_member_, &d->lens);
  if (strcmp(key, "shape")) return ea_skip_(t, 8);
  for (int i = 0; i < 3; i++) {
    if (!ea_is_(t, i ? ',' : '[') || !ea_integer_(t, &d->shape[i]))
      return false;
    if (d->shape[i] < 1) return false;
  }
  d->rank = 3;
  return ea_is_(t, ']');
}

/* Whether a reader can use the ring, whose memory has size bytes: nothing in
 * its description may point outside. NULL, or what is wrong. */
static inline const char* ea_check_(const ea_description* d, int64_t size) {
  const int64_t sizes[] = {d->size,      d->slots,       d->first_slot,
                           d->slot_size, d->header_size, d->data_size};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
    if (sizes[i] <= 0 || sizes[i] > (int64_t)1 << 40)
      return "shared memory: sizes must be positive";
  if (d->version < 1 || d->version > 2) return "unknown protocol version";
  if (d->message_size < 128 || d->message_size > 4096)
    return "message_size: 128 to 4096 are allowed";
  if (d->lens.model < 0) return "unknown model of a lens";
  if (d->header_size < 128 || d->first_slot < 128 || d->header_size % 8 ||
      d->first_slot % 8 || d->slot_size % 8)
    return "shared memory: not aligned";
  if (d->data_size > d->slot_size - d->header_size ||
      d->slots > (d->size - d->first_slot) / d->slot_size || d->size > size)
    return "shared memory: slots do not fit";
  if (d->newest < 0) return "newest: no generation";
  return NULL;
}

/* Reads the first message; size is that of the descriptor that came along. */
static inline bool ea_parse_(ea_description* d, const char* text, size_t length,
                             int64_t size, char* why, size_t room) {
  ea_greeting_ g;
  ea_text_ t = {text, text + length};
  const char* fault = NULL;
  memset(d, 0, sizeof *d);
  memset(&g, 0, sizeof g);
  g.d = d;
  if (!ea_object_(&t, ea_member_of_ring_, &g) || !ea_ended_(&t))
    fault = "the description is not as it should be";
  else if (strcmp(g.magic, "edge-agent-ring"))
    fault = "not an edge-agent ring";
  else if (g.error[0])
    fault = g.error;
  else
    fault = ea_check_(d, size);
  if (fault) snprintf(why, room, "%s", fault);
  return !fault;
}

/* --- The connection. ------------------------------------------------------ */

static inline int64_t ea_now_(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void ea_hang_up_(ea_ring* r) {
  if (r->memory_)
    munmap((void*)(uintptr_t)r->memory_, (size_t)r->description.size);
  if (r->socket_ >= 0) close(r->socket_);
  r->memory_ = NULL;
  r->socket_ = -1;
}

/* Hangs up and says when to try again. The pause grows until a frame comes, or
 * an agent that hangs up at once would be asked without end. */
static inline bool ea_fail_(ea_ring* r, const char* what, int error) {
  const int64_t least = 100000000, most = 5000000000;
  if (what) snprintf(r->why, sizeof r->why, "%s", what);
  if (error)
    snprintf(r->why, sizeof r->why, "%s: %s", r->path, strerror(error));
  ea_hang_up_(r);
  r->retry_ = ea_now_() + r->pause_;
  r->pause_ *= 2;
  if (r->pause_ < least) r->pause_ = least;
  if (r->pause_ > most) r->pause_ = most;
  return false;
}

static inline bool ea_connect_(ea_ring* r) {
  struct sockaddr_un address;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, r->path, sizeof address.sun_path);
  if (!r->path[0]) return ea_fail_(r, "socket path: 1 to 107 bytes", 0);
  r->socket_ =
      socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (r->socket_ < 0) return ea_fail_(r, NULL, errno);
  if (connect(r->socket_, (struct sockaddr*)&address, sizeof address))
    return ea_fail_(r, NULL, errno);
  r->limit_ = ea_now_() + 5000000000;
  return true;
}

static inline bool ea_map_(ea_ring* r, int fd, const char* text, size_t n) {
  struct stat st;
  memset(&st, 0, sizeof st);
  if (fd >= 0 && fstat(fd, &st)) return ea_fail_(r, NULL, errno);
  if (!ea_parse_(&r->description, text, n, (int64_t)st.st_size, r->why,
                 sizeof r->why))
    return ea_fail_(r, NULL, 0);
  void* memory =
      mmap(NULL, (size_t)r->description.size, PROT_READ, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return ea_fail_(r, NULL, errno);
  r->memory_ = (const unsigned char*)memory;
  r->last_ = (uint64_t)r->description.newest;
  return true;
}

/* Reads the description, if it is there. */
static inline bool ea_describe_(ea_ring* r) {
  char text[4096];
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec into = {text, sizeof text};
  struct msghdr m;
  memset(&m, 0, sizeof m);
  memset(&control, 0, sizeof control);
  m.msg_iov = &into;
  m.msg_iovlen = 1;
  m.msg_control = &control;
  m.msg_controllen = CMSG_LEN(sizeof(int)); /* for one and no more */
  ssize_t n = recvmsg(r->socket_, &m, MSG_CMSG_CLOEXEC);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
    if (ea_now_() < r->limit_) return false;
    return ea_fail_(r, "no description", 0);
  }
  if (n < 0) return ea_fail_(r, NULL, errno);
  int fd = -1;
  if (m.msg_controllen >= CMSG_LEN(sizeof(int)) &&
      control.header.cmsg_type == SCM_RIGHTS)
    memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
  bool mapped = n > 0 ? ea_map_(r, fd, text, (size_t)n)
                      : ea_fail_(r, "the agent hung up", 0);
  if (fd >= 0) close(fd); /* the mapping stays */
  return mapped;
}

/* Whether the ring is known. It waits for nothing. */
static inline bool ea_reach_(ea_ring* r) {
  if (r->socket_ < 0 && (ea_now_() < r->retry_ || !ea_connect_(r)))
    return false;
  return r->memory_ || ea_describe_(r);
}

/* Waits for the socket, or the next try, or until the deadline. */
static inline void ea_wait_(const ea_ring* r, int64_t deadline) {
  int64_t until = r->socket_ < 0 ? r->retry_
                  : r->memory_   ? INT64_MAX
                                 : r->limit_;
  if (until > deadline) until = deadline;
  int64_t left = until - ea_now_();
  if (left < 0) left = 0;
  if (until == INT64_MAX || left > 60000000000) left = 60000000000;
  struct pollfd p = {r->socket_, POLLIN, 0}; /* one below 0 is passed over */
  poll(&p, 1, (int)((left + 999999) / 1000000));
}

/* --- Frames. ---------------------------------------------------------------
 */

static inline uint64_t ea_load_(const unsigned char* at) {
  return __atomic_load_n((const uint64_t*)(const void*)at, __ATOMIC_ACQUIRE);
}

static inline bool ea_valid(const ea_frame* f) {
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  return __atomic_load_n((const uint64_t*)(const void*)f->slot_,
                         __ATOMIC_RELAXED) == f->generation_;
}

static inline bool ea_fill_(const ea_ring* r, ea_frame* f, uint64_t g) {
  const ea_description* d = &r->description;
  const uint64_t slot = (g / 2 - 1) % (uint64_t)d->slots;
  const unsigned char* s =
      r->memory_ + d->first_slot + (int64_t)slot * d->slot_size;
  uint64_t length;
  f->slot_ = s;
  f->generation_ = g;
  if (ea_load_(s) != g) return false;
  memcpy(&f->sequence, s + 16, 8);
  memcpy(&f->timestamp, s + 24, 8);
  memcpy(&f->dequeued, s + 32, 8);
  memcpy(&f->published, s + 40, 8);
  memcpy(&length, s + 48, 8);
  memcpy(&f->verdict, s + 56, 4);
  memcpy(&f->width, s + 60, 4);
  memcpy(&f->height, s + 64, 4);
  memcpy(f->geometry, s + 80, sizeof f->geometry);
  f->camera_width = f->camera_height = 0;
  if (d->header_size >= 136) { /* which the first agents' was not */
    memcpy(&f->camera_width, s + 128, 4);
    memcpy(&f->camera_height, s + 132, 4);
  }
  if (!ea_valid(f) || length > (uint64_t)d->data_size) return false;
  f->data = s + d->header_size;
  f->length = (size_t)length;
  f->description = d;
  f->skipped = g > r->last_ ? (g - r->last_) / 2 - 1 : 0;
  return true;
}

/* The newest frame, unless it was given before and again is false. The messages
 * only say that there is something new; all are read, so that the agent sees
 * room. EA_AWAY after a hang-up; a frame from just before it comes first. */
static inline ea_status ea_take_(ea_ring* r, ea_frame* f, bool again) {
  char message[4096];
  ssize_t n;
  do n = recv(r->socket_, message, sizeof message, 0);
  while (n > 0 || (n < 0 && errno == EINTR));
  const bool hung_up = n == 0 || errno != EAGAIN;
  for (int i = 0; i < 16; i++) { /* overtaken: there is a newer one */
    const uint64_t g = ea_load_(r->memory_ + 8);
    if (g < 2 || (g <= r->last_ && (hung_up || !again))) break;
    if (!ea_fill_(r, f, g)) continue;
    r->last_ = g;
    r->pause_ = 0;
    return EA_OK;
  }
  if (!hung_up) return EA_NONE;
  ea_fail_(r, "the agent hung up", 0);
  return EA_AWAY;
}

static inline ea_status ea_newest(ea_ring* r, ea_frame* f) {
  ea_status status = EA_AWAY;
  for (int i = 0; i < 2 && status == EA_AWAY && ea_reach_(r); i++)
    status = ea_take_(r, f, true);
  return status;
}

static inline ea_status ea_next(ea_ring* r, ea_frame* f, int timeout_ms) {
  const int64_t deadline =
      timeout_ms < 0 ? INT64_MAX : ea_now_() + (int64_t)timeout_ms * 1000000;
  for (;;) {
    ea_status status = ea_reach_(r) ? ea_take_(r, f, false) : EA_AWAY;
    if (status == EA_OK) return status;
    if (deadline != INT64_MAX && ea_now_() >= deadline) return status;
    ea_wait_(r, deadline);
  }
}

static inline ea_status ea_open(ea_ring* r, const char* camera,
                                const char* output) {
  const char* run = getenv("EDGE_AGENT_RUN");
  int n;
  memset(r, 0, sizeof *r);
  r->socket_ = -1;
  if (!run || !*run) run = "/run/agent";
  if (!output)
    n = snprintf(r->path, sizeof r->path, "%s", camera);
  else if (camera[0] == '/') /* a directory */
    n = snprintf(r->path, sizeof r->path, "%s/%s.sock", camera, output);
  else
    n = snprintf(r->path, sizeof r->path, "%s/%s/%s.sock", run, camera, output);
  if (n < 0 || (size_t)n >= sizeof r->path) r->path[0] = 0;
  r->pause_ = 100000000;
  bool reached = ea_reach_(r);
  while (!reached && r->socket_ >= 0) {
    ea_wait_(r, INT64_MAX);
    reached = ea_reach_(r);
  }
  return reached ? EA_OK : EA_AWAY;
}

static inline void ea_close(ea_ring* r) { ea_hang_up_(r); }

static inline int64_t ea_age(const ea_frame* f) {
  return ea_now_() - f->timestamp;
}

/* --- Points. PROTOCOL.md has the formulas; their source is OpenCV's manual. */

static inline double ea_radius_(const ea_lens* l, double r) {
  const double *k = l->coefficients, r2 = r * r;
  if (l->model == EA_FISHEYE) {
    const double t = atan(r), t2 = t * t;
    return t * (1 + t2 * (k[0] + t2 * (k[1] + t2 * (k[2] + t2 * k[3]))));
  }
  return r * (1 + r2 * (k[0] + r2 * (k[1] + r2 * k[4]))) /
         (1 + r2 * (k[5] + r2 * (k[6] + r2 * k[7])));
}

/* The rotation of a tilted sensor. */
static inline void ea_tilt_(const ea_lens* l, double r[3][3]) {
  const double sx = sin(l->coefficients[12]), cx = cos(l->coefficients[12]);
  const double sy = sin(l->coefficients[13]), cy = cos(l->coefficients[13]);
  const double rows[3][3] = {
      {cy, sy * sx, -sy * cx}, {0, cx, sx}, {sy, -cy * sx, cy * cx}};
  memcpy(r, rows, sizeof rows);
}

/* A ray of an ideal camera to where the lens puts it. */
static inline void ea_bend_(const ea_lens* l, double x, double y, double* u,
                            double* v) {
  const double* k = l->coefficients;
  const double r2 = x * x + y * y, r = sqrt(r2);
  const double c = r > 0 ? ea_radius_(l, r) / r : 1;
  double m[3][3];
  *u = c * x;
  *v = c * y;
  if (l->model == EA_FISHEYE) return;
  *u += 2 * k[2] * x * y + k[3] * (r2 + 2 * x * x) + r2 * (k[8] + r2 * k[9]);
  *v += k[2] * (r2 + 2 * y * y) + 2 * k[3] * x * y + r2 * (k[10] + r2 * k[11]);
  ea_tilt_(l, m);
  const double w = m[2][0] * *u + m[2][1] * *v + m[2][2];
  const double p = m[0][0] * *u + m[0][1] * *v + m[0][2];
  const double q = m[1][0] * *u + m[1][1] * *v + m[1][2];
  *u = m[2][2] * p / w - m[0][2];
  *v = m[2][2] * q / w - m[1][2];
}

/* The inverse: tilt and radius first, the latter by bisection, then all by
 * Newton's method. */
static inline bool ea_straighten_(const ea_lens* l, double x, double y,
                                  double* u, double* v) {
  double m[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  if (l->model == EA_PINHOLE) ea_tilt_(l, m);
  const double p = (x + m[0][2]) / m[2][2], q = (y + m[1][2]) / m[2][2];
  const double w = m[0][2] * p + m[1][2] * q + m[2][2];
  *u = (m[0][0] * p + m[1][0] * q + m[2][0]) / w;
  *v = (m[0][1] * p + m[1][1] * q + m[2][1]) / w;
  const double bent = sqrt(*u * *u + *v * *v);
  double low = 0, high = l->limit;
  for (int i = 0; i < 60; i++) {
    const double middle = (low + high) / 2;
    if (ea_radius_(l, middle) < bent)
      low = middle;
    else
      high = middle;
  }
  if (bent > 0) {
    *u *= high / bent;
    *v *= high / bent;
  }
  for (int i = 0; i < 10; i++) {
    const double h = 1e-6;
    double a[2], b[2], c[2], d[2], e[2];
    ea_bend_(l, *u + h, *v, &a[0], &a[1]);
    ea_bend_(l, *u - h, *v, &b[0], &b[1]);
    ea_bend_(l, *u, *v + h, &c[0], &c[1]);
    ea_bend_(l, *u, *v - h, &d[0], &d[1]);
    ea_bend_(l, *u, *v, &e[0], &e[1]);
    const double xx = (a[0] - b[0]) / (2 * h), yx = (a[1] - b[1]) / (2 * h);
    const double xy = (c[0] - d[0]) / (2 * h), yy = (c[1] - d[1]) / (2 * h);
    const double by = xx * yy - xy * yx, ex = x - e[0], ey = y - e[1];
    if (by == 0) break;
    *u += (yy * ex - xy * ey) / by;
    *v += (xx * ey - yx * ex) / by;
  }
  double again_x, again_y;
  ea_bend_(l, *u, *v, &again_x, &again_y);
  return fabs(again_x - x) < 1e-7 && fabs(again_y - y) < 1e-7 &&
         sqrt(*u * *u + *v * *v) <= l->limit;
}

/* The lens for the frame's camera; false when it does not fit, or is none. */
static inline bool ea_focus_(const ea_frame* f, ea_lens* l) {
  *l = f->description->lens;
  const double sx = f->camera_width / (double)l->width;
  const double sy = f->camera_height / (double)l->height;
  ea_matrix* both[2] = {&l->camera, &l->picture};
  for (int i = 0; i < 2; i++) {
    both[i]->fx *= sx;
    both[i]->cx *= sx;
    both[i]->fy *= sy;
    both[i]->cy *= sy;
  }
  return fabs(sx / sy - 1) <= 0.005;
}

static inline void ea_to_camera(const ea_frame* f, double x, double y,
                                double* camera_x, double* camera_y) {
  const double* g = f->geometry;
  double u = g[0] * x + g[1] * y + g[2], v = g[3] * x + g[4] * y + g[5];
  if (f->description->lens.model != EA_NO_LENS) {
    ea_lens l;
    bool seen = ea_focus_(f, &l);
    u = (u - l.picture.cx) / l.picture.fx;
    v = (v - l.picture.cy) / l.picture.fy;
    seen = seen && sqrt(u * u + v * v) <= l.limit;
    ea_bend_(&l, u, v, &u, &v);
    u = seen ? l.camera.fx * u + l.camera.cx : (double)NAN;
    v = seen ? l.camera.fy * v + l.camera.cy : (double)NAN;
  }
  *camera_x = u;
  *camera_y = v;
}

static inline void ea_from_camera(const ea_frame* f, double camera_x,
                                  double camera_y, double* x, double* y) {
  const double *g = f->geometry, d = g[0] * g[4] - g[1] * g[3];
  double u = camera_x, v = camera_y;
  if (f->description->lens.model != EA_NO_LENS) {
    ea_lens l;
    bool found = ea_focus_(f, &l);
    found = ea_straighten_(&l, (u - l.camera.cx) / l.camera.fx,
                           (v - l.camera.cy) / l.camera.fy, &u, &v) &&
            found;
    u = found ? l.picture.fx * u + l.picture.cx : (double)NAN;
    v = found ? l.picture.fy * v + l.picture.cy : (double)NAN;
  }
  u -= g[2];
  v -= g[5];
  *x = (g[4] * u - g[1] * v) / d;
  *y = (g[0] * v - g[3] * u) / d;
}

#endif /* EDGE_AGENT_H */
