import Model

extension PacketDecoder {
    /// RFC 8200 §3. A payload length of 0 is a jumbogram or a segment that offload was still to cut: the captured
    /// length counts then.
    mutating func decodeIPv6(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        guard holds(40, at: offset, of: bytes, scope, .network) else { return }
        guard bytes.byte(offset) >> 4 == 6 else {
            counters.otherPackets += 1
            return
        }
        let payloadLength = Int(bytes.uint16(offset &+ 4))
        var scope = scope
        if payloadLength != 0 { limit(&scope, toPacketAt: offset, length: payloadLength &+ 40) }
        let header = InternetHeader(
            source: IPAddress(v6High: bytes.uint64(offset &+ 8), low: bytes.uint64(offset &+ 16)),
            destination: IPAddress(v6High: bytes.uint64(offset &+ 24), low: bytes.uint64(offset &+ 32)),
            hopLimit: bytes.byte(offset &+ 7),
            identification: nil,
            transport: bytes.byte(offset &+ 6),
            packetLength: scope.end &- offset
        )
        decodeExtensions(header, bytes, at: offset &+ 40, scope, deliver)
    }

    /// Walks the extension headers (RFC 8200 §4); more than 16 of them are not followed.
    mutating func decodeExtensions(
        _ header: InternetHeader,
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        var header = header
        var offset = offset
        for _ in 0..<16 {
            switch header.transport {
            // Hop-by-hop, routing, destination, mobility (RFC 6275), HIP (RFC 7401), shim6 (RFC 5533).
            case 0, 43, 60, 135, 139, 140:
                guard holds(8, at: offset, of: bytes, scope, .network) else { return }
                header.transport = bytes.byte(offset)
                offset = offset &+ (Int(bytes.byte(offset &+ 1)) &+ 1) &* 8
            case ProtocolNumber.authentication:
                guard holds(8, at: offset, of: bytes, scope, .network) else { return }
                header.transport = bytes.byte(offset)
                offset = offset &+ (Int(bytes.byte(offset &+ 1)) &+ 2) &* 4
            case ProtocolNumber.fragment:
                guard holds(8, at: offset, of: bytes, scope, .fragment) else { return }
                header.transport = bytes.byte(offset)
                let field = bytes.uint16(offset &+ 2)
                // An atomic fragment (RFC 6946) is a whole packet.
                guard field & 0xfff9 != 0 else {
                    offset = offset &+ 8
                    continue
                }
                decodeFragment(
                    header,
                    identification: bytes.uint32(offset &+ 4),
                    fragmentOffset: Int(field & 0xfff8),
                    moreFragments: field & 1 == 1,
                    bytes,
                    at: offset &+ 8,
                    scope,
                    deliver
                )
                return
            default:
                decodeTransport(header, bytes, at: offset, scope, deliver)
                return
            }
        }
        counters.otherPackets += 1
    }
}
