/*
 * A Dubbo2 load generator; for its options see generator.h. Every connection is a consumer of its own: request ids start at 0 on each.
 * Each call is the request of a Dubbo 2.7 consumer (Hessian2) to o.Orders, getOrder and addOrder by turns; every answer
 * must have a known id, status 20 and exactly the expected body (see echo.c), else the program fails. With --answer=1 the answer's value is
 * argument 0 itself.
 */
#include "dubbo.h"

struct Slot {
  uint64_t id, dueNs;
  int busy;
};

struct Calls {
  uint32_t seq;
  struct Slot *slots;
  uint32_t *idle, idleCount;
};

#include "generator.h"

static uint8_t *request, *expected;
static size_t requestBytes, methodAt, tagAt, expectedBytes, expectedTagAt;
static uint32_t slotCount;

static uint8_t *text(uint8_t *at, const char *value) {
  at += putStringHead(at, strlen(value));
  memcpy(at, value, strlen(value));
  return at + strlen(value);
}

/* Fields and attachments in the order in which Dubbo 2.7.23 was recorded to write them; argument 0 fills the body. */
static void prepare(void) {
  slotCount = (uint32_t)(rate ? 4096 : inflight);
  static const char *ATTACHMENTS[] = {"path", "o.Orders", "remote.application", "s", "interface", "o.Orders", "version", "1.0.0"};
  uint8_t front[256], back[256], *f = front, *b = back;
  f = text(text(text(f, "2.0.2"), "o.Orders"), "1.0.0");
  methodAt = HEAD + (size_t)(f - front) + 1;
  f = text(text(f, "getOrder"), "Ljava/lang/String;");
  *b++ = 'H';
  for (int i = 0; i < 8; i++) b = text(b, ATTACHMENTS[i]);
  *b++ = 'Z';
  size_t fixed = (size_t)(f - front) + (size_t)(b - back);
  if ((size_t)bodyBytes < fixed + 9) die("load: --body must be at least %zu", fixed + 9);
  size_t argument = stringThatFills((size_t)bodyBytes - fixed);
  requestBytes = HEAD + (size_t)bodyBytes;
  request = calloc(1, requestBytes + 8);
  memcpy(request, "\xda\xbb\xc2\x00", 4);
  memcpy(request + HEAD, front, (size_t)(f - front));
  uint8_t *at = request + HEAD + (f - front);
  at += putStringHead(at, argument);
  tagAt = (size_t)(at - request);
  memset(at, 'x', argument);
  memcpy(at + argument, back, (size_t)(b - back));
  requestBytes = (size_t)(at + argument - request) + (size_t)(b - back);
  put32(request + 12, (uint32_t)(requestBytes - HEAD));

  static const char TAIL[] = "H\x05" "dubbo\x05" "2.0.2Z";
  size_t length = answerForm ? argument : stringThatFills(requestBytes - HEAD - 1 - (sizeof TAIL - 1));
  expected = calloc(1, requestBytes + 8);
  expected[0] = 0x94;
  at = expected + 1 + putStringHead(expected + 1, length);
  expectedTagAt = (size_t)(at - expected);
  memset(at, 'x', length);
  memcpy(at + length, TAIL, sizeof TAIL - 1);
  expectedBytes = (size_t)(at + length - expected) + sizeof TAIL - 1;
}

static void opened(struct Connection *c) {
  c->calls.slots = calloc(slotCount, sizeof *c->calls.slots);
  c->calls.idle = calloc(slotCount, sizeof *c->calls.idle);
  for (uint32_t k = 0; k < slotCount; k++) c->calls.idle[c->calls.idleCount++] = slotCount - 1 - k;
}

static int hasRoom(const struct Connection *c) { return c->calls.idleCount > 0; }

static void call(struct Connection *c, uint64_t dueNs) {
  uint32_t number = c->calls.idle[--c->calls.idleCount];
  struct Slot *slot = &c->calls.slots[number];
  slot->id = (uint64_t)c->calls.seq++ * slotCount + number;
  slot->dueNs = dueNs;
  slot->busy = 1;
  uint8_t *to = reserve(&c->out, requestBytes);
  memcpy(to, request, requestBytes);
  put64(to + 4, slot->id);
  if (slot->id & 1) memcpy(to + methodAt, "addOrder", 8);
  putTag(to + tagAt, c, slot->id);
  c->out.to += requestBytes;
  sent_();
}

static void check(struct Connection *c, const uint8_t *frame, uint32_t length) {
  uint64_t id = get64(frame + 4);
  struct Slot *slot = &c->calls.slots[id % slotCount];
  if (!slot->busy || slot->id != id) die("load: connection %d got an answer to the unknown id %lu", c->number, id);
  if (frame[3] != 20) die("load: call %lu was answered with status %d: %.*s", id, frame[3], length > 200 ? 200 : (int)length, frame + HEAD);
  putTag(expected + expectedTagAt, c, id);
  if (length != expectedBytes || memcmp(frame + HEAD, expected, expectedBytes))
    die("load: call %lu got another body than expected (%u bytes, expected %zu)", id, length, expectedBytes);
  slot->busy = 0;
  c->calls.idle[c->calls.idleCount++] = (uint32_t)(id % slotCount);
}

static size_t receive(struct Connection *c, uint64_t now) {
  size_t at = 0;
  while (c->in.length - at >= HEAD) {
    const uint8_t *frame = c->in.bytes + at;
    uint32_t length = get32(frame + 12);
    if (frame[0] != 0xda || frame[1] != 0xbb || length > 16u << 20) die("load: got bytes that are no dubbo2 frame");
    if (c->in.length - at < HEAD + length) break;
    at += HEAD + length;
    if (frame[2] & 0x20) continue;
    uint64_t due = c->calls.slots[get64(frame + 4) % slotCount].dueNs;
    check(c, frame, length);
    finished(c, due, now);
  }
  return at;
}
