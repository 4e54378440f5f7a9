import Model
import Testing

/// What the gateway speaks is not what the port speaks: told by the whole port, not by one connection.
@Suite struct ProtocolTests {
    private static let asked = Scene.leg().handshake(at: 1).request(at: 2)

    /// A connection of the gateway's host that no client request explains.
    private static func other(_ port: UInt16, at time: Double) -> Line { Scene.leg(port).handshake(at: time) }

    /// A client's request that fails, and a connection whose server closes `after` ms after its request.
    private static func closed(_ target: String, port: UInt16, at time: Double, after: Double, bytes: Int64 = 120)
        -> [Line]
    {
        [
            Scene.failing(target, port: port, at: time, answered: time + after + 3),
            Scene.leg(port).handshake(at: time + 1).request(target, at: time + 2, bytes: bytes)
                .fin(.fromServer, at: time + 2 + after),
        ]
    }

    private static func causes(_ lines: [Line]) -> [String] {
        Scene.report(lines).findings.filter { $0.severity > .note }.map { "\($0.cause.rawValue) \($0.count)" }
    }

    static let headers: [Row] = [
        Row(
            "A PROXY header that is answered by no status line was not wanted",
            .proxyProtocolMismatch,
            variant: "sent-not-wanted",
            confidence: .medium,
            answered: 60,
            Scene.leg().proxied().handshake(at: 1).request(at: 2).banner("<!DOCTYPE HTML>", at: 20)
        ),
        Row(
            "A PROXY header that ends in a close was not wanted where the port answers without it",
            .proxyProtocolMismatch,
            variant: "sent-not-wanted",
            confidence: .high,
            answered: 60,
            others: Scene.good(ports: 51_000, at: 200),
            Scene.leg().proxied().handshake(at: 1).request(at: 2).fin(.fromServer, at: 20)
        ),
        Row(
            "A close after a PROXY header is a close where nothing can be compared",
            .closedBeforeResponse,
            answered: 60,
            Scene.leg().proxied().handshake(at: 1).request(at: 2).fin(.fromServer, at: 20)
        ),
        Row(
            "A close after a PROXY header is a close where others with the header are answered",
            .closedBeforeResponse,
            answered: 60,
            others: [other(41_000, at: 300).proxied().request("/h", at: 302).response(200, at: 305)],
            Scene.leg().proxied().handshake(at: 1).request(at: 2).fin(.fromServer, at: 20)
        ),
        Row(
            "A 400 to a PROXY header that reached the client is a note at most",
            nil,
            status: 400,
            answered: 60,
            Scene.leg().proxied().handshake(at: 1).request(at: 2).response(400, at: 20)
        ),
        Row(
            "A reset at once is a missing PROXY header where others that send it are answered",
            .proxyProtocolMismatch,
            variant: "wanted-not-sent",
            confidence: .high,
            answered: 60,
            others: [other(41_000, at: 300).proxied().request("/h", at: 302).response(200, at: 305)],
            asked.rst(.fromServer, at: 2.2)
        ),
        Row(
            "A reset at once is none where requests without the header are answered, too",
            .resetAfterAccept,
            answered: 60,
            others: Scene.good(ports: 51_000, at: 200)
                + [other(41_000, at: 300).proxied().request("/h", at: 302).response(200, at: 305)],
            asked.rst(.fromServer, at: 2.2)
        ),
        Row(
            "One close at once is a close",
            .closedBeforeResponse,
            answered: 60,
            asked.fin(.fromServer, at: 2.4)
        ),
    ]

    @Test("A PROXY header is judged by what the port does with others", arguments: headers)
    func header(row: Row) { row.check() }

    @Test("A port that closes on three requests of three at once waits for a PROXY header")
    func pattern() {
        let lines = (0..<3).flatMap {
            Self.closed("/\($0)", port: 50_000 + $0, at: Double($0) * 100, after: 0.4)
        }
        #expect(Self.causes(lines) == ["proxy-protocol-mismatch 3"])
    }

    @Test("The server's own ACK of the request tells how fast it closed, however long the path")
    func longPath() {
        let lines = (0..<3).flatMap { (number: UInt16) -> [Line] in
            let start = Double(number) * 400
            let target = "/\(number)"
            return [
                Scene.failing(target, port: 50_000 + number, at: start, answered: start + 120),
                Scene.leg(50_000 + number).handshake(at: start + 1, roundTrip: 40)
                    .request(target, at: start + 42) { $0.acknowledged = frame(start + 110) }
                    .fin(.fromServer, at: start + 110.2),
            ]
        }
        #expect(Self.causes(lines) == ["proxy-protocol-mismatch 3"])
    }

    @Test("A port that takes its time to close, or answers once, closes", arguments: [5.0, 0.4])
    func noPattern(after: Double) {
        var lines = (0..<3).flatMap {
            Self.closed("/\($0)", port: 50_000 + $0, at: Double($0) * 100, after: after)
        }
        if after < 1 { lines += Scene.good(ports: 52_000, at: 600) }
        #expect(Self.causes(lines) == ["closed-before-response 3"])
    }

    static let applications: [Row] = [
        Row(
            "HTTP to a port that answers FastCGI is a mismatch",
            .applicationProtocolMismatch,
            variant: "fastcgi",
            answered: 60,
            others: [other(41_000, at: 300).speaking(.fastcgi, at: 302, answered: "\u{1}\u{6}\0\u{1}")],
            asked.rst(.fromServer, at: 2.2)
        ),
        Row(
            "HTTP to a port that answered HTTP before is none",
            .resetAfterAccept,
            answered: 60,
            others: [other(41_000, at: 300).speaking(.fastcgi, at: 302, answered: "\u{1}\u{6}\0\u{1}")]
                + Scene.good(ports: 51_000, at: 200),
            asked.rst(.fromServer, at: 2.2)
        ),
        Row(
            "FastCGI that is answered by a status line is a mismatch",
            .applicationProtocolMismatch,
            variant: "fastcgi-to-http",
            confidence: .high,
            answered: 5,
            others: Scene.good(ports: 51_000, at: 200, to: Scene.second),
            Scene.leg().handshake(at: 1).speaking(.fastcgi, at: 2, answered: "HTTP/1.1 400 Bad Request")
                .fin(.fromClient, at: 3)
        ),
        Row(
            "HTTP/2 that is answered by a status line is a mismatch",
            .applicationProtocolMismatch,
            variant: "http2-to-http",
            answered: 5,
            others: Scene.good(ports: 51_000, at: 200, to: Scene.second),
            Scene.leg().handshake(at: 1).speaking(.http2, at: 2, answered: "HTTP/1.1 400 Bad Request")
                .fin(.fromClient, at: 3)
        ),
        Row(
            "uwsgi that is answered 200 was answered in uwsgi",
            nil,
            status: 200,
            answered: 5,
            others: Scene.good(ports: 51_000, at: 200, to: Scene.second),
            Scene.leg().handshake(at: 1).speaking(.uwsgi, at: 2, answered: "HTTP/1.1 200 OK").fin(.fromServer, at: 3)
        ),
    ]

    @Test("The bytes of either side, or of somebody else's exchange, name the protocols", arguments: applications)
    func application(row: Row) { row.check() }

    private static func large(_ bytes: Int64, _ change: (Line) -> Line) -> Line {
        change(Scene.leg().handshake(at: 1).request(at: 2, bytes: bytes))
    }

    static let sizes: [Row] = [
        Row(
            "A close right after a large head is the upstream's limit",
            .requestTooLarge,
            confidence: .high,
            answered: 60,
            others: Scene.good(ports: 51_000, at: 200),
            large(6_000) { $0.rst(.fromServer, at: 2.2) }
        ),
        Row(
            "A close right after a large head is weaker evidence where nothing smaller was asked",
            .requestTooLarge,
            confidence: .medium,
            answered: 60,
            large(6_000) { $0.fin(.fromServer, at: 4) }
        ),
        Row(
            "A small request that ends so, too, speaks against a limit",
            .resetAfterAccept,
            lines: [
                Scene.failing(answered: 60), large(6_000) { $0.rst(.fromServer, at: 2.2) },
                Scene.leg(41_000).handshake(at: 300).request("/b", at: 302).rst(.fromServer, at: 302.2),
                Scene.client(50_001).handshake(at: 298).request("/b", at: 299).response(200, at: 330),
                Scene.leg(41_001, to: Scene.second).handshake(at: 303).request("/b", at: 304).response(200, at: 320),
            ]
        ),
        Row(
            "A larger head that was answered speaks against a limit",
            .closedBeforeResponse,
            answered: 60,
            others: [other(41_000, at: 300).request("/h", at: 302, bytes: 9_000).response(200, at: 305)],
            large(6_000) { $0.fin(.fromServer, at: 4) }
        ),
        Row(
            "A large head that is worked on for seconds is no limit",
            .closedBeforeResponse,
            answered: 4_000,
            large(6_000) { $0.fin(.fromServer, at: 3_600) }
        ),
        Row(
            "A 431 that the gateway made a 502 of is the upstream's limit",
            .requestTooLarge,
            answered: 60,
            large(6_000) { $0.response(431, at: 20) }
        ),
        Row(
            "A 431 that reached the client is a note at most",
            nil,
            status: 431,
            answered: 60,
            large(6_000) { $0.response(431, at: 20) }
        ),
    ]

    @Test("A limit on request heads shows against the other requests of the port", arguments: sizes)
    func size(row: Row) {
        // The row about small requests has a near miss of its own.
        guard row.cause == .resetAfterAccept else { return row.check() }
        let findings = Scene.report(row.lines).findings
        #expect(Set(findings.map(\.cause)) == [.resetAfterAccept])
    }
}
