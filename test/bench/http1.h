/* What generator and provider of HTTP/1.1 calls share: where a head ends and what its lines say. */
#include "common.h"
#include <strings.h>

#define TAG 8
#define MAX_HEAD 4096

/* Bytes of the head at `at`, its empty line included; 0 while it is not whole. */
static size_t headBytes(const uint8_t *at, size_t length) {
  const uint8_t *end = memmem(at, length < MAX_HEAD ? length : MAX_HEAD, "\r\n\r\n", 4);
  if (end) return (size_t)(end - at) + 4;
  if (length >= MAX_HEAD) die("got a head of more than %d bytes", MAX_HEAD);
  return 0;
}

/* The number that Content-Length says; -1 where there is none. */
static long contentLength(const uint8_t *head, size_t length) {
  static const char NAME[] = "\ncontent-length:";
  const size_t n = sizeof NAME - 1;
  for (const uint8_t *at = head; (at = memchr(at, '\n', length - (size_t)(at - head))); at++) {
    if (length - (size_t)(at - head) > n && !strncasecmp((const char *)at, NAME, n)) return atol((const char *)at + n);
  }
  return -1;
}
