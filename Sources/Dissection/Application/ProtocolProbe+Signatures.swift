import Model

/// Protocols whose first bytes take more than a literal to recognise.
extension ProtocolProbe {
    /// RFC 8446 §5.1 and RFC 5246 §6.2.1: a record header and, for a handshake, the type of its message.
    static func tlsRecord(_ bytes: [UInt8]) -> Answer {
        guard (20...23).contains(bytes[0]) else { return .unknown }
        guard bytes.count >= 2 else { return .unsure }
        guard bytes[1] == 3 else { return .unknown }
        guard let length = bigEndian(bytes, 3..<5) else { return .unsure }
        guard bytes[2] <= 4, length > 0, length <= 16_384 + 2_048 else { return .unknown }
        switch bytes[0] {
        // ClientHello, ServerHello, and the messages that a capture may start with.
        case 22: return all([byte(bytes, at: 5) { [1, 2, 4, 11, 12, 16, 20].contains($0) }], .tls)
        case 21 where length == 2: return all([byte(bytes, at: 5) { $0 == 1 || $0 == 2 }], .tls)
        case 20: return length == 1 ? all([byte(bytes, at: 5) { $0 == 1 }], .tls) : .unknown
        default: return .certain(.tls)
        }
    }

    /// RFC 9112 §3: a known method and a path, or any token and a line that ends in a version.
    static func httpRequest(_ bytes: [UInt8]) -> Answer {
        if case .yes = MessageStart.request(bytes), let space = bytes.firstIndex(of: 0x20),
            space + 1 < bytes.count, bytes[space + 1] == 0x2f
        {
            return .certain(.http1)
        }
        // Empty lines before a request are skipped by servers (RFC 9112 §2.2).
        let line = bytes.drop { $0 == 0x0d || $0 == 0x0a }
        guard bytes.count - line.count <= 4 else { return .unknown }
        let content = line.prefix { $0 != 0x0a }
        let method = content.prefix { $0 != 0x20 }
        guard method.count <= 32, method.allSatisfy({ Octet.isToken($0) || $0 == 0x0d }) else { return .unknown }
        guard content.count < line.count else {
            return content.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x0d } ? .unsure : .unknown
        }
        let words = content.split(separator: 0x20, omittingEmptySubsequences: false)
        guard words.count >= 3, let last = words.last else { return .unknown }
        let version = last.prefix { $0 != 0x0d }
        guard version.prefix(5).equalsIgnoringCase("http/"), !version.elementsEqual("HTTP/2.0".utf8) else {
            return .unknown
        }
        return .certain(.http1)
    }

    /// SMTP (RFC 5321 §4.2) and FTP (RFC 959 §4.2) share their reply codes: 220 greets, 421 and 554 turn away. The text
    /// tells which it is, or its first word.
    static func replyCodeGreeting(_ bytes: [UInt8]) -> Answer {
        let code = replyCode(bytes)
        guard code == .yes else { return code.named(.smtp) }
        guard let end = bytes.firstIndex(of: 0x0a) ?? (bytes.count >= 128 ? 128 : nil) else { return .unsure }
        return .certain(greeter(bytes[4..<max(4, end)]))
    }

    /// The same where no more of the line is to come.
    static func unfinishedGreeting(_ bytes: [UInt8]) -> ProtocolName? {
        replyCode(bytes) == .yes ? greeter(bytes[4...]) : nil
    }

    /// A code that opens a connection, and a space or hyphen.
    private static func replyCode(_ bytes: [UInt8]) -> Match {
        let codes = [literal("220")(bytes), literal("421")(bytes), literal("554")(bytes)]
        guard codes.contains(.yes) else { return codes.contains(.open) ? .open : .no }
        return byte(bytes, at: 3) { $0 == 0x20 || $0 == 0x2d }
    }

    private static func greeter(_ text: ArraySlice<UInt8>) -> ProtocolName {
        let text = String(decoding: text, as: UTF8.self)
        let upper = text.uppercased()
        if upper.contains("SMTP") { return .smtp }
        if upper.contains("FTP") { return .ftp }
        let word = text.prefix { $0 != " " && !$0.isNewline }
        return word.contains(".") && !word.hasSuffix(".") ? .smtp : .ftp
    }

    /// RESP errors that a server sends to what is no command, or to a client that it will not serve.
    static func redisError(_ bytes: [UInt8]) -> Answer {
        let matches = redisErrors.map { prefix($0, of: bytes) }
        if matches.contains(.yes) { return .certain(.redis) }
        return matches.contains(.open) ? .unsure : .unknown
    }

    private static let redisErrors = [
        "-ERR ", "-NOAUTH ", "-DENIED ", "-WRONGPASS ", "-WRONGTYPE ", "-MISCONF ", "-LOADING ", "-NOPERM ", "-BUSY ",
    ].map { Array($0.utf8) }

    /// Protocol::HandshakeV10, or the error packet of a server that refuses the client's host.
    static func mysqlGreeting(_ bytes: [UInt8]) -> Answer {
        guard let length = littleEndian(bytes, 0..<3) else { return .unsure }
        guard (10...512).contains(length) else { return .unknown }
        let sequence = byte(bytes, at: 3) { $0 == 0 }
        if bytes.count > 4, bytes[4] == 0xff {
            // Error 1040 (too many connections), 1129 (blocked), 1130 (not allowed): little endian.
            return all([sequence, byte(bytes, at: 6) { $0 == 0x04 }], .mysql)
        }
        return all([sequence, byte(bytes, at: 4) { $0 == 10 }, byte(bytes, at: 5) { $0 &- 0x30 < 10 }], .mysql)
    }

    /// Frontend/backend protocol 3.0: an authentication request or an error.
    static func postgresReply(_ bytes: [UInt8]) -> Answer {
        switch bytes[0] {
        case 0x52:
            guard let length = bigEndian(bytes, 1..<5) else { return .unsure }
            guard (8...64).contains(length) else { return .unknown }
            guard let method = bigEndian(bytes, 5..<9) else { return .unsure }
            return method <= 12 ? .certain(.postgresql) : .unknown
        case 0x45:
            // "ERROR" and such are text: a length below 64 KiB starts with two zero bytes.
            let length = prefix([0, 0], of: bytes, at: 1)
            return all([length, byte(bytes, at: 5) { $0 == 0x53 }], .postgresql)
        default:
            return .unknown
        }
    }

    /// StartupMessage of protocol 3.x, SSLRequest, GSSENCRequest or CancelRequest.
    static func postgresStartup(_ bytes: [UInt8]) -> Answer {
        guard bytes[0] == 0 else { return .unknown }
        guard let length = bigEndian(bytes, 0..<4), let code = bigEndian(bytes, 4..<8) else { return .unsure }
        guard (8...10_000).contains(length) else { return .unknown }
        return code >> 16 == 3 || (80_877_102...80_877_104).contains(code) ? .certain(.postgresql) : .unknown
    }

    /// RESP: an array of bulk strings.
    static func redisCommand(_ bytes: [UInt8]) -> Answer {
        guard bytes[0] == 0x2a else { return .unknown }
        var index = 1
        while index < bytes.count, Octet.isDigit(bytes[index]) { index += 1 }
        guard index < bytes.count else { return .unsure }
        guard index > 1 else { return .unknown }
        return prefix([0x0d, 0x0a, 0x24], of: bytes, at: index).named(.redis)
    }

    /// A message header: length, two ids, OP_REPLY, OP_QUERY, OP_COMPRESSED or OP_MSG; all little endian.
    static func mongoMessage(_ bytes: [UInt8]) -> Answer {
        guard let length = littleEndian(bytes, 0..<4) else { return .unsure }
        guard (16...48_000_000).contains(length) else { return .unknown }
        guard let code = littleEndian(bytes, 12..<16) else { return .unsure }
        return [1, 2004, 2012, 2013].contains(code) ? .certain(.mongodb) : .unknown
    }

    /// RFC 9113 §3.4: the server's first frame is SETTINGS on stream 0, made of entries of six bytes.
    static func http2Settings(_ bytes: [UInt8]) -> Answer {
        guard let length = bigEndian(bytes, 0..<3) else { return .unsure }
        guard length % 6 == 0, length <= 600 else { return .unknown }
        return prefix([4, 0, 0, 0, 0, 0], of: bytes, at: 3).named(.http2)
    }

    /// RFC 9113 §6.8: GOAWAY on stream 0, two numbers and at most a message; what some servers say to an HTTP/1 request.
    static func http2GoAway(_ bytes: [UInt8]) -> Answer {
        guard let length = bigEndian(bytes, 0..<3) else { return .unsure }
        guard (8...16_384).contains(length) else { return .unknown }
        return prefix([7, 0, 0, 0, 0, 0], of: bytes, at: 3).named(.http2)
    }

    /// Modifier 0, size (little endian), modifier 0, then a variable: length and an upper-case name.
    static func uwsgiRequest(_ bytes: [UInt8]) -> Answer {
        guard bytes[0] == 0 else { return .unknown }
        guard let size = littleEndian(bytes, 1..<3), let name = littleEndian(bytes, 4..<6) else { return .unsure }
        guard bytes[3] == 0, (2...128).contains(name), name + 2 <= size else { return .unknown }
        let letters = bytes.dropFirst(6).prefix(Int(name))
        guard letters.allSatisfy({ Octet.isUpper($0) || $0 == 0x5f || Octet.isDigit($0) }) else { return .unknown }
        return letters.count == Int(name) ? .certain(.uwsgi) : .unsure
    }

    /// A DNS query behind its length (RFC 1035 §4.1.1, §4.2.2): a standard query of one question and no answers, with
    /// at most an OPT and a signature. DNS has no name in the catalogue: it is dissected, never mistaken for a server's.
    static func nameQuery(_ bytes: [UInt8]) -> Match {
        let matches = [
            byte(bytes, at: 4) { $0 & 0xf8 == 0 }, byte(bytes, at: 5) { $0 & 0x8f == 0 },
            prefix([0, 1, 0, 0, 0, 0, 0], of: bytes, at: 6), byte(bytes, at: 13) { $0 <= 2 },
            byte(bytes, at: 14) { $0 < 64 },
        ]
        // Header, shortest name, type and class.
        if let length = bigEndian(bytes, 0..<2), length < 17 { return .no }
        if matches.contains(.no) { return .no }
        return matches.contains(.open) ? .open : .yes
    }
}
