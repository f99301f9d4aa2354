/*
 * What the Dubbo2 generator and provider share: framing, Hessian2 strings.
 *
 *   0  2  magic DA BB          4  8  request id, big-endian
 *   2  1  flags: 80 request, 40 two-way, 20 event, 02 hessian2
 *   3  1  status (answers)    12  4  body length, big-endian
 *
 * Reference: apache/dubbo ExchangeCodec.java, DubboCodec.java; com.alibaba hessian-lite Hessian2Output.java.
 */
#include "common.h"

#define HEAD 16

/* Writes the head of an ASCII string in hessian-lite's shortest form (one chunk, under 32,768 characters); returns its size. */
static size_t putStringHead(uint8_t *to, size_t length) {
  if (length < 32) {
    to[0] = (uint8_t)length;
    return 1;
  }
  if (length < 1024) {
    to[0] = (uint8_t)(0x30 + (length >> 8));
    to[1] = (uint8_t)length;
    return 2;
  }
  to[0] = 'S';
  to[1] = (uint8_t)(length >> 8);
  to[2] = (uint8_t)length;
  return 3;
}

static size_t stringHeadSize(size_t length) { return length < 32 ? 1 : length < 1024 ? 2 : 3; }

/* How many characters make a string whose head and text are `bytes` long together. */
static size_t stringThatFills(size_t bytes) {
  for (size_t head = 1; head <= 3; head++)
    if (bytes >= head && stringHeadSize(bytes - head) == head) return bytes - head;
  return bytes - 3;
}

/* Reads a string's head at `from`; returns the head's size and sets `length`, or 0 when it is no short string. */
static inline size_t getStringHead(const uint8_t *from, const uint8_t *end, size_t *length) {
  if (from >= end) return 0;
  if (from[0] < 0x20) {
    *length = from[0];
    return 1;
  }
  if (from[0] >= 0x30 && from[0] < 0x34 && end - from >= 2) {
    *length = (size_t)(from[0] - 0x30) << 8 | from[1];
    return 2;
  }
  if (from[0] == 'S' && end - from >= 3) {
    *length = (size_t)from[1] << 8 | from[2];
    return 3;
  }
  return 0;
}
