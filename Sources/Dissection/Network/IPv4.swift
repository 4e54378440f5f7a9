import Model

extension PacketDecoder {
    /// RFC 791 §3.1. A total length of 0 is a segment that offload was still to cut: the captured length counts then.
    mutating func decodeIPv4(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        guard holds(20, at: offset, of: bytes, scope, .network) else { return }
        let first = bytes.byte(offset)
        guard first >> 4 == 4 else {
            counters.otherPackets += 1
            return
        }
        let headerLength = Int(first & 15) &* 4
        guard headerLength >= 20 else {
            observe(.network, at: offset, required: 20, available: headerLength, .ipHeaderLength, scope)
            return
        }
        let totalLength = Int(bytes.uint16(offset &+ 2))
        var scope = scope
        if totalLength != 0 {
            guard totalLength >= headerLength else {
                observe(
                    .network,
                    at: offset,
                    required: headerLength,
                    available: totalLength,
                    .ipTotalLength,
                    scope
                )
                return
            }
            limit(&scope, toPacketAt: offset, length: totalLength)
        }
        guard holds(headerLength, at: offset, of: bytes, scope, .network) else { return }
        let identification = bytes.uint16(offset &+ 4)
        let fragment = bytes.uint16(offset &+ 6)
        var header = InternetHeader(
            source: IPAddress(v4: bytes.uint32(offset &+ 12)),
            destination: IPAddress(v4: bytes.uint32(offset &+ 16)),
            hopLimit: bytes.byte(offset &+ 8),
            identification: identification,
            forbidsFragments: fragment & 0x4000 != 0,
            transport: bytes.byte(offset &+ 9),
            packetLength: scope.end &- offset
        )
        var payload = offset &+ headerLength
        if fragment & 0x3fff != 0 {
            decodeFragment(
                header,
                identification: UInt32(identification),
                fragmentOffset: Int(fragment & 0x1fff) &* 8,
                moreFragments: fragment & 0x2000 != 0,
                bytes,
                at: payload,
                scope,
                deliver
            )
            return
        }
        // RFC 4302 §2: the length counts 4-byte words, less two.
        if header.transport == ProtocolNumber.authentication {
            guard holds(12, at: payload, of: bytes, scope, .network) else { return }
            header.transport = bytes.byte(payload)
            payload = payload &+ (Int(bytes.byte(payload &+ 1)) &+ 2) &* 4
        }
        decodeTransport(header, bytes, at: payload, scope, deliver)
    }
}
