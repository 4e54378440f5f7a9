package import Model

/// One TCP segment as decoded: header fields and where its payload lies in the packet. Holds no bytes.
package struct Segment: Sendable {
    package var source: Endpoint
    package var destination: Endpoint
    package var sequence: UInt32
    package var acknowledgment: UInt32
    package var flags: TCPFlags
    package var window: UInt16
    package var hopLimit: UInt8
    package var identification: UInt16?
    /// IPv4 "don't fragment"; nil for IPv6.
    package var forbidsFragments: Bool?
    /// The snap length cut the options: what is absent may have been there.
    package var hasCutOptions = false
    package var timestampValue: UInt32?
    package var timestampEcho: UInt32?
    /// From SYN options only.
    package var windowScale: UInt8?
    package var maximumSegmentSize: UInt16?
    package var allowsSelectiveAcknowledgment = false
    /// A SYN or SYN-ACK whose options stand as Linux writes them (see `HalfConnectionFacts.opensLikeLinux`).
    package var opensLikeLinux = false
    /// SACK blocks (RFC 2018 §3), eight bytes each, at most four: a range of the packet handed in, empty where there is none.
    package var selectiveAcknowledgments = 0..<0
    /// Payload bytes present in the capture, as a range of the packet handed in.
    package var payload: Range<Int>
    /// Payload bytes on the wire; more than `payload.count` when a snap length cut the packet.
    package var wirePayloadLength: Int

    package init(
        source: Endpoint,
        destination: Endpoint,
        sequence: UInt32,
        acknowledgment: UInt32,
        flags: TCPFlags,
        window: UInt16,
        hopLimit: UInt8,
        identification: UInt16?,
        payload: Range<Int>,
        wirePayloadLength: Int
    ) {
        self.source = source
        self.destination = destination
        self.sequence = sequence
        self.acknowledgment = acknowledgment
        self.flags = flags
        self.window = window
        self.hopLimit = hopLimit
        self.identification = identification
        self.payload = payload
        self.wirePayloadLength = wirePayloadLength
    }

    /// The first sequence number of a SACK block and the one after its last.
    package func selectiveAcknowledgment(_ index: Int, of packet: RawSpan) -> (left: UInt32, right: UInt32)? {
        let offset = selectiveAcknowledgments.lowerBound &+ index &* 8
        guard index >= 0, index < 4, offset &+ 8 <= selectiveAcknowledgments.upperBound, offset &+ 8 <= packet.byteCount
        else { return nil }
        return (packet.uint32(offset), packet.uint32(offset &+ 4))
    }
}
