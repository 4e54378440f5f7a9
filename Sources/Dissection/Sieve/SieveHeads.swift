package import Model

/// What the packets of a batch are by themselves, their headers and the head of a message that begins with their payload: it depends on nothing
/// before them, so that another thread may find it out.
package final class SieveHeads {
    private let places: UnsafeMutablePointer<SieveSegment>
    private let scans: UnsafeMutablePointer<Scan>
    private var plain: UInt32 = 0
    private var scanned: UInt32 = 0
    private(set) var count = 0

    /// What a payload begins with.
    struct Scan: BitwiseCopyable {
        var head = HeadScan()
        var outcome = HeadScan.Outcome.partial
        var isResponse = false
    }

    package init() {
        scans = .allocate(capacity: PacketBatch.capacity)
        scans.initialize(repeating: Scan(), count: PacketBatch.capacity)
        places = .allocate(capacity: PacketBatch.capacity)
        places.initialize(repeating: SieveSegment(), count: PacketBatch.capacity)
    }

    deinit {
        places.deallocate()
        scans.deallocate()
    }

    /// A segment, all of whose headers are as usual; the others are to be decoded.
    @inline(__always)
    func isPlain(_ index: Int) -> Bool { plain & 1 << UInt32(truncatingIfNeeded: index) != 0 }

    /// - Parameter index: of a plain one; the capacity is a power of two, so that no other one reaches foreign memory.
    @inline(__always)
    subscript(index: Int) -> SieveSegment { places[index & (PacketBatch.capacity &- 1)] }

    /// The head that the payload of a packet begins with, where it was read before; nil where it is to be read by who needs it.
    @inline(__always)
    func scan(at index: Int) -> ScanReference? {
        let place = index & (PacketBatch.capacity &- 1)
        return scanned & 1 << UInt32(truncatingIfNeeded: place) != 0 ? ScanReference(scan: scans + place) : nil
    }

    /// One of its scans; not to be kept.
    struct ScanReference {
        fileprivate let scan: UnsafeMutablePointer<Scan>

        var isResponse: Bool { scan.pointee.isResponse }
        var head: HeadScan { scan.pointee.head }
        var outcome: HeadScan.Outcome { scan.pointee.outcome }
    }

    /// Notes where the packets of the batch lie that it has looked at, and whose they are.
    package func note(_ batch: PacketBatch, in map: PassageMap) {
        // Shifted beyond its width it is 0.
        let all: UInt32 = (1 << UInt32(truncatingIfNeeded: batch.count)) &- 1
        let isAdded = map.append(
            start: batch.position,
            length: batch.size,
            firstNumber: batch.firstNumber,
            count: batch.count,
            mustBeRead: plain != all
        )
        guard isAdded else { return }
        for index in 0..<batch.count { map.append(tag: places[index].words.tag) }
    }

    /// The same of a packet that came by itself.
    package static func note(
        _ record: PacketRecord,
        _ bytes: RawSpan,
        at place: (start: Int64, length: Int),
        in map: PassageMap
    ) {
        let head = PlainHead(record, bytes)
        let isAdded = map.append(
            start: place.start,
            length: place.length,
            firstNumber: record.number,
            count: 1,
            mustBeRead: head == nil
        )
        if isAdded { map.append(tag: head?.words.tag ?? 0) }
    }

    /// Keeps one that was found by other means.
    func note(_ segment: SieveSegment, at index: Int) {
        guard index < PacketBatch.capacity else { return }
        count = max(count, index + 1)
        plain |= 1 << UInt32(truncatingIfNeeded: index)
        places[index] = segment
    }

    func clear() {
        plain = 0
        scanned = 0
        count = 0
    }

    /// Replaces what it has. `window` has the packets' bytes.
    package func look(_ batch: PacketBatch, _ window: RawSpan) {
        count = min(batch.count, PacketBatch.capacity)
        plain = 0
        scanned = 0
        guard batch.linkType == .ethernet else { return }
        let (first, interface) = (batch.firstNumber, batch.interface)
        for index in 0..<count {
            let packet = batch[index]
            guard let head = PlainHead(packet, in: window) else { continue }
            plain |= 1 << UInt32(truncatingIfNeeded: index)
            places[index] = SieveSegment(
                head,
                time: packet.timestamp.nanoseconds,
                frame: first &+ index,
                interface: interface
            )
            guard !head.payload.isEmpty else { continue }
            guard let scan = HeadScan.beginning(of: window.extracting(head.payload)) else { continue }
            scans[index] = scan
            scanned |= 1 << UInt32(truncatingIfNeeded: index)
        }
    }
}
