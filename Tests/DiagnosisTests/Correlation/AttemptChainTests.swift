import Model
import Testing

/// Several attempts for one request, and attempts for nobody's request.
@Suite struct AttemptChainTests {
    @Test("A try whose ICMP error was rate-limited away failed like its siblings")
    func rateLimited() {
        let report = Scene.report([
            Scene.failing(status: 503, answered: 2_010),
            Scene.leg(40_000).syn(1).icmp(3, 13, at: 1.4),
            Scene.leg(40_001).syn(1_002),
        ])
        #expect(report.outline == ["failure icmp-admin-prohibited 1/2"])
    }

    @Test("Tries that end by the gateway's own timer are one request")
    func silentTries() {
        let tries = (0..<4).map { number in
            let start = 1 + Double(number) * 5_000
            return Scene.leg(40_000 + UInt16(number)).syn(start, start + 1_000, start + 3_000)
        }
        let report = Scene.report([Scene.failing(status: 503, answered: 20_002)] + tries)
        #expect(report.outline == ["failure connect-timeout 1/4"])
    }

    @Test("Requests that wait for their SYN at one time keep an attempt each")
    func concurrentConnects() {
        let lines = (0..<4).flatMap { number in
            let start = Double(number) * 10
            return [
                Scene.failing(
                    "/\(number)",
                    port: 50_000 + UInt16(number),
                    at: start,
                    status: 504,
                    answered: start + 5_000
                ),
                Scene.leg(40_000 + UInt16(number)).syn(start + 1, start + 1_001, start + 3_001),
            ]
        }
        let report = Scene.report(lines)
        #expect(report.outline == ["failure connect-timeout 4/4"])
        #expect(report.failedRequests == 4)
    }

    @Test("A 503 of one server that the next one made good is a near miss")
    func relayedByNext() {
        let report = Scene.report([
            Scene.failing(status: 200, answered: 60),
            Scene.leg(40_000).handshake(at: 1).request(at: 2).response(503, at: 20),
            Scene.leg(40_001, to: Scene.second).handshake(at: 21).request(at: 22).response(200, at: 50),
        ])
        #expect(report.outline == ["nearMiss upstream-error-response 1/1"])
    }

    @Test(
        "After a failed dial a gateway may wait before the next one (Caddy, lb_try_interval)",
        arguments: [100, 250, 900]
    )
    func pauseAfterDial(pause: Double) {
        let report = Scene.report([
            Scene.failing(status: 200, answered: pause + 60),
            Scene.leg(40_000).syn(1).rst(.fromServer, at: 1.2),
            Scene.leg(40_001, to: Scene.second).handshake(at: pause + 1.2).request(at: pause + 2)
                .response(200, at: pause + 50),
        ])
        #expect(report.outline == ["nearMiss connect-refused 1/1"])
    }

    @Test("A dial that left late, the neighbour's address unknown, belongs to the request whose next try follows it")
    func lateDial() {
        let refused = Scene.report([
            Scene.failing(status: 200, answered: 100),
            Scene.leg(40_000).syn(34).rst(.fromServer, at: 45),
            Scene.leg(40_001, to: Scene.second).handshake(at: 57).request(at: 58).response(200, at: 99),
        ])
        #expect(refused.outline == ["nearMiss connect-refused 1/1"])
        let dropped = Scene.report([
            Scene.failing(status: 200, answered: 2_085),
            Scene.leg(40_000).syn(34, 1_034),
            Scene.leg(40_001, to: Scene.second).handshake(at: 2_045).request(at: 2_046).response(200, at: 2_084),
        ])
        #expect(dropped.outline == ["nearMiss connect-timeout 1/1"])
    }

    @Test("A try that the gateway gives up with half of its request sent is no failure of that upstream")
    func givenUp() {
        let report = Scene.report([
            Scene.failing(status: 502, answered: 105),
            Scene.leg(40_000).syn(1).rst(.fromServer, at: 1.2),
            Scene.leg(40_001, to: Scene.second).handshake(at: 102).request(at: 103, method: "POST") { $0.end = nil }
                .fin(.fromClient, at: 103.4),
        ])
        #expect(report.outline == ["failure connect-refused 1/1"])
    }

    @Test("Dials that fail in turn until the gateway gives up are one request")
    func dialsInTurn() {
        let dials = (0..<5).map { number in
            let start = 1 + Double(number) * 250
            return Scene.leg(40_000 + UInt16(number), to: number % 2 == 0 ? Scene.upstream : Scene.second)
                .syn(start).rst(.fromServer, at: start + 0.2)
        }
        let report = Scene.report([Scene.failing(status: 502, answered: 1_002)] + dials)
        #expect(report.outline == ["failure connect-refused 1/3", "failure connect-refused 1/2"])
        #expect(report.failedRequests == 1)
    }

    @Test("A dial that begins long after the request, and before its attempt, is not its own")
    func unpromptedDial() {
        let report = Scene.report([
            Scene.failing(status: 200, answered: 900),
            Scene.leg(40_000).syn(400).rst(.fromServer, at: 400.2),
            Scene.leg(40_001, to: Scene.second).handshake(at: 1).request(at: 2).response(200, at: 890),
        ])
        #expect(!report.outline.contains("nearMiss connect-refused 1/1"))
    }

    @Test("A request that cannot be acknowledged while its sibling's is, and waits, met a full accept queue")
    func queuedBehindSibling() {
        let report = Scene.report([
            Scene.failing(status: 504, answered: 60_003),
            Scene.leg().handshake(at: 1).request(at: 2, isAcknowledged: false)
                .again(.fromClient, at: 203, 603, 1_403, 3_003).fin(.fromClient, at: 60_002),
            Scene.failing("/b", port: 50_001, at: -100, status: 504, answered: 59_903),
            Scene.leg(40_001).handshake(at: -99).request("/b", at: -98).fin(.fromClient, at: 59_902)
                .ack(.fromServer, at: 59_902.5),
        ])
        #expect(Set(report.findings.map(\.cause)) == [.acceptQueueOverflow, .responseTimeout])
    }

    @Test("A probe's request is no client's, even where it fails", arguments: ["OPTIONS", "GET"])
    func probes(method: String) {
        let probe = Scene.leg(45_000).handshake(at: 1).request("/", at: 2, method: method) {
            guard method == "OPTIONS" else {
                $0.fields = [FieldLine(name: "user-agent", value: "kube-probe/1.29")]
                return
            }
            $0.version = "HTTP/1.0"
            $0.host = nil
        }.rst(.fromServer, at: 30)
        #expect(Scene.report([probe]).outline == [])
    }

    @Test("Go's own question to an upstream's address is a probe; one that is passed on is none")
    func goProbes() {
        func asked(_ fields: [FieldLine], host: String) -> Line {
            Scene.leg(45_000).handshake(at: 1).request("/healthz", at: 2) {
                $0.fields = [FieldLine(name: "user-agent", value: "Go-http-client/1.1")] + fields
                $0.host = host
            }.rst(.fromServer, at: 30)
        }
        let forwarded = [FieldLine(name: "x-forwarded-for", value: "10.0.0.9")]
        let address = Scene.upstream.description
        #expect(Scene.report([asked([], host: address)]).outline == [])
        #expect(Scene.report([asked(forwarded, host: address)]).findings.count == 1)
        #expect(Scene.report([asked([], host: "api.test")]).findings.count == 1)
    }

    @Test("An open connection that nothing was asked on is no attempt")
    func spare() {
        let spare = Scene.leg(40_009).handshake(at: 3).fin(.fromClient, at: 500).fin(.fromServer, at: 500.2)
        #expect(Scene.report(Scene.good(ports: 40_001, at: 0) + [spare]).outline == [])
    }

    @Test("Behind a TLS client leg the attempts are judged, and counts come from the upstream leg")
    func opaqueClientLeg() {
        var client = Scene.client().handshake(at: -20).ack(.fromClient, at: -1).ack(.fromServer, at: 60)
        client.facts.application = .tls(TLSFacts())
        client.facts.fromClient.payloadBytes = 800
        client.facts.fromServer.payloadBytes = 4_000
        let report = Scene.report([
            client, Scene.leg().handshake(at: 1).request(at: 2).fin(.fromServer, at: 50),
        ])
        #expect(report.outline == ["failure closed-before-response 1/1"])
        #expect(!report.countsClientRequests)
    }

    @Test("Each request of a client's connection has its own outcome")
    func keepAlive() {
        let client = Scene.client().handshake(at: -1).request("/a", at: 0).response(200, at: 20)
            .request("/b", at: 1_000).response(502, at: 1_060).request("/c", at: 2_000).response(200, at: 2_020)
        let report = Scene.report([
            client,
            Scene.leg(40_000).handshake(at: 1).request("/a", at: 2).response(200, at: 15),
            Scene.leg(40_001).handshake(at: 1_001).request("/b", at: 1_002).fin(.fromServer, at: 1_050),
            Scene.leg(40_002).handshake(at: 2_001).request("/c", at: 2_002).response(200, at: 2_015),
        ])
        #expect(report.outline == ["failure closed-before-response 1/1"])
        #expect(report.totalRequests == 3)
        #expect(report.failedRequests == 1)
    }
}
