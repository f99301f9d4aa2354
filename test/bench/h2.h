/*
 * What the HTTP/2 generator and provider share: frames, settings, the connection's windows. Header blocks are read by libnghttp2's
 * inflater, so that every proxy's HPACK is judged by one that is none of theirs; blocks are written by hand, with every field in the
 * dynamic table after its first use, as Netty's encoder has it.
 *
 *   0  3  payload length, big-endian   4  1  flags: 01 end of stream (of SETTINGS and PING: acknowledgement), 04 end of headers,
 *   3  1  type                                08 padded, 20 priority
 *   5  4  stream id, big-endian
 *
 * Reference: RFC 9113 sections 4 to 6; RFC 7541 appendix A (static table).
 */
#pragma once
#include "common.h"
#include <nghttp2/nghttp2.h>

#define FRAME 9
#define MAX_MESSAGE 16384
#define WINDOW 0x3fffffff
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define PREFACE_BYTES (sizeof PREFACE - 1)

enum { DATA = 0, HEADERS = 1, PRIORITY = 2, RST_STREAM = 3, SETTINGS = 4, PUSH_PROMISE = 5, PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8, CONTINUATION = 9 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, HAS_PRIORITY = 32 };

struct Http2 {
  nghttp2_hd_inflater *inflater;
  /* What the peer still takes on this connection, and what came since it was last told that there is room. */
  int64_t window;
  uint32_t received;
  /* The peer keeps no table of fields: its SETTINGS said so, and the next block has to acknowledge it (RFC 7541 section 4.2). */
  int noTable, mustTell;
  /* DATA frames (generator) or messages (provider) that wait for the window, oldest first. */
  struct Output held;
};

struct Frame {
  uint32_t length, stream;
  uint8_t type, flags;
  const uint8_t *payload;
};

static uint8_t *putFrame(uint8_t *to, uint32_t length, uint8_t type, uint8_t flags, uint32_t stream) {
  put32(to, length << 8 | type);
  to[4] = flags;
  put32(to + 5, stream);
  return to + FRAME;
}

/* Our SETTINGS: no push, windows so large that only the peer's matter. */
static void putSettings(struct Output *out) {
  uint8_t *to = reserve(out, 2 * FRAME + 16), *at = putFrame(to, 12, SETTINGS, 0, 0);
  memcpy(at, "\x00\x02\x00\x00\x00\x00\x00\x04", 8);
  put32(at + 8, 1 << 20);
  put32(putFrame(at + 12, 4, WINDOW_UPDATE, 0, 0), WINDOW - 65535);
  out->to += 2 * FRAME + 16;
}

static void openHttp2(struct Http2 *h) {
  if (nghttp2_hd_inflate_new(&h->inflater)) die("out of memory");
  h->window = 65535;
}

/* Reads the frame at `at`; returns 0 while it is not whole. */
static int getFrame(struct Frame *frame, const struct Input *in, size_t at) {
  if (in->length - at < FRAME) return 0;
  const uint8_t *from = in->bytes + at;
  frame->length = get32(from) >> 8;
  frame->type = from[3];
  frame->flags = from[4];
  frame->stream = get32(from + 5) & 0x7fffffff;
  frame->payload = from + FRAME;
  if (frame->length > 16384) die("got a frame of %u bytes, more than was announced", frame->length);
  return in->length - at >= FRAME + frame->length;
}

/* Takes padding and priority off the payload. */
static void unpad(struct Frame *frame) {
  uint32_t front = 0, back = 0;
  if (frame->flags & PADDED && frame->length) {
    back = frame->payload[0];
    front = 1;
  }
  if (frame->type == HEADERS && frame->flags & HAS_PRIORITY) front += 5;
  if (front + back > frame->length) die("got a frame with more padding than it is long");
  frame->payload += front;
  frame->length -= front + back;
}

static void readSettings(struct Http2 *h, const struct Frame *frame) {
  for (uint32_t at = 0; at + 6 <= frame->length; at += 6) {
    uint32_t id = (uint32_t)frame->payload[at] << 8 | frame->payload[at + 1], value = get32(frame->payload + at + 2);
    if (id == 1 && value == 0 && !h->noTable) h->noTable = h->mustTell = 1;
    else if (id == 1 && value < 4096) die("the peer announces a header table of %u bytes; the blocks are written for 0 or 4096", value);
    if (id == 4 && value < MAX_MESSAGE) die("the peer announces a stream window of %u bytes, less than a message", value);
  }
}

/* Does what a frame that belongs to the connection asks for; tells in `window` when there is more room. */
static void control(struct Http2 *h, struct Output *out, const struct Frame *frame) {
  if (frame->type == SETTINGS && !(frame->flags & ACK)) {
    readSettings(h, frame);
    putFrame(reserve(out, FRAME), 0, SETTINGS, ACK, 0);
    out->to += FRAME;
  } else if (frame->type == PING && !(frame->flags & ACK) && frame->length == 8) {
    memcpy(putFrame(reserve(out, FRAME + 8), 8, PING, ACK, 0), frame->payload, 8);
    out->to += FRAME + 8;
  } else if (frame->type == WINDOW_UPDATE && frame->stream == 0 && frame->length == 4) {
    h->window += get32(frame->payload) & 0x7fffffff;
  } else if (frame->type == PUSH_PROMISE || frame->type == CONTINUATION) {
    die("got a frame of type %d, which nothing here asks for", frame->type);
  }
}

/* Counts the bytes of a DATA frame, padding included, and makes room again when half of it is used. */
static void countReceived(struct Http2 *h, struct Output *out, uint32_t bytes) {
  h->received += bytes;
  if (h->received < WINDOW / 2) return;
  put32(putFrame(reserve(out, FRAME + 4), 4, WINDOW_UPDATE, 0, 0), h->received);
  out->to += FRAME + 4;
  h->received = 0;
}

typedef void Field(void *of, const nghttp2_nv *field);

/* Tells the fields of a whole header block. */
static void inflate(struct Http2 *h, const struct Frame *frame, Field *tell, void *of) {
  if (!(frame->flags & END_HEADERS)) die("got a header block in more than one frame");
  const uint8_t *at = frame->payload, *end = at + frame->length;
  for (;;) {
    nghttp2_nv field;
    int flags = 0;
    ssize_t used = nghttp2_hd_inflate_hd2(h->inflater, &field, &flags, at, (size_t)(end - at), 1);
    if (used < 0) die("got a header block that nghttp2 cannot read: %s", nghttp2_strerror((int)used));
    at += used;
    if (flags & NGHTTP2_HD_INFLATE_EMIT) tell(of, &field);
    if (flags & NGHTTP2_HD_INFLATE_FINAL) break;
    if (!used && !(flags & NGHTTP2_HD_INFLATE_EMIT)) die("got a header block that ends too early");
  }
  nghttp2_hd_inflate_end_headers(h->inflater);
}

static int is(const uint8_t *text, size_t length, const char *wanted) { return length == strlen(wanted) && !memcmp(text, wanted, length); }

static int begins(const uint8_t *text, size_t length, const char *wanted) {
  return length >= strlen(wanted) && !memcmp(text, wanted, strlen(wanted));
}

/* Writes a literal: `index` of its name in the static table, or 0 with the name as text. `form` 0x40 has it enter the dynamic table, 0 not. */
static uint8_t *putLiteral(uint8_t *to, uint8_t form, uint8_t index, const char *name, const char *value) {
  if (form == 0 && index >= 15) {
    *to++ = 15;
    *to++ = (uint8_t)(index - 15);
  } else {
    *to++ = (uint8_t)(form | index);
  }
  for (int i = index ? 1 : 0; i < 2; i++) {
    const char *text = i ? value : name;
    *to++ = (uint8_t)strlen(text);
    memcpy(to, text, strlen(text));
    to += strlen(text);
  }
  return to;
}
