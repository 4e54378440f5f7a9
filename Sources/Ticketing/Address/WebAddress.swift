/// An http or https URL (RFC 3986), as a person copies it from a browser. Kept as text: paths are taken apart and sent on with the
/// percent-encoding that they came with.
package struct WebAddress: Sendable, Equatable {
    package var isSecure: Bool
    /// Lower case; an IPv6 address in its brackets.
    package var host: String
    /// Nil for the scheme's own.
    package var port: Int?
    /// Without empty parts.
    package var path: [String]
    package var query: [(name: String, value: String)]
    /// As it was given, but for the fragment, which is the browser's own business.
    package let text: String

    package static func == (left: WebAddress, right: WebAddress) -> Bool { left.text == right.text }

    package init(_ text: String) throws(AttachFailure) {
        func wrong(_ why: String) -> AttachFailure {
            AttachFailure(.usage, "--to: \(why)", hint: "copy the ticket's address from the browser")
        }
        guard text.unicodeScalars.allSatisfy({ (0x21...0x7e).contains($0.value) }) else {
            throw wrong("the URL has blanks or characters that a URL has percent-encoded")
        }
        let lower = text.lowercased()
        guard let scheme = ["https://", "http://"].first(where: lower.hasPrefix) else {
            // It may be a secret: it is not repeated.
            throw wrong("the URL begins with neither https:// nor http://")
        }
        isSecure = scheme == "https://"
        self.text = String(text.prefix { $0 != "#" })
        let rest = text.dropFirst(scheme.count).prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@") else {
            throw AttachFailure(
                .usage,
                "--to: the URL has a user or a password in it, which others can read in the list of processes",
                hint: "set GWSNIFF_USER and GWSNIFF_PASSWORD, or GWSNIFF_TOKEN"
            )
        }
        guard let place = Self.hostAndPort(authority.lowercased()) else { throw wrong("'\(authority)' is no host") }
        (host, port) = place
        let behind = rest.dropFirst(authority.count)
        path = behind.prefix { $0 != "?" }.split(separator: "/").map(String.init)
        query = behind.drop { $0 != "?" }.dropFirst().split(separator: "&").map { pair in
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.decoded(String(sides[0])), sides.count > 1 ? Self.decoded(String(sides[1])) : "")
        }
    }

    /// Nil for what is no host.
    static func hostAndPort(_ text: String) -> (String, Int?)? {
        let end =
            text.hasPrefix("[") ? text.firstIndex(of: "]").map { text.index(after: $0) } : text.firstIndex(of: ":")
        let host = text[..<(end ?? text.endIndex)]
        let rest = text[(end ?? text.endIndex)...]
        guard !host.isEmpty, !host.hasPrefix("[") || host.hasSuffix("]") else { return nil }
        guard host.utf8.allSatisfy({ $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "\\") }) else { return nil }
        if rest.isEmpty { return (String(host), nil) }
        guard rest.hasPrefix(":"), let port = Int(rest.dropFirst()), (1...65_535).contains(port) else { return nil }
        return (String(host), port)
    }

    /// The scheme and where it leads, as it stands at the beginning of every request's URL.
    package var origin: String { (isSecure ? "https://" : "http://") + host + (port.map { ":\($0)" } ?? "") }

    /// On this machine: nobody listens in between.
    package var isLoopback: Bool {
        host == "localhost" || host == "[::1]" || host.hasSuffix(".localhost")
            || (host.hasPrefix("127.") && host.allSatisfy { $0.isNumber || $0 == "." })
    }

    package func value(_ name: String) -> String? { query.first { $0.name == name }?.value }

    // MARK: Percent-encoding (RFC 3986 §2)

    package static func decoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        let units = Array(text.utf8)
        var position = 0
        while position < units.count {
            if units[position] == UInt8(ascii: "%"), position + 2 < units.count,
                let value = UInt8(String(decoding: units[(position + 1)...(position + 2)], as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                position += 3
            } else {
                bytes.append(units[position])
                position += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// All but unreserved characters, so that it can be a part of a path or a value of a query.
    package static func encoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
