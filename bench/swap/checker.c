// A client that keeps a server busy and looks at every answer: is it whole, and are all its records of one generation?
//
//   checker FILE PORT SECONDS OPEN FIRST COUNT
//
// FILE holds wire messages, each behind its length as over TCP. OPEN queries are underway at a time; one that has no answer
// after a second is lost. The TTLs of all records of an answer must be the same one of FIRST to FIRST + COUNT - 1; else the
// answer is torn. Prints "answered lost torn generations average p50 p99 p99.9 max"; latencies are microseconds.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

enum { BATCH = 64, OPEN_MAX = 1024, ROOM = 4096, LATENCY_MAX_US = 2000000, LOST_NS = 1000000000 };

static unsigned char *messages;
static size_t size, at;
static int fd;
// Who is waited for: by slot, the id's lower bits; the upper ones tell an old answer from a new one.
static struct { int64_t sent_ns; unsigned char *query; int length; uint16_t id; } waiting[OPEN_MAX];
static uint32_t histogram[LATENCY_MAX_US + 1];
static long answered, lost, torn;
static unsigned seen;
static uint32_t first_ttl, ttl_count;

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void load(const char *file) {
  FILE *f = fopen(file, "rb");
  if (!f) exit(2);
  fseek(f, 0, SEEK_END);
  size = ftell(f);
  rewind(f);
  messages = malloc(size);
  if (fread(messages, 1, size, f) != size) exit(2);
  fclose(f);
}

static int word(const unsigned char *p) { return p[0] << 8 | p[1]; }

/* The offset behind a name, or -1. */
static int skip_name(const unsigned char *m, int length, int p) {
  while (p < length) {
    if (m[p] == 0) return p + 1;
    if (m[p] >= 0xc0) return p + 2;
    p += m[p] + 1;
  }
  return -1;
}

/* True where the answer repeats the question, can be read to its end, and all its records have one TTL. */
static int is_whole(const unsigned char *m, int length, const unsigned char *query, int query_length) {
  if (length < query_length || !(m[2] & 0x80) || memcmp(m + 12, query + 12, query_length - 12)) return 0;
  int rcode = m[3] & 15, records = word(m + 6) + word(m + 8) + word(m + 10), p = query_length;
  if (rcode != 0 && rcode != 3) return 0;
  if (records == 0) return (m[2] & 2) && p == length; // cut to nothing (TC), as some servers do
  uint32_t generation = 0;
  for (int i = 0; i < records; i++) {
    p = skip_name(m, length, p);
    if (p < 0 || length - p < 10) return 0;
    uint32_t ttl;
    memcpy(&ttl, m + p + 4, 4);
    ttl = ntohl(ttl) - first_ttl;
    if (ttl >= ttl_count || (i > 0 && ttl != generation)) return 0;
    generation = ttl;
    p += 10 + word(m + p + 8);
  }
  seen |= 1u << generation;
  return p == length;
}

static void take(const unsigned char *m, int length, int64_t when) {
  if (length < 12) return;
  int id = word(m), slot = id % OPEN_MAX;
  if (waiting[slot].sent_ns == 0 || waiting[slot].id != id) return;
  int64_t us = (when - waiting[slot].sent_ns) / 1000;
  histogram[us < LATENCY_MAX_US ? us : LATENCY_MAX_US]++;
  answered++;
  if (!is_whole(m, length, waiting[slot].query, waiting[slot].length)) torn++;
  waiting[slot].sent_ns = 0;
}

/* Sends a new query for each slot that waits for none. */
static void fill(int open) {
  struct mmsghdr headers[BATCH];
  struct iovec parts[BATCH];
  static unsigned char copies[BATCH][512];
  int count = 0;
  int64_t now = now_ns();
  for (int slot = 0; slot <= open; slot++) {
    if (slot < open) {
      if (waiting[slot].sent_ns && now - waiting[slot].sent_ns < LOST_NS) continue;
      if (waiting[slot].sent_ns) lost++;
      if (at >= size) at = 0;
      waiting[slot].length = word(messages + at);
      waiting[slot].query = messages + at + 2;
      at += 2 + waiting[slot].length;
      waiting[slot].id = (waiting[slot].id + OPEN_MAX) / OPEN_MAX * OPEN_MAX + slot;
      waiting[slot].sent_ns = now;
      memcpy(copies[count], waiting[slot].query, waiting[slot].length);
      copies[count][0] = waiting[slot].id >> 8;
      copies[count][1] = waiting[slot].id;
      parts[count] = (struct iovec){copies[count], waiting[slot].length};
      headers[count] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[count], .msg_iovlen = 1}};
      count++;
    }
    if (count == BATCH || (slot == open && count > 0)) {
      for (int sent = 0, n; sent < count && (n = sendmmsg(fd, headers + sent, count - sent, 0)) > 0;) sent += n;
      count = 0;
    }
  }
}

static void receive(void) {
  static unsigned char answers[BATCH][ROOM];
  static struct mmsghdr headers[BATCH];
  static struct iovec parts[BATCH];
  for (int i = 0; i < BATCH; i++) {
    parts[i] = (struct iovec){answers[i], ROOM};
    headers[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  int count = recvmmsg(fd, headers, BATCH, MSG_WAITFORONE, 0);
  int64_t when = now_ns();
  for (int i = 0; i < count; i++) take(answers[i], headers[i].msg_len, when);
}

static int quantile(double part) {
  long rank = (answered - 1) * part;
  for (int us = 0; us <= LATENCY_MAX_US; us++)
    if ((rank -= histogram[us]) < 0) return us;
  return LATENCY_MAX_US;
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  load(argv[1]);
  int open = atoi(argv[4]);
  if (open < 1 || open > OPEN_MAX) return 2;
  first_ttl = atol(argv[5]);
  ttl_count = atol(argv[6]);
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int buffer = 4 << 20;
  struct timeval patience = {.tv_usec = 100000};
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0) return 1;
  int64_t end = now_ns() + (int64_t)(atof(argv[3]) * 1e9);
  while (now_ns() < end) {
    fill(open);
    receive();
  }
  // What is underway still counts.
  for (int64_t last = now_ns() + LOST_NS; now_ns() < last;) receive();
  for (int slot = 0; slot < open; slot++) lost += waiting[slot].sent_ns != 0;
  if (answered == 0) return 1;
  double sum = 0;
  for (int us = 0; us <= LATENCY_MAX_US; us++) sum += (double)us * histogram[us];
  printf("%ld %ld %ld %d %.1f %d %d %d %d\n", answered, lost, torn, __builtin_popcount(seen), sum / answered, quantile(0.5), quantile(0.99), quantile(0.999), quantile(1));
  return 0;
}
