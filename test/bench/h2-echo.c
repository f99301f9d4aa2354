/*
 * A gRPC provider over HTTP/2 without TLS that answers every unary call to /o.Orders/... with the message that came. See provider.h.
 */
#include "h2.h"

#define SLOTS 65536 /* streams of one connection that are open at once */

enum { IS_POST = 1, HAS_PATH = 2, IS_GRPC = 4, HAS_TE = 8, IS_CALL = 15 };

struct Slot {
  uint32_t stream, length;
  uint8_t seen;
  uint8_t *bytes;
};

struct Calls {
  struct Http2 http2;
  int begun;
  uint64_t answered;
  struct Slot *slots;
};

#include "provider.h"

static void opened(struct Connection *c) {
  c->calls.slots = calloc(SLOTS, sizeof *c->calls.slots);
  openHttp2(&c->calls.http2);
  putSettings(&c->out);
}

static void closed(struct Connection *c) {
  for (size_t i = 0; i < SLOTS; i++) free(c->calls.slots[i].bytes);
  free(c->calls.slots);
  nghttp2_hd_inflate_del(c->calls.http2.inflater);
  free(c->calls.http2.held.bytes);
}

/* HEADERS, DATA and trailers; the connection's first answer names the fields, later ones point to them. */
static void answer(struct Connection *c, uint32_t stream, const uint8_t *message, uint32_t length) {
  struct Http2 *h = &c->calls.http2;
  uint8_t head[64], tail[64], *headEnd = head, *tailEnd = tail;
  if (h->mustTell) *headEnd++ = 0x20; /* the table's size is 0 now */
  h->mustTell = 0;
  *headEnd++ = 0x88; /* :status 200 */
  if (c->calls.answered++ && !h->noTable) {
    *headEnd++ = 0xbf;
    *tailEnd++ = 0xbe;
  } else {
    uint8_t form = h->noTable ? 0 : 0x40;
    headEnd = putLiteral(headEnd, form, 31, NULL, "application/grpc");
    tailEnd = putLiteral(tailEnd, form, 0, "grpc-status", "0");
  }
  uint32_t headBytes = (uint32_t)(headEnd - head), tailBytes = (uint32_t)(tailEnd - tail);
  uint8_t *to = reserve(&c->out, 3 * FRAME + headBytes + length + tailBytes), *at = putFrame(to, headBytes, HEADERS, END_HEADERS, stream);
  memcpy(at, head, headBytes);
  at = putFrame(at + headBytes, length, DATA, 0, stream);
  memcpy(at, message, length);
  at = putFrame(at + length, tailBytes, HEADERS, END_HEADERS | END_STREAM, stream);
  memcpy(at, tail, tailBytes);
  c->out.to += (size_t)(at + tailBytes - to);
  h->window -= length;
  answered++;
}

static void answerOrHold(struct Connection *c, uint32_t stream, const uint8_t *message, uint32_t length) {
  struct Http2 *h = &c->calls.http2;
  if (h->window >= length && h->held.from == h->held.to) {
    answer(c, stream, message, length);
    return;
  }
  uint8_t *to = reserve(&h->held, 8 + length);
  put32(to, stream);
  put32(to + 4, length);
  memcpy(to + 8, message, length);
  h->held.to += 8 + length;
}

static void sendHeld(struct Connection *c) {
  struct Http2 *h = &c->calls.http2;
  while (h->held.from < h->held.to) {
    const uint8_t *from = h->held.bytes + h->held.from;
    uint32_t length = get32(from + 4);
    if (h->window < length) break;
    answer(c, get32(from), from + 8, length);
    h->held.from += 8 + length;
  }
}

static void field(void *of, const nghttp2_nv *f) {
  struct Slot *slot = of;
  if (is(f->name, f->namelen, ":method") && is(f->value, f->valuelen, "POST")) slot->seen |= IS_POST;
  else if (is(f->name, f->namelen, ":path") && begins(f->value, f->valuelen, "/o.Orders/")) slot->seen |= HAS_PATH;
  else if (is(f->name, f->namelen, "content-type") && begins(f->value, f->valuelen, "application/grpc")) slot->seen |= IS_GRPC;
  else if (is(f->name, f->namelen, "te") && is(f->value, f->valuelen, "trailers")) slot->seen |= HAS_TE;
}

static void onStream(struct Connection *c, struct Frame *frame) {
  struct Slot *slot = &c->calls.slots[(frame->stream >> 1) % SLOTS];
  if (frame->type == HEADERS && slot->stream != frame->stream) {
    if (slot->stream) die("echo: stream %u is open while stream %u begins", slot->stream, frame->stream);
    slot->stream = frame->stream;
    slot->length = 0;
    slot->seen = 0;
  }
  if (slot->stream != frame->stream) return;
  if (frame->type == RST_STREAM) slot->stream = 0;
  if (frame->type != DATA && frame->type != HEADERS) return;
  if (frame->type == DATA) countReceived(&c->calls.http2, &c->out, frame->length);
  unpad(frame);
  int isEnd = frame->flags & END_STREAM;
  if (frame->type == HEADERS) {
    inflate(&c->calls.http2, frame, field, slot);
  } else if (isEnd && !slot->length) {
    slot->length = frame->length;
  } else {
    if (slot->length + frame->length > MAX_MESSAGE) die("echo: got a message of more than %d bytes", MAX_MESSAGE);
    if (!slot->bytes) slot->bytes = malloc(MAX_MESSAGE);
    memcpy(slot->bytes + slot->length, frame->payload, frame->length);
    slot->length += frame->length;
    frame->payload = slot->bytes;
  }
  if (!isEnd) return;
  if (slot->seen != IS_CALL) die("echo: got a call without%s%s%s%s", slot->seen & IS_POST ? "" : " POST", slot->seen & HAS_PATH ? "" : " the path",
                                 slot->seen & IS_GRPC ? "" : " a gRPC content type", slot->seen & HAS_TE ? "" : " te: trailers");
  if (slot->length < 5) die("echo: got a call without a message");
  slot->stream = 0;
  answerOrHold(c, frame->stream, frame->type == DATA ? frame->payload : slot->bytes, slot->length);
}

static size_t receive(struct Connection *c) {
  struct Frame frame;
  size_t at = 0;
  if (!c->calls.begun) {
    if (c->in.length < PREFACE_BYTES) return 0;
    if (memcmp(c->in.bytes, PREFACE, PREFACE_BYTES)) die("echo: got bytes that are not HTTP/2's preface");
    c->calls.begun = 1;
    at = PREFACE_BYTES;
  }
  for (; getFrame(&frame, &c->in, at); at += FRAME + frame.length) {
    uint32_t length = frame.length;
    if (frame.stream) onStream(c, &frame);
    else control(&c->calls.http2, &c->out, &frame);
    frame.length = length;
  }
  sendHeld(c);
  return at;
}
