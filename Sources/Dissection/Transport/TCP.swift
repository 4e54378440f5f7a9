import Model

extension InternetHeader {
    /// Whether the identification tells one packet of a flow from the next.
    var hasIdentification: Bool { (identification ?? 0) != 0 }
}

extension PacketDecoder {
    /// RFC 9293 §3.1. A data offset that does not fit its packet is dropped as a receiver would drop it.
    mutating func decodeTCP(
        _ header: InternetHeader,
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope,
        _ deliver: (Segment, RawSpan) -> Void
    ) {
        guard holds(20, at: offset, of: bytes, scope, .transport) else { return }
        counters.tcpPackets &+= 1
        let offsetAndFlags = bytes.uint16(offset &+ 12)
        let headerLength = Int(offsetAndFlags >> 12) &* 4
        let wireLength = scope.end &- offset
        guard headerLength >= 20, headerLength <= wireLength else {
            let isShort = headerLength < 20
            observe(
                .transport,
                at: offset,
                required: isShort ? 20 : headerLength,
                available: isShort ? headerLength : wireLength,
                isShort ? .tcpDataOffset : scope.endSource,
                scope
            )
            return
        }
        if header.packetLength > 1_500 { counters.offloadSegments &+= 1 }
        let flags = TCPFlags(rawValue: offsetAndFlags & 0xff)
        let captured = scope.capturedEnd(bytes)
        let wirePayload = wireLength &- headerLength
        if isDuplicateTCP(header, flags, wirePayload, bytes, offset..<captured, scope) { return }

        let payload = min(offset &+ headerLength, captured)
        var segment = Segment(
            source: Endpoint(address: header.source, port: bytes.uint16(offset)),
            destination: Endpoint(address: header.destination, port: bytes.uint16(offset &+ 2)),
            sequence: bytes.uint32(offset &+ 4),
            acknowledgment: bytes.uint32(offset &+ 8),
            flags: flags,
            window: bytes.uint16(offset &+ 14),
            hopLimit: header.hopLimit,
            identification: header.identification,
            payload: payload..<captured,
            wirePayloadLength: wirePayload
        )
        segment.forbidsFragments = header.forbidsFragments
        if headerLength > 20 {
            if headerLength &+ offset > captured {
                segment.hasCutOptions = true
                _ = holds(headerLength, at: offset, of: bytes, scope, .transport)
            }
            decodeOptions(offset &+ 20..<payload, of: bytes, into: &segment, scope)
        }
        deliver(segment, bytes)
    }

    private mutating func isDuplicateTCP(
        _ header: InternetHeader,
        _ flags: TCPFlags,
        _ wirePayload: Int,
        _ bytes: RawSpan,
        _ range: Range<Int>,
        _ scope: DecodeScope
    ) -> Bool {
        let offset = range.lowerBound
        var digest = PacketDigest(header)
        // Ports and sequence number; acknowledgment, offset, flags and window. Not the checksum.
        digest.add(bytes.uint64(offset))
        digest.add(bytes.uint64(offset &+ 8))
        digest.add(UInt64(truncatingIfNeeded: wirePayload))
        digest.add(bytes, offset &+ 20..<range.upperBound)
        let kind: DuplicateFilter.Kind =
            if header.hasIdentification {
                .identified
            } else if flags.contains(.syn) {
                .opening
            } else if wirePayload > 0 || flags.contains(.fin) {
                .data
            } else {
                .bare
            }
        return isDuplicate(digest, kind, header, scope)
    }

    /// Kind, length, value (RFC 9293 §3.2). `range` is captured; it ends early where a snap length cut the header.
    private mutating func decodeOptions(
        _ range: Range<Int>,
        of bytes: RawSpan,
        into segment: inout Segment,
        _ scope: DecodeScope
    ) {
        // What nearly every segment carries (RFC 7323 appendix A): two no-operations and a timestamp.
        if range.count == 12, bytes.uint32(range.lowerBound) == 0x0101_080a {
            segment.timestampValue = bytes.uint32(range.lowerBound &+ 4)
            segment.timestampEcho = bytes.uint32(range.lowerBound &+ 8)
            return
        }
        if segment.flags.contains(.syn), range.count >= 20 {
            // MSS, SACK permitted, timestamps, no-operation, window scale: `tcp_options_write` of Linux, any version since 2.6.
            // FreeBSD, macOS and Windows write the window scale before SACK permitted.
            segment.opensLikeLinux =
                bytes.uint16(range.lowerBound) == 0x0204 && bytes.uint32(range.lowerBound &+ 4) == 0x0402_080a
                && bytes.uint16(range.lowerBound &+ 16) == 0x0103
        }
        var offset = range.lowerBound
        while offset < range.upperBound {
            let kind = bytes.byte(offset)
            if kind == 0 { return }
            if kind == 1 {
                offset = offset &+ 1
                continue
            }
            let available = range.upperBound &- offset
            guard available >= 2, bytes.byte(offset &+ 1) >= 2, Int(bytes.byte(offset &+ 1)) <= available else {
                let required = available >= 2 ? max(Int(bytes.byte(offset &+ 1)), 2) : 2
                observe(
                    .transport,
                    at: offset,
                    required: required,
                    available: available,
                    .optionLength,
                    scope
                )
                return
            }
            let length = Int(bytes.byte(offset &+ 1))
            decodeOption(kind, length, at: offset, of: bytes, into: &segment)
            offset = offset &+ length
        }
    }

    /// MSS (RFC 9293), window scale and timestamps (RFC 7323 §2.2, §3.2), SACK (RFC 2018 §2, §3).
    private func decodeOption(
        _ kind: UInt8,
        _ length: Int,
        at offset: Int,
        of bytes: RawSpan,
        into segment: inout Segment
    ) {
        let isSyn = segment.flags.contains(.syn)
        switch (kind, length) {
        case (2, 4) where isSyn: segment.maximumSegmentSize = bytes.uint16(offset &+ 2)
        // RFC 7323 §2.3: a shift above 14 counts as 14.
        case (3, 3) where isSyn: segment.windowScale = min(bytes.byte(offset &+ 2), 14)
        case (4, 2) where isSyn: segment.allowsSelectiveAcknowledgment = true
        case (5, 10...): segment.selectiveAcknowledgments = offset &+ 2..<offset &+ 2 &+ (length &- 2) / 8 &* 8
        case (8, 10):
            segment.timestampValue = bytes.uint32(offset &+ 2)
            segment.timestampEcho = bytes.uint32(offset &+ 6)
        default: break
        }
    }
}
