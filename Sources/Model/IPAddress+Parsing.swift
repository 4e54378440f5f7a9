extension IPAddress {
    /// Reads dotted decimal (four parts, no leading zeros as RFC 6943 §3.1.1 warns) or the forms of RFC 4291 §2.2;
    /// no zone, no brackets. Nil for anything else.
    package init?(_ text: some StringProtocol) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let groups = Self.groups(of: text) else { return nil }
            func word(_ part: ArraySlice<UInt16>) -> UInt64 { part.reduce(0) { $0 << 16 | UInt64($1) } }
            self.init(v6High: word(groups[..<4]), low: word(groups[4...]))
        } else {
            guard let value = Self.dottedDecimal(text) else { return nil }
            self.init(v4: value)
        }
    }

    private static func dottedDecimal(_ text: some StringProtocol) -> UInt32? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy({ (0x30...0x39).contains($0) }),
                part.count == 1 || part.first != 0x30,
                let octet = UInt8(String(decoding: part, as: UTF8.self))
            else { return nil }
            value = value << 8 | UInt32(octet)
        }
        return value
    }

    /// The eight groups; "::" stands for one group of zeros or more, the last 32 bits may be dotted decimal.
    private static func groups(of text: some StringProtocol) -> [UInt16]? {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard (3...9).contains(parts.count) else { return nil }
        var groups: [UInt16] = []
        var gap: Int?
        for (index, part) in parts.enumerated() {
            if part.isEmpty {
                // A leading or trailing "::" splits into two empty parts, an inner one into one.
                let atEdge = index == 0 || index == parts.count - 1
                if atEdge {
                    let neighbour = parts[index == 0 ? 1 : index - 1]
                    guard neighbour.isEmpty else { return nil }
                } else {
                    guard gap == nil else { return nil }
                    gap = groups.count
                }
                continue
            }
            let string = String(decoding: part, as: UTF8.self)
            if index == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let value = dottedDecimal(string) else { return nil }
                groups += [UInt16(truncatingIfNeeded: value >> 16), UInt16(truncatingIfNeeded: value)]
                continue
            }
            guard part.count <= 4, part.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
                let group = UInt16(string, radix: 16)
            else { return nil }
            groups.append(group)
        }
        guard let gap else { return groups.count == 8 ? groups : nil }
        guard groups.count < 8 else { return nil }
        groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
        return groups
    }
}

extension AddressPrefix {
    /// Reads ADDR[/LEN][:PORT]. An IPv6 address with a port stands in brackets: `[fd00::1]:8080`, `[fd00::]/8:8080`.
    package init?(_ text: String) {
        var rest = text[...]
        let address: IPAddress
        if rest.first == "[" {
            guard let close = rest.firstIndex(of: "]"),
                let parsed = IPAddress(rest[rest.index(after: rest.startIndex)..<close]),
                parsed.isIPv6
            else { return nil }
            address = parsed
            rest = rest[rest.index(after: close)...]
        } else {
            let isIPv6 = rest.utf8.count(where: { $0 == UInt8(ascii: ":") }) > 1
            let end = rest.firstIndex { $0 == "/" || (!isIPv6 && $0 == ":") } ?? rest.endIndex
            guard let parsed = IPAddress(rest[..<end]) else { return nil }
            address = parsed
            rest = rest[end...]
        }
        var length: Int?
        if rest.first == "/" {
            let digits = rest.dropFirst().prefix { $0 != ":" }
            guard let value = Self.number(digits, upTo: address.bitWidth) else { return nil }
            length = value
            rest = rest.dropFirst(1 + digits.count)
        }
        var port: UInt16?
        if rest.first == ":" {
            guard let value = Self.number(rest.dropFirst(), upTo: 65_535), value > 0 else { return nil }
            port = UInt16(value)
            rest = ""
        }
        guard rest.isEmpty else { return nil }
        self.init(address: address, length: length, port: port)
    }

    private static func number(_ digits: Substring, upTo limit: Int) -> Int? {
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int(digits), value <= limit else {
            return nil
        }
        return value
    }
}
