import Model

/// What the layers above need of an IPv4 or IPv6 header.
struct InternetHeader {
    var source: IPAddress
    var destination: IPAddress
    var hopLimit: UInt8
    /// IPv4 only.
    var identification: UInt16?
    /// "Don't fragment", IPv4 only.
    var forbidsFragments: Bool?
    /// Protocol number of the payload, behind all extension headers.
    var transport: UInt8
    /// The whole packet on the wire, header included; 0 where it came in fragments.
    var packetLength: Int
}

/// IP protocol numbers (IANA).
enum ProtocolNumber {
    static let icmp: UInt8 = 1
    static let ipv4: UInt8 = 4
    static let tcp: UInt8 = 6
    static let udp: UInt8 = 17
    static let ipv6: UInt8 = 41
    static let fragment: UInt8 = 44
    static let gre: UInt8 = 47
    static let authentication: UInt8 = 51
    static let icmpv6: UInt8 = 58
}

extension PacketDecoder {
    /// IP of the version that its first nibble says.
    mutating func decodeIP(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        guard holds(1, at: offset, of: bytes, scope, .network) else { return }
        switch bytes.byte(offset) >> 4 {
        case 4: decodeIPv4(bytes, at: offset, scope, deliver)
        case 6: decodeIPv6(bytes, at: offset, scope, deliver)
        default: counters.otherPackets += 1
        }
    }

    /// `scope.end` is the end of the IP packet.
    mutating func decodeTransport(
        _ header: InternetHeader,
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        switch header.transport {
        case ProtocolNumber.tcp: decodeTCP(header, bytes, at: offset, scope, deliver)
        case ProtocolNumber.udp: decodeUDP(header, bytes, at: offset, scope, deliver)
        case ProtocolNumber.icmp where !header.source.isIPv6: decodeICMP(header, bytes, at: offset, scope)
        case ProtocolNumber.icmpv6 where header.source.isIPv6: decodeICMP(header, bytes, at: offset, scope)
        case ProtocolNumber.ipv4:
            guard let scope = inner(scope, at: offset) else { return }
            decodeIPv4(bytes, at: offset, scope, deliver)
        case ProtocolNumber.ipv6:
            guard let scope = inner(scope, at: offset) else { return }
            decodeIPv6(bytes, at: offset, scope, deliver)
        case ProtocolNumber.gre: decodeGRE(bytes, at: offset, scope, deliver)
        default: counters.otherPackets += 1
        }
    }

    /// Sets the end of the scope to the packet's own length, noting one that the frame cannot hold.
    ///
    /// The longer length is believed: a capture whose wire lengths were rewritten to the captured ones is common, a
    /// length that lies is not, and the sequence numbers show later which it was.
    mutating func limit(_ scope: inout DecodeScope, toPacketAt offset: Int, length: Int) {
        let end = offset &+ length
        if end > scope.end {
            observe(
                .network,
                at: offset,
                required: length,
                available: max(scope.end &- offset, 0),
                scope.endSource,
                scope
            )
        }
        scope.end = end
        scope.endSource = .ipTotalLength
    }

    /// A fragment goes to the table; the packet that completes a datagram is decoded on as that datagram.
    mutating func decodeFragment(
        _ header: InternetHeader,
        identification: UInt32,
        fragmentOffset: Int,
        moreFragments: Bool,
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        counters.ipFragments += 1
        var digest = PacketDigest(header)
        digest.add(UInt64(identification) << 32 | UInt64(truncatingIfNeeded: fragmentOffset))
        digest.add(bytes, offset..<max(offset, scope.capturedEnd(bytes)))
        if isDuplicate(digest, .identified, header, scope) { return }
        guard let inner = inner(scope, at: offset) else { return }
        let length = scope.end &- offset
        let captured = scope.capturedEnd(bytes)
        guard length > 0, fragmentOffset &+ length <= FragmentTable.maximumLength,
            !moreFragments || length % 8 == 0
        else {
            observe(.fragment, at: offset, required: 8, available: max(length, 0), scope.endSource, scope)
            return
        }
        if captured < scope.end {
            observe(
                .fragment,
                at: offset,
                required: length,
                available: max(captured &- offset, 0),
                .capturedLength,
                scope
            )
        }
        let key = FragmentTable.Key(
            source: header.source,
            destination: header.destination,
            identification: identification,
            transport: header.transport
        )
        let outcome = fragments.insert(
            bytes,
            offset..<max(offset, captured),
            key,
            at: fragmentOffset,
            isLast: moreFragments ? nil : fragmentOffset &+ length,
            time: scope.frame.time
        )
        counters.incompleteFragments += outcome.dropped
        guard let datagram = outcome.datagram else { return }
        var whole = header
        whole.packetLength = 0
        var wholeScope = inner
        wholeScope.end = datagram.count
        wholeScope.endSource = .ipTotalLength
        decodeUpper(whole, datagram.span.bytes, at: 0, wholeScope, deliver)
    }

    /// A reassembled IPv6 datagram may begin with further extension headers.
    private mutating func decodeUpper(
        _ header: InternetHeader,
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        if header.source.isIPv6 {
            decodeExtensions(header, bytes, at: offset, scope, deliver)
        } else {
            decodeTransport(header, bytes, at: offset, scope, deliver)
        }
    }

    /// Counts a second capture of the same packet.
    mutating func isDuplicate(
        _ digest: PacketDigest,
        _ kind: DuplicateFilter.Kind,
        _ header: InternetHeader,
        _ scope: DecodeScope
    ) -> Bool {
        let isDuplicate = duplicates.isDuplicate(
            digest.value,
            kind,
            place: scope.place,
            hopLimit: header.hopLimit,
            time: scope.frame.time
        )
        if isDuplicate {
            counters.duplicatePackets += 1
            counters.routedDuplicates = duplicates.routed
            counters.routedHops = duplicates.routedHops
        }
        return isDuplicate
    }
}
