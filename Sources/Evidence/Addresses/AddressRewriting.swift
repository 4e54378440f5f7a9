import Model

extension EvidencePackets {
    /// Maps addresses in IP headers, ARP, neighbour discovery, quotes of ICMP errors, DNS answers and PROXY headers, and what is said of
    /// them. Where they are written out their length has to stay: there `redact` has overwritten them.
    package mutating func mapAddresses(_ map: AddressMap) {
        for index in packets.indices {
            let record = packets[index].record
            let old = packets[index].bytes
            let layout = FrameLayout(old.span.bytes, linkType: record.linkType, wireLength: record.wireLength)
            var rewriting = AddressRewriting(bytes: old, map: map)
            packets[index].bytes = []
            rewriting.rewrite(layout)
            packets[index].bytes = rewriting.bytes
        }
        plan.mapAddresses(map)
    }
}

/// Maps the addresses of one packet.
private struct AddressRewriting {
    var bytes: [UInt8]
    let map: AddressMap

    mutating func rewrite(_ layout: FrameLayout) {
        let old = bytes
        switch layout.content {
        case .arp:
            version4(at: layout.transport + 14)
            version4(at: layout.transport + 24)
            return
        case .udp where layout.sourcePort == 53 || layout.destinationPort == 53:
            NameAddresses.rewrite(&bytes, layout.payload, map)
        case .tcp where layout.sourcePort == 53 || layout.destinationPort == 53:
            // A message that begins in this segment, behind its length (RFC 1035 §4.2.2).
            let start = min(layout.payload.lowerBound + 2, layout.payload.upperBound)
            NameAddresses.rewrite(&bytes, start..<layout.payload.upperBound, map)
        case .tcp:
            proxyHeader(layout.payload)
        case .icmp, .icmpv6: quoted(layout)
        case .udp, .fragment, .other: break
        }
        layout.updateChecksums(&bytes, from: old)
        for header in layout.outer { _ = self.header(header) }
        guard let network = layout.network else { return }
        let difference = self.header(network)
        switch layout.content {
        // The pseudo header (RFC 9293 §3.1; RFC 768; RFC 4443 §2.3); ICMP for IPv4 has none.
        case .tcp: InternetChecksum.update(&bytes, at: layout.transport + 16, by: difference)
        case .udp: InternetChecksum.update(&bytes, at: layout.transport + 6, by: difference, isOptional: true)
        case .icmpv6: InternetChecksum.update(&bytes, at: layout.transport + 2, by: difference)
        case .fragment where layout.fragment?.offset == 0 && layout.fragment?.transport == 6:
            InternetChecksum.update(&bytes, at: layout.transport + 16, by: difference)
        default: break
        }
    }

    /// - Returns: what the sum of the addresses grew by.
    private mutating func header(_ header: FrameLayout.Header) -> Int64 {
        let old = bytes
        let addresses = header.isIPv6 ? header.offset + 8..<header.offset + 40 : header.offset + 12..<header.offset + 20
        guard addresses.upperBound <= bytes.count else { return 0 }
        if header.isIPv6 {
            version6(at: addresses.lowerBound)
            version6(at: addresses.lowerBound + 16)
        } else {
            version4(at: addresses.lowerBound)
            version4(at: addresses.lowerBound + 4)
        }
        let difference = InternetChecksum.difference(old, bytes, addresses, base: header.offset)
        if !header.isIPv6 { InternetChecksum.update(&bytes, at: header.offset + 10, by: difference) }
        return difference
    }

    private mutating func quoted(_ layout: FrameLayout) {
        let type = bytes[layout.transport]
        if layout.content == .icmpv6, type == 135 || type == 136 { version6(at: layout.payload.lowerBound) }
        guard layout.isICMPError(bytes.span.bytes) else { return }
        let inner = FrameLayout(quotedIn: bytes.span.bytes, at: layout.transport + 8, end: layout.payload.upperBound)
        guard let network = inner.network else { return }
        let difference = header(network)
        if inner.content == .tcp {
            if inner.transport + 18 <= layout.payload.upperBound {
                InternetChecksum.update(&bytes, at: inner.transport + 16, by: difference)
            }
        } else if inner.content == .udp {
            InternetChecksum.update(&bytes, at: inner.transport + 6, by: difference, isOptional: true)
        }
    }

    /// Version 2 has addresses as numbers, version 1 as text.
    private mutating func proxyHeader(_ payload: Range<Int>) {
        let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
        guard payload.count >= 28, bytes[payload].starts(with: signature) else { return }
        let start = payload.lowerBound + 16
        switch bytes[payload.lowerBound + 13] >> 4 {
        case 1:
            version4(at: start)
            version4(at: start + 4)
        case 2 where payload.count >= 52:
            version6(at: start)
            version6(at: start + 16)
        default: break
        }
    }

    private mutating func version4(at offset: Int) { bytes.mapVersion4(at: offset, map) }
    private mutating func version6(at offset: Int) { bytes.mapVersion6(at: offset, map) }
}

extension [UInt8] {
    fileprivate mutating func mapVersion4(at offset: Int, _ map: AddressMap) {
        guard offset >= 0, offset + 4 <= count else { return }
        let value = self[offset..<offset + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let mapped = map.map(IPAddress(v4: value)).low
        for index in 0..<4 { self[offset + index] = UInt8(truncatingIfNeeded: mapped >> UInt64(24 - 8 * index)) }
    }

    fileprivate mutating func mapVersion6(at offset: Int, _ map: AddressMap) {
        guard offset >= 0, offset + 16 <= count else { return }
        let high = self[offset..<offset + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let low = self[offset + 8..<offset + 16].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let mapped = map.map(IPAddress(v6High: high, low: low))
        for index in 0..<8 {
            self[offset + index] = UInt8(truncatingIfNeeded: mapped.high >> UInt64(56 - 8 * index))
            self[offset + 8 + index] = UInt8(truncatingIfNeeded: mapped.low >> UInt64(56 - 8 * index))
        }
    }
}

/// Addresses in DNS messages (RFC 1035 §4.1): those of A and AAAA records, and names of reverse look-ups.
private enum NameAddresses {
    private static let mostRecords = 256

    static func rewrite(_ bytes: inout [UInt8], _ message: Range<Int>, _ map: AddressMap) {
        guard message.count >= 12 else { return }
        func number(_ offset: Int) -> Int {
            offset + 2 <= message.upperBound ? Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) : 0
        }
        let start = message.lowerBound
        let questions = number(start + 4)
        let records = number(start + 6) + number(start + 8) + number(start + 10)
        var position = start + 12
        for _ in 0..<min(questions, mostRecords) {
            guard let end = name(&bytes, position, message.upperBound) else { return }
            position = end + 4
        }
        for _ in 0..<min(records, mostRecords) {
            guard let end = name(&bytes, position, message.upperBound), end + 10 <= message.upperBound else { return }
            let (type, length) = (number(end), number(end + 8))
            position = end + 10 + length
            guard position <= message.upperBound else { return }
            if type == 1, length == 4 { bytes.mapVersion4(at: end + 10, map) }
            if type == 28, length == 16 { bytes.mapVersion6(at: end + 10, map) }
        }
    }

    /// Past a name; the numbers of one that is looked up in reverse (in-addr.arpa, ip6.arpa) are overwritten.
    private static func name(_ bytes: inout [UInt8], _ start: Int, _ end: Int) -> Int? {
        var position = start
        var labels: [Range<Int>] = []
        while position < end {
            let length = Int(bytes[position])
            if length == 0 || length >= 0xc0 {
                let isReverse = labels.last.map { bytes[$0].elementsEqual("arpa".utf8) } == true
                if isReverse {
                    for label in labels.dropLast(2) { for index in label { bytes[index] = UInt8(ascii: "x") } }
                }
                return position + (length == 0 ? 1 : 2)
            }
            guard length < 64, position + 1 + length <= end, labels.count < 128 else { return nil }
            labels.append(position + 1..<position + 1 + length)
            position += 1 + length
        }
        return nil
    }
}

extension EvidencePlan {
    mutating func mapAddresses(_ map: AddressMap) {
        func endpoint(_ old: Endpoint) -> Endpoint { Endpoint(address: map.map(old.address), port: old.port) }
        for index in findings.indices { findings[index].title = map.map(findings[index].title) }
        for (frame, list) in marks { marks[frame] = list.map { Mark(finding: $0.finding, text: map.map($0.text)) } }
        for index in legs.indices {
            legs[index].span.client = endpoint(legs[index].span.client)
            legs[index].span.server = endpoint(legs[index].span.server)
        }
    }
}
