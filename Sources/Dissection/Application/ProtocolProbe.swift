package import Model

/// Tells a protocol by the first bytes of one direction of a connection.
///
/// Conservative: `certain` only where nothing else in the catalogue, nor free text, begins like that.
package enum ProtocolProbe {
    package enum Answer: Equatable, Sendable {
        case certain(ProtocolName)
        /// The bytes so far fit a protocol and do not prove it: ask again with more, if more come.
        case unsure
        case unknown
    }

    /// No answer needs more bytes than this.
    package static let longestNeeded = 512

    package static func examine(_ bytes: [UInt8], from direction: Direction) -> Answer {
        guard !bytes.isEmpty else { return .unsure }
        var isUnsure = false
        for test in direction == .fromClient ? clientTests : serverTests {
            switch test(bytes) {
            case .certain(let name): return .certain(name)
            case .unsure: isUnsure = true
            case .unknown: break
            }
        }
        return isUnsure && bytes.count < longestNeeded ? .unsure : .unknown
    }

    /// What `bytes` are if nothing follows them: a greeting without its line end counts as what its words so far say.
    package static func bestGuess(_ bytes: [UInt8], from direction: Direction) -> ProtocolName? {
        switch examine(bytes, from: direction) {
        case .certain(let name): name == .http1 ? nil : name
        case .unsure where direction == .fromServer: unfinishedGreeting(bytes)
        case .unsure, .unknown: nil
        }
    }

    typealias Test = @Sendable ([UInt8]) -> Answer

    private static let commonTests: [Test] = [
        { tlsRecord($0) },
        { bytes in all([literal("SSH-")(bytes), byte(bytes, at: 4) { $0 == 0x31 || $0 == 0x32 }], .ssh) },
        { bytes in all([literal("AMQP")(bytes), byte(bytes, at: 4) { $0 <= 3 }], .amqp) },
        { mongoMessage($0) },
    ]

    private static let clientTests: [Test] =
        commonTests + [
            { httpRequest($0) },
            { literal("PRI * HTTP/2.0\r\n")($0).named(.http2) },
            { literal("PROXY TCP4 ")($0).named(.proxyV1) },
            { literal("PROXY TCP6 ")($0).named(.proxyV1) },
            { literal("PROXY UNKNOWN")($0).named(.proxyV1) },
            { bytes in all([prefix(proxyV2, of: bytes), byte(bytes, at: 12) { $0 >> 4 == 2 }], .proxyV2) },
            // FCGI_BEGIN_REQUEST: version 1, type 1, an id, 8 bytes of content.
            { bytes in
                all(
                    [prefix([1, 1], of: bytes), prefix([0, 8], of: bytes, at: 4), byte(bytes, at: 7) { $0 == 0 }],
                    .fastcgi
                )
            },
            { uwsgiRequest($0) },
            { bytes in
                all([prefix([0x12, 0x34], of: bytes), byte(bytes, at: 4) { [2, 7, 8, 10].contains($0) }], .ajp)
            },
            { postgresStartup($0) },
            { redisCommand($0) },
            { literal("EHLO ")($0).named(.smtp) },
            { literal("HELO ")($0).named(.smtp) },
        ]

    private static let serverTests: [Test] =
        commonTests + [
            { bytes in all([literal("HTTP/")(bytes), byte(bytes, at: 5) { $0 &- 0x30 < 10 }], .http1) },
            { replyCodeGreeting($0) },
            { literal("+OK ")($0).named(.pop3) },
            { literal("+OK\r\n")($0).named(.redis) },
            { literal("* OK ")($0).named(.imap) },
            { literal("* PREAUTH ")($0).named(.imap) },
            { literal("* BYE ")($0).named(.imap) },
            { mysqlGreeting($0) },
            { postgresReply($0) },
            { redisError($0) },
            { literal("+PONG\r\n")($0).named(.redis) },
            { literal("$-1\r\n")($0).named(.redis) },
            { literal("ERROR\r\n")($0).named(.memcached) },
            { literal("CLIENT_ERROR ")($0).named(.memcached) },
            { literal("SERVER_ERROR ")($0).named(.memcached) },
            { http2Settings($0) },
            { http2GoAway($0) },
            // FCGI_END_REQUEST, FCGI_STDOUT, FCGI_STDERR, FCGI_GET_VALUES_RESULT, FCGI_UNKNOWN_TYPE; the last header
            // byte is reserved.
            { bytes in
                all(
                    [
                        prefix([1], of: bytes), byte(bytes, at: 1) { [3, 6, 7, 10, 11].contains($0) },
                        byte(bytes, at: 7) { $0 == 0 },
                    ],
                    .fastcgi
                )
            },
            // Packets from the container start with "AB"; types 3 to 6 and 9.
            { bytes in all([literal("AB")(bytes), byte(bytes, at: 4) { (3...9).contains($0) }], .ajp) },
        ]

    static let proxyV2: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

    // MARK: Building blocks

    /// Whether `bytes` hold `expected` at `start`, as far as they go.
    static func prefix(_ expected: [UInt8], of bytes: [UInt8], at start: Int = 0) -> Match {
        for (index, byte) in expected.enumerated() {
            guard start + index < bytes.count else { return .open }
            guard bytes[start + index] == byte else { return .no }
        }
        return .yes
    }

    static func literal(_ text: String) -> ([UInt8]) -> Match {
        { prefix(Array(text.utf8), of: $0) }
    }

    static func byte(_ bytes: [UInt8], at index: Int, _ isRight: (UInt8) -> Bool) -> Match {
        guard index < bytes.count else { return .open }
        return isRight(bytes[index]) ? .yes : .no
    }

    static func all(_ matches: [Match], _ name: ProtocolName) -> Answer {
        if matches.contains(.no) { return .unknown }
        return matches.contains(.open) ? .unsure : .certain(name)
    }

    enum Match {
        case yes, no, open

        func named(_ name: ProtocolName) -> Answer {
            switch self {
            case .yes: .certain(name)
            case .no: .unknown
            case .open: .unsure
            }
        }
    }

    static func bigEndian(_ bytes: [UInt8], _ range: Range<Int>) -> UInt32? {
        guard range.upperBound <= bytes.count else { return nil }
        return bytes[range].reduce(0) { $0 << 8 | UInt32($1) }
    }

    static func littleEndian(_ bytes: [UInt8], _ range: Range<Int>) -> UInt32? {
        guard range.upperBound <= bytes.count else { return nil }
        return bytes[range].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }
}
