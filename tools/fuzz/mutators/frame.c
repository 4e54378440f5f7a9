// Mutations for the target `frame`: any change, and then for half of the packets a link, network and transport header that fits
// its surroundings, so that inputs get past one layer to the next.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned int seed);

static uint64_t state;

static uint32_t draw(uint32_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

static void put16(uint8_t *at, size_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static bool is_known(uint8_t protocol) {
    static const uint8_t known[] = {0, 1, 4, 6, 17, 41, 43, 44, 47, 51, 58, 60};
    return memchr(known, protocol, sizeof known) != NULL;
}

// The bytes of a link header by the target's index of link types, and where in it the type of what follows stands.
static const struct {
    uint8_t length, type;
} links[16] = {{14, 12}, {16, 14}, {20, 0}, {0, 255}, {4, 255}, {4, 255}, {0, 255}, {0, 255}, {4, 2},
               {0, 255}, {0, 255}, {4, 2},  {8, 6},   {14, 12}, {14, 12}, {0, 255}};

static void mend_transport(uint8_t *at, size_t size, uint8_t protocol) {
    static const uint16_t ports[] = {53, 80, 4789, 6081, 2152, 8472, 8080};
    if (protocol == 6 && size >= 20) {
        size_t words = at[12] >> 4;
        if (words < 5 || words * 4 > size) at[12] = (uint8_t)((5 + draw((uint32_t)(size < 60 ? size / 4 - 4 : 11))) << 4);
    } else if (protocol == 17 && size >= 8) {
        put16(at + 4, size);
        if (draw(2)) put16(at + 2, ports[draw(7)]);
    }
}

static void mend_network(uint8_t *at, size_t size) {
    static const uint8_t protocols[] = {6, 6, 6, 17, 1, 47, 4, 41};
    if (size < 20) return;
    bool is_v6 = size >= 40 && at[0] >> 4 == 6;
    if (is_v6) {
        put16(at + 4, size - 40);
        if (!is_known(at[6])) at[6] = protocols[draw(8)];
        mend_transport(at + 40, size - 40, at[6]);
        return;
    }
    size_t words = at[0] & 15;
    if (at[0] >> 4 != 4 || words < 5 || words * 4 > size) at[0] = 0x45;
    size_t header = (size_t)(at[0] & 15) * 4;
    put16(at + 2, size);
    if (draw(4)) put16(at + 6, 0x4000);
    if (!is_known(at[9])) at[9] = protocols[draw(8)];
    mend_transport(at + header, size - header, at[9]);
}

static void mend(uint8_t *packet, size_t size, unsigned link) {
    size_t header = links[link].length;
    if (size < header + 20) return;
    bool is_v6 = packet[header] >> 4 == 6;
    if (links[link].type != 255) {
        uint8_t *type = packet + links[link].type;
        // PPP numbers protocols in its own way; VLAN tags and the like stay.
        bool is_ppp = header == 4 || header == 8;
        if (is_ppp) put16(type, is_v6 ? 0x57 : 0x21);
        else if (type[0] != 0x81 && type[0] != 0x88) put16(type, is_v6 ? 0x86dd : 0x0800);
        if (header == 4) put16(packet, 0xff03);
    } else if (header == 4) {
        memset(packet, 0, 4);
        packet[link == 4 ? 0 : 3] = is_v6 ? 30 : 2;
    }
    mend_network(packet + header, size - header);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned int seed) {
    state = seed;
    draw(2);
    size = LLVMFuzzerMutate(data, size, capacity);
    if (size < 5 || draw(4) == 0) return size;
    for (size_t at = 2; at + 3 < size;) {
        size_t length = (size_t)(data[at] << 8 | data[at + 1]) & 0x7ff;
        if (length > size - at - 3) {
            length = size - at - 3;
            put16(data + at, length);
        }
        if (draw(2)) mend(data + at + 3, length, data[0] & 15);
        at += 3 + length;
    }
    return size;
}
