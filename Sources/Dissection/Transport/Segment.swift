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
    package var hasSelectiveAcknowledgment = false
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
}
