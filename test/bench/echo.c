/*
 * A Dubbo2 provider that answers every two-way Hessian2 call at once with a value (kind 4, attachments as Java's) whose text begins
 * with the first eight characters of argument 0, filled up so that the answer's body is as long as the request's. With --answer=1 the value
 * is argument 0 itself. See provider.h.
 */
#include "dubbo.h"

#define TAG 8
#define TAIL "H\x05" "dubbo\x05" "2.0.2Z"
#define TAIL_BYTES (sizeof TAIL - 1)

struct Calls {
  char none;
};

#include "provider.h"

/* The characters of argument 0, which stands behind five strings; NULL where they are fewer than eight. */
static const uint8_t *argumentText(const uint8_t *body, const uint8_t *end, size_t *characters) {
  size_t length = 0;
  for (int i = 0; i < 6; i++) {
    body += length;
    size_t head = getStringHead(body, end, &length);
    if (!head || (size_t)(end - body) < head + length) return NULL;
    body += head;
  }
  *characters = length;
  return length < TAG ? NULL : body;
}

static void answer(struct Connection *c, const uint8_t *frame, uint32_t bodyBytes) {
  const uint8_t flags = frame[2];
  if (flags & 0x20) {
    if (!(flags & 0x40)) return;
    uint8_t *to = reserve(&c->out, HEAD + bodyBytes);
    memcpy(to, frame, HEAD + bodyBytes);
    to[2] = (uint8_t)(0x20 | (flags & 0x1f));
    to[3] = 20;
    c->out.to += HEAD + bodyBytes;
    return;
  }
  size_t length;
  const uint8_t *text = argumentText(frame + HEAD, frame + HEAD + bodyBytes, &length);
  if (!text || (flags & 0x1f) != 2) die("echo: got a call that is not as the generator writes it");
  if (!(flags & 0x40)) return;
  size_t total = bodyBytes < 1 + 2 + TAG + TAIL_BYTES ? 1 + 2 + TAG + TAIL_BYTES : bodyBytes;
  size_t same = answerForm ? length : TAG;
  if (!answerForm) length = stringThatFills(total - 1 - TAIL_BYTES);
  uint8_t *to = reserve(&c->out, HEAD + total + length + 8), *at = to + HEAD;
  *at++ = 0x94;
  at += putStringHead(at, length);
  memcpy(at, text, same);
  memset(at + same, 'x', length - same);
  at += length;
  memcpy(at, TAIL, TAIL_BYTES);
  at += TAIL_BYTES;
  memcpy(to, "\xda\xbb\x02\x14", 4);
  memcpy(to + 4, frame + 4, 8);
  put32(to + 12, (uint32_t)(at - to - HEAD));
  c->out.to += (size_t)(at - to);
  answered++;
}

static void opened(struct Connection *c) { (void)c; }

static void closed(struct Connection *c) { (void)c; }

static size_t receive(struct Connection *c) {
  size_t at = 0;
  while (c->in.length - at >= HEAD) {
    const uint8_t *frame = c->in.bytes + at;
    uint32_t bodyBytes = get32(frame + 12);
    if (frame[0] != 0xda || frame[1] != 0xbb || bodyBytes > 16u << 20) die("echo: got bytes that are no dubbo2 frame");
    if (c->in.length - at < HEAD + bodyBytes) break;
    if (frame[2] & 0x80) answer(c, frame, bodyBytes);
    at += HEAD + bodyBytes;
  }
  return at;
}
