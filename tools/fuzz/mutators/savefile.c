// Mutations that keep a savefile a savefile: records and blocks are changed, added, removed, moved, and their lengths
// put right, so that most inputs get past the header and to the layers behind. One in sixteen is mutated blindly.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t capacity);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *two, size_t two_size,
                                 uint8_t *out, size_t capacity, unsigned int seed);

enum { MOST_UNITS = 1024, LARGEST_PACKET = 2048 };

// A record of a pcap file or a block of a pcapng file: where it starts, how long it is, where its packet lies.
struct unit {
    size_t start, size, packet, packet_size;
};

struct savefile {
    bool is_pcapng, is_swapped;
    size_t count;
    struct unit units[MOST_UNITS];
};

static uint64_t state;

static uint32_t draw(uint32_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    uint32_t value = (uint32_t)(state >> 33);
    return below ? value % below : 0;
}

static uint32_t get32(const uint8_t *at, bool is_big) {
    return is_big ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]
                  : (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static void put32(uint8_t *at, uint32_t value, bool is_big) {
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (is_big ? 24 - 8 * i : 8 * i));
}

static uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static bool is_pcap(uint32_t magic) {
    return magic == 0xa1b2c3d4 || magic == 0xa1b23c4d || magic == 0xa1b2cd34;
}

// False where the bytes are neither format. What follows the last whole unit stays as it is.
static bool parse(const uint8_t *data, size_t size, struct savefile *file) {
    memset(file, 0, offsetof(struct savefile, units));
    if (size < 24) return false;
    size_t at = 0;
    if (is_pcap(get32(data, false)) || is_pcap(get32(data, true))) {
        file->is_swapped = is_pcap(get32(data, true));
        at = 24;
    } else if (get32(data, false) == 0x0a0d0d0a) {
        file->is_pcapng = true;
        file->is_swapped = get32(data + 8, true) == 0x1a2b3c4d;
    } else {
        return false;
    }
    while (file->count < MOST_UNITS) {
        struct unit unit = {.start = at};
        if (file->is_pcapng) {
            if (size - at < 12) break;
            unit.size = get32(data + at + 4, file->is_swapped);
            if (unit.size < 12 || unit.size % 4 != 0 || unit.size > size - at) break;
            if (get32(data + at, file->is_swapped) == 6 && unit.size >= 32) {
                unit.packet = at + 28;
                unit.packet_size = get32(data + at + 20, file->is_swapped);
                if (unit.packet_size > unit.size - 32) unit.packet_size = unit.size - 32;
            }
        } else {
            if (size - at < 16) break;
            unit.packet = at + 16;
            unit.packet_size = get32(data + at + 8, file->is_swapped);
            if (unit.packet_size > size - at - 16) break;
            unit.size = 16 + unit.packet_size;
        }
        file->units[file->count++] = unit;
        at += unit.size;
        if (at >= size) break;
    }
    return true;
}

// Replaces `old` bytes at `at` by `new`; the file's size after it, or as it was where there is no room.
static size_t splice(uint8_t *data, size_t size, size_t capacity, size_t at, size_t old, const uint8_t *bytes,
                     size_t new) {
    if (size - old + new > capacity) return size;
    memmove(data + at + new, data + at + old, size - at - old);
    if (new > 0) memcpy(data + at, bytes, new);
    return size - old + new;
}

// Gives a unit another packet and puts its lengths right.
static size_t replace_packet(uint8_t *data, size_t size, size_t capacity, const struct savefile *file,
                             struct unit unit, const uint8_t *packet, size_t length) {
    bool swapped = file->is_swapped;
    uint8_t built[LARGEST_PACKET + 64] = {0};
    size_t header = unit.packet - unit.start;
    memcpy(built, data + unit.start, header);
    memcpy(built + header, packet, length);
    size_t total = header + length;
    uint8_t *captured = built + (file->is_pcapng ? 20 : 8);
    uint32_t wire = get32(captured + 4, swapped);
    put32(captured, (uint32_t)length, swapped);
    if (wire < length || draw(4) == 0) put32(captured + 4, (uint32_t)length + (draw(8) ? 0 : draw(3000)), swapped);
    if (file->is_pcapng) {
        total = (total + 3) / 4 * 4 + 4;
        put32(built + 4, (uint32_t)total, swapped);
        put32(built + total - 4, (uint32_t)total, swapped);
    }
    return splice(data, size, capacity, unit.start, unit.size, built, total);
}

// Where the IP header of an Ethernet, cooked or raw packet is likely to start; `length` where there is none.
static size_t find_ip(const uint8_t *packet, size_t length) {
    static const size_t places[] = {14, 0, 16, 18, 20, 4};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        size_t at = places[i];
        if (at + 40 <= length && (packet[at] == 0x45 || packet[at] >> 4 == 6)) return at;
    }
    return length;
}

// Changes a field that matters to a connection, where the packet is TCP; else any byte.
static void change_fields(uint8_t *packet, size_t length) {
    size_t ip = find_ip(packet, length);
    if (ip == length) {
        if (length > 0) packet[draw((uint32_t)length)] ^= (uint8_t)(1u << draw(8));
        return;
    }
    bool is_v6 = packet[ip] >> 4 == 6;
    size_t tcp = ip + (is_v6 ? 40 : 20);
    bool is_tcp = tcp + 20 <= length && packet[is_v6 ? ip + 6 : ip + 9] == 6;
    uint32_t step = draw(2) ? draw(4) - 2 : draw(4000) - 2000;
    uint8_t swap[16];
    size_t width = is_v6 ? 16 : 4, from = ip + (is_v6 ? 8 : 12);
    switch (is_tcp ? draw(10) : draw(4)) {
    case 0: packet[is_v6 ? ip + 7 : ip + 8] = (uint8_t)draw(256); break;
    case 1:
        if (!is_v6) put16(packet + ip + 4, draw(65536));
        break;
    case 2: packet[is_v6 ? ip + 6 : ip + 9] = (uint8_t[]){1, 4, 6, 17, 41, 44, 47, 58}[draw(8)]; break;
    case 3:
        memcpy(swap, packet + from, width);
        memcpy(packet + from, packet + from + width, width);
        memcpy(packet + from + width, swap, width);
        if (!is_tcp) break;
        memcpy(swap, packet + tcp, 2);
        memcpy(packet + tcp, packet + tcp + 2, 2);
        memcpy(packet + tcp + 2, swap, 2);
        break;
    case 4: put32(packet + tcp + 4, get32(packet + tcp + 4, true) + step, true); break;
    case 5: put32(packet + tcp + 8, get32(packet + tcp + 8, true) + step, true); break;
    case 6: packet[tcp + 13] ^= (uint8_t)(1u << draw(6)); break;
    case 7: packet[tcp + 13] = (uint8_t[]){2, 18, 16, 24, 17, 4, 20, 25}[draw(8)]; break;
    case 8: put16(packet + tcp + 14, draw(3) ? draw(65536) : 0); break;
    default: put16(packet + tcp + draw(2) * 2, get16(packet + tcp) + draw(3)); break;
    }
}

static void shift_time(uint8_t *data, const struct savefile *file, size_t first) {
    static const int32_t seconds[] = {1, 1, 2, 5, 30, 61, 300, 8000, -1, -1, -60, 2147483647};
    uint32_t step = (uint32_t)seconds[draw(12)];
    for (size_t i = first; i < file->count; i++) {
        uint8_t *at = data + file->units[i].start;
        if (file->is_pcapng && get32(at, file->is_swapped) != 6) continue;
        // A pcapng time counts microseconds in two words unless an option says otherwise.
        uint8_t *word = file->is_pcapng ? at + 16 : at;
        put32(word, get32(word, file->is_swapped) + (file->is_pcapng ? step * 1000000u : step), file->is_swapped);
        if (draw(4) == 0) break;
    }
}

// A block of a pcapng file that has no packet: its body changed, its lengths right.
static size_t change_block(uint8_t *data, size_t size, size_t capacity, const struct savefile *file,
                           struct unit unit) {
    static const uint32_t types[] = {1, 2, 3, 4, 5, 6, 10, 0x0a0d0d0a, 0xbad, 0x80000001};
    uint8_t built[LARGEST_PACKET + 64] = {0};
    size_t body = unit.size - 12;
    if (body > LARGEST_PACKET / 2) return size;
    memcpy(built, data + unit.start, unit.size - 4);
    if (draw(16) == 0) put32(built, types[draw(10)], file->is_swapped);
    body = LLVMFuzzerMutate(built + 8, body, LARGEST_PACKET / 2) / 4 * 4;
    put32(built + 4, (uint32_t)body + 12, file->is_swapped);
    put32(built + 8 + body, (uint32_t)body + 12, file->is_swapped);
    return splice(data, size, capacity, unit.start, unit.size, built, body + 12);
}

static size_t mutate(uint8_t *data, size_t size, size_t capacity, const struct savefile *file) {
    static const uint32_t link_types[] = {1, 113, 276, 101, 0, 108, 228, 229, 9, 12, 14, 50, 51, 147};
    uint8_t scratch[LARGEST_PACKET * 2];
    uint32_t index = draw((uint32_t)file->count);
    struct unit unit = file->units[index];
    struct unit other = file->units[draw((uint32_t)file->count)];
    if (unit.packet == 0 && draw(2)) return change_block(data, size, capacity, file, unit);
    bool has_packet = unit.packet_size > 0 && unit.packet_size <= LARGEST_PACKET / 2;
    switch (draw(12)) {
    case 0:
        if (!file->is_pcapng) put32(data + 20, link_types[draw(14)], file->is_swapped);
        return size;
    case 1:
    case 2:
        if (!has_packet) return size;
        memcpy(scratch, data + unit.packet, unit.packet_size);
        size_t length = LLVMFuzzerMutate(scratch, unit.packet_size, LARGEST_PACKET / 2);
        return replace_packet(data, size, capacity, file, unit, scratch, length);
    case 3: // a copy of a record, elsewhere
        if (unit.size > sizeof scratch) return size;
        memcpy(scratch, data + unit.start, unit.size);
        return splice(data, size, capacity, other.start + other.size, 0, scratch, unit.size);
    case 4: // gone
        if (file->count < 2 || (file->is_pcapng && index == 0)) return size;
        return splice(data, size, capacity, unit.start, unit.size, NULL, 0);
    case 5: // moved
        if (unit.size > sizeof scratch || other.start >= unit.start || other.start == 0) return size;
        memcpy(scratch, data + unit.start, unit.size);
        memmove(data + other.start + unit.size, data + other.start, unit.start - other.start);
        memcpy(data + other.start, scratch, unit.size);
        return size;
    case 6: shift_time(data, file, index); return size;
    case 7: // cut by a snap length
        if (!has_packet) return size;
        memcpy(scratch, data + unit.packet, unit.packet_size);
        return replace_packet(data, size, capacity, file, unit, scratch, draw((uint32_t)unit.packet_size));
    case 8: // the file ends here
        return draw(8) ? size : unit.start + draw((uint32_t)unit.size);
    default:
        if (has_packet) change_fields(data + unit.packet, unit.packet_size);
        return size;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t capacity, unsigned int seed) {
    static struct savefile file;
    state = seed;
    draw(2);
    if (draw(16) == 0 || !parse(data, size, &file) || file.count == 0) return LLVMFuzzerMutate(data, size, capacity);
    for (uint32_t left = 1 + draw(4); left > 0; left--) {
        size = mutate(data, size, capacity, &file);
        if (!parse(data, size, &file) || file.count == 0) break;
    }
    return size;
}

// The records of one file among those of another of its kind.
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *two, size_t two_size,
                                 uint8_t *out, size_t capacity, unsigned int seed) {
    static struct savefile first, second;
    state = seed;
    draw(2);
    if (one_size > capacity) one_size = capacity;
    memcpy(out, one, one_size);
    if (!parse(one, one_size, &first) || !parse(two, two_size, &second)) return one_size;
    if (first.is_pcapng != second.is_pcapng || first.is_swapped != second.is_swapped) return one_size;
    size_t size = one_size, at = first.is_pcapng ? 0 : 24, next = 0;
    for (size_t i = 0; i < second.count; i++) {
        struct unit unit = second.units[i];
        if (second.is_pcapng && i == 0) continue;
        if (draw(3) == 0) continue;
        while (next < first.count && (draw(2) || (first.is_pcapng && next == 0))) at += first.units[next++].size;
        size_t before = size;
        size = splice(out, size, capacity, at, 0, two + unit.start, unit.size);
        if (size > before) at += unit.size;
    }
    return size;
}
