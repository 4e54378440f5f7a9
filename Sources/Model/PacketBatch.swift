/// Some packets that follow each other in one block of memory: what reads them goes through memory ahead of what judges them.
///
/// All of one interface and link type. The bytes are handed over beside it and live only inside the call. A class with memory of its own,
/// because it is filled and read once a packet: an array would be asked each time whose it is.
package final class PacketBatch {
    package struct Packet: Sendable {
        package var timestamp: Timestamp
        /// Of its first byte in the bytes handed over.
        package var offset: Int32
        package var capturedLength: Int32
        package var wireLength: UInt32

        @inlinable package init(timestamp: Timestamp, offset: Int32, capturedLength: Int32, wireLength: UInt32) {
            self.timestamp = timestamp
            self.offset = offset
            self.capturedLength = capturedLength
            self.wireLength = wireLength
        }
    }

    /// So many that what is touched ahead is still near when it is needed.
    @inlinable package static var capacity: Int { 32 }

    @usableFromInline let places: UnsafeMutablePointer<Packet>
    /// Never more than `capacity`.
    package var count = 0
    /// Number of the first packet; the others' follow.
    package var firstNumber = 1
    package var linkType: LinkType
    package var interface = 0
    /// Where its records begin in the file and how many bytes they have, headers and all; -1 where that is of no use.
    package var position: Int64 = -1
    package var size = 0

    package init(linkType: LinkType) {
        self.linkType = linkType
        places = .allocate(capacity: Self.capacity)
        places.initialize(
            repeating: Packet(timestamp: Timestamp(nanoseconds: 0), offset: 0, capturedLength: 0, wireLength: 0),
            count: Self.capacity
        )
    }

    deinit {
        places.deallocate()
    }

    package func removeAll() { count = 0 }

    /// Appends a packet; one too many is not taken.
    @inlinable @inline(__always)
    package func append(_ packet: Packet) {
        guard count < Self.capacity else { return }
        places[count] = packet
        count &+= 1
    }

    /// - Parameter index: below `count`; the capacity is a power of two, so that no other one reaches foreign memory.
    @inlinable @inline(__always)
    package subscript(index: Int) -> Packet { places[index & (Self.capacity &- 1)] }

    /// Becomes what another one is.
    package func copy(_ other: PacketBatch) {
        count = min(other.count, Self.capacity)
        (firstNumber, linkType, interface) = (other.firstNumber, other.linkType, other.interface)
        (position, size) = (other.position, other.size)
        places.update(from: other.places, count: count)
    }

    @inlinable package func record(at index: Int) -> PacketRecord {
        let packet = self[index]
        return PacketRecord(
            number: firstNumber &+ index,
            timestamp: packet.timestamp,
            capturedLength: Int(packet.capturedLength),
            wireLength: Int(packet.wireLength),
            interface: interface,
            linkType: linkType,
            source: 0
        )
    }

    @inlinable package func range(at index: Int) -> Range<Int> {
        let lower = Int(self[index].offset)
        return lower..<lower &+ Int(self[index].capturedLength)
    }
}
