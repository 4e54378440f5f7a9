// send.c: sends the frames of a capture (classic pcap, Ethernet, little endian) on an interface at a given rate.
//   cc -O2 -o send send.c
//   ./send <file> <interface> <packets a second, 0 for as fast as it goes> <seconds>
// Prints "<sent> <nanoseconds>". The capture is repeated as often as it takes; frames longer than the MTU allows are left out.
// sendmmsg(2) on a packet socket past the queueing discipline: the same as tcpreplay does, in batches.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, LARGEST = 1514 };

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int count, char **words) {
    if (count != 5) return 64;
    double rate = atof(words[3]);
    int64_t length = (int64_t)(atof(words[4]) * 1e9);
    int file = open(words[1], O_RDONLY);
    struct stat status;
    if (file < 0 || fstat(file, &status) != 0) return perror(words[1]), 66;
    uint8_t *bytes = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (bytes == MAP_FAILED) return perror(words[1]), 66;
    int out = socket(AF_PACKET, SOCK_RAW, 0), on = 1, buffer = 4 << 20;
    struct sockaddr_ll where = {.sll_family = AF_PACKET, .sll_protocol = 0, .sll_ifindex = (int)if_nametoindex(words[2])};
    if (out < 0 || bind(out, (struct sockaddr *)&where, sizeof where) != 0) return perror(words[2]), 77;
    setsockopt(out, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
    setsockopt(out, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    struct mmsghdr batch[BATCH];
    struct iovec parts[BATCH];
    memset(batch, 0, sizeof batch);
    for (int i = 0; i < BATCH; i++) batch[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    int64_t start = now(), sent = 0, offset = 24;
    while (now() - start < length) {
        int filled = 0;
        while (filled < BATCH) {
            uint32_t captured;
            if (offset + 16 > status.st_size) offset = 24;
            memcpy(&captured, bytes + offset + 8, 4);
            if (offset + 16 + captured > status.st_size) {
                offset = 24;
                continue;
            }
            if (captured <= LARGEST) parts[filled++] = (struct iovec){bytes + offset + 16, captured};
            offset += 16 + captured;
        }
        for (int done = 0; done < filled;) {
            int some = sendmmsg(out, batch + done, filled - done, 0);
            if (some > 0) done += some;
            else if (errno != ENOBUFS && errno != EINTR && errno != EAGAIN) return perror("sendmmsg"), 74;
        }
        sent += filled;
        if (rate > 0) {
            int64_t due = start + (int64_t)(sent / rate * 1e9), wait = due - now();
            if (wait > 50000) {
                struct timespec t = {wait / 1000000000, wait % 1000000000};
                nanosleep(&t, NULL);
            } else {
                while (now() < due) {}
            }
        }
    }
    printf("%lld %lld\n", (long long)sent, (long long)(now() - start));
    return 0;
}
