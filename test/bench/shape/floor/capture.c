/*
 * LD_PRELOAD for tc and ip: writes what they ask the kernel to change to the file $CAPTURE, message by message.
 * What they only ask (dumps, the index of a name) is left out.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  static ssize_t (*real)(int, const struct msghdr *, int);
  static FILE *out;
  if (!real) real = dlsym(RTLD_NEXT, "sendmsg");
  if (!out) out = fopen(getenv("CAPTURE"), "wb");
  for (size_t at = 0; at < message->msg_iovlen; at++) {
    const struct nlmsghdr *header = message->msg_iov[at].iov_base;
    if (message->msg_iov[at].iov_len < sizeof *header || header->nlmsg_type == RTM_GETLINK) continue;
    fwrite(header, 1, header->nlmsg_len, out);
    fwrite("\0\0\0", 1, NLMSG_ALIGN(header->nlmsg_len) - header->nlmsg_len, out);
    fflush(out);
  }
  return real(fd, message, flags);
}
