// A client that measures latency, over one UDP socket, from wire messages in a file (each behind its length, as in TCP).
//
//   probe FILE PORT COUNT 0         one query at a time: the next one leaves when the answer has come
//   probe FILE PORT COUNT RATE      RATE queries per second, whether answered or not, each at its due time
//
// One at a time, a latency runs from before the system call that sends to after the one that receives. At a rate, it
// ends with the kernel's time stamp of the answer, so that a late client does not count as a late server.
// Prints "answered lost late average p50 p99 p99.9 max"; latencies are microseconds, late is the share of queries that
// left more than 50 us after their due time, in percent.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

enum { BATCH = 64, IDS = 65536, NOBODY = -1 };

static unsigned char *messages;
static size_t size, at;
static int fd;
static int64_t sent_ns[IDS];
static double *latencies;
static long answered, late;

static int64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t); // the clock of SO_TIMESTAMPNS
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
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

/* The next message of the file, again and again, with this id. */
static void send_query(int id) {
  if (at >= size) at = 0;
  int length = messages[at] << 8 | messages[at + 1];
  unsigned char *message = messages + at + 2;
  at += 2 + length;
  message[0] = id >> 8;
  message[1] = id;
  sent_ns[id] = now_ns();
  if (send(fd, message, length, 0) < 0) sent_ns[id] = NOBODY;
}

static void received(const unsigned char *answer, int length, int64_t when) {
  if (length < 12) return;
  int id = answer[0] << 8 | answer[1];
  if (sent_ns[id] == NOBODY) return;
  latencies[answered++] = (when - sent_ns[id]) / 1e3;
  sent_ns[id] = NOBODY;
}

static void one_at_a_time(long count) {
  unsigned char answer[4096];
  for (long i = 0; i < count; i++) {
    send_query(i % IDS);
    int length;
    do { // past answers that come after the socket's time-out
      length = recv(fd, answer, sizeof answer, 0);
    } while (length >= 2 && (answer[0] << 8 | answer[1]) != i % IDS);
    received(answer, length, now_ns());
  }
}

static void take_answers(void) {
  static unsigned char answers[BATCH][4096], controls[BATCH][128];
  struct iovec parts[BATCH];
  struct mmsghdr headers[BATCH] = {0};
  for (int i = 0; i < BATCH; i++) {
    parts[i] = (struct iovec){answers[i], sizeof answers[i]};
    headers[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1, .msg_control = controls[i], .msg_controllen = sizeof controls[i]};
  }
  int count = recvmmsg(fd, headers, BATCH, MSG_DONTWAIT, 0);
  for (int i = 0; i < count; i++) {
    struct cmsghdr *c = CMSG_FIRSTHDR(&headers[i].msg_hdr);
    if (!c || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec t;
    memcpy(&t, CMSG_DATA(c), sizeof t);
    received(answers[i], headers[i].msg_len, t.tv_sec * 1000000000LL + t.tv_nsec);
  }
}

static void at_rate(long count, double rate) {
  int64_t start = now_ns();
  for (long i = 0; i < count; i++) {
    int64_t due = start + (int64_t)(i * 1e9 / rate);
    while (now_ns() < due) take_answers();
    if (now_ns() - due > 50000) late++;
    send_query(i % IDS);
  }
  for (int64_t end = now_ns() + 500000000; now_ns() < end && answered < count;) take_answers();
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  load(argv[1]);
  long count = atol(argv[3]);
  double rate = atof(argv[4]);
  struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int on = 1, buffer = 4 << 20;
  struct timeval patience = {.tv_sec = 1};
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (rate > 0) setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0) return 1;
  latencies = calloc(count, sizeof *latencies);
  for (int i = 0; i < IDS; i++) sent_ns[i] = NOBODY;
  if (rate > 0) at_rate(count, rate);
  else one_at_a_time(count);
  if (answered == 0) return 1;
  qsort(latencies, answered, sizeof *latencies, ascending);
  double sum = 0;
  for (long i = 0; i < answered; i++) sum += latencies[i];
#define AT(p) latencies[(long)((answered - 1) * (p))]
  printf("%ld %ld %.2f %.2f %.2f %.2f %.2f %.2f\n", answered, count - answered, 100.0 * late / count, sum / answered, AT(0.5), AT(0.99), AT(0.999), AT(1.0));
  return 0;
}
