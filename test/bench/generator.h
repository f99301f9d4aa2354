/*
 * The part of a load generator that no protocol changes: options, connections, pace, latencies, CPU time of other processes. It runs on
 * one thread; its options are
 *
 *   --port=P --connections=C --inflight=N --body=BYTES --warmup=MS --time=MS [--rate=CALLS/S] [--timeouts=1] [--answer=N] [--pid=PID ...]
 *
 * Without --rate each connection always keeps N calls in flight. With it calls are sent at fixed moments over the connections by
 * turns, and latency counts from the moment a call was due. Prints one JSON object: what was answered in the measured time,
 * latencies, and the CPU time that each PID used in that time (its user and system time of /proc/PID/stat).
 *
 * A generator defines `struct Calls` (what it keeps for a connection), includes this, and defines what is declared below.
 */
#include "common.h"

#define SUB 8 /* 256 buckets for each doubling: values are true to 0.4 % */
#define BUCKETS ((64 - SUB) << SUB)
#define MAX_PIDS 8

struct Connection {
  int fd, number, blocked;
  struct Input in;
  struct Output out;
  struct Calls calls;
};

/* Makes what all calls have in common; `bodyBytes` is known. */
static void prepare(void);
/* A connection stands; what the protocol says first goes to its output. */
static void opened(struct Connection *c);
static int hasRoom(const struct Connection *c);
/* Appends a call to the output; `sent_` counts it. */
static void call(struct Connection *c, uint64_t dueNs);
/* Takes what was read and appends to the output; each answer that is as it must be is told to `finished`. Returns the bytes used. */
static size_t receive(struct Connection *c, uint64_t now);

static int port, connections = 1, inflight = 1, bodyBytes = 128, warmupMs = 300, timeMs = 1000, rate, timeouts, answerForm, pidCount;
static int pids[MAX_PIDS];
static uint64_t histogram[BUCKETS], maxNs, answered, sent, refused, inflightNow;
static int measuring, sending = 1, poll_;

static void record(uint64_t ns) {
  int shift = ns >> SUB ? 63 - __builtin_clzll(ns) - SUB : 0;
  histogram[((size_t)shift << SUB) + (ns >> shift)]++;
  if (ns > maxNs) maxNs = ns;
}

static double quantileUs(double q, uint64_t total) {
  uint64_t want = (uint64_t)(q * (double)total), seen = 0;
  for (size_t i = 0; i < BUCKETS; i++) {
    seen += histogram[i];
    if (seen > want) {
      size_t shift = i >> SUB ? (i >> SUB) - 1 : 0;
      return (double)((i - (shift << SUB)) << shift) / 1000.0;
    }
  }
  return (double)maxNs / 1000.0;
}

/* Eight hexadecimal digits that tell the call: connection and sequence number. */
static void putTag(uint8_t *to, const struct Connection *c, uint64_t id) {
  static const char DIGITS[] = "0123456789abcdef";
  uint32_t value = (uint32_t)c->number << 24 ^ (uint32_t)(id * 2654435761u >> 4 & 0xffffff);
  for (int i = 7; i >= 0; i--, value >>= 4) to[i] = (uint8_t)DIGITS[value & 15];
}

static void sent_(void) {
  sent++;
  inflightNow++;
}

/* A right answer came; the next call follows at once where no pace is given. */
static void finished(struct Connection *c, uint64_t dueNs, uint64_t now) {
  inflightNow--;
  if (measuring) {
    answered++;
    record(now - dueNs);
  }
  if (!rate && sending) call(c, now);
}

static void send_(struct Connection *c) {
  int state = flush(c->fd, &c->out);
  if (state < 0) die("load: connection %d broke while it wrote: %s", c->number, strerror(errno));
  if (state == c->blocked) return;
  struct epoll_event event = {.events = EPOLLIN | (state ? EPOLLOUT : 0), .data.ptr = c};
  epoll_ctl(poll_, EPOLL_CTL_MOD, c->fd, &event);
  c->blocked = state;
}

static void readFrom(struct Connection *c) {
  ssize_t n = readMore(c->fd, &c->in);
  if (n == -1) return;
  if (n <= 0) die("load: connection %d was closed with %lu calls in flight in all", c->number, inflightNow);
  consume(&c->in, receive(c, nowNs()));
  send_(c);
}

static void cpuTicks(uint64_t *ticks) {
  for (int i = 0; i < pidCount; i++) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", pids[i]);
    int fd = open(path, O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof line - 1);
    if (n <= 0) die("load: no process %d", pids[i]);
    close(fd);
    line[n] = 0;
    unsigned long user, system;
    if (sscanf(strrchr(line, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
      die("load: cannot read %s", path);
    ticks[i] = user + system;
  }
}

static struct Connection *connectAll(void) {
  struct Connection *all = calloc((size_t)connections, sizeof *all);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
  for (int i = 0; i < connections; i++) {
    struct Connection *c = &all[i];
    c->number = i;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c->fd, (void *)&address, sizeof address)) die("load: cannot connect to port %d: %s", port, strerror(errno));
    prepareSocket(c->fd);
    opened(c);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(poll_, EPOLL_CTL_ADD, c->fd, &event);
  }
  return all;
}

static void options(int count, char **list) {
  for (int i = 1; i < count; i++) {
    char *value = strchr(list[i], '=');
    if (!value) die("load: expected --name=value, got %s", list[i]);
    int number = atoi(value + 1);
    size_t n = (size_t)(value - list[i]);
#define IS(name) (n == sizeof name - 1 && !memcmp(list[i], name, n))
    if (IS("--port")) port = number;
    else if (IS("--connections")) connections = number;
    else if (IS("--inflight")) inflight = number;
    else if (IS("--body")) bodyBytes = number;
    else if (IS("--warmup")) warmupMs = number;
    else if (IS("--time")) timeMs = number;
    else if (IS("--rate")) rate = number;
    else if (IS("--timeouts")) timeouts = number;
    else if (IS("--answer")) answerForm = number;
    else if (IS("--pid") && pidCount < MAX_PIDS) pids[pidCount++] = number;
    else die("load: unknown option %s", list[i]);
  }
  if (port < 1 || connections < 1 || connections > 256 || inflight < 1 || inflight > 65536 || bodyBytes > 30000 || timeMs < 1)
    die("load: an option is missing or out of range");
}

int main(int count, char **list) {
  signal(SIGPIPE, SIG_IGN);
  options(count, list);
  prepare();
  poll_ = epoll_create1(0);
  struct Connection *all = connectAll();
  uint64_t begin = nowNs(), start = begin + (uint64_t)warmupMs * 1000000u, end = start + (uint64_t)timeMs * 1000000u;
  uint64_t stepNs = rate ? 1000000000ull / (uint64_t)rate : 0, nextDue = begin, startedAt = 0, endedAt = 0, turn = 0;
  uint64_t before[MAX_PIDS] = {0}, after[MAX_PIDS] = {0};
  int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poll_, EPOLL_CTL_ADD, timer, &event);
  if (rate) {
    struct itimerspec every = {.it_value = {(time_t)(begin / 1000000000u), (long)(begin % 1000000000u)}, .it_interval = {0, (long)stepNs}};
    if (rate == 1) every.it_interval = (struct timespec){1, 0};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &every, NULL);
  } else {
    for (int i = 0; i < connections; i++) {
      for (int k = 0; k < inflight; k++) call(&all[i], nowNs());
      send_(&all[i]);
    }
  }
  struct epoll_event events[256];
  while (sending || inflightNow) {
    int ready = epoll_wait(poll_, events, 256, 20);
    uint64_t now = nowNs();
    if (!measuring && !startedAt && now >= start) {
      measuring = 1;
      startedAt = now;
      cpuTicks(before);
    }
    if (measuring && now >= end) {
      measuring = sending = 0;
      endedAt = now;
      cpuTicks(after);
    }
    if (endedAt && now - endedAt > 3000000000ull) break;
    for (int i = 0; i < ready; i++) {
      struct Connection *c = events[i].data.ptr;
      if (c) {
        if (events[i].events & EPOLLOUT) send_(c);
        if (events[i].events & ~(uint32_t)EPOLLOUT) readFrom(c);
        continue;
      }
      uint64_t expirations;
      if (read(timer, &expirations, sizeof expirations) < 0) continue;
      for (; sending && nextDue <= now; nextDue += stepNs) {
        struct Connection *next = &all[turn++ % (uint64_t)connections];
        if (!hasRoom(next)) {
          refused++;
          continue;
        }
        call(next, nextDue);
        send_(next);
      }
    }
  }
  double seconds = (double)(endedAt - startedAt) / 1e9;
  uint64_t total = answered ? answered : 1;
  printf("{\"answered\":%lu,\"seconds\":%.6f,\"callsPerSecond\":%.1f,\"lost\":%lu,\"notSent\":%lu,", answered, seconds, (double)answered / seconds,
         inflightNow, refused);
  printf("\"p50Us\":%.2f,\"p90Us\":%.2f,\"p99Us\":%.2f,\"p999Us\":%.2f,\"maxUs\":%.2f,\"cpuMs\":[", quantileUs(.5, total), quantileUs(.9, total),
         quantileUs(.99, total), quantileUs(.999, total), (double)maxNs / 1000.0);
  for (int i = 0; i < pidCount; i++)
    printf("%s%.1f", i ? "," : "", (double)(after[i] - before[i]) * 1000.0 / (double)sysconf(_SC_CLK_TCK));
  printf("]}\n");
  return 0;
}
