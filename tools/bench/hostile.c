// hostile.c: captures that try to make a reader slow or large.
//   cc -O2 -o hostile hostile.c
//   ./hostile KIND COUNT FILE        deterministic; `./hostile` alone lists the kinds
// Topology as in generate.c: clients 10.64.0.0/10 -> gateway 10.0.1.10:80 -> upstreams 10.0.2.0/24:8080.
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16, UDP = 17, ICMP = 1, TCP = 6 };

struct end {
    uint32_t address;
    uint16_t port;
};

// A connection's next sequence numbers; side 0 opened it.
struct connection {
    struct end ends[2];
    uint32_t next[2];
};

static FILE *out;
static uint64_t now_us = 1760000000000000ULL, seed = 42;
static uint64_t step_us = 10;
static uint16_t identification;
static const uint32_t GATEWAY = 0x0a00010a, UPSTREAM = 0x0a000201;

static uint64_t random64(void) {
    uint64_t z = seed += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value);
}

static void put(const void *bytes, size_t size) {
    if (fwrite(bytes, 1, size, out) != size) {
        perror("hostile");
        exit(74);
    }
}

static void header(void) {
    uint32_t words[6] = {0xa1b2c3d4, 0x00040002, 0, 0, 262144, 1};
    put(words, sizeof words);
}

// An Ethernet and IPv4 packet around `size` bytes of `content`, of which the wire had `missing` more.
static void packet(int protocol, uint32_t from, uint32_t to, uint32_t fragment, const uint8_t *content, size_t size,
                   size_t missing) {
    static uint8_t frame[70000] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45};
    uint8_t *ip = frame + 14;
    put16(ip + 2, (uint32_t)(20 + size + missing));
    put16(ip + 4, identification++);
    put16(ip + 6, fragment);
    ip[8] = 64;
    ip[9] = (uint8_t)protocol;
    put32(ip + 12, from);
    put32(ip + 16, to);
    memcpy(ip + 20, content, size);
    uint32_t length = (uint32_t)(34 + size);
    uint32_t record[4] = {(uint32_t)(now_us / 1000000), (uint32_t)(now_us % 1000000), length,
                          (uint32_t)(length + missing)};
    put(record, sizeof record);
    put(frame, length);
    now_us += step_us;
}

static void segment(const struct connection *connection, int side, int flags, uint32_t sequence, uint32_t acknowledged,
                    const void *payload, size_t size, size_t missing) {
    static uint8_t tcp[66000];
    put16(tcp, connection->ends[side].port);
    put16(tcp + 2, connection->ends[!side].port);
    put32(tcp + 4, sequence);
    put32(tcp + 8, flags & ACK ? acknowledged : 0);
    tcp[12] = 0x50;
    tcp[13] = (uint8_t)flags;
    put16(tcp + 14, 0xffff);
    if (size > 0) memcpy(tcp + 20, payload, size);
    packet(TCP, connection->ends[side].address, connection->ends[!side].address, 0x4000, tcp, 20 + size, missing);
}

static void send_bytes(struct connection *connection, int side, const void *payload, size_t size, size_t missing) {
    segment(connection, side, ACK, connection->next[side], connection->next[!side], payload, size, missing);
    connection->next[side] += (uint32_t)(size + missing);
}

static void send_text(struct connection *connection, int side, const char *text) {
    send_bytes(connection, side, text, strlen(text), 0);
}

static void acknowledge(struct connection *connection, int side) { send_bytes(connection, side, NULL, 0, 0); }

static struct connection open_between(struct end from, struct end to) {
    struct connection connection = {{from, to}, {(uint32_t)random64(), (uint32_t)random64()}};
    segment(&connection, 0, SYN, connection.next[0]++, 0, NULL, 0, 0);
    segment(&connection, 1, SYN | ACK, connection.next[1]++, connection.next[0], NULL, 0, 0);
    acknowledge(&connection, 0);
    return connection;
}

static struct end client(uint64_t number) {
    return (struct end){0x0a400000 | (uint32_t)(number / 50000 & 0x3fffff), (uint16_t)(1025 + number % 50000)};
}

static struct connection open_client(uint64_t number) { return open_between(client(number), (struct end){GATEWAY, 80}); }

static const char REQUEST[] = "GET /cart HTTP/1.1\r\nHost: shop.example\r\n\r\n";

static void syn_flood(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = random64();
        struct connection half = {{{(uint32_t)value, (uint16_t)(value >> 32)}, {GATEWAY, 80}}, {0, 0}};
        segment(&half, 0, SYN, (uint32_t)(value >> 16), 0, NULL, 0, 0);
    }
}

static void never_closed(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        struct connection connection = open_client(i);
        send_text(&connection, 0, REQUEST);
    }
}

static void one_direction(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        struct connection connection = {{client(i), {GATEWAY, 80}}, {(uint32_t)random64(), (uint32_t)random64()}};
        segment(&connection, 0, SYN, connection.next[0]++, 0, NULL, 0, 0);
        send_text(&connection, 0, REQUEST);
        connection.next[1] += 1000;
        acknowledge(&connection, 0);
        segment(&connection, 0, FIN | ACK, connection.next[0], connection.next[1], NULL, 0, 0);
    }
}

// Every segment has a hole before it, on 64 connections by turns.
static void out_of_order(uint64_t count) {
    static struct connection connections[64];
    static uint8_t body[1400];
    memset(body, 'x', sizeof body);
    for (int i = 0; i < 64; i++) {
        connections[i] = open_client((uint64_t)i);
        send_text(&connections[i], 0, REQUEST);
        send_text(&connections[i], 1, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
    }
    for (uint64_t i = 0; i < count; i++) {
        connections[i & 63].next[1] += 1 + (uint32_t)(random64() % 100);
        send_bytes(&connections[i & 63], 1, body, sizeof body, 0);
    }
}

// The same, one byte each, backwards: what waits is a list that grows at its front.
static void backwards(uint64_t count) {
    struct connection connection = open_client(0);
    uint32_t start = connection.next[0];
    for (uint64_t i = 0; i < count; i++) {
        uint32_t distance = (uint32_t)(2 * (count - i)) % 60000000;
        segment(&connection, 0, ACK, start + distance, connection.next[1], "x", 1, 0);
    }
}

// Segments of 65,000 bytes, cut by the snap length: the sequence numbers wrap many times.
static void wrap(uint64_t count) {
    struct connection connection = open_client(0);
    send_text(&connection, 0, REQUEST);
    send_text(&connection, 1, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000\r\n\r\n");
    for (uint64_t i = 0; i < count; i++) {
        send_bytes(&connection, 1, "sixteen bytes ..", 16, 64984);
        if (i % 2) acknowledge(&connection, 0);
    }
}

static void pipelined(uint64_t count) {
    struct connection connection = open_client(0);
    for (uint64_t i = 0; i < count; i++) send_text(&connection, 0, REQUEST);
    for (uint64_t i = 0; i < count; i++) send_text(&connection, 1, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

static void keep_alive(uint64_t count) {
    struct connection connection = open_client(0);
    for (uint64_t i = 0; i < count; i++) {
        send_text(&connection, 0, REQUEST);
        send_text(&connection, 1, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
}

static void without_end(uint64_t count, const char *piece) {
    static char text[1400];
    size_t length = strlen(piece);
    for (size_t i = 0; i < sizeof text; i++) text[i] = piece[i % length];
    struct connection connection = open_client(0);
    send_text(&connection, 0, "GET / HTTP/1.1\r\nHost: a\r\nX-A: ");
    for (uint64_t i = 0; i < count; i++) send_bytes(&connection, 0, text, sizeof text - sizeof text % length, 0);
    struct connection upstream = open_between((struct end){GATEWAY, 40000}, (struct end){UPSTREAM, 8080});
    send_text(&upstream, 0, REQUEST);
    send_text(&upstream, 1, "HTTP/1.1 200 OK\r\nX-A: ");
    for (uint64_t i = 0; i < count; i++) send_bytes(&upstream, 1, text, sizeof text - sizeof text % length, 0);
}

static void endless_line(uint64_t count) { without_end(count, "abcdefghijklmno"); }

static void endless_fields(uint64_t count) { without_end(count, "x\r\nA: b"); }

static void endless_interim(uint64_t count) {
    struct connection connection = open_between((struct end){GATEWAY, 40000}, (struct end){UPSTREAM, 8080});
    send_text(&connection, 0, REQUEST);
    for (uint64_t i = 0; i < count; i++) send_text(&connection, 1, "HTTP/1.1 102 Processing\r\n\r\n");
}

static void tiny_chunks(uint64_t count) {
    struct connection connection = open_client(0);
    send_text(&connection, 0, REQUEST);
    send_text(&connection, 1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (uint64_t i = 0; i < count; i++) send_text(&connection, 1, "1;extension=value\r\nx\r\n");
}

static void endless_chunk_line(uint64_t count) {
    static char text[1400];
    memset(text, '0', sizeof text);
    struct connection connection = open_client(0);
    send_text(&connection, 0, REQUEST);
    send_text(&connection, 1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;");
    for (uint64_t i = 0; i < count; i++) send_bytes(&connection, 1, text, sizeof text, 0);
}

// The upstream leg of one response: a hole at its start that nobody fills, acknowledged all the same.
static void lasting_hole(uint64_t count) {
    static char text[1400];
    memset(text, 'x', sizeof text);
    struct connection connection = open_between((struct end){GATEWAY, 40000}, (struct end){UPSTREAM, 8080});
    send_text(&connection, 0, REQUEST);
    send_text(&connection, 1, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
    connection.next[1] += 1;
    for (uint64_t i = 0; i < count; i++) send_bytes(&connection, 1, text, sizeof text, 0);
}

// ARP requests for addresses that nobody has.
static void neighbours(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        uint8_t frame[42] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
        put32(frame + 28, GATEWAY);
        put32(frame + 38, (uint32_t)random64());
        uint32_t record[4] = {(uint32_t)(now_us / 1000000), (uint32_t)(now_us % 1000000), sizeof frame, sizeof frame};
        put(record, sizeof record);
        put(frame, sizeof frame);
        now_us += step_us;
    }
}

static void interfaces(uint64_t count) {
    static const uint32_t section[7] = {0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28};
    static const uint32_t interface[5] = {1, 20, 1, 262144, 20};
    put(section, sizeof section);
    for (uint64_t i = 0; i < count; i++) put(interface, sizeof interface);
    for (uint64_t i = 0; i < count; i++) {
        uint32_t block[23] = {6, 92, (uint32_t)i, (uint32_t)(now_us >> 32), (uint32_t)now_us, 60, 60};
        memset(block + 7, 0, 60);
        block[22] = 92;
        put(block, sizeof block);
        now_us += step_us;
    }
}

static void datagram(uint32_t from, uint16_t from_port, uint32_t to, uint16_t to_port, const uint8_t *data,
                     size_t size) {
    static uint8_t udp[2000];
    put16(udp, from_port);
    put16(udp + 2, to_port);
    put16(udp + 4, (uint32_t)size + 8);
    memcpy(udp + 8, data, size);
    packet(UDP, from, to, 0, udp, size + 8, 0);
}

// Half of them answered, with another name each.
static void names(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        uint8_t query[64] = {0};
        put16(query, (uint32_t)i);
        query[2] = 1;
        query[5] = 1;
        query[12] = 16;
        snprintf((char *)query + 13, 17, "%016llx", (unsigned long long)random64());
        memcpy(query + 29, "\7example\0\0\1\0\1", 13);
        uint16_t port = (uint16_t)(20000 + i % 40000);
        datagram(GATEWAY, port, 0x0a000035, 53, query, 42);
        if (i % 2) continue;
        query[2] = 0x81;
        query[3] = 0x83;
        datagram(0x0a000035, 53, GATEWAY, port, query, 42);
    }
}

static void icmp_errors(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        uint8_t error[36] = {3, (uint8_t)(random64() % 14), 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 60, 0, 0, 0x40, 0, 63, TCP};
        put32(error + 20, GATEWAY);
        put32(error + 24, (uint32_t)random64());
        put16(error + 28, (uint32_t)random64());
        put16(error + 30, 8080);
        put32(error + 32, (uint32_t)random64());
        packet(ICMP, 0x0a0002fe, GATEWAY, 0, error, sizeof error, 0);
    }
}

// First fragments whose rest never comes, of as many datagrams.
static void fragments(uint64_t count) {
    uint8_t content[64] = {0x1f, 0x90, 0, 80};
    for (uint64_t i = 0; i < count; i++)
        packet(TCP, (uint32_t)random64(), GATEWAY, 0x2000 | (uint32_t)(i % 4 * 2), content, sizeof content, 0);
}

// Refused by as many upstreams as there are attempts.
static void refusing_upstreams(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = random64();
        struct end upstream = {0x0b000000 | (uint32_t)(value & 0xffffff), (uint16_t)(value >> 48)};
        struct connection attempt = {{{GATEWAY, (uint16_t)(10240 + i % 50000)}, upstream}, {(uint32_t)i, 0}};
        segment(&attempt, 0, SYN, attempt.next[0]++, 0, NULL, 0, 0);
        segment(&attempt, 1, RST | ACK, 0, attempt.next[0], NULL, 0, 0);
    }
}

static void answering_upstreams(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = random64();
        struct end upstream = {0x0b000000 | (uint32_t)(value & 0xffffff), (uint16_t)(value >> 48)};
        struct connection connection = open_between((struct end){GATEWAY, (uint16_t)(10240 + i % 50000)}, upstream);
        send_text(&connection, 0, REQUEST);
        send_text(&connection, 1, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        segment(&connection, 1, FIN | ACK, connection.next[1]++, connection.next[0], NULL, 0, 0);
        segment(&connection, 0, FIN | ACK, connection.next[0], connection.next[1], NULL, 0, 0);
    }
}

static void retransmissions(uint64_t count) {
    struct connection connection = open_client(0);
    for (uint64_t i = 0; i < count; i++)
        segment(&connection, 0, ACK, connection.next[0], connection.next[1], REQUEST, sizeof REQUEST - 1, 0);
}

static void duplicate_acknowledgments(uint64_t count) {
    struct connection connection = open_client(0);
    send_text(&connection, 0, REQUEST);
    for (uint64_t i = 0; i < count; i++) acknowledge(&connection, 1);
}

// The gateway answers every request with an error that an upstream made; both legs, each with its own target.
static void failures(uint64_t count) {
    struct connection from = {0}, to = {0};
    for (uint64_t i = 0; i < count; i++) {
        if (i % 1000 == 0) {
            from = open_client(i / 1000);
            to = open_between((struct end){GATEWAY, (uint16_t)(10240 + i / 1000 % 50000)}, (struct end){UPSTREAM, 8080});
        }
        char request[128];
        snprintf(request, sizeof request, "GET /orders/%llu HTTP/1.1\r\nHost: shop.example\r\n\r\n", (unsigned long long)i);
        const char *answer = "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n\r\nsad\n";
        send_text(&from, 0, request);
        send_text(&to, 0, request);
        send_text(&to, 1, answer);
        send_text(&from, 1, answer);
    }
}

// One pair of endpoints, used again and again.
static void reused_ports(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        struct connection connection = open_client(0);
        send_text(&connection, 0, REQUEST);
        segment(&connection, 1, RST | ACK, connection.next[1], connection.next[0], NULL, 0, 0);
    }
}

// The clock steps by years, both ways, on open connections.
static void clock_steps(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        now_us = 1000000 * (random64() % 4000000000ULL);
        struct connection connection = open_client(i);
        send_text(&connection, 0, REQUEST);
        now_us = 1000000 * (random64() % 4000000000ULL);
        send_text(&connection, 1, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    }
}

static const struct {
    const char *name;
    void (*write)(uint64_t count);
    const char *what;
} kinds[] = {
    {"syn-flood", syn_flood, "SYNs from random addresses"},
    {"never-closed", never_closed, "connections with one request that nobody answers or closes"},
    {"one-direction", one_direction, "connections of which one side is seen"},
    {"out-of-order", out_of_order, "segments, each behind a hole"},
    {"backwards", backwards, "single bytes with a hole between each two, the last first"},
    {"wrap", wrap, "segments of 65,000 bytes on one connection"},
    {"pipelined", pipelined, "requests on one connection, then their answers"},
    {"keep-alive", keep_alive, "requests and answers by turns on one connection"},
    {"endless-line", endless_line, "segments of a field line that does not end, in request and response"},
    {"endless-fields", endless_fields, "segments of a head that does not end, in request and response"},
    {"endless-interim", endless_interim, "interim responses to one request"},
    {"tiny-chunks", tiny_chunks, "chunks of one byte"},
    {"endless-chunk-line", endless_chunk_line, "segments of a chunk's size line that does not end"},
    {"lasting-hole", lasting_hole, "segments behind one hole"},
    {"neighbours", neighbours, "ARP requests that nobody answers"},
    {"interfaces", interfaces, "pcapng interfaces, and a packet on each"},
    {"names", names, "DNS queries for as many names, half of them answered"},
    {"icmp-errors", icmp_errors, "ICMP errors that quote random connections"},
    {"fragments", fragments, "fragments that never complete"},
    {"refusing-upstreams", refusing_upstreams, "attempts refused by as many upstreams"},
    {"answering-upstreams", answering_upstreams, "exchanges with as many upstreams"},
    {"retransmissions", retransmissions, "copies of one segment"},
    {"duplicate-acks", duplicate_acknowledgments, "acknowledgments of the same byte"},
    {"failures", failures, "requests answered by 502, on both legs"},
    {"reused-ports", reused_ports, "connections between the same two endpoints"},
    {"clock-steps", clock_steps, "connections while the clock steps by years"},
};

int main(int argc, char **argv) {
    size_t number = sizeof kinds / sizeof *kinds, i = 0;
    while (argc == 4 && i < number && strcmp(argv[1], kinds[i].name) != 0) i++;
    if (argc != 4 || i == number) {
        fprintf(stderr, "usage: hostile KIND COUNT FILE; COUNT is of what the kind says:\n");
        for (i = 0; i < number; i++) fprintf(stderr, "  %-20s %s\n", kinds[i].name, kinds[i].what);
        return 64;
    }
    out = fopen(argv[3], "wb");
    if (out == NULL) {
        perror(argv[3]);
        return 66;
    }
    static char buffer[1 << 20];
    setvbuf(out, buffer, _IOFBF, sizeof buffer);
    if (strcmp(argv[1], "interfaces") != 0) header();
    kinds[i].write(strtoull(argv[2], NULL, 0));
    if (fclose(out) != 0) {
        perror(argv[3]);
        return 74;
    }
    return 0;
}
