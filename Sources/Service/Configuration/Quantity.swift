package import Model

/// Sizes and times as people write them.
package enum Quantity {
    /// Bytes: a number, with K, M, G or T (of 1024) behind it or not.
    package static func bytes(_ text: String) -> Int? {
        let units: [Character: Int] = ["k": 10, "m": 20, "g": 30, "t": 40]
        let shift = text.lowercased().last.flatMap { units[$0] }
        let digits = shift == nil ? text[...] : text.dropLast()
        guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits), number < 1 << 20 else {
            // A plain number of bytes may be larger.
            guard shift == nil, let number = Int(text), number >= 0, number < 1 << 60 else { return nil }
            return number
        }
        return number << (shift ?? 0)
    }

    /// A number with ms, s, m, h or d; of seconds without.
    package static func time(_ text: String) -> Nanoseconds? {
        let units: [(String, Double)] = [("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12), ("d", 8.64e13)]
        let unit = units.first { text.hasSuffix($0.0) } ?? ("", 1e9)
        let digits = text.dropLast(unit.0.count)
        guard !digits.isEmpty,
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }),
            let number = Double(digits), number * unit.1 < 9e18
        else { return nil }
        return Nanoseconds(number * unit.1)
    }

    /// "512M".
    package static func text(bytes: Int) -> String {
        for (shift, unit) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")]
        where bytes >= 1 << shift && bytes % (1 << shift) == 0 {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }

    /// "30s".
    package static func text(time: Nanoseconds) -> String {
        for (length, unit) in [(86_400_000_000_000, "d"), (3_600_000_000_000, "h"), (60_000_000_000, "m")]
            as [(Int64, String)]
        where time >= length && time % length == 0 {
            return "\(time / length)\(unit)"
        }
        return time % 1_000_000_000 == 0 ? "\(time / 1_000_000_000)s" : "\(time / 1_000_000)ms"
    }

    /// ADDRESS:PORT, an IPv6 address in brackets; `:PORT` is every IPv4 address.
    package static func endpoint(_ text: String) -> Endpoint? {
        if text.hasPrefix(":"), let port = UInt16(text.dropFirst()), port > 0 {
            return Endpoint(address: IPAddress(v4: 0), port: port)
        }
        guard !text.contains("/"), let prefix = AddressPrefix(text), let port = prefix.port else { return nil }
        return Endpoint(address: prefix.address, port: port)
    }
}
