import Model

/// Protocols told by the first bytes that a server sends. Certain ones only: anything else is a malformed status line.
enum Banner {
    static func protocolName(of bytes: [UInt8]) -> ProtocolName? {
        func begins(_ text: StaticString) -> Bool {
            text.withUTF8Buffer { prefix in bytes.count >= prefix.count && bytes.starts(with: prefix) }
        }
        if begins("HTTP/") { return .http1 }
        if begins("SSH-") { return .ssh }
        // SMTP and FTP share their reply codes (RFC 5321 §4.2, RFC 959 §4.2); the greeting's words tell them apart.
        if begins("220 ") || begins("220-") || begins("421 ") || begins("554 ") {
            let text = String(decoding: bytes, as: UTF8.self).lowercased()
            return text.contains("ftp") ? .ftp : .smtp
        }
        if begins("+OK") { return .pop3 }
        if begins("* OK") || begins("* BYE") || begins("* PREAUTH") { return .imap }
        if begins("-ERR ") || begins("-NOAUTH") || begins("-DENIED") || begins("+PONG") || begins("-WRONG")
            || begins("-MISCONF")
        {
            return .redis
        }
        if begins("ERROR\r\n") || begins("CLIENT_ERROR ") || begins("SERVER_ERROR ") { return .memcached }
        if begins("AMQP") { return .amqp }
        guard bytes.count >= 5 else { return nil }
        // TLS record (RFC 8446 §5.1): type 20 to 23, version 3.x, a length that fits.
        if (20...23).contains(bytes[0]), bytes[1] == 3, bytes[2] <= 4, Int(bytes[3]) << 8 | Int(bytes[4]) <= 16_640 {
            return .tls
        }
        // MySQL: 3-byte length, sequence 0, protocol version 10 and a version text, or an error packet.
        let length = Int(bytes[0]) | Int(bytes[1]) << 8 | Int(bytes[2]) << 16
        if bytes[3] == 0, bytes[4] == 0x0a || bytes[4] == 0xff, length >= 4, length < 1024 { return .mysql }
        guard bytes.count >= 9 else { return nil }
        // HTTP/2 SETTINGS on stream 0 (RFC 9113 §6.5), or GOAWAY (§6.8).
        if bytes[0] == 0, bytes[3] == 4 || bytes[3] == 7, bytes[5...8].allSatisfy({ $0 == 0 }) { return .http2 }
        // PostgreSQL: an error response, "E", a length, and the severity field "S".
        if bytes[0] == 0x45, bytes[1] == 0, bytes[2] == 0, bytes[5] == 0x53 { return .postgresql }
        // FastCGI (version 1, type 1 to 11, reserved byte 0).
        if bytes[0] == 1, (1...11).contains(bytes[1]), bytes[7] == 0 { return .fastcgi }
        return nil
    }
}
