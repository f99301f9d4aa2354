/*
 * A generator of HTTP/1.1 requests on kept connections, one at a time on each: calls that fall due meanwhile wait. For its options see
 * generator.h. Each is a GET of
 * /v1/orders/TAG or /v2/orders/TAG by turns with the headers of an ordinary client; every answer must have status 200 and a
 * body of --body bytes that begins with the tag (see http1-echo.c), else the program fails.
 */
#include "http1.h"

#define MAX_WAITING 4096

struct Calls {
  uint64_t id, dueNs[MAX_WAITING];
  uint32_t first, count;
};

#include "generator.h"

static const char REQUEST[] =
    "GET /v1/orders/00000000 HTTP/1.1\r\nHost: orders\r\nUser-Agent: bench/1.0\r\nAccept: application/json\r\n"
    "Accept-Encoding: gzip\r\nX-Request-Id: 00000000\r\n\r\n";
#define REQUEST_BYTES (sizeof REQUEST - 1)

static size_t pathTagAt, idTagAt;

static void prepare(void) {
  if (inflight != 1) die("load: an HTTP/1.1 connection has one call at a time");
  if (bodyBytes < TAG) die("load: --body must be at least %d", TAG);
  pathTagAt = (size_t)(strstr(REQUEST, "00000000") - REQUEST);
  idTagAt = (size_t)(strstr(REQUEST + pathTagAt + TAG, "00000000") - REQUEST);
}

static void opened(struct Connection *c) { (void)c; }

static int hasRoom(const struct Connection *c) { return c->calls.count < MAX_WAITING; }

static void request(struct Connection *c) {
  uint8_t *to = reserve(&c->out, REQUEST_BYTES);
  memcpy(to, REQUEST, REQUEST_BYTES);
  if (++c->calls.id & 1) to[6] = '2';
  putTag(to + pathTagAt, c, c->calls.id);
  putTag(to + idTagAt, c, c->calls.id);
  c->out.to += REQUEST_BYTES;
}

static void call(struct Connection *c, uint64_t dueNs) {
  struct Calls *calls = &c->calls;
  calls->dueNs[(calls->first + calls->count++) % MAX_WAITING] = dueNs;
  if (calls->count == 1) request(c);
  sent_();
}

static size_t receive(struct Connection *c, uint64_t now) {
  const uint8_t *head = c->in.bytes;
  size_t headLength = headBytes(head, c->in.length);
  if (!headLength) return 0;
  if (memcmp(head, "HTTP/1.1 200 ", 13)) die("load: got %.*s", (int)headLength, head);
  long length = contentLength(head, headLength);
  if (length != bodyBytes) die("load: got a body of %ld bytes, expected %d", length, bodyBytes);
  if (c->in.length < headLength + (size_t)length) return 0;
  uint8_t tag[TAG];
  putTag(tag, c, c->calls.id);
  struct Calls *calls = &c->calls;
  if (!calls->count || memcmp(head + headLength, tag, TAG)) die("load: connection %d got another answer than its own", c->number);
  uint64_t due = calls->dueNs[calls->first];
  calls->first = (calls->first + 1) % MAX_WAITING;
  if (--calls->count) request(c);
  finished(c, due, now);
  return headLength + (size_t)length;
}
