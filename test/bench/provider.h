/*
 * The part of a provider that no protocol changes. Prints {"port":N} when it listens on 127.0.0.1. A line on standard input makes it print
 * {"open":connections,"accepted":connections,"answered":calls}; it ends when standard input does. --answer=N chooses the form of its answers.
 *
 * A provider defines `struct Calls` (what it keeps for a connection), includes this, and defines what is declared below.
 */
#include "common.h"

struct Connection {
  int fd, blocked;
  struct Input in;
  struct Output out;
  struct Calls calls;
};

/* A connection was accepted; what the protocol says first goes to its output. */
static void opened(struct Connection *c);
static void closed(struct Connection *c);
/* Takes what was read and appends to the output; returns the bytes used. */
static size_t receive(struct Connection *c);

static uint64_t open_, accepted, answered;
static int poll_, answerForm;

static void drop(struct Connection *c) {
  closed(c);
  close(c->fd);
  free(c->in.bytes);
  free(c->out.bytes);
  free(c);
  open_--;
}

/* Returns -1 when the connection is broken. */
static int send_(struct Connection *c) {
  int state = flush(c->fd, &c->out);
  if (state >= 0 && state != c->blocked) {
    struct epoll_event event = {.events = EPOLLIN | (state ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poll_, EPOLL_CTL_MOD, c->fd, &event);
    c->blocked = state;
  }
  return state < 0 ? -1 : 0;
}

/* Returns -1 when the connection is over. */
static int serve(struct Connection *c) {
  ssize_t n = readMore(c->fd, &c->in);
  if (n == -1) return 0;
  if (n <= 0) return -1;
  consume(&c->in, receive(c));
  return send_(c);
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
    opened(c);
    if (send_(c) < 0) drop(c);
  }
}

int main(int count, char **list) {
  signal(SIGPIPE, SIG_IGN);
  if (count > 1 && sscanf(list[1], "--answer=%d", &answerForm) != 1) die("echo: unknown option %s", list[1]);
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
      } else if (((events[i].events & EPOLLOUT) && send_(c) < 0) || serve(c) < 0) {
        drop(c);
      }
    }
  }
}
