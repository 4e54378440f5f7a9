/// Some packets that follow each other in one block of memory: what reads them goes through memory ahead of what judges them.
///
/// All of one interface and link type. The bytes are handed over beside it and live only inside the call.
package struct PacketBatch: Sendable {
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
    package static let capacity = 32

    package var packets: ContiguousArray<Packet> = []
    /// Number of the first packet; the others' follow.
    package var firstNumber = 1
    package var linkType: LinkType
    package var interface = 0

    package init(linkType: LinkType) {
        self.linkType = linkType
        packets.reserveCapacity(Self.capacity)
    }

    @inlinable package var count: Int { packets.count }

    @inlinable package func record(at index: Int) -> PacketRecord {
        let packet = packets[index]
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
        let lower = Int(packets[index].offset)
        return lower..<lower &+ Int(packets[index].capturedLength)
    }
}
