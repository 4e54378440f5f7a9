import Capture
import Dissection
import Model

/// Packets that left the ring and may be wanted yet: what opened a connection that is still there, and its latest exchange.
struct PacketArchive {
    struct Packet {
        var record: PacketRecord
        var flags: UInt8
        /// Memory of its own: beside those of its connection they would all be copied whenever more room is needed.
        var bytes: [UInt8]

        init(_ record: PacketRecord, _ flags: UInt8, _ source: RawSpan) {
            self.record = record
            self.flags = flags
            bytes = source.withUnsafeBytes { Array($0) }
        }

        /// Bytes that it takes, with those of the allocation and a place more among those of its connection.
        var cost: Int { 2 &* MemoryLayout<Packet>.stride &+ bytes.capacity &+ 48 }
    }

    /// What is kept of one connection.
    struct Entry {
        private(set) var packets: [Packet] = []
        /// Bytes that it takes.
        private(set) var cost = 0

        /// Bytes of an array and of a place in a table.
        private static let overhead = 192

        /// - Returns: by how many bytes it grew.
        fileprivate mutating func append(_ packet: Packet) -> Int {
            let growth = packets.isEmpty ? Self.overhead &+ packet.cost : packet.cost
            packets.append(packet)
            cost &+= growth
            return growth
        }

        /// Keeps the packets that `isWanted`.
        fileprivate mutating func keep(_ isWanted: (Packet) -> Bool) {
            let wanted = packets.filter(isWanted)
            guard wanted.count < packets.count else { return }
            packets = wanted
            cost = packets.reduce(Self.overhead) { $0 &+ $1.cost }
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
        let packet = Packet(record, flags, bytes)
        func add(to entry: inout Entry) -> Int {
            cost &+= entry.append(packet)
            return entry.cost
        }
        return add(to: &entries[flow, default: Entry()])
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
