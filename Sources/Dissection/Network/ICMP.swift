import Model

extension PacketDecoder {
    /// ICMP (RFC 792) and ICMPv6 (RFC 4443), by the version of `header`.
    mutating func decodeICMP(
        _ header: InternetHeader,
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope
    ) {
        guard holds(8, at: offset, of: bytes, scope, .icmp) else { return }
        counters.icmpPackets += 1
        var digest = PacketDigest(header)
        digest.add(UInt64(bytes.uint16(offset)))
        digest.add(bytes, offset &+ 4..<scope.capturedEnd(bytes))
        if isDuplicate(digest, header.hasIdentification ? .identified : .data, header, scope) { return }
        let type = bytes.byte(offset)
        switch (header.source.isIPv6, type) {
        // Unreachable, source quench, time exceeded, parameter problem.
        case (false, 3), (false, 4), (false, 11), (false, 12): decodeICMPError(header, bytes, at: offset, scope)
        // Unreachable, packet too big, time exceeded, parameter problem.
        case (true, 1...4): decodeICMPError(header, bytes, at: offset, scope)
        case (true, 135), (true, 136): decodeNeighbour(header, bytes, at: offset, scope)
        default: break
        }
    }

    /// The quoted packet: its header, and of its transport what the sender of the error included (RFC 792: 8 bytes).
    private mutating func decodeICMPError(
        _ header: InternetHeader,
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope
    ) {
        let quoted = offset &+ 8
        guard
            let (flow, transport) = header.source.isIPv6
                ? quotedIPv6(bytes, at: quoted, scope) : quotedIPv4(bytes, at: quoted, scope)
        else { return }
        let hasPorts = flow.transport == ProtocolNumber.tcp || flow.transport == ProtocolNumber.udp
        let available = scope.capturedEnd(bytes) &- transport
        if hasPorts, !holds(4, at: transport, of: bytes, scope, .icmp) { return }
        let type = bytes.byte(offset)
        let code = bytes.byte(offset &+ 1)
        var mtu: UInt32?
        if header.source.isIPv6, type == 2 {
            mtu = bytes.uint32(offset &+ 4)
        } else if !header.source.isIPv6, type == 3, code == 4 {
            // RFC 1191 §4: zero from routers that do not know the field.
            let value = bytes.uint16(offset &+ 6)
            mtu = value == 0 ? nil : UInt32(value)
        }
        guard icmpErrors.count < Self.maximumICMPErrors else { return }
        icmpErrors.append(
            ICMPErrorFacts(
                frame: scope.frame,
                sender: header.source,
                isIPv6: header.source.isIPv6,
                type: type,
                code: code,
                quotedSource: Endpoint(address: flow.source, port: hasPorts ? bytes.uint16(transport) : 0),
                quotedDestination: Endpoint(
                    address: flow.destination,
                    port: hasPorts ? bytes.uint16(transport &+ 2) : 0
                ),
                quotedProtocol: flow.transport,
                quotedSequence: flow.transport == ProtocolNumber.tcp && available >= 8
                    ? bytes.uint32(transport &+ 4) : nil,
                mtu: mtu
            )
        )
    }

    /// The quoted header and the offset of what follows it. Its total length is of no use: senders rewrite it.
    private mutating func quotedIPv4(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope
    ) -> (InternetHeader, Int)? {
        guard holds(20, at: offset, of: bytes, scope, .icmp) else { return nil }
        let headerLength = Int(bytes.byte(offset) & 15) &* 4
        guard bytes.byte(offset) >> 4 == 4, headerLength >= 20 else {
            observe(.icmp, at: offset, required: 20, available: headerLength, .ipHeaderLength, scope)
            return nil
        }
        // A later fragment quotes no ports.
        guard bytes.uint16(offset &+ 6) & 0x1fff == 0 else { return nil }
        let header = InternetHeader(
            source: IPAddress(v4: bytes.uint32(offset &+ 12)),
            destination: IPAddress(v4: bytes.uint32(offset &+ 16)),
            hopLimit: bytes.byte(offset &+ 8),
            identification: bytes.uint16(offset &+ 4),
            transport: bytes.byte(offset &+ 9),
            packetLength: 0
        )
        return (header, offset &+ headerLength)
    }

    private mutating func quotedIPv6(
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope
    ) -> (InternetHeader, Int)? {
        guard holds(40, at: offset, of: bytes, scope, .icmp) else { return nil }
        guard bytes.byte(offset) >> 4 == 6 else { return nil }
        var header = InternetHeader(
            source: IPAddress(v6High: bytes.uint64(offset &+ 8), low: bytes.uint64(offset &+ 16)),
            destination: IPAddress(v6High: bytes.uint64(offset &+ 24), low: bytes.uint64(offset &+ 32)),
            hopLimit: bytes.byte(offset &+ 7),
            identification: nil,
            transport: bytes.byte(offset &+ 6),
            packetLength: 0
        )
        var position = offset &+ 40
        for _ in 0..<8 {
            switch header.transport {
            case 0, 43, 60:
                guard holds(8, at: position, of: bytes, scope, .icmp) else { return nil }
                header.transport = bytes.byte(position)
                position = position &+ (Int(bytes.byte(position &+ 1)) &+ 1) &* 8
            case ProtocolNumber.fragment:
                guard holds(8, at: position, of: bytes, scope, .icmp) else { return nil }
                guard bytes.uint16(position &+ 2) & 0xfff8 == 0 else { return nil }
                header.transport = bytes.byte(position)
                position = position &+ 8
            default:
                return (header, position)
            }
        }
        return nil
    }
}
