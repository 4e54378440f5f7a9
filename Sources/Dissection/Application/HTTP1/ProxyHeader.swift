import Model

/// A PROXY protocol header, version 1 or 2 (haproxy.org/download/2.6/doc/proxy-protocol.txt §2), byte by byte.
struct ProxyHeader {
    enum Step {
        case more
        case complete(FieldLine)
        /// These bytes, the one just given excluded, are no PROXY header.
        case notProxy([UInt8])
    }

    /// §2.1: 107 bytes hold the longest version 1 header with its CR LF.
    private static let longestText = 107
    /// §2.2: header and the addresses of TCP over IPv6; what follows is options.
    private static let keptBinary = 52

    static let textStart = Array("PROXY ".utf8)
    static let binaryStart: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

    /// The first bytes; none once the header ended.
    private(set) var bytes: [UInt8] = []
    private var length = 0

    mutating func take(_ byte: UInt8) -> Step {
        let position = length
        let isText = bytes.isEmpty ? byte == Self.textStart[0] : bytes[0] == Self.textStart[0]
        let fits: Bool
        if isText {
            fits = position < Self.textStart.count ? byte == Self.textStart[position] : position < Self.longestText
        } else if position < Self.binaryStart.count {
            fits = byte == Self.binaryStart[position]
        } else {
            // The version is the high half of byte 13.
            fits = position > 12 || byte >> 4 == 2
        }
        guard fits else {
            defer { bytes = [] }
            return .notProxy(bytes)
        }
        if bytes.count < max(Self.longestText, Self.keptBinary) { bytes.append(byte) }
        length += 1
        if isText {
            return byte == Octet.lineFeed ? .complete(textLine()) : .more
        }
        guard length >= 16 else { return .more }
        return length == 16 + (Int(bytes[14]) << 8 | Int(bytes[15])) ? .complete(binaryLine()) : .more
    }

    private func textLine() -> FieldLine {
        let words = bytes.split { $0 == Octet.space || $0 == Octet.carriageReturn || $0 == Octet.lineFeed }
            .map { $0.escaped(limit: 64) }
        guard words.count == 6 else { return line("v1 " + words.dropFirst().joined(separator: " ")) }
        // RFC 3986 §3.2.2 brackets, as everywhere in facts.
        let isIPv6 = words[1] == "TCP6"
        let source = isIPv6 ? "[\(words[2])]:\(words[4])" : "\(words[2]):\(words[4])"
        let destination = isIPv6 ? "[\(words[3])]:\(words[5])" : "\(words[3]):\(words[5])"
        return line("v1 \(words[1]) \(source) -> \(destination)")
    }

    private func binaryLine() -> FieldLine {
        // Command 0 is LOCAL: a health check of the proxy itself.
        guard bytes[12] & 0x0f == 1 else { return line("v2 LOCAL") }
        func number(_ from: Int, _ count: Int) -> UInt64 {
            bytes[from..<(from + count)].reduce(0) { $0 << 8 | UInt64($1) }
        }
        switch (bytes[13] >> 4, bytes.count) {
        case (1, 28...):
            let source = Endpoint(
                address: IPAddress(v4: UInt32(truncatingIfNeeded: number(16, 4))),
                port: UInt16(truncatingIfNeeded: number(24, 2))
            )
            let destination = Endpoint(
                address: IPAddress(v4: UInt32(truncatingIfNeeded: number(20, 4))),
                port: UInt16(truncatingIfNeeded: number(26, 2))
            )
            return line("v2 TCP4 \(source) -> \(destination)")
        case (2, 52...):
            let source = Endpoint(
                address: IPAddress(v6High: number(16, 8), low: number(24, 8)),
                port: UInt16(truncatingIfNeeded: number(48, 2))
            )
            let destination = Endpoint(
                address: IPAddress(v6High: number(32, 8), low: number(40, 8)),
                port: UInt16(truncatingIfNeeded: number(50, 2))
            )
            return line("v2 TCP6 \(source) -> \(destination)")
        default:
            return line("v2 UNKNOWN")
        }
    }

    private func line(_ value: String) -> FieldLine {
        FieldLine(name: "proxy-protocol", value: value)
    }
}
