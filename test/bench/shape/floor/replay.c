/*
 * replay FILE COUNT: gives the kernel the messages of FILE again, COUNT to a send, an answer awaited for the last of
 * each. Ends with 1 when the kernel refused one.
 */
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static char messages[16 << 20], answer[1 << 16];

/* What the kernel refused of one send, up to the answer to its last message. */
static int refused(int fd, unsigned last) {
  for (int count = 0;;) {
    ssize_t got = recv(fd, answer, sizeof answer, 0);
    if (got < 0) return 1;
    for (struct nlmsghdr *one = (void *)answer; NLMSG_OK(one, got); one = NLMSG_NEXT(one, got)) {
      if (one->nlmsg_type != NLMSG_ERROR) continue;
      count += ((struct nlmsgerr *)NLMSG_DATA(one))->error != 0;
      if (one->nlmsg_seq == last) return count;
    }
  }
}

int main(int argc, char **argv) {
  FILE *in = argc == 3 ? fopen(argv[1], "rb") : NULL;
  if (!in) return 2;
  size_t size = fread(messages, 1, sizeof messages, in);
  int count = atoi(argv[2]), fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), room = 8 << 20;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  unsigned sequence = 0;
  for (size_t at = 0, end; at < size; at = end) {
    struct nlmsghdr *header = NULL;
    end = at;
    for (int n = 0; end < size && n < count; n++) {
      header = (void *)(messages + end);
      header->nlmsg_flags &= ~(NLM_F_ACK | NLM_F_ECHO);
      header->nlmsg_seq = ++sequence;
      end += NLMSG_ALIGN(header->nlmsg_len);
    }
    header->nlmsg_flags |= NLM_F_ACK;
    if (sendto(fd, messages + at, end - at, 0, (void *)&kernel, sizeof kernel) < 0) return 1;
    if (refused(fd, sequence)) return 1;
  }
  return 0;
}
