/*
 * An HTTP/1.1 provider that answers every GET at once with 128 bytes of JSON's type, which begin with the last eight characters of the
 * path. See provider.h.
 */
#include "http1.h"

#define BODY 128

struct Calls {
  char none;
};

#include "provider.h"

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 128\r\n\r\n";
#define ANSWER_BYTES (sizeof ANSWER - 1)

static void opened(struct Connection *c) { (void)c; }

static void closed(struct Connection *c) { (void)c; }

static size_t receive(struct Connection *c) {
  size_t at = 0;
  for (;;) {
    const uint8_t *head = c->in.bytes + at;
    size_t length = headBytes(head, c->in.length - at);
    if (!length) return at;
    const uint8_t *end = memmem(head, length, " HTTP/1.1\r\n", 11);
    if (memcmp(head, "GET /v", 6) || !end || contentLength(head, length) > 0) die("echo: got %.*s", (int)length, head);
    uint8_t *to = reserve(&c->out, ANSWER_BYTES + BODY);
    memcpy(to, ANSWER, ANSWER_BYTES);
    memcpy(to + ANSWER_BYTES, end - TAG, TAG);
    memset(to + ANSWER_BYTES + TAG, 'x', BODY - TAG);
    c->out.to += ANSWER_BYTES + BODY;
    answered++;
    at += length;
  }
}
