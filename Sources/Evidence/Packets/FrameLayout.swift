import Model

/// Where the parts of one captured packet lie that evidence is chosen by, and that are overwritten in it.
///
/// Lax: what cannot be followed leaves `content` at `other`. Unlike the decoder of the analysis it looks at one packet by itself
/// and keeps positions, not facts.
struct FrameLayout {
    /// An IP header.
    struct Header {
        var offset: Int
        var isIPv6: Bool
        /// Of the transport header, or of the data of a fragment.
        var end: Int
    }

    enum Content {
        case other, tcp, udp, icmp, icmpv6, arp
        /// A piece of a datagram that came in several.
        case fragment
    }

    /// Headers around `network`, of tunnels.
    var outer: [Header] = []
    /// UDP headers around `network`, of tunnels.
    var tunnels: [Int] = []
    var network: Header?
    var source = IPAddress(v4: 0)
    var destination = IPAddress(v4: 0)
    var content = Content.other
    /// Offset of the transport header, of ARP, or of a fragment's data.
    var transport = 0
    var sourcePort: UInt16 = 0
    var destinationPort: UInt16 = 0
    /// Of TCP: sequence number and flags.
    var sequence: UInt32 = 0
    var flags = TCPFlags()
    /// What the transport carries, as far as it was captured, and how long it was on the wire.
    var payload = 0..<0
    var wirePayload = 0
    /// Of a fragment: what it has in common with the others, its place, and what the datagram carries.
    var fragment: Fragment?

    struct Fragment: Hashable {
        var identification: UInt32
        var offset: Int
        var transport: UInt8
    }

    private static let deepest = 8

    init(_ bytes: RawSpan, linkType: LinkType, wireLength: Int) {
        let end = max(bytes.byteCount, min(wireLength, 1 << 20))
        link(linkType, bytes, end)
    }

    /// The packet that an ICMP error at `offset` quotes, as much of it as there is.
    init(quotedIn bytes: RawSpan, at offset: Int, end: Int) {
        network(bytes, at: offset, end: end, depth: Self.deepest, isQuote: true)
    }

    var from: Endpoint { Endpoint(address: source, port: sourcePort) }
    var to: Endpoint { Endpoint(address: destination, port: destinationPort) }

    /// Of a type that quotes a packet (RFC 792; RFC 4443 §2.1: below 128).
    func isICMPError(_ bytes: RawSpan) -> Bool {
        switch content {
        case .icmp: return [3, 4, 5, 11, 12].contains(bytes.byte(transport))
        case .icmpv6: return bytes.byte(transport) < 128
        default: return false
        }
    }
}

// MARK: Link

extension FrameLayout {
    private mutating func link(_ type: LinkType, _ bytes: RawSpan, _ end: Int) {
        switch type.rawValue {
        case 1: ethernet(bytes, at: 0, end: end, depth: 0)
        case 113 where bytes.byteCount >= 16: etherType(bytes.uint16(14), bytes, at: 16, end: end, depth: 0)
        case 276 where bytes.byteCount >= 20: etherType(bytes.uint16(0), bytes, at: 20, end: end, depth: 0)
        case 0, 108: network(bytes, at: 4, end: end, depth: 0)
        case 12, 14, 101, 228, 229: network(bytes, at: 0, end: end, depth: 0)
        case 9, 50: pointToPoint(bytes, at: 0, end: end, depth: 0)
        case 51: pointToPoint(bytes, at: 6, end: end, depth: 0)
        default: break
        }
    }

    private mutating func ethernet(_ bytes: RawSpan, at offset: Int, end: Int, depth: Int) {
        guard depth < Self.deepest, bytes.byteCount - offset >= 14 else { return }
        etherType(bytes.uint16(offset + 12), bytes, at: offset + 14, end: end, depth: depth + 1)
    }

    private mutating func etherType(_ type: UInt16, _ bytes: RawSpan, at offset: Int, end: Int, depth: Int) {
        guard depth < Self.deepest else { return }
        switch type {
        case 0x0800, 0x86dd: network(bytes, at: offset, end: end, depth: depth)
        case 0x8100, 0x88a8, 0x9100, 0x9200:
            guard bytes.byteCount - offset >= 4 else { return }
            etherType(bytes.uint16(offset + 2), bytes, at: offset + 4, end: end, depth: depth + 1)
        case 0x0806: addressResolution(bytes, at: offset)
        case 0x8847, 0x8848: labels(bytes, at: offset, end: end, depth: depth)
        case 0x8864: pointToPoint(bytes, at: offset + 6, end: end, depth: depth)
        case 0x6558: ethernet(bytes, at: offset, end: end, depth: depth + 1)
        case 0...1_500:
            // 802.2 with SNAP.
            guard bytes.byteCount - offset >= 8, bytes.uint32(offset) >> 8 == 0xaaaa03 else { return }
            etherType(bytes.uint16(offset + 6), bytes, at: offset + 8, end: end, depth: depth + 1)
        default: break
        }
    }

    private mutating func pointToPoint(_ bytes: RawSpan, at offset: Int, end: Int, depth: Int) {
        var offset = offset
        guard bytes.byteCount - offset >= 4 else { return }
        if bytes.uint16(offset) == 0xff03 { offset += 2 }
        let isCompressed = bytes.byte(offset) & 1 == 1
        switch isCompressed ? UInt16(bytes.byte(offset)) : bytes.uint16(offset) {
        case 0x21, 0x57: network(bytes, at: offset + (isCompressed ? 1 : 2), end: end, depth: depth)
        case 0x281, 0x283: labels(bytes, at: offset + (isCompressed ? 1 : 2), end: end, depth: depth)
        default: break
        }
    }

    private mutating func labels(_ bytes: RawSpan, at offset: Int, end: Int, depth: Int) {
        var offset = offset
        var isBottom = false
        for _ in 0..<16 where !isBottom {
            guard bytes.byteCount - offset >= 4 else { return }
            isBottom = bytes.byte(offset + 2) & 1 == 1
            offset += 4
        }
        guard isBottom, bytes.byteCount - offset >= 4 else { return }
        if bytes.byte(offset) >> 4 == 0 {
            ethernet(bytes, at: offset + 4, end: end, depth: depth + 1)
        } else {
            network(bytes, at: offset, end: end, depth: depth + 1)
        }
    }

    /// RFC 826, for IPv4 over hardware addresses of six bytes.
    private mutating func addressResolution(_ bytes: RawSpan, at offset: Int) {
        guard bytes.byteCount - offset >= 28, bytes.uint16(offset + 2) == 0x0800, bytes.byte(offset + 4) == 6,
            bytes.byte(offset + 5) == 4
        else { return }
        content = .arp
        transport = offset
        source = IPAddress(v4: bytes.uint32(offset + 14))
        destination = IPAddress(v4: bytes.uint32(offset + 24))
    }
}

// MARK: Network and transport

extension FrameLayout {
    private mutating func network(_ bytes: RawSpan, at offset: Int, end: Int, depth: Int, isQuote: Bool = false) {
        guard depth <= Self.deepest, offset >= 0, bytes.byteCount > offset else { return }
        switch bytes.byte(offset) >> 4 {
        case 4: version4(bytes, at: offset, end, depth, isQuote)
        case 6: version6(bytes, at: offset, end, depth, isQuote)
        default: break
        }
    }

    private mutating func enter(_ header: Header) {
        if let network { outer.append(network) }
        network = header
    }

    private mutating func version4(_ bytes: RawSpan, at offset: Int, _ end: Int, _ depth: Int, _ isQuote: Bool) {
        let length = Int(bytes.byte(offset) & 15) * 4
        guard bytes.byteCount - offset >= 20, length >= 20 else { return }
        enter(Header(offset: offset, isIPv6: false, end: offset + length))
        source = IPAddress(v4: bytes.uint32(offset + 12))
        destination = IPAddress(v4: bytes.uint32(offset + 16))
        let total = Int(bytes.uint16(offset + 2))
        let end = isQuote || total == 0 ? end : offset + total
        let place = bytes.uint16(offset + 6)
        if place & 0x3fff != 0 {
            let number = UInt32(bytes.uint16(offset + 4))
            fragment = Fragment(
                identification: number,
                offset: Int(place & 0x1fff) * 8,
                transport: bytes.byte(offset + 9)
            )
            piece(bytes, at: offset + length, end)
        } else {
            carried(bytes.byte(offset + 9), bytes, at: offset + length, end, depth, isQuote)
        }
    }

    private mutating func version6(_ bytes: RawSpan, at offset: Int, _ end: Int, _ depth: Int, _ isQuote: Bool) {
        guard bytes.byteCount - offset >= 40 else { return }
        source = IPAddress(v6High: bytes.uint64(offset + 8), low: bytes.uint64(offset + 16))
        destination = IPAddress(v6High: bytes.uint64(offset + 24), low: bytes.uint64(offset + 32))
        let length = Int(bytes.uint16(offset + 4))
        let end = isQuote || length == 0 ? end : offset + 40 + length
        var next = bytes.byte(offset + 6)
        var position = offset + 40
        enter(Header(offset: offset, isIPv6: true, end: position))
        for _ in 0..<8 {
            switch next {
            case 0, 43, 60:
                guard bytes.byteCount - position >= 8 else { return }
                next = bytes.byte(position)
                position += (Int(bytes.byte(position + 1)) + 1) * 8
            case 51:
                guard bytes.byteCount - position >= 8 else { return }
                next = bytes.byte(position)
                position += (Int(bytes.byte(position + 1)) + 2) * 4
            case 44:
                guard bytes.byteCount - position >= 8 else { return }
                let place = bytes.uint16(position + 2)
                next = bytes.byte(position)
                if place & 0xfff9 != 0 {
                    fragment = Fragment(
                        identification: bytes.uint32(position + 4),
                        offset: Int(place & 0xfff8),
                        transport: next
                    )
                    network?.end = position + 8
                    return piece(bytes, at: position + 8, end)
                }
                position += 8
            default:
                network?.end = position
                return carried(next, bytes, at: position, end, depth, isQuote)
            }
        }
    }

    /// The first one has the ports.
    private mutating func piece(_ bytes: RawSpan, at offset: Int, _ end: Int) {
        content = .fragment
        transport = offset
        wirePayload = max(0, end - offset)
        let captured = max(offset, min(bytes.byteCount, end))
        payload = offset..<captured
        guard fragment?.offset == 0, captured - offset >= 4 else { return }
        if fragment?.transport == 6 || fragment?.transport == 17 {
            sourcePort = bytes.uint16(offset)
            destinationPort = bytes.uint16(offset + 2)
        }
    }

    private mutating func carried(
        _ number: UInt8,
        _ bytes: RawSpan,
        at offset: Int,
        _ end: Int,
        _ depth: Int,
        _ isQuote: Bool
    ) {
        let captured = min(bytes.byteCount, end)
        transport = offset
        switch number {
        case 6: segment(bytes, at: offset, captured, end, isQuote)
        case 17: datagram(bytes, at: offset, captured, end, depth, isQuote)
        case 1, 58:
            guard captured - offset >= 8 else { return }
            content = number == 1 ? .icmp : .icmpv6
            payload = offset + 8..<captured
            wirePayload = max(0, end - offset - 8)
        case 4, 41: network(bytes, at: offset, end: end, depth: depth + 1)
        case 47: generic(bytes, at: offset, end: end, depth: depth)
        default: break
        }
    }

    private mutating func segment(_ bytes: RawSpan, at offset: Int, _ captured: Int, _ end: Int, _ isQuote: Bool) {
        // An ICMP error need quote no more than ports and sequence number.
        guard captured - offset >= (isQuote ? 8 : 20) else { return }
        content = .tcp
        sourcePort = bytes.uint16(offset)
        destinationPort = bytes.uint16(offset + 2)
        sequence = bytes.uint32(offset + 4)
        payload = captured..<captured
        guard captured - offset >= 20 else { return }
        flags = TCPFlags(rawValue: bytes.uint16(offset + 12) & 0xff)
        let header = Int(bytes.byte(offset + 12) >> 4) * 4
        guard header >= 20, header <= end - offset else {
            // No receiver would take it; nothing of it is shown as it was.
            payload = offset + 20..<captured
            wirePayload = payload.count
            return
        }
        payload = min(offset + header, captured)..<captured
        wirePayload = end - offset - header
    }

    private mutating func datagram(
        _ bytes: RawSpan,
        at offset: Int,
        _ captured: Int,
        _ end: Int,
        _ depth: Int,
        _ isQuote: Bool
    ) {
        guard captured - offset >= 8 else { return }
        content = .udp
        sourcePort = bytes.uint16(offset)
        destinationPort = bytes.uint16(offset + 2)
        payload = offset + 8..<captured
        wirePayload = max(0, end - offset - 8)
        guard !isQuote, depth < Self.deepest, payload.count >= 8 else { return }
        let before = outer.count
        tunnel(bytes, at: offset + 8, end: end, depth: depth + 1)
        if outer.count > before { tunnels.append(offset) }
    }
}

// MARK: Tunnels

extension FrameLayout {
    /// VXLAN (RFC 7348), Geneve (RFC 8926) and GTP-U (3GPP TS 29.281), as the analysis tells them.
    private mutating func tunnel(_ bytes: RawSpan, at offset: Int, end: Int, depth: Int) {
        switch destinationPort {
        case 4_789, 8_472:
            guard bytes.byte(offset) & 0x08 != 0 else { return }
            ethernet(bytes, at: offset + 8, end: end, depth: depth)
        case 6_081:
            let inner = offset + 8 + Int(bytes.byte(offset) & 0x3f) * 4
            guard bytes.byte(offset) >> 6 == 0 else { return }
            etherType(bytes.uint16(offset + 2), bytes, at: inner, end: end, depth: depth)
        case 2_152:
            guard bytes.byte(offset) & 0xf0 == 0x30, bytes.byte(offset + 1) == 255 else { return }
            var inner = offset + 8
            if bytes.byte(offset) & 0x07 != 0 {
                guard bytes.byteCount - inner >= 4 else { return }
                var next = bytes.byte(inner + 3)
                inner += 4
                for _ in 0..<8 where next != 0 && bytes.byte(offset) & 0x04 != 0 {
                    guard bytes.byteCount - inner >= 4 else { return }
                    let length = max(Int(bytes.byte(inner)), 1) * 4
                    guard bytes.byteCount - inner >= length else { return }
                    inner += length
                    next = bytes.byte(inner - 1)
                }
            }
            network(bytes, at: inner, end: end, depth: depth)
        default: break
        }
    }

    /// GRE (RFC 2784, RFC 2890) and ERSPAN.
    private mutating func generic(_ bytes: RawSpan, at offset: Int, end: Int, depth: Int) {
        guard bytes.byteCount - offset >= 4, depth < Self.deepest else { return }
        let flags = bytes.uint16(offset)
        guard flags & 0x4007 == 0 else { return }
        let hasSequence = flags & 0x1000 != 0
        let words = Int(flags >> 15 & 1) + Int(flags >> 13 & 1) + (hasSequence ? 1 : 0)
        let inner = offset + 4 + words * 4
        switch bytes.uint16(offset + 2) {
        case 0x88be: ethernet(bytes, at: inner + (hasSequence ? 8 : 0), end: end, depth: depth + 1)
        case 0x22eb:
            guard bytes.byteCount - inner >= 12 else { return }
            ethernet(bytes, at: inner + 12 + (bytes.byte(inner + 11) & 1 == 1 ? 8 : 0), end: end, depth: depth + 1)
        case let type: etherType(type, bytes, at: inner, end: end, depth: depth + 1)
        }
    }
}
