import Capture
import Dissection

/// Finds the packets of a connection in the ring: each packet links to the one before it of the same place in a table of fixed size, so that
/// nothing grows with the number of connections and a packet costs one look.
struct FlowIndex: ~Copyable {
    private static let placeCount = 1 << 20

    private let newest: UnsafeMutablePointer<Int>

    enum Flag {
        static let isSegment: UInt8 = 1
        static let sourceIsLow: UInt8 = 2
        static let hasPayload: UInt8 = 4
        static let isSYN: UInt8 = 8
        /// A connection begins with it.
        static let isStart: UInt8 = 16
        /// In the archive: it ended a handshake.
        static let isHandshake: UInt8 = 32
    }

    init() {
        newest = .allocate(capacity: Self.placeCount)
        newest.initialize(repeating: -1, count: Self.placeCount)
    }

    deinit {
        newest.deallocate()
    }

    private static func place(_ flow: FlowWords) -> Int {
        Int(truncatingIfNeeded: flow.hash) & (placeCount &- 1)
    }

    /// Notes a segment, which was not noted before.
    @inline(__always)
    func note(_ trace: SieveTrace, isStart: Bool, at position: Int, in ring: PacketRing) {
        let place = Self.place(trace.flow)
        var flags = Flag.isSegment
        if trace.sourceIsLow { flags |= Flag.sourceIsLow }
        if trace.hasPayload { flags |= Flag.hasPayload }
        if trace.isSYN { flags |= Flag.isSYN }
        if isStart { flags |= Flag.isStart }
        ring.setNote(
            PacketRing.Note(low: trace.flow.low, high: trace.flow.high, link: newest[place], flags: flags),
            at: position
        )
        newest[place] = position
    }

    /// Where the newest packet of the connection stands, or of another one that has its place.
    @inline(__always)
    func newestPosition(of flow: FlowWords) -> Int { newest[Self.place(flow)] }

    /// Positions of the packets of a connection that are in the ring, the newest first, down to frame `last`, exclusive.
    func positions(of flow: FlowWords, after last: Int, in ring: PacketRing) -> [Int] {
        var result: [Int] = []
        var position = newest[Self.place(flow)]
        let start = ring.start
        while position >= start, ring.number(at: position) > last {
            let note = ring.note(at: position)
            if note.low == flow.low, note.high == flow.high { result.append(position) }
            position = note.link
        }
        return result
    }
}
