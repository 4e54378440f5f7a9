import Model
import Testing

@testable import Diagnosis

/// Which upstream attempt was made for which client request.
@Suite struct JoinTests {
    private static func join(_ lines: [Line]) -> Join {
        let facts = Scene.facts(lines)
        return Join(facts, RoleMap.infer(from: facts, options: DiagnosisOptions()))
    }

    /// Upstream ports by the client port that they were dialled for.
    private static func pairs(_ lines: [Line]) -> [UInt16: [UInt16]] {
        let join = join(lines)
        var result: [UInt16: [UInt16]] = [:]
        for request in join.requests {
            result[request.client.port] = request.attempts.map {
                join.facts.connections[join.attempts[$0].connection].client.port
            }
        }
        return result
    }

    @Test(
        "A rewritten target still belongs to its request",
        arguments: [
            ("/api/orders/7", "/orders/7"), ("/orders/7", "/v2/orders/7"), ("/shop/item?id=3", "/internal/item?id=3"),
            ("/old/list?page=2", "/new/index?page=2"), ("http://shop.test/a", "/a"), ("/", "/index.html"),
        ]
    )
    func rewritten(client: String, upstream: String) {
        let pairs = Self.pairs([
            Scene.failing(client, answered: 60),
            Scene.leg().handshake(at: 1).request(upstream, at: 2).fin(.fromServer, at: 50),
        ])
        #expect(pairs == [50_000: [40_000]])
    }

    @Test("A target that its gateway passes on unchanged elsewhere is no rewritten one")
    func stray() {
        let pairs = Self.pairs([
            Scene.client(50_001).handshake(at: -101).request("/shop/1", at: -100).response(200, at: -60),
            Scene.leg(40_001).handshake(at: -99).request("/shop/1", at: -98).response(200, at: -61),
            Scene.failing("/shop/2", answered: 60),
            Scene.leg().request("/other/9", at: 2).fin(.fromServer, at: 50),
        ])
        #expect(pairs == [50_001: [40_001], 50_000: []])
    }

    @Test("Requests for different targets at one time go to their own attempts, whatever their order")
    func concurrent() {
        let pairs = Self.pairs([
            Scene.failing("/a", port: 50_000, at: 0, answered: 60),
            Scene.failing("/b", port: 50_001, at: 0.1, answered: 61),
            Scene.leg(40_001).handshake(at: 1).request("/b", at: 2).fin(.fromServer, at: 50),
            Scene.leg(40_000).handshake(at: 1.5).request("/a", at: 2.5).fin(.fromServer, at: 51),
        ])
        #expect(pairs == [50_000: [40_000], 50_001: [40_001]])
    }

    @Test("Identical concurrent requests get one attempt each")
    func identical() {
        let clients = (0..<5).map {
            Scene.failing("/a", port: 50_000 + UInt16($0), at: Double($0), answered: 60 + Double($0))
        }
        let legs = (0..<5).map {
            Scene.leg(40_000 + UInt16($0)).handshake(at: Double($0) + 0.3).request("/a", at: Double($0) + 0.6)
                .fin(.fromServer, at: 55 + Double($0))
        }
        let pairs = Self.pairs(clients + legs)
        #expect(pairs.values.allSatisfy { $0.count == 1 })
        #expect(Set(pairs.values.flatMap { $0 }).count == 5)
        #expect(Scene.report(clients + legs).outline == ["failure closed-before-response 5/5"])
    }

    @Test("A request id decides among identical requests")
    func identified() {
        func id(_ value: String) -> [FieldLine] { [FieldLine(name: "x-request-id", value: value)] }
        let pairs = Self.pairs([
            Scene.client(50_000).request("/a", at: 0, fields: id("one")).response(502, at: 60),
            Scene.client(50_001).request("/a", at: 1, fields: id("two")).response(502, at: 61),
            Scene.leg(40_001).handshake(at: 1.2).request("/a", at: 2, fields: id("one")).fin(.fromServer, at: 50),
            Scene.leg(40_000).handshake(at: 1.3).request("/a", at: 2.1, fields: id("two")).fin(.fromServer, at: 50),
        ])
        #expect(pairs == [50_000: [40_001], 50_001: [40_000]])
    }

    @Test("A refused SYN that ends after another try had begun is no try of that request")
    func overlapping() {
        // Both SYNs waited for one ARP answer; the second one was for the request that came last.
        let report = Scene.report([
            Scene.failing("/a", port: 50_000, at: 0, status: 503, answered: 165),
            Scene.failing("/b", port: 50_001, at: 40, status: 502, answered: 300),
            Scene.leg(40_000).syn(78).rst(.fromServer, at: 164),
            Scene.leg(40_001, to: Scene.second).handshake(at: 78.1).request("/b", at: 160).fin(.fromServer, at: 299),
        ])
        #expect(Set(report.outline) == ["failure connect-refused 1/1", "failure closed-before-response 1/1"])
        #expect(report.failedRequests == 2)
    }

    @Test("HAProxy's four tries a second apart are one failed request")
    func retries() {
        let tries = (0..<4).map { number in
            Scene.leg(40_000 + UInt16(number)).syn(1 + Double(number) * 1_001).rst(
                .fromServer,
                at: 1.2 + Double(number) * 1_001
            )
        }
        let report = Scene.report([Scene.failing(status: 503, answered: 3_004.5)] + tries)
        #expect(report.outline == ["failure connect-refused 1/4"])
        #expect(report.failedRequests == 1)
        #expect(report.totalRequests == 1)
        #expect(report.findings.first?.occurrences.map(\.attempt) == [1, 2, 3, 4])
    }

    @Test("A retry on the next server that worked makes the failed try a near miss")
    func nearMiss() {
        let report = Scene.report([
            Scene.failing(status: 200, answered: 30),
            Scene.leg(40_000).syn(1).rst(.fromServer, at: 1.2),
            Scene.leg(40_001, to: Scene.second).handshake(at: 1.4).request(at: 2).response(200, at: 20),
        ])
        #expect(report.outline == ["nearMiss connect-refused 1/1"])
        #expect(report.failedRequests == 0)
    }

    @Test("A retry that failed too makes one failed request of two findings")
    func bothFailed() {
        let report = Scene.report([
            Scene.failing(answered: 30),
            Scene.leg(40_000).syn(1).rst(.fromServer, at: 1.2),
            Scene.leg(40_001, to: Scene.second).handshake(at: 1.4).request(at: 2).fin(.fromServer, at: 20),
        ])
        #expect(Set(report.outline) == ["failure connect-refused 1/1", "failure closed-before-response 1/1"])
        #expect(report.failedRequests == 1)
        #expect(report.clientErrors.map { $0.findings.count } == [2])
    }

    /// Connects every two seconds that are reset once answered, as HAProxy probes.
    private static let probes = (0..<10).map { number in
        Scene.leg(45_000 + UInt16(number)).handshake(at: -10_000 + Double(number) * 2_000)
            .rst(.fromClient, at: -9_999 + Double(number) * 2_000)
    }

    @Test("Health checks are no attempts, even while a request fails")
    func healthChecks() {
        let report = Scene.report(
            [
                Scene.failing(status: 504, answered: 5_000),
                Scene.leg().handshake(at: 1).request(at: 2).fin(.fromClient, at: 4_999).ack(.fromServer, at: 4_999.5),
            ] + Self.probes
        )
        #expect(report.outline == ["failure response-timeout 1/1"])
    }

    @Test("Health checks that are refused are no findings without a client that failed")
    func failingChecks() {
        let refused = (0..<10).map { number in
            Scene.leg(45_000 + UInt16(number), to: Scene.second).syn(-10_000 + Double(number) * 2_000)
                .rst(.fromServer, at: -9_999.8 + Double(number) * 2_000)
        }
        #expect(Scene.report(Scene.good(ports: 40_001, at: 0) + refused).outline == [])
    }

    @Test("Without client leg the tries of one request count as one")
    func withoutClientLeg() {
        let haproxy: (inout RequestFacts) -> Void = {
            $0.lowerCaseNames = true
            $0.fieldCount = 2
        }
        let tries = (0..<4).map { number in
            Scene.leg(40_000 + UInt16(number)).syn(1 + Double(number) * 1_001).rst(
                .fromServer,
                at: 1.2 + Double(number) * 1_001
            )
        }
        let served = Scene.leg(40_010, to: Scene.second).handshake(at: -100).request(at: -99, haproxy).response(
            200,
            at: -90
        )
        let report = Scene.report(tries + [served])
        #expect(report.outline == ["failure connect-refused 1/4"])
        #expect(!report.countsClientRequests)
        #expect(report.failedRequests == 1)
    }

    @Test("Without client leg a repeated request that was answered at last hides the failure")
    func hiddenWithoutClientLeg() {
        let report = Scene.report([
            Scene.leg(40_000).handshake(at: 1).request(at: 2).fin(.fromServer, at: 20),
            Scene.leg(40_001, to: Scene.second).handshake(at: 20.2).request(at: 21).response(200, at: 30),
        ])
        #expect(report.outline == ["nearMiss closed-before-response 1/1"])
        #expect(report.totalRequests == 1)
    }

    @Test("A failure behind the second of two gateways is seen at both, and one client request failed")
    func twoGateways() throws {
        let inner = end("10.0.0.2", 8000)
        let report = Scene.report([
            Scene.failing(answered: 60),
            Scene.leg(40_000, to: inner).handshake(at: 1).request(at: 2).response(502, at: 58),
            Line.from(end("10.0.0.2", 41_000), to: Scene.upstream).handshake(at: 3).request(at: 4)
                .fin(.fromServer, at: 50),
        ])
        #expect(Set(report.findings.map(\.cause)) == [.upstreamErrorResponse, .closedBeforeResponse])
        let outer = try #require(report.findings.first { $0.cause == .upstreamErrorResponse })
        #expect(outer.variant == "gateway")
        #expect(outer.upstream == inner.description)
        #expect(report.totalRequests == 1)
        #expect(report.failedRequests == 1)
    }

    @Test(
        "Of two that ask the same at once, one with its answer, the other is not known to be refused it",
        arguments: [true, false]
    )
    func mistakenRefusal(isAlike: Bool) {
        let target = isAlike ? "/cart" : "/else"
        let report = Scene.report([
            Scene.failing("/cart", answered: 20),
            Scene.client(50_001).handshake(at: 0.5).request(target, at: 1).response(200, at: 19),
            Scene.leg(40_001).handshake(at: 1.5).request("/cart", at: 2).response(200, at: 18),
            Scene.leg(40_002).handshake(at: 2.5).request(target, at: 3).response(200, at: 17),
        ])
        #expect(report.findings.map(\.cause) == [isAlike ? .undetermined : .gatewayRejectedResponse])
    }
}
