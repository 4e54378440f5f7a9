package import Model

/// What the packets of a batch are, by their headers alone: it depends on nothing before them, so that another thread may find it out.
package final class SieveHeads {
    private let places: UnsafeMutablePointer<SieveSegment>
    private var plain: UInt32 = 0
    private(set) var count = 0

    package init() {
        places = .allocate(capacity: PacketBatch.capacity)
        places.initialize(repeating: SieveSegment(), count: PacketBatch.capacity)
    }

    deinit {
        places.deallocate()
    }

    /// A segment, all of whose headers are as usual; the others are to be decoded.
    @inline(__always)
    func isPlain(_ index: Int) -> Bool { plain & 1 << UInt32(truncatingIfNeeded: index) != 0 }

    /// - Parameter index: of a plain one; the capacity is a power of two, so that no other one reaches foreign memory.
    @inline(__always)
    subscript(index: Int) -> SieveSegment { places[index & (PacketBatch.capacity &- 1)] }

    /// Keeps one that was found by other means.
    func note(_ segment: SieveSegment, at index: Int) {
        guard index < PacketBatch.capacity else { return }
        count = max(count, index + 1)
        plain |= 1 << UInt32(truncatingIfNeeded: index)
        places[index] = segment
    }

    func clear() {
        plain = 0
        count = 0
    }

    /// Replaces what it has. `window` has the packets' bytes.
    package func look(_ batch: PacketBatch, _ window: RawSpan) {
        count = min(batch.count, PacketBatch.capacity)
        plain = 0
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
        }
    }
}
