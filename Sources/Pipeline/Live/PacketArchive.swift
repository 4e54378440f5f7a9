import Capture
import Dissection
import Model

/// Packets that left the ring and may be wanted yet: what opened a connection that is still there, and its latest exchange.
struct PacketArchive {
    struct Packet {
        var record: PacketRecord
        var flags: UInt8
        /// Of the bytes of its connection.
        var bytes: Range<Int>
    }

    /// What is kept of one connection.
    struct Entry {
        private(set) var packets: [Packet] = []
        private(set) var bytes: [UInt8] = []

        /// Bytes that it takes, room for more included.
        var cost: Int { packets.capacity &* MemoryLayout<Packet>.stride &+ bytes.capacity &+ Self.overhead }

        /// Of two arrays and a place in a table.
        private static let overhead = 192

        /// Grows by a quarter: doubled, half of the archive would be room for more.
        mutating func append(_ record: PacketRecord, _ flags: UInt8, _ source: RawSpan) {
            let start = bytes.count
            let end = start + source.byteCount
            if end > bytes.capacity { bytes.reserveCapacity(end + end / 4) }
            if packets.count == packets.capacity { packets.reserveCapacity(packets.count + packets.count / 4 + 4) }
            source.withUnsafeBytes { bytes.append(contentsOf: $0) }
            packets.append(Packet(record: record, flags: flags, bytes: start..<bytes.count))
        }

        func withBytes<Result>(of packet: Packet, _ body: (RawSpan) -> Result) -> Result {
            body(bytes.span.bytes.extracting(packet.bytes))
        }

        /// Keeps the packets that `isWanted`.
        mutating func keep(_ isWanted: (Packet) -> Bool) {
            let wanted = packets.filter(isWanted)
            guard wanted.count < packets.count else { return }
            var next = Entry()
            for packet in wanted { withBytes(of: packet) { next.append(packet.record, packet.flags, $0) } }
            self = next
        }
    }

    private(set) var entries: [FlowWords: Entry] = [:]
    private(set) var cost = 0
    /// Connections of which packets went that might have been wanted.
    private(set) var shortened = 0
    private let largest: Int
    /// An exchange with more than this is looked at in full instead.
    static let largestEntry = 64 << 10
    /// Of another protocol the beginning tells all.
    static let largestForeignCount = 24

    /// - Parameter largest: bytes that it may take.
    init(largest: Int) {
        self.largest = largest
    }

    subscript(_ flow: FlowWords) -> Entry? { entries[flow] }

    /// - Returns: what the packets of that connection take by now, in bytes.
    mutating func append(_ flow: FlowWords, _ record: PacketRecord, _ flags: UInt8, _ bytes: RawSpan) -> Int {
        let before = entries[flow]?.cost ?? 0
        entries[flow, default: Entry()].append(record, flags, bytes)
        let after = entries[flow]?.cost ?? 0
        cost += after - before
        return after
    }

    func packetCount(_ flow: FlowWords) -> Int { entries[flow]?.packets.count ?? 0 }

    /// Lets go of what is not wanted any more, and, where that is not enough, of the rest of the largest.
    mutating func sweep(_ isWanted: (FlowWords, Packet) -> Bool) {
        var left: [FlowWords: Entry] = [:]
        cost = 0
        for (flow, entry) in entries {
            var entry = entry
            entry.keep { isWanted(flow, $0) }
            guard !entry.packets.isEmpty else { continue }
            left[flow] = entry
            cost += entry.cost
        }
        entries = left
        guard cost > largest else { return }
        for (flow, entry) in left.sorted(by: { $0.value.cost > $1.value.cost }) where cost > largest / 2 {
            entries[flow] = nil
            cost -= entry.cost
            shortened += 1
        }
    }

    var isFull: Bool { cost > largest }
}
