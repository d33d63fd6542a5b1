// What the kernel alone costs: takes datagrams by the batch as they come, without pauses, flips QR, sends them back; no DNS.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#define N 64

int main(void) {
  static char packets[N][4096];
  static struct sockaddr_in peers[N];
  struct iovec parts[N];
  struct mmsghdr messages[N] = {0};
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof name;
  int buffer = 1 << 20, fd = socket(AF_INET, SOCK_DGRAM, 0);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
  if (bind(fd, (struct sockaddr *)&name, size) < 0 || getsockname(fd, (struct sockaddr *)&name, &size) < 0) return 1;
  printf("%d\n", ntohs(name.sin_port));
  fflush(stdout);
  for (int i = 0; i < N; i++) messages[i].msg_hdr = (struct msghdr){&peers[i], size, &parts[i], 1, 0, 0, 0};
  for (;;) {
    for (int i = 0; i < N; i++) parts[i] = (struct iovec){packets[i], sizeof packets[i]};
    int count = recvmmsg(fd, messages, N, MSG_WAITFORONE, 0);
    for (int i = 0; i < count; i++) {
      packets[i][2] |= 0x80;
      parts[i].iov_len = messages[i].msg_len;
    }
    for (int sent = 0, n; sent < count && (n = sendmmsg(fd, messages + sent, count - sent, 0)) > 0;) sent += n;
  }
}
