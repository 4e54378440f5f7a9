import Model
import Testing

@testable import Diagnosis

/// TLS with an upstream that comes to no request, and FastCGI that comes to no answer: what tells the causes apart.
@Suite struct HandshakeTests {
    /// Others of the same gateway work, at another server.
    private static let others = Scene.good(ports: 51_000, at: 200, to: Scene.second)
    private static let leg = Scene.leg().handshake(at: 1)

    private static func row(_ fact: String, _ cause: Cause?, variant: String? = nil, answered: Double = 5, _ leg: Line)
        -> Row
    {
        Row(fact, cause, variant: variant, answered: answered, others: others, leg)
    }

    static let rows = [
        row("alert 70 names the version", .tlsProtocolVersion, leg.hello(at: 2, alert: 70).fin(.fromServer, at: 3)),
        row(
            "alert 40 to a hello with a name",
            .tlsHandshakeFailure,
            leg.hello(at: 2, alert: 40).fin(.fromServer, at: 3)
        ),
        row(
            "alert 40 to a hello without a name, with the usual ciphers",
            .tlsUnrecognizedName,
            leg.hello(at: 2, named: nil, alert: 40).fin(.fromServer, at: 3)
        ),
        row(
            "alert 40 to a hello without a name, with one cipher",
            .tlsHandshakeFailure,
            leg.hello(at: 2, named: nil, suites: 2, alert: 40).fin(.fromServer, at: 3)
        ),
        row("alert 112 names the name", .tlsUnrecognizedName, leg.hello(at: 2, alert: 112).fin(.fromServer, at: 3)),
        row("FIN and no alert", .tlsHandshakeReset, variant: "fin", leg.hello(at: 2).fin(.fromServer, at: 3)),
        row("RST and no alert", .tlsHandshakeReset, variant: "reset", leg.hello(at: 2).rst(.fromServer, at: 3)),
        row(
            "silence until the gateway gives up",
            .tlsHandshakeTimeout,
            answered: 2_003,
            leg.hello(at: 2).fin(.fromClient, at: 2_002)
        ),
    ]

    @Test("Each end of a handshake has its cause", arguments: rows)
    func causes(row: Row) { row.check() }

    @Test("HTTP in answer to a ClientHello; and silence of a port that answers HTTP to others")
    func plaintext() {
        var answered = Self.leg.hello(at: 2)
        answered = answered.speaking(.tls, at: 2.5, answered: "HTTP/1.1 400 Bad Request")
        answered.facts.application = Self.leg.hello(at: 2).facts.application
        Self.row("", .tlsToPlaintextUpstream, answered.fin(.fromServer, at: 3)).check()
        let silent = Row(
            "",
            .tlsToPlaintextUpstream,
            answered: 2_003,
            others: Scene.good(ports: 51_000, at: 3_000),
            Self.leg.hello(at: 2).fin(.fromClient, at: 2_002)
        )
        silent.check()
    }

    @Test("Once the gateway has sent data of its own, nothing is said of the handshake")
    func finished() {
        let leg = Self.leg.hello(at: 2) {
            $0.serverHello = frame(2.5)
            $0.clientRecords = 2
        }
        let report = Scene.report([Scene.failing(answered: 60), leg.fin(.fromServer, at: 50)] + Self.others)
        #expect(report.findings.map(\.cause) == [.undetermined])
    }

    @Test("A TLS client that fails at another port of the gateway, while others ask, is no upstream's failure")
    func otherListener() {
        let stranger = Line.from(end("192.0.2.99", 41_000), to: end("198.51.100.1", 443)).handshake(at: 1)
            .hello(at: 2, alert: 70).fin(.fromServer, at: 3)
        let report = Scene.report([Scene.failing(status: 200, answered: 60), stranger])
        #expect(report.outline == [])
        #expect(!report.roles.upstreams.contains(end("198.51.100.1", 443)))
    }

    @Test("A FastCGI worker that dies before it answers")
    func scripts() {
        let others = Scene.good(ports: 51_000, at: 200, to: Scene.second)
        for (variant, leg) in [
            ("reset", Self.leg.scripted(at: 2).rst(.fromServer, at: 2.3)),
            ("reset", Self.leg.scripted(at: 2).rst(.fromServer, at: 40)),
            ("closed", Self.leg.scripted(at: 2).fin(.fromServer, at: 40)),
        ] {
            Row("", .fastcgiEmptyResponse, variant: variant, answered: 60, others: others, leg).check()
        }
        var ended = Self.leg.scripted(at: 2)
        ended.facts.exchanges[0].emptyEnd = frame(30)
        Row("", .fastcgiEmptyResponse, variant: "stderr-only", answered: 60, others: others, ended).check()
        Row(
            "",
            .responseTimeout,
            status: 504,
            answered: 2_003,
            others: others,
            Self.leg.scripted(at: 2).fin(.fromClient, at: 2_002)
        ).check()
    }

    @Test("Nothing was left untried where a kept connection of the gateway cannot be read")
    func unread() {
        let kept = Scene.leg(47_000, to: Scene.second).handshake(at: -500).speaking(
            .http2,
            at: -499,
            answered: "\0\0\0"
        )
        .speaking(.http2, at: 400)
        let lines = [Scene.failing(port: 50_001, at: 100, answered: 101), kept] + Scene.good(ports: 51_000, at: 200)
        #expect(Scene.report(lines).findings.map(\.cause) == [.undetermined])
        let without = [Scene.failing(port: 50_001, at: 100, answered: 101)] + Scene.good(ports: 51_000, at: 200)
        #expect(Scene.report(without).findings.map(\.cause) == [.noUpstreamAttempt])
    }

    @Test("Health checks that nobody answers are signs of death, however short their timer")
    func silentChecks() {
        let checks = (0..<4).map { number -> Line in
            let time = Double(number) * 600
            return Scene.leg(48_000 + UInt16(number)).handshake(at: time)
                .request("/health", at: time + 0.3) {
                    $0.version = "HTTP/1.0"
                    $0.host = nil
                }
                .rst(.fromClient, at: time + 300)
        }
        let lines =
            Scene.good(ports: 51_000, at: -900) + checks + [Scene.failing(at: 2_500, status: 503, answered: 2_500.2)]
        #expect(Scene.report(lines).findings.map(\.cause) == [.noLiveUpstream])
    }
}
