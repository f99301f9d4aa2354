/*
 * A Dubbo2 provider that answers every two-way Hessian2 call at once with a value (kind 4, attachments as Java's) whose text begins
 * with the first eight characters of argument 0, filled up so that the answer's body is as long as the request's.
 *
 * Prints {"port":N} when it listens on 127.0.0.1. A line on standard input makes it print
 * {"open":connections,"accepted":connections,"answered":calls}; it ends when standard input does.
 */
#include "dubbo.h"

#define TAG 8
#define TAIL "H\x05" "dubbo\x05" "2.0.2Z"
#define TAIL_BYTES (sizeof TAIL - 1)

struct Connection {
  int fd, blocked;
  struct Input in;
  struct Output out;
};

static uint64_t open_, accepted, answered;
static int poll_;

static void drop(struct Connection *c) {
  close(c->fd);
  free(c->in.bytes);
  free(c->out.bytes);
  free(c);
  open_--;
}

/* The first eight characters of argument 0, which stands behind five strings. */
static const uint8_t *argumentTag(const uint8_t *body, const uint8_t *end) {
  size_t length = 0;
  for (int i = 0; i < 6; i++) {
    body += length;
    size_t head = getStringHead(body, end, &length);
    if (!head || (size_t)(end - body) < head + length) return NULL;
    body += head;
  }
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
  const uint8_t *tag = argumentTag(frame + HEAD, frame + HEAD + bodyBytes);
  if (!tag || (flags & 0x1f) != 2) die("echo: got a call that is not as the generator writes it");
  if (!(flags & 0x40)) return;
  size_t total = bodyBytes < 1 + 2 + TAG + TAIL_BYTES ? 1 + 2 + TAG + TAIL_BYTES : bodyBytes;
  size_t length = stringThatFills(total - 1 - TAIL_BYTES);
  uint8_t *to = reserve(&c->out, HEAD + total + 8), *at = to + HEAD;
  *at++ = 0x94;
  at += putStringHead(at, length);
  memcpy(at, tag, TAG);
  memset(at + TAG, 'x', length - TAG);
  at += length;
  memcpy(at, TAIL, TAIL_BYTES);
  at += TAIL_BYTES;
  memcpy(to, "\xda\xbb\x02\x14", 4);
  memcpy(to + 4, frame + 4, 8);
  put32(to + 12, (uint32_t)(at - to - HEAD));
  c->out.to += (size_t)(at - to);
  answered++;
}

/* Returns -1 when the connection is over. */
static int serve(struct Connection *c) {
  ssize_t n = readMore(c->fd, &c->in);
  if (n == -1) return 0;
  if (n <= 0) return -1;
  size_t at = 0;
  while (c->in.length - at >= HEAD) {
    const uint8_t *frame = c->in.bytes + at;
    uint32_t bodyBytes = get32(frame + 12);
    if (frame[0] != 0xda || frame[1] != 0xbb || bodyBytes > 16u << 20) die("echo: got bytes that are no dubbo2 frame");
    if (c->in.length - at < HEAD + bodyBytes) break;
    if (frame[2] & 0x80) answer(c, frame, bodyBytes);
    at += HEAD + bodyBytes;
  }
  consume(&c->in, at);
  int state = flush(c->fd, &c->out);
  if (state >= 0 && state != c->blocked) {
    struct epoll_event event = {.events = EPOLLIN | (state ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poll_, EPOLL_CTL_MOD, c->fd, &event);
    c->blocked = state;
  }
  return state < 0 ? -1 : 0;
}

static void acceptAll(int listener) {
  int fd;
  while ((fd = accept(listener, NULL, NULL)) >= 0) {
    prepareSocket(fd);
    struct Connection *c = calloc(1, sizeof *c);
    c->fd = fd;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poll_, EPOLL_CTL_ADD, fd, &event);
    open_++;
    accepted++;
  }
}

int main(void) {
  signal(SIGPIPE, SIG_IGN);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  if (bind(listener, (void *)&address, size) || listen(listener, 4096)) die("echo: cannot listen: %s", strerror(errno));
  getsockname(listener, (void *)&address, &size);
  prepareSocket(listener);
  poll_ = epoll_create1(0);
  static struct Connection listening, input;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = &listening};
  epoll_ctl(poll_, EPOLL_CTL_ADD, listener, &event);
  event.data.ptr = &input;
  if (epoll_ctl(poll_, EPOLL_CTL_ADD, 0, &event)) die("echo: standard input must be a pipe");
  printf("{\"port\":%d}\n", ntohs(address.sin_port));
  fflush(stdout);
  struct epoll_event events[256];
  for (;;) {
    int count = epoll_wait(poll_, events, 256, -1);
    for (int i = 0; i < count; i++) {
      struct Connection *c = events[i].data.ptr;
      if (c == &listening) {
        acceptAll(listener);
      } else if (c == &input) {
        char line[64];
        if (read(0, line, sizeof line) <= 0) return 0;
        printf("{\"open\":%lu,\"accepted\":%lu,\"answered\":%lu}\n", open_, accepted, answered);
        fflush(stdout);
      } else if ((events[i].events & EPOLLOUT) && flush(c->fd, &c->out) < 0) {
        drop(c);
      } else if (serve(c) < 0) {
        drop(c);
      }
    }
  }
}
