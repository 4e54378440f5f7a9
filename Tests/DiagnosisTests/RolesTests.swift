import Model
import Testing

@testable import Diagnosis

/// Who the gateway is, from the packets or from the user.
@Suite struct RolesTests {
    @Test("A gateway's two addresses are found by what begins inside its clients' exchanges")
    func twoAddresses() {
        let report = Scene.report(Scene.good(ports: 40_000, at: 0))
        #expect(report.roles.gateways == [Scene.dialler, Scene.front.address].sorted())
        #expect(report.roles.upstreams == [Scene.upstream])
        #expect(!report.roles.isGiven)
        #expect(report.totalRequests == 1)
    }

    /// Requests of TLS clients, of which the upstream leg only can be read: the first `asked` targets, each at the same time as plain ones.
    private static func besideTLS(_ count: Int) -> [Line] {
        (0..<count).map { number in
            let time = Double(number) * 20 - 1
            return Scene.leg(46_000 + UInt16(number)).handshake(at: time).request("/r\(number % 4)", at: time + 0.5)
                .response(200, at: time + 9)
        }
    }

    private static let plain = (0..<4).flatMap { number in
        Scene.good("/r\(number)", ports: 41_000 + UInt16(number), at: Double(number) * 20)
    }

    @Test("Clients that ask the same as others over TLS do so inside their requests by chance")
    func sameOverTLS() {
        let report = Scene.report(Self.plain + Self.besideTLS(12))
        #expect(report.roles.gateways == [Scene.dialler, Scene.front.address].sorted())
        #expect(report.roles.upstreams == [Scene.upstream])
        #expect(report.outline == [])
        #expect(report.totalRequests == 4)
    }

    @Test("A client of HTTP/1.0 among others does not make its listener an upstream")
    func oldClient() {
        let old = Scene.client(50_900).handshake(at: 499).request("/old", at: 500) { $0.version = "HTTP/1.0" }
            .response(200, at: 510)
        let leg = Scene.leg(47_900).handshake(at: 501).request("/old", at: 502).response(200, at: 509)
        let report = Scene.report(Self.plain + Self.besideTLS(4) + [old, leg])
        #expect(report.roles.upstreams == [Scene.upstream])
        #expect(report.outline == [])
    }

    @Test("Clients of HTTP/1.0 whose requests wait in a gateway's queue begin inside those of others that it passed on")
    func queue() {
        func asked(_ line: Line, at time: Double, version: String) -> Line {
            line.handshake(at: time - 0.3).request("/slow", at: time) { $0.version = version }
        }
        func client(_ port: UInt16, at time: Double, _ status: Int, answered: Double) -> Line {
            asked(Scene.client(port), at: time, version: "HTTP/1.0").response(status, at: answered)
        }
        // One at a time is passed on; who has waited for a second gets 503, and asks again at once.
        let lines =
            [(0.0, 800.0), (801, 1_600), (1_601, 2_400), (2_401, 3_200)].enumerated().map { number, span in
                asked(Scene.leg(40_000 + UInt16(number)), at: span.0 + 0.9, version: "HTTP/1.1").response(
                    200,
                    at: span.1
                )
            } + [
                client(50_000, at: 0, 200, answered: 800.1), client(50_001, at: 0.1, 503, answered: 1_000),
                client(50_002, at: 0.2, 503, answered: 1_000.1), client(50_003, at: 0.3, 503, answered: 1_000.2),
                client(50_004, at: 800.8, 200, answered: 1_600.1), client(50_005, at: 1_000.8, 503, answered: 2_000),
                client(50_006, at: 1_000.9, 503, answered: 2_000.1), client(50_007, at: 1_001, 200, answered: 2_400.1),
                client(50_008, at: 1_600.9, 503, answered: 2_600), client(50_009, at: 2_000.8, 200, answered: 3_200.1),
            ]
        let report = Scene.report(lines)
        #expect(report.roles.upstreams == [Scene.upstream])
        #expect(report.roles.gateways == [Scene.dialler, Scene.front.address].sorted())
        #expect(report.totalRequests == 10)
        #expect(report.failedRequests == 6)
    }

    @Test("On loopback, where all share one address, the ports tell the legs apart")
    func loopback() {
        let host = "127.0.0.1"
        let report = Scene.report([
            Line.from(end(host, 50_000), to: end(host, 80)).handshake(at: -1).request(at: 0).response(502, at: 60),
            Line.from(end(host, 40_000), to: end(host, 8080)).handshake(at: 1).request(at: 2).fin(.fromServer, at: 50),
        ])
        #expect(report.outline == ["failure closed-before-response 1/1"])
        #expect(report.roles.upstreams == [end(host, 8080)])
        #expect(report.countsClientRequests)
    }

    /// Two servers on the gateway's own host. Of each pair of requests that come together, the one whose leg begins second begins inside the
    /// other's leg; now and then a request comes alone.
    private static let siblings = (0..<20).flatMap { round -> [Line] in
        let host = "127.0.0.1"
        let time = Double(round) * 100
        let servers: [UInt16] = round < 8 ? [9001, 9002] : round < 12 ? [9002, 9001] : [9001 + UInt16(round % 2)]
        return servers.enumerated().flatMap { place, server -> [Line] in
            let port = UInt16(2 * round + place)
            let begin = time + Double(place) * 0.1
            return [
                Line.from(end(host, 50_000 + port), to: end(host, 80)).handshake(at: begin - 0.4)
                    .request("/ok", at: begin).response(200, at: begin + 9),
                Line.from(end(host, 40_000 + port), to: end(host, server)).handshake(at: begin + 0.3)
                    .request("/ok", at: begin + 0.8).response(200, at: begin + 8),
            ]
        }
    }

    @Test(
        "Servers of one group on the gateway's own host are asked the same at the same time, and are no gateways of each other"
    )
    func siblingServers() {
        let report = Scene.report(Self.siblings)
        #expect(report.roles.upstreams == [end("127.0.0.1", 9001), end("127.0.0.1", 9002)])
        #expect(report.totalRequests == 32)
        #expect(report.outline == [])
        #expect(report.upstreams.map(\.exchanges) == [16, 16])
    }

    @Test("With the upstream leg only, its attempts are judged and the missing client leg is said")
    func upstreamOnly() throws {
        let report = Scene.report([Scene.leg().handshake(at: 1).request(at: 2).fin(.fromServer, at: 50)])
        let finding = try #require(report.findings.first)
        #expect(report.outline == ["failure closed-before-response 1/1"])
        #expect(report.roles.gateways == [Scene.dialler])
        #expect(finding.missing.contains { $0.hasPrefix("client leg") })
        #expect(!report.countsClientRequests)
    }

    @Test("Without client leg a quick close by the gateway is not laid to the upstream")
    func quickClose() {
        let report = Scene.report([Scene.leg().handshake(at: 1).request(at: 2).fin(.fromClient, at: 300)])
        #expect(report.findings.map(\.cause) == [.undetermined])
    }

    @Test("With the client leg only, a gateway's own error page is undetermined")
    func clientOnly() {
        let report = Scene.report([
            Scene.client().handshake(at: -1).request(at: 0)
                .response(504, at: 60_000, page: "<hr><center>nginx/1.22.1</center>")
        ])
        #expect(report.outline == ["failure undetermined 1/0"])
        #expect(report.roles.gateways == [Scene.front.address])
    }

    @Test("With the client leg only, said to be a gateway, its error is undetermined too")
    func clientOnlyGiven() {
        let report = Scene.report([Scene.failing(answered: 60)]) {
            $0.gateways = [AddressPrefix(address: Scene.front.address)]
        }
        #expect(report.outline == ["failure undetermined 1/0"])
        #expect(report.roles.isGiven)
    }

    private static let lines = [
        Scene.failing(status: 502, answered: 60), Scene.leg().handshake(at: 1).request(at: 2).fin(.fromServer, at: 50),
    ]

    @Test("Addresses given as gateways are one gateway")
    func givenGateways() {
        let report = Scene.report(Self.lines) {
            $0.gateways = [AddressPrefix(address: Scene.front.address), AddressPrefix(address: Scene.dialler)]
        }
        #expect(report.outline == ["failure closed-before-response 1/1"])
        #expect(report.roles.isGiven)
        #expect(report.roles.upstreams == [Scene.upstream])
        #expect(report.totalRequests == 1)
    }

    @Test("A given upstream is the only one")
    func givenUpstreams() {
        let report = Scene.report(Self.lines + Scene.good(ports: 40_001, at: 1_000, to: Scene.second)) {
            $0.gateways = [AddressPrefix(address: Scene.front.address), AddressPrefix(address: Scene.dialler)]
            $0.upstreams = [AddressPrefix(address: Scene.upstream.address)]
        }
        #expect(report.roles.upstreams == [Scene.upstream])
        #expect(report.outline == ["failure closed-before-response 1/1"])
    }

    @Test("Given the upstreams alone, who dials them is the gateway")
    func upstreamsAlone() {
        let report = Scene.report(Self.lines) { $0.upstreams = [AddressPrefix(address: Scene.upstream.address)] }
        #expect(report.roles.gateways.contains(Scene.dialler))
        #expect(report.findings.map(\.cause) == [.closedBeforeResponse])
    }

    @Test(
        "A gateway's own page names its maker",
        arguments: [
            ("<hr><center>nginx/1.22.1</center>", GatewayKind.nginx),
            ("The server didn't respond in time.", .haproxy),
            ("Error reading from remote server", .apache), ("Guru Meditation", .varnish), ("Bad Gateway", .traefik),
        ]
    )
    func pages(page: String, kind: GatewayKind) throws {
        let line = Scene.client().request(at: 0).response(502, at: 60, page: page)
        let response = try #require(line.facts.exchanges[0].response)
        #expect(GatewayKind(response: response) == kind)
    }

    @Test("An application's page names nobody, and neither does a good answer")
    func applicationPage() throws {
        for (status, page) in [(502, "out of order"), (200, "<hr><center>nginx/1.22.1</center>")] {
            let line = Scene.client().request(at: 0).response(status, at: 60, page: page)
            let response = try #require(line.facts.exchanges[0].response)
            #expect(GatewayKind(response: response) == nil)
        }
    }

    @Test("A status that the gateway does not give for the cause is remarked, not found")
    func statusMismatch() throws {
        func finding(_ status: Int) throws -> Finding {
            let client = Scene.client().handshake(at: -1).request(at: 0)
                .response(status, at: 60, page: "<hr><center>nginx/1.22.1</center>")
            let leg = Scene.leg().handshake(at: 1).request(at: 2).fin(.fromServer, at: 50)
            let report = Scene.report([client, leg])
            #expect(report.findings.count == 1)
            return try #require(report.findings.first)
        }
        #expect(try finding(502).statusMismatch == nil)
        #expect(try finding(503).statusMismatch?.contains("nginx answers 502") == true)
    }
}
