import Model
import Testing

/// What gateways refuse by a limit, a filter or their parser, told from timers, from slow clients and from broken upstreams.
@Suite struct RefusalTests {
    private static let asked = Scene.leg().handshake(at: 1).request(at: 2)

    /// A client whose connection the gateway closes without a byte.
    private static func unanswered(at time: Double) -> Line {
        Scene.client().handshake(at: -1).request(at: 0).fin(.fromServer, at: time)
    }

    static let legal: [Row] = [
        Row(
            "A body that is stopped while it comes, with an error at once, passed a limit of the gateway",
            .gatewayRejectedResponse,
            status: 500,
            answered: 23,
            asked.response(200, at: 20, until: 21, body: 9_000, of: 50_000).fin(.fromClient, at: 22)
        ),
        Row(
            "A body that stopped before the gateway did is the timer's",
            .bodyTimeout,
            status: 504,
            answered: 2_025,
            asked.response(200, at: 20, until: 21, body: 9_000, of: 50_000).fin(.fromClient, at: 2_024)
        ),
        Row(
            "A whole answer, and the client's connection closed without a byte, was refused by the gateway",
            .gatewayRejectedResponse,
            lines: [unanswered(at: 25), asked.response(200, at: 20)]
        ),
        Row(
            "A 101 that nobody asked for, and an empty 200 to the client, failed",
            .unexpectedUpgrade,
            variant: "not-asked",
            status: 200,
            answered: 22,
            asked.response(101, at: 20, body: 0) {
                $0.body.framing = .tunnel
                $0.deviations = [Deviation(kind: .unexpectedSwitchingProtocols, offset: 80)]
            }
        ),
    ]

    @Test("A legal answer that the gateway did not pass on is its own doing", arguments: legal)
    func legalAnswer(row: Row) { row.check() }

    @Test("Where the capture missed what the client got, nothing is said of a refusal")
    func missed() {
        let client = Self.unanswered(at: 25).hole(0, then: 400, at: 24)
        let report = Scene.report([client, Self.asked.response(200, at: 20)])
        #expect(!report.findings.contains { $0.cause == .gatewayRejectedResponse })
    }

    private static func chunked(bareAt offset: Int64) -> Line {
        asked.response(200, at: 20) {
            $0.body.framing = .chunked
            $0.deviations = [Deviation(kind: .bareLineFeed, offset: offset)]
        }
        .fin(.fromClient, at: 21)
    }

    static let malformed: [Row] = [
        Row(
            "Chunk lines that end in LF alone are broken chunks where refused",
            .badChunkSize,
            answered: 23,
            chunked(bareAt: 110)
        ),
        Row(
            "Chunk lines that end in LF alone are fine where taken",
            nil,
            status: 200,
            answered: 23,
            chunked(bareAt: 110)
        ),
        Row(
            "A transfer coding besides chunked is a framing that the gateway may refuse",
            .conflictingContentLength,
            answered: 23,
            asked.response(200, at: 20) { $0.fields = [FieldLine(name: "transfer-encoding", value: "gzip")] }
                .fin(.fromClient, at: 21)
        ),
        Row(
            "Chunked alone is nothing to refuse",
            .gatewayRejectedResponse,
            answered: 23,
            asked.response(200, at: 20) { $0.fields = [FieldLine(name: "transfer-encoding", value: "chunked")] }
                .fin(.fromClient, at: 21)
        ),
    ]

    @Test("What a gateway refuses is named by the flaw that it found", arguments: malformed)
    func malformedAnswer(row: Row) { row.check() }

    static let interim: [Row] = [
        Row(
            "The gateway that closes at the sixth interim answer had too many, whatever came later",
            .interimResponse,
            variant: "too-many",
            answered: 24,
            asked.interim(103, 103, 103, 103, 103, 103, at: 20).fin(.fromClient, at: 21).response(200, at: 25)
        ),
        Row(
            "A final answer after the gateway's timer came too late",
            .responseTimeout,
            status: 504,
            answered: 2_025,
            asked.interim(103, at: 20).fin(.fromClient, at: 2_024).response(200, at: 2_600)
        ),
    ]

    @Test("Interim answers are judged by what came in time", arguments: interim)
    func interimAnswer(row: Row) { row.check() }

    // MARK: PROXY headers

    private static func proxied(_ count: Int, answered: Bool = false) -> [String] {
        var lines = (0..<count).flatMap { (number: Int) -> [Line] in
            let (port, start) = (UInt16(number), Double(number) * 200)
            return [
                Scene.failing("/\(number)", port: 50_000 + port, at: start, answered: start + 60),
                Scene.leg(40_000 + port).proxied().handshake(at: start + 1).request("/\(number)", at: start + 2)
                    .fin(.fromServer, at: start + 35),
            ]
        }
        if answered {
            lines.append(Scene.leg(41_000).proxied().handshake(at: 900).request("/h", at: 902).response(200, at: 905))
        }
        return Scene.report(lines).findings.filter { $0.severity > .note }.map { "\($0.cause.rawValue) \($0.count)" }
    }

    @Test("A port that closes on all of three requests behind a PROXY header does not expect it")
    func unwanted() { #expect(Self.proxied(3) == ["proxy-protocol-mismatch 3"]) }

    @Test("Two closes behind a PROXY header, or one answer, make no pattern")
    func noPattern() {
        #expect(Self.proxied(2) == ["closed-before-response 2"])
        #expect(Self.proxied(3, answered: true) == ["closed-before-response 3"])
    }

    /// Three requests without the header: the server closes at once, and resets what it has not read.
    private static func plain(inParts: Bool) -> [String] {
        let lines = (0..<3).flatMap { (number: Int) -> [Line] in
            let (port, start, target) = (UInt16(number), Double(number) * 100, "/\(number)")
            let asked = Scene.leg(40_000 + port).handshake(at: start + 1).request(target, at: start + 2) {
                if number == 2, inParts { $0.lastFrame = frame(start + 2.1) }
            }
            return [
                Scene.failing(target, port: 50_000 + port, at: start, answered: start + 6),
                number == 2 ? asked.rst(.fromServer, at: start + 2.4) : asked.fin(.fromServer, at: start + 2.4),
            ]
        }
        return Scene.report(lines).findings.map { "\($0.cause.rawValue) \($0.count)" }
    }

    @Test("A port that waits for a PROXY header resets what it has left unread")
    func unread() {
        #expect(Self.plain(inParts: true) == ["proxy-protocol-mismatch 3"])
        #expect(!Self.plain(inParts: false).contains { $0.hasPrefix("proxy-protocol-mismatch") })
    }

    // MARK: Who is slow

    private static func upload(_ line: Line, at time: Double) -> Line {
        line.request(at: time, method: "POST", bytes: 4_120) {
            $0.headEnd = $0.start + 120
            $0.end = nil
            $0.body.framing = .contentLength(9_000)
            $0.body.seen = 4_000
        }
    }

    @Test(
        "A client that the gateway's closed window holds back is not slow: its upstream does not read",
        arguments: [408, 504]
    )
    func heldBack(status: Int) {
        let report = Scene.report([
            Self.upload(Scene.client().handshake(at: -1), at: 0).zeroWindow(at: 10, 400, 1_500).response(
                status,
                at: 2_001
            )
            .fin(.fromServer, at: 2_002),
            Self.upload(Scene.leg().handshake(at: 1), at: 2).zeroWindow(at: 12, 400, 1_500).fin(.fromClient, at: 2_000),
        ])
        #expect(report.outline == ["failure zero-window-stall 1/1"])
    }

    @Test("A client that stops sending is slow where the gateway answers an empty 200 (Caddy)")
    func emptyAnswer() {
        let client = Self.upload(Scene.client().handshake(at: -1), at: 0).response(200, at: 2_001, body: 0)
            .fin(.fromServer, at: 2_001.2)
        let leg = Self.upload(Scene.leg().handshake(at: 1), at: 2).fin(.fromClient, at: 2_000.5)
        #expect(Scene.report([client, leg]).outline == ["failure client-slow 1/1"])
    }

    @Test("An empty 200 of the upstream's own is its answer, however much of the request was missing")
    func ownEmptyAnswer() {
        let client = Self.upload(Scene.client().handshake(at: -1), at: 0).response(200, at: 2_001, body: 0)
            .fin(.fromServer, at: 2_001.2)
        let leg = Self.upload(Scene.leg().handshake(at: 1), at: 2).response(200, at: 2_000, body: 0)
        #expect(Scene.report([client, leg]).outline.filter { !$0.hasPrefix("note") } == [])
    }
}
