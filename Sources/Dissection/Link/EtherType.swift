import Model

extension PacketDecoder {
    /// Destination, source, type (IEEE 802.3 §3.1.1).
    mutating func decodeEthernet(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        guard holds(14, at: offset, of: bytes, scope, .link) else { return }
        decodeEtherType(bytes.uint16(offset + 12), bytes, at: offset + 14, scope, deliver)
    }

    /// What follows an EtherType; `offset` is the first byte after it.
    mutating func decodeEtherType(
        _ type: UInt16,
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        switch type {
        case 0x0800: decodeIPv4(bytes, at: offset, scope, deliver)
        case 0x86dd: decodeIPv6(bytes, at: offset, scope, deliver)
        case 0x8100, 0x88a8, 0x9100, 0x9200: decodeVLAN(bytes, at: offset, scope, deliver)
        case 0x0806: decodeARP(bytes, at: offset, scope)
        case 0x8847, 0x8848: decodeMPLS(bytes, at: offset, scope, deliver)
        case 0x8864: decodePPPoE(bytes, at: offset, scope, deliver)
        case 0x6558:
            guard let scope = inner(scope, at: offset) else { return }
            decodeEthernet(bytes, at: offset, scope, deliver)
        // 802.3 lengths; Linux cooked captures number 802.2 frames 4.
        case 0...1_500: decodeLLC(bytes, at: offset, scope, deliver)
        default: counters.otherPackets += 1
        }
    }

    /// 802.1Q, 802.1ad and the older types of stacked tags: priority and identifier, then the next type.
    private mutating func decodeVLAN(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        guard holds(4, at: offset, of: bytes, scope, .vlan), var scope = inner(scope, at: offset) else { return }
        scope.mark(UInt32(bytes.uint16(offset) & 0xfff))
        decodeEtherType(bytes.uint16(offset + 2), bytes, at: offset + 4, scope, deliver)
    }

    /// 802.2 with the SNAP extension of RFC 1042 (OUI 0), or 802.1H (OUI 0000f8).
    private mutating func decodeLLC(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        guard scope.capturedEnd(bytes) - offset >= 8, bytes.uint32(offset) >> 8 == 0xaaaa03,
            bytes.uint32(offset + 2) & 0xff_ffff == 0 || bytes.uint32(offset + 2) & 0xff_ffff == 0xf8,
            bytes.uint16(offset + 6) > 1_500
        else {
            counters.otherPackets += 1
            return
        }
        decodeEtherType(bytes.uint16(offset + 6), bytes, at: offset + 8, scope, deliver)
    }

    /// A label stack (RFC 3032 §2.1). What it carries is not said: the first nibble tells IP; zero is the control
    /// word of an Ethernet pseudowire (RFC 4448 §4.6).
    mutating func decodeMPLS(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        guard let scope = inner(scope, at: offset) else { return }
        var offset = offset
        var isBottom = false
        for _ in 0..<16 where !isBottom {
            guard holds(4, at: offset, of: bytes, scope, .link) else { return }
            isBottom = bytes.byte(offset + 2) & 1 == 1
            offset += 4
        }
        guard isBottom, holds(4, at: offset, of: bytes, scope, .link) else { return }
        if bytes.byte(offset) >> 4 == 0 {
            decodeEthernet(bytes, at: offset + 4, scope, deliver)
        } else {
            decodeIP(bytes, at: offset, scope, deliver)
        }
    }
}
