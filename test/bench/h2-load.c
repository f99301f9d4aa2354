/*
 * A generator of unary gRPC calls over HTTP/2 without TLS; for its options see generator.h, --body is the length of the message behind its
 * five bytes of envelope. The calls go to /o.Orders/getOrder and /o.Orders/addOrder by turns, a stream each, at most 2^30 on a connection.
 * Every answer must be :status 200, a gRPC content type, exactly the call's own message, and grpc-status 0 in its trailers
 * (the messages differ from call to call), else the program fails. --answer=N chooses the messages:
 *
 *   0  any bytes; the answer is the same message
 *   1  Triple's wrapper of one java.lang.String in Hessian2; the answer is the same message, which is a wrapper of the same value
 *   2  the same; the answer is the wrapper that Trestle makes of a Dubbo2 provider's, its type being java.lang.Object
 *
 * --timeouts=1 gives every call a grpc-timeout of its own, as gRPC clients with deadlines do, and writes blocks by libnghttp2's deflater:
 * the table changes with each call then, and no block is as one before.
 */
#include "h2.h"

#define ENVELOPE 5
#define HEAD_ROOM 512
#define SLOTS 16384 /* streams of one connection, from the oldest without an answer to the newest */

enum { GOT_HEAD = 1, IS_GRPC = 2, GOT_STATUS = 4 };

struct Slot {
  uint64_t dueNs;
  uint32_t stream, got;
  uint8_t seen;
};

struct Calls {
  struct Http2 http2;
  nghttp2_hd_deflater *deflater;
  uint32_t made;
  struct Slot *slots;
};

#include "generator.h"

/* HEADERS and DATA of a call: the first two on a connection (a method each) name the fields, later ones point to them. */
struct Template {
  uint8_t *bytes;
  size_t length, dataAt;
};

static struct Template templates[4];
/* The message as it is sent and as it is expected back, envelopes included, and where the tag stands in them. */
static uint8_t *message, *expected;
static size_t messageBytes, expectedBytes, tagAt, expectedTagAt;

static uint8_t *putField(uint8_t *to, uint8_t tag, size_t length) {
  *to++ = tag;
  for (; length >= 0x80; length >>= 7) *to++ = (uint8_t)(length | 0x80);
  *to++ = (uint8_t)length;
  return to;
}

static uint8_t *putText(uint8_t *to, uint8_t tag, const char *value) {
  to = putField(to, tag, strlen(value));
  memcpy(to, value, strlen(value));
  return to + strlen(value);
}

/* Triple's wrapper of a string of `length` characters, its envelope included; returns its size. */
static size_t putWrapper(uint8_t *to, size_t length, const char *type, size_t *tag) {
  size_t head = length < 32 ? 1 : length < 1024 ? 2 : 3;
  uint8_t *at = putField(putText(to + ENVELOPE, 0x0a, "hessian4"), 0x12, head + length);
  if (head == 3) {
    *at++ = 'S';
    *at++ = (uint8_t)(length >> 8);
  } else if (head == 2) {
    *at++ = (uint8_t)(0x30 + (length >> 8));
  }
  *at++ = (uint8_t)length;
  *tag = (size_t)(at - to);
  memset(at, 'x', length);
  at = putText(at + length, 0x1a, type);
  put32(to + 1, (uint32_t)(at - to - ENVELOPE));
  return (size_t)(at - to);
}

static void prepareMessages(void) {
  message = calloc(1, (size_t)bodyBytes + 128);
  expected = calloc(1, (size_t)bodyBytes + 128);
  if (answerForm) {
    size_t length = (size_t)bodyBytes;
    do messageBytes = putWrapper(message, length, "java.lang.String", &tagAt);
    while (messageBytes > ENVELOPE + (size_t)bodyBytes && --length > 8);
    expectedBytes = putWrapper(expected, length, answerForm == 2 ? "java.lang.Object" : "java.lang.String", &expectedTagAt);
  } else {
    messageBytes = expectedBytes = ENVELOPE + (size_t)bodyBytes;
    tagAt = expectedTagAt = ENVELOPE;
    put32(message + 1, (uint32_t)bodyBytes);
    memset(message + ENVELOPE, 'x', (size_t)bodyBytes);
    memcpy(expected, message, messageBytes);
  }
}

static struct Template makeTemplate(const uint8_t *block, size_t blockBytes) {
  struct Template t = {.dataAt = FRAME + blockBytes, .length = 2 * FRAME + blockBytes + messageBytes};
  t.bytes = calloc(1, t.length);
  memcpy(putFrame(t.bytes, (uint32_t)blockBytes, HEADERS, END_HEADERS, 0), block, blockBytes);
  memcpy(putFrame(t.bytes + t.dataAt, (uint32_t)messageBytes, DATA, END_STREAM, 0), message, messageBytes);
  return t;
}

static void prepare(void) {
  if (bodyBytes < 8 || bodyBytes + ENVELOPE > MAX_MESSAGE - FRAME) die("load: --body must be 8 to %d", MAX_MESSAGE - FRAME - ENVELOPE);
  prepareMessages();
  uint8_t block[256], *at = block;
  *at++ = 0x83; /* :method POST */
  *at++ = 0x86; /* :scheme http */
  at = putLiteral(at, 0x40, 4, NULL, "/o.Orders/getOrder");
  at = putLiteral(at, 0x40, 1, NULL, "orders.bench");
  at = putLiteral(at, 0x40, 31, NULL, "application/grpc");
  at = putLiteral(at, 0x40, 0, "te", "trailers");
  at = putLiteral(at, 0x40, 58, NULL, "grpc-bench/1.0");
  templates[0] = makeTemplate(block, (size_t)(at - block));
  at = putLiteral(block + 2, 0x40, 4, NULL, "/o.Orders/addOrder");
  memcpy(at, "\xc2\xc1\xc0\xbf", 4); /* :authority is entry 66 now, user-agent 63 */
  templates[1] = makeTemplate(block, (size_t)(at + 4 - block));
  templates[2] = makeTemplate((const uint8_t *)"\x83\x86\xc3\xc2\xc1\xc0\xbf", 7);
  templates[3] = makeTemplate((const uint8_t *)"\x83\x86\xbe\xc2\xc1\xc0\xbf", 7);
}

/* HEADERS of a call with a time-out of its own, into `to`; returns the frame's size. */
static size_t putTimedHead(uint8_t *to, size_t room, struct Connection *c, uint32_t number, uint32_t stream) {
  char timeout[16];
  int digits = snprintf(timeout, sizeof timeout, "%uu", 90000000 - (number * 7919u + (uint32_t)c->number * 104729u) % 1000000u);
#define FIELD(name, value, length) {(uint8_t *)(name), (uint8_t *)(value), sizeof name - 1, (size_t)(length), 0}
#define FIXED(name, value) FIELD(name, value, sizeof value - 1)
  nghttp2_nv fields[] = {FIXED(":method", "POST"), FIXED(":scheme", "http"),
                         FIELD(":path", number % 2 ? "/o.Orders/addOrder" : "/o.Orders/getOrder", 18), FIXED(":authority", "orders.bench"),
                         FIXED("content-type", "application/grpc"), FIXED("te", "trailers"), FIXED("user-agent", "grpc-bench/1.0"),
                         FIELD("grpc-timeout", timeout, digits)};
  ssize_t length = nghttp2_hd_deflate_hd(c->calls.deflater, to + FRAME, room - FRAME, fields, sizeof fields / sizeof *fields);
  if (length < 0) die("load: nghttp2 cannot write a header block: %s", nghttp2_strerror((int)length));
  putFrame(to, (uint32_t)length, HEADERS, END_HEADERS, stream);
  return FRAME + (size_t)length;
}

static void opened(struct Connection *c) {
  c->calls.slots = calloc(SLOTS, sizeof *c->calls.slots);
  openHttp2(&c->calls.http2);
  if (timeouts && nghttp2_hd_deflate_new(&c->calls.deflater, 4096)) die("out of memory");
  memcpy(reserve(&c->out, PREFACE_BYTES), PREFACE, PREFACE_BYTES);
  c->out.to += PREFACE_BYTES;
  putSettings(&c->out);
}

static struct Slot *slotOf(struct Connection *c, uint32_t stream) { return &c->calls.slots[(stream >> 1) % SLOTS]; }

static int hasRoom(const struct Connection *c) { return c->calls.slots[c->calls.made % SLOTS].stream == 0; }

static void call(struct Connection *c, uint64_t dueNs) {
  if (!hasRoom(c)) die("load: connection %d has a stream that was not answered while %d others were", c->number, SLOTS);
  uint32_t number = c->calls.made++, stream = 2 * number + 1;
  *slotOf(c, stream) = (struct Slot){.dueNs = dueNs, .stream = stream};
  const struct Template *t = &templates[number < 2 ? number : 2 + number % 2];
  struct Http2 *h = &c->calls.http2;
  uint8_t *to = reserve(&c->out, HEAD_ROOM + FRAME + messageBytes);
  if (timeouts) to += putTimedHead(to, HEAD_ROOM, c, number, stream);
  else {
    memcpy(to, t->bytes, t->dataAt);
    put32(to + 5, stream);
    to += t->dataAt;
  }
  int isFree = h->window >= (int64_t)messageBytes && h->held.from == h->held.to;
  c->out.to = (size_t)(to - c->out.bytes);
  if (!isFree) to = reserve(&h->held, FRAME + messageBytes);
  memcpy(to, t->bytes + t->dataAt, FRAME + messageBytes);
  put32(to + 5, stream);
  putTag(to + FRAME + tagAt, c, number);
  if (isFree) h->window -= (int64_t)messageBytes;
  *(isFree ? &c->out.to : &h->held.to) += FRAME + messageBytes;
  sent_();
}

static void sendHeld(struct Connection *c) {
  struct Http2 *h = &c->calls.http2;
  while (h->held.from < h->held.to && h->window >= (int64_t)messageBytes) {
    memcpy(reserve(&c->out, FRAME + messageBytes), h->held.bytes + h->held.from, FRAME + messageBytes);
    c->out.to += FRAME + messageBytes;
    h->held.from += FRAME + messageBytes;
    h->window -= (int64_t)messageBytes;
  }
}

static void field(void *of, const nghttp2_nv *f) {
  struct Slot *slot = of;
  if (is(f->name, f->namelen, ":status")) {
    if (!is(f->value, f->valuelen, "200")) die("load: a call was answered with :status %.*s", (int)f->valuelen, f->value);
    slot->seen |= GOT_HEAD;
  } else if (is(f->name, f->namelen, "content-type") && begins(f->value, f->valuelen, "application/grpc")) {
    slot->seen |= IS_GRPC;
  } else if (is(f->name, f->namelen, "grpc-status")) {
    if (!is(f->value, f->valuelen, "0")) die("load: a call was answered with grpc-status %.*s", (int)f->valuelen, f->value);
    slot->seen |= GOT_STATUS;
  } else if (is(f->name, f->namelen, "grpc-message")) {
    die("load: a call was answered with grpc-message %.*s", (int)f->valuelen, f->value);
  }
}

static void compare(struct Connection *c, struct Slot *slot, const uint8_t *bytes, uint32_t length) {
  uint32_t number = slot->stream >> 1;
  putTag(expected + expectedTagAt, c, number);
  if (length > expectedBytes - slot->got || memcmp(expected + slot->got, bytes, length))
    die("load: call %u of connection %d got another message than expected", number, c->number);
  slot->got += length;
}

static void onStream(struct Connection *c, struct Frame *frame, uint64_t now) {
  struct Slot *slot = slotOf(c, frame->stream);
  if (slot->stream != frame->stream) {
    if (frame->type == WINDOW_UPDATE) return;
    die("load: connection %d got a frame of type %d for stream %u, which is not open", c->number, frame->type, frame->stream);
  }
  if (frame->type == RST_STREAM) die("load: a call was reset with code %u", frame->length == 4 ? get32(frame->payload) : 0);
  if (frame->type != DATA && frame->type != HEADERS) return;
  if (frame->type == DATA) countReceived(&c->calls.http2, &c->out, frame->length);
  unpad(frame);
  if (frame->type == HEADERS) inflate(&c->calls.http2, frame, field, slot);
  else compare(c, slot, frame->payload, frame->length);
  if (!(frame->flags & END_STREAM)) return;
  if (slot->seen != (GOT_HEAD | IS_GRPC | GOT_STATUS) || slot->got != expectedBytes)
    die("load: an answer ended with %u of %zu bytes of message%s%s%s", slot->got, expectedBytes, slot->seen & GOT_HEAD ? "" : ", without :status",
        slot->seen & IS_GRPC ? "" : ", without a gRPC content type", slot->seen & GOT_STATUS ? "" : ", without grpc-status");
  slot->stream = 0;
  finished(c, slot->dueNs, now);
}

static size_t receive(struct Connection *c, uint64_t now) {
  struct Frame frame;
  size_t at = 0;
  for (; getFrame(&frame, &c->in, at); at += FRAME + frame.length) {
    uint32_t length = frame.length;
    if (frame.type == GOAWAY) die("load: connection %d was told to go away with code %u", c->number, length >= 8 ? get32(frame.payload + 4) : 0);
    if (frame.stream) onStream(c, &frame, now);
    else control(&c->calls.http2, &c->out, &frame);
    if (c->calls.http2.noTable) die("load: the proxy announces a header table of 0 bytes; the calls are written for 4096");
    frame.length = length;
  }
  sendHeld(c);
  return at;
}
