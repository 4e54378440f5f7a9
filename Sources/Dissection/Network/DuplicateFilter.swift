import Model

/// A hash over what stays the same when one packet is captured at several points: addresses, identification,
/// transport header and payload, but neither TTL, DSCP, nor any checksum (offload fills those in late).
struct PacketDigest {
    private(set) var value: UInt64 = 0x243f_6a88_85a3_08d3

    /// Payloads up to this many bytes are hashed whole, longer ones by their ends and words spread between.
    private static let wholeLimit = 512

    @inline(__always)
    init() {}

    @inline(__always)
    init(_ header: InternetHeader) {
        add(header.source.low)
        add(header.destination.low)
        if header.source.isIPv6 {
            add(header.source.high)
            add(header.destination.high)
        }
        add(UInt64(header.identification ?? 0) << 8 | UInt64(header.transport))
    }

    @inline(__always)
    mutating func add(_ word: UInt64) {
        let product = (value ^ word).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        value = (product.high ^ product.low) &+ 0x2545_f491_4f6c_dd1d
    }

    /// `range` lies inside `bytes`.
    mutating func add(_ bytes: RawSpan, _ range: Range<Int>) {
        add(UInt64(truncatingIfNeeded: range.count))
        var offset = range.lowerBound
        let stride = range.count <= Self.wholeLimit ? 8 : range.count / 32
        while range.upperBound &- offset >= 8 {
            add(bytes.uint64(offset))
            offset = offset &+ stride
        }
        if range.count >= 8 {
            add(bytes.uint64(range.upperBound &- 8))
        } else {
            for position in offset..<max(offset, range.upperBound) { add(UInt64(bytes.byte(position))) }
        }
    }
}

/// Tells a packet captured twice from a packet sent twice.
///
/// A mirror of both directions of a port, a bridge or a bond under the `any` device, a routing host with both of its
/// interfaces captured: each shows one packet several times. A genuine retransmission must never be taken for that.
/// Two packets of the same digest are one transmission when both hold:
///
/// - They are at most 20 ms apart in packet time, before or after (queues reorder). Kernels retransmit after 200 ms,
///   a tail loss probe or a fast retransmission may come sooner.
/// - The second was seen at another *place* than all before it, or almost at once at the same place. A transmission
///   passes each place once, so a place seen again starts a new transmission: `A B A B` is two packets, each captured
///   twice. A place is interface, cooked header's index and packet type, VLAN, and TTL. A TTL that differs by more
///   than the one hop of the capturing host is another sender (a middlebox that forges a reset) on one interface.
///
/// "Almost at once" depends on what could genuinely repeat:
/// - `identified`: a non-zero IPv4 identification, which changes with each packet of a flow, even a retransmission,
///   on every common stack: 1 ms.
/// - `opening`: a SYN is not repeated within less than its timeout: 1 ms.
/// - `data`: payload or FIN without identification (IPv6, or zero as Linux writes without a socket): on a fast network a
///   loss may be repaired within 1 ms and within one tick of the timestamp option: 200 µs.
/// - `bare`: pure ACKs, resets and keep-alive probes without payload and identification repeat genuinely and
///   back to back (one reset per segment in flight, duplicate ACKs): never. A surplus one harms no verdict.
///
/// Recent packets stand in a table of fixed size, four to a bucket; a forgotten one costs a missed duplicate.
struct DuplicateFilter {
    static let window = Nanoseconds.milliseconds(20)

    enum Kind {
        case identified, opening, data, bare

        /// The longest distance of two captures of one packet at one place.
        var samePlaceLimit: Nanoseconds {
            switch self {
            case .identified, .opening: .milliseconds(1)
            case .data: 200_000
            case .bare: -1
            }
        }
    }

    private struct Entry {
        var digest: UInt64 = 0
        /// Of the first capture of this transmission.
        var time: Int64 = .min
        /// One bit per place where it was seen, by hash.
        var seen: UInt64 = 0
        var place: UInt32 = 0
        var hopLimit: UInt8 = 0
    }

    private static let bucketCount = 2_048
    private var entries = [Entry](repeating: Entry(), count: bucketCount * 4)
    private var victim = 0
    /// Duplicates whose hop limit was not that of the first capture.
    private(set) var routed = 0
    /// By how many hops they differed at most.
    private(set) var routedHops: UInt8 = 0

    mutating func isDuplicate(
        _ digest: UInt64,
        _ kind: Kind,
        place: UInt32,
        hopLimit: UInt8,
        time: Timestamp
    ) -> Bool {
        let base = Int(truncatingIfNeeded: digest >> 32) & (Self.bucketCount - 1)
        let mixed = (place ^ UInt32(hopLimit) &* 0x85eb_ca6b) &* 0x9e37_79b1
        let bit: UInt64 = 1 << UInt64(mixed >> 26)
        let fresh = Entry(digest: digest, time: time.nanoseconds, seen: bit, place: place, hopLimit: hopLimit)
        for index in base &* 4..<base &* 4 &+ 4 where entries[index].digest == digest {
            let entry = entries[index]
            let distance = time.nanoseconds.subtractingSaturating(entry.time).magnitude
            if distance <= UInt64(Self.window),
                isSameTransmission(entry, kind, distance: Int64(distance), place: place, hopLimit, bit)
            {
                entries[index].seen |= bit
                if entry.hopLimit != hopLimit {
                    routed &+= 1
                    routedHops = max(routedHops, Self.hops(entry.hopLimit, hopLimit))
                }
                return true
            }
            entries[index] = fresh
            return false
        }
        victim = (victim &+ 1) & 3
        entries[base &* 4 &+ victim] = fresh
        return false
    }

    private func isSameTransmission(
        _ entry: Entry,
        _ kind: Kind,
        distance: Nanoseconds,
        place: UInt32,
        _ hopLimit: UInt8,
        _ bit: UInt64
    ) -> Bool {
        if entry.seen & bit != 0 { return distance <= kind.samePlaceLimit }
        return Self.hops(entry.hopLimit, hopLimit) <= 1 || (entry.place != place && kind == .identified)
    }

    private static func hops(_ left: UInt8, _ right: UInt8) -> UInt8 { max(left, right) &- min(left, right) }
}
