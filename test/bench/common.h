#pragma once
/* What all generators and providers of the bench share: numbers in network order, buffers, sockets, time. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES (512 * 1024)

static void die(const char *format, ...) {
  va_list list;
  va_start(list, format);
  vfprintf(stderr, format, list);
  va_end(list);
  fputc('\n', stderr);
  exit(1);
}

static inline uint64_t nowNs(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void put32(uint8_t *to, uint32_t value) {
  value = htonl(value);
  memcpy(to, &value, 4);
}

static uint32_t get32(const uint8_t *from) {
  uint32_t value;
  memcpy(&value, from, 4);
  return ntohl(value);
}

static inline void put64(uint8_t *to, uint64_t value) {
  put32(to, (uint32_t)(value >> 32));
  put32(to + 4, (uint32_t)value);
}

static inline uint64_t get64(const uint8_t *from) { return (uint64_t)get32(from) << 32 | get32(from + 4); }

/* Bytes that wait to be written; grows, and starts over when it is empty. */
struct Output {
  uint8_t *bytes;
  size_t from, to, capacity;
};

static uint8_t *reserve(struct Output *out, size_t bytes) {
  if (out->from == out->to) out->from = out->to = 0;
  if (out->to + bytes > out->capacity) {
    while (out->to + bytes > out->capacity) out->capacity = out->capacity ? out->capacity * 2 : 64 * 1024;
    out->bytes = realloc(out->bytes, out->capacity);
    if (!out->bytes) die("out of memory at %zu bytes of output", out->capacity);
  }
  return out->bytes + out->to;
}

/* Writes what the socket takes; returns -1 when the connection is broken, 1 when bytes are left. */
static int flush(int fd, struct Output *out) {
  while (out->from < out->to) {
    ssize_t n = write(fd, out->bytes + out->from, out->to - out->from);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN ? 1 : -1;
    out->from += (size_t)n;
  }
  return 0;
}

/* Bytes read that do not make a whole frame yet. */
struct Input {
  uint8_t *bytes;
  size_t length, capacity;
};

/* Reads once, behind what was left over. Returns the bytes read, 0 at the end, -1 for "nothing now", -2 for a broken connection. */
static ssize_t readMore(int fd, struct Input *in) {
  if (in->capacity - in->length < READ_BYTES / 2) {
    in->capacity = in->length + READ_BYTES;
    in->bytes = realloc(in->bytes, in->capacity);
    if (!in->bytes) die("out of memory at %zu bytes of input", in->capacity);
  }
  ssize_t n = read(fd, in->bytes + in->length, in->capacity - in->length);
  if (n < 0) return errno == EAGAIN || errno == EINTR ? -1 : -2;
  in->length += (size_t)n;
  return n;
}

/* Keeps the bytes from `used` on. */
static void consume(struct Input *in, size_t used) {
  if (used && used < in->length) memmove(in->bytes, in->bytes + used, in->length - used);
  in->length -= used;
}

static void prepareSocket(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}
