/// A link type as in a savefile's header (tcpdump.org/linktypes.html). Open: an unknown number is kept.
package struct LinkType: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt32

    @inlinable package init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    // The general ones go through the protocol, and this is asked of every packet.
    @inlinable package static func == (left: LinkType, right: LinkType) -> Bool { left.rawValue == right.rawValue }
    @inlinable package static func != (left: LinkType, right: LinkType) -> Bool { left.rawValue != right.rawValue }
    @inlinable package static var ethernet: LinkType { LinkType(rawValue: 1) }

    package static let null = LinkType(rawValue: 0)
    package static let raw = LinkType(rawValue: 101)
    package static let loop = LinkType(rawValue: 108)
    package static let linuxCooked = LinkType(rawValue: 113)
    package static let ipv4 = LinkType(rawValue: 228)
    package static let ipv6 = LinkType(rawValue: 229)
    package static let linuxCooked2 = LinkType(rawValue: 276)
}

/// One captured packet without its bytes. The bytes live only inside the call that hands it over.
package struct PacketRecord: Sendable {
    /// Position in the capture, from 1, as Wireshark numbers the unfiltered file; over several files, as in their
    /// merge by time.
    package var number: Int
    package var timestamp: Timestamp
    /// Bytes present in the capture.
    package var capturedLength: Int
    /// Bytes that the packet had on the wire; larger than `capturedLength` when a snap length cut it.
    package var wireLength: Int
    /// Which interface, over all sources; two packets with different interfaces may have been captured at two points.
    package var interface: Int
    package var linkType: LinkType
    /// Index of the source (file or live interface) that it came from.
    package var source: Int

    @inlinable package init(
        number: Int,
        timestamp: Timestamp,
        capturedLength: Int,
        wireLength: Int,
        interface: Int,
        linkType: LinkType,
        source: Int
    ) {
        self.number = number
        self.timestamp = timestamp
        self.capturedLength = capturedLength
        self.wireLength = wireLength
        self.interface = interface
        self.linkType = linkType
        self.source = source
    }
}

/// A packet that a fact points to: its number in the capture and its time.
package struct FrameReference: Hashable, Sendable {
    package var number: Int
    package var time: Timestamp

    @inlinable package init(number: Int, time: Timestamp) {
        self.number = number
        self.time = time
    }
}
