import Model

extension PacketDecoder {
    /// RFC 768. A length of 0 reaches to the end of the packet (RFC 2675 §4, offload).
    mutating func decodeUDP(
        _ header: InternetHeader,
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        guard holds(8, at: offset, of: bytes, scope, .transport) else { return }
        counters.udpPackets &+= 1
        var scope = scope
        let length = Int(bytes.uint16(offset &+ 4))
        if length != 0 {
            let available = scope.end &- offset
            guard length >= 8, length <= available else {
                observe(
                    .transport,
                    at: offset,
                    required: max(length, 8),
                    available: length < 8 ? length : available,
                    length < 8 ? .udpLength : scope.endSource,
                    scope
                )
                return
            }
            scope.end = offset &+ length
            scope.endSource = .udpLength
        }
        let source = bytes.uint16(offset)
        let destination = bytes.uint16(offset &+ 2)
        // The packet inside a tunnel is compared, not the tunnel's.
        if decodeTunnel(port: destination, bytes, at: offset &+ 8, scope, deliver) { return }
        var digest = PacketDigest(header)
        // Ports and length. Not the checksum.
        digest.add(UInt64(bytes.uint32(offset)) << 16 | UInt64(truncatingIfNeeded: length))
        digest.add(bytes, offset &+ 8..<scope.capturedEnd(bytes))
        if isDuplicate(digest, header.hasIdentification ? .identified : .data, header, scope) { return }
        guard source == 53 || destination == 53 else { return }
        guard holds(12, at: offset &+ 8, of: bytes, scope, .dns), dns.count < Self.maximumDNSMessages else { return }
        let message = DNSMessage.parse(
            bytes,
            offset &+ 8..<scope.capturedEnd(bytes),
            frame: scope.frame,
            source: Endpoint(address: header.source, port: source),
            destination: Endpoint(address: header.destination, port: destination)
        )
        if let message { dns.append(message) }
    }
}
