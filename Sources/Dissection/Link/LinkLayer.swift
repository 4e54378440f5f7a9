import Model

/// Link types that are decoded, beside those that `LinkType` names (tcpdump.org/linktypes.html).
extension LinkType {
    /// LINKTYPE_PPP: PPP, with or without the HDLC address and control bytes.
    static let ppp = LinkType(rawValue: 9)
    /// DLT_RAW as BSD and OpenBSD number it; such files exist although LINKTYPE_RAW is 101.
    static let rawBSD = LinkType(rawValue: 12)
    static let rawOpenBSD = LinkType(rawValue: 14)
    static let pppHDLC = LinkType(rawValue: 50)
    static let pppOverEthernet = LinkType(rawValue: 51)
}

extension PacketDecoder {
    mutating func decodeLink(
        _ linkType: LinkType,
        _ bytes: RawSpan,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        switch linkType {
        case .ethernet: decodeEthernet(bytes, at: 0, scope, deliver)
        case .linuxCooked: decodeLinuxCooked(bytes, scope, deliver)
        case .linuxCooked2: decodeLinuxCooked2(bytes, scope, deliver)
        case .null, .loop: decodeLoopback(bytes, scope, deliver)
        case .raw, .rawBSD, .rawOpenBSD, .ipv4, .ipv6: decodeIP(bytes, at: 0, scope, deliver)
        case .ppp, .pppHDLC: decodePPP(bytes, at: 0, scope, deliver)
        case .pppOverEthernet: decodePPPoE(bytes, at: 0, scope, deliver)
        default: countUndecoded(linkType)
        }
    }

    private mutating func countUndecoded(_ linkType: LinkType) {
        guard
            counters.undecodedLinkTypes[linkType] != nil
                || counters.undecodedLinkTypes.count < Self.maximumLinkTypes
        else { return }
        counters.undecodedLinkTypes[linkType, default: 0] += 1
    }

    /// LINKTYPE_LINUX_SLL: packet type, hardware type, address length, address (8), protocol.
    private mutating func decodeLinuxCooked(
        _ bytes: RawSpan,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        guard holds(16, at: 0, of: bytes, scope, .link) else { return }
        var scope = scope
        scope.mark(UInt32(bytes.uint16(0)))
        decodeEtherType(bytes.uint16(14), bytes, at: 16, scope, deliver)
    }

    /// LINKTYPE_LINUX_SLL2: protocol, reserved (2), interface index (4), hardware type, packet type (1), address
    /// length (1), address (8).
    private mutating func decodeLinuxCooked2(
        _ bytes: RawSpan,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        guard holds(20, at: 0, of: bytes, scope, .link) else { return }
        var scope = scope
        scope.mark(bytes.uint32(4))
        scope.mark(UInt32(bytes.byte(10)))
        decodeEtherType(bytes.uint16(0), bytes, at: 20, scope, deliver)
    }

    /// LINKTYPE_NULL and LINKTYPE_LOOP: an address family of 4 bytes, in the byte order of the capturing host or of
    /// the network. Families are small numbers, so the order shows. 24, 28, 30: IPv6 of NetBSD, FreeBSD, Darwin.
    private mutating func decodeLoopback(
        _ bytes: RawSpan,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        guard holds(4, at: 0, of: bytes, scope, .link) else { return }
        let value = bytes.uint32(0)
        switch value > 0xffff ? value.byteSwapped : value {
        case 2, 10, 24, 28, 30: decodeIP(bytes, at: 4, scope, deliver)
        default: counters.otherPackets += 1
        }
    }

    /// PPP (RFC 1661 §2, RFC 1662 §3.1): optional address and control, protocol of one byte where compressed.
    mutating func decodePPP(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        var offset = offset
        guard holds(4, at: offset, of: bytes, scope, .link) else { return }
        if bytes.uint16(offset) == 0xff03 { offset += 2 }
        let isCompressed = bytes.byte(offset) & 1 == 1
        let type = isCompressed ? UInt16(bytes.byte(offset)) : bytes.uint16(offset)
        offset += isCompressed ? 1 : 2
        switch type {
        case 0x0021, 0x0057: decodeIP(bytes, at: offset, scope, deliver)
        case 0x0281, 0x0283: decodeMPLS(bytes, at: offset, scope, deliver)
        default: counters.otherPackets += 1
        }
    }

    /// A PPPoE session header (RFC 2516 §4): version and type, code, session, length.
    mutating func decodePPPoE(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        guard holds(6, at: offset, of: bytes, scope, .link) else { return }
        guard bytes.byte(offset) == 0x11, bytes.byte(offset + 1) == 0 else {
            counters.otherPackets += 1
            return
        }
        decodePPP(bytes, at: offset + 6, scope, deliver)
    }
}
