import Model

extension PacketDecoder {
    /// GRE (RFC 2784, RFC 2890) with IP, Ethernet, MPLS or ERSPAN inside. Source routing and PPTP's version are not
    /// followed.
    mutating func decodeGRE(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        guard holds(4, at: offset, of: bytes, scope, .tunnel), let scope = inner(scope, at: offset) else { return }
        let flags = bytes.uint16(offset)
        guard flags & 0x4007 == 0 else {
            counters.otherPackets += 1
            return
        }
        let hasSequence = flags & 0x1000 != 0
        let words = (flags >> 15) &+ (flags >> 13 & 1) &+ (hasSequence ? 1 : 0)
        let payload = offset &+ 4 &+ Int(words) &* 4
        switch bytes.uint16(offset &+ 2) {
        // ERSPAN: type I has neither sequence number nor header of its own, type II a header of 8 bytes.
        case 0x88be: decodeEthernet(bytes, at: payload &+ (hasSequence ? 8 : 0), scope, deliver)
        // ERSPAN type III: 12 bytes, and 8 more where the last bit says so.
        case 0x22eb:
            guard holds(12, at: payload, of: bytes, scope, .tunnel) else { return }
            let extra = bytes.byte(payload &+ 11) & 1 == 1 ? 8 : 0
            decodeEthernet(bytes, at: payload &+ 12 &+ extra, scope, deliver)
        case let type: decodeEtherType(type, bytes, at: payload, scope, deliver)
        }
    }

    /// VXLAN, Geneve or GTP-U behind a UDP header, told by the destination port and a plausible header. False where
    /// it is none.
    mutating func decodeTunnel(
        port: UInt16,
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) -> Bool {
        guard port == 4_789 || port == 8_472 || port == 6_081 || port == 2_152, scope.end &- offset >= 8 else {
            return false
        }
        guard holds(8, at: offset, of: bytes, scope, .tunnel) else { return true }
        switch port {
        case 4_789, 8_472: return decodeVXLAN(bytes, at: offset, scope, deliver)
        case 6_081: return decodeGeneve(bytes, at: offset, scope, deliver)
        case 2_152: return decodeGTP(bytes, at: offset, scope, deliver)
        default: return false
        }
    }

    /// RFC 7348 §5: the I flag is set. The reserved last byte is zero from nearly every sender; where it is not, a
    /// known type inside must speak for VXLAN. Other flags belong to extensions.
    private mutating func decodeVXLAN(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) -> Bool {
        guard bytes.byte(offset) & 0x08 != 0 else { return false }
        if bytes.byte(offset &+ 7) != 0 {
            guard scope.end &- offset >= 22 else { return false }
            guard holds(22, at: offset, of: bytes, scope, .tunnel) else { return true }
            switch bytes.uint16(offset &+ 20) {
            case 0x0800, 0x0806, 0x86dd, 0x8100: break
            default: return false
            }
        }
        guard let scope = inner(scope, at: offset) else { return true }
        decodeEthernet(bytes, at: offset &+ 8, scope, deliver)
        return true
    }

    /// RFC 8926 §3.4: version 0, length of the options in words, protocol type.
    private mutating func decodeGeneve(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) -> Bool {
        let type = bytes.uint16(offset &+ 2)
        guard bytes.byte(offset) >> 6 == 0, type == 0x6558 || type == 0x0800 || type == 0x86dd else { return false }
        guard let scope = inner(scope, at: offset) else { return true }
        decodeEtherType(type, bytes, at: offset &+ 8 &+ Int(bytes.byte(offset) & 0x3f) &* 4, scope, deliver)
        return true
    }

    /// 3GPP TS 29.281 §5.1: version 1, a G-PDU (255), four more bytes where a flag asks for any of them.
    private mutating func decodeGTP(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) -> Bool {
        guard bytes.byte(offset) & 0xf0 == 0x30, bytes.byte(offset &+ 1) == 255 else { return false }
        var payload = offset &+ 8
        if bytes.byte(offset) & 0x07 != 0 {
            guard holds(4, at: payload, of: bytes, scope, .tunnel) else { return true }
            var next = bytes.byte(payload &+ 3)
            payload = payload &+ 4
            // Extension headers: length in words, content, type of the next one in the last byte.
            for _ in 0..<8 where next != 0 && bytes.byte(offset) & 0x04 != 0 {
                guard holds(4, at: payload, of: bytes, scope, .tunnel) else { return true }
                let length = max(Int(bytes.byte(payload)), 1) &* 4
                guard holds(length, at: payload, of: bytes, scope, .tunnel) else { return true }
                payload = payload &+ length
                next = bytes.byte(payload &- 1)
            }
        }
        guard let scope = inner(scope, at: offset) else { return true }
        decodeIP(bytes, at: payload, scope, deliver)
        return true
    }
}
