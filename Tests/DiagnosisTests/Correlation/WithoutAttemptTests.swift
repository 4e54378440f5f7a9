import Model
import Testing

@testable import Diagnosis

/// A client's error for which nothing was dialled.
@Suite struct WithoutAttemptTests {
    private static let failing = Scene.failing(at: 10_000, status: 503, answered: 10_000.5)
    /// An earlier request of the like of it, whose only upstream refused.
    private static let refused = [
        Scene.failing(port: 49_000, at: 0, status: 502, answered: 3), Scene.leg().syn(1).rst(.fromServer, at: 1.2),
    ]

    private static func causes(_ report: Report) -> [Cause] { report.findings.map(\.cause) }

    @Test("After a failure of every upstream the gateway takes them for dead")
    func noLiveUpstream() throws {
        let report = Scene.report(Self.refused + [Self.failing])
        let finding = try #require(report.findings.first { $0.cause == .noLiveUpstream })
        #expect(Set(Self.causes(report)) == [.connectRefused, .noLiveUpstream])
        #expect(finding.count == 1)
        #expect(finding.attempts == 0)
        #expect(finding.upstream == nil)
    }

    @Test("A success after the failure speaks against it")
    func recovered() {
        let report = Scene.report(
            Self.refused + Scene.good("/a", ports: 40_005, at: 5_000) + [Self.failing]
        )
        #expect(Set(Self.causes(report)) == [.connectRefused, .noUpstreamAttempt])
    }

    @Test("A failure of another upstream than the request's own speaks against it")
    func otherUpstream() {
        let report = Scene.report(
            [
                Scene.failing("/other", port: 49_000, at: 0, status: 502, answered: 3),
                Scene.leg(to: Scene.second).syn(1).rst(.fromServer, at: 1.2),
            ] + Scene.good("/a", ports: 40_005, at: -5_000) + [Self.failing]
        )
        #expect(Set(Self.causes(report)) == [.connectRefused, .noUpstreamAttempt])
    }

    @Test("Of the attempts for who asks the same at once, one may be its own: not where they carry another's id")
    func twins() {
        func ask(_ line: Line, _ id: String?, at time: Double) -> Line {
            line.handshake(at: time - 0.1).request("/same", at: time) {
                $0.fields += id.map { [FieldLine(name: "x-request-id", value: $0)] } ?? []
            }
        }
        func causes(_ ids: (String?, String?)) -> [Cause] {
            Self.causes(
                Scene.report([
                    ask(Scene.client(), ids.0, at: 0).response(200, at: 90),
                    ask(Scene.client(50_001), ids.1, at: 5).response(502, at: 95),
                    ask(Scene.leg(), ids.0, at: 1).rst(.fromServer, at: 50),
                    ask(Scene.leg(40_001, to: Scene.second), ids.0, at: 51).response(200, at: 89),
                ])
            )
        }
        #expect(causes((nil, nil)).contains(.undetermined))
        #expect(!causes(("a", "b")).contains(.undetermined))
    }

    @Test("What a gateway's own address asks it may be a later pass, where it was asking when the capture began")
    func earlierPass() {
        let own = end("198.51.100.1", 50_001)
        let asked = Line.from(own, to: Scene.front).handshake(at: 9_999).request(at: 10_000).response(502, at: 10_001)
        var headless = Line.from(end("198.51.100.1", 50_002), to: Scene.front).request(at: 9_998)
            .response(502, at: 10_002)
        headless.facts.exchanges[0].request = nil
        let good = Scene.good("/a", ports: 40_005, at: 0)
        #expect(Self.causes(Scene.report(good + [asked])) == [.noUpstreamAttempt])
        #expect(!Self.causes(Scene.report(good + [asked, headless])).contains(.noUpstreamAttempt))
    }

    @Test("Without any failure before, nothing was tried for a reason of the gateway's own")
    func noUpstreamAttempt() throws {
        let report = Scene.report(Scene.good("/a", ports: 40_005, at: 0) + [Self.failing])
        let finding = try #require(report.findings.first)
        #expect(report.outline == ["failure no-upstream-attempt 1/0"])
        #expect(finding.blame == .gateway)
        #expect(!finding.missing.isEmpty)
    }

    @Test("Failing health checks say that all upstreams are dead")
    func failingChecks() {
        let checks = (0..<10).map { number in
            Scene.leg(45_000 + UInt16(number)).syn(-10_000 + Double(number) * 2_000)
                .rst(.fromServer, at: -9_999.8 + Double(number) * 2_000)
        }
        let page = Scene.client().handshake(at: 9_999).request(at: 10_000)
            .response(503, at: 10_000.5, page: "No server is available to handle this request.")
        #expect(Scene.report(checks + [page]).outline == ["failure no-live-upstream 1/0"])
    }

    @Test(
        "Beside another group's good checks, failing ones explain a 503 at once; not one after a wait, nor another status",
        arguments: [
            (503, 0.5, "no-live-upstream"), (503, 1_000, "no-upstream-attempt"), (502, 0.5, "no-upstream-attempt"),
        ]
    )
    func twoGroups(status: Int, answered: Double, cause: String) {
        let checks = (0..<10).flatMap { number -> [Line] in
            let (time, port) = (-20_000 + Double(number) * 2_000, UInt16(number))
            return [
                Scene.leg(45_000 + port).syn(time).rst(.fromServer, at: time + 0.2),
                Scene.leg(46_000 + port, to: Scene.second).handshake(at: time + 3).request("/up", at: time + 4)
                    .response(200, at: time + 5),
            ]
        }
        let page = Scene.client().handshake(at: 9_999).request(at: 10_000)
            .response(status, at: 10_000 + answered, page: "No server is available to handle this request.")
        #expect(Scene.report(checks + [page]).outline == ["failure \(cause) 1/0"])
    }

    @Test("Where the capture shows nothing of the upstream side, nothing is concluded")
    func uncovered() throws {
        let page = Scene.client().handshake(at: -1).request(at: 0)
            .response(502, at: 60, page: "<hr><center>nginx/1.22.1</center>")
        let report = Scene.report([page])
        let finding = try #require(report.findings.first)
        #expect(report.outline == ["failure undetermined 1/0"])
        #expect(finding.missing.first?.hasPrefix("upstream leg") == true)
        #expect(report.clientErrors.first?.findings == [])
        #expect(report.clientErrors.first?.why?.hasPrefix("upstream leg") == true)
    }

    private static func bursts(answered: Double?, at time: Double = 9_900, asker: IPAddress = Scene.dialler)
        -> NeighbourFacts
    {
        var burst = NeighbourFacts(asker: asker, target: Scene.upstream.address, first: frame(time))
        burst.requests += [frame(time + 1_000), frame(time + 2_000)]
        burst.requestCount = 3
        burst.last = frame(time + 2_000)
        burst.answered = answered.map(frame)
        return burst
    }

    private static let slow = Scene.failing(at: 9_899, status: 502, answered: 12_990)

    @Test("Address resolution that nobody answers while the request waits is an unreachable host")
    func neighbour() throws {
        var facts = Scene.facts(Scene.good("/a", ports: 40_005, at: 0) + [Self.slow])
        facts.neighbours = [Self.bursts(answered: nil)]
        let finding = try #require(Diagnosis.report(on: facts).findings.first)
        #expect(finding.cause == .hostUnreachable)
        #expect(finding.variant == "neighbour")
        #expect(finding.upstream == Scene.upstream.address.description)
        #expect(finding.attempts == 0)
    }

    @Test(
        "A request that comes after the third question fails with the wait for its answer, and not before",
        arguments: [(13_040.0, Cause.hostUnreachable), (12_200, .noUpstreamAttempt)]
    )
    func lateNeighbour(answered: Double, cause: Cause) {
        let late = Scene.failing(at: 12_100, status: 503, answered: answered)
        var facts = Scene.facts(Scene.good("/a", ports: 40_005, at: 0) + [late])
        facts.neighbours = [Self.bursts(answered: nil, at: 10_000)]
        #expect(Diagnosis.report(on: facts).findings.map(\.cause) == [cause])
    }

    @Test("Address resolution that was answered explains nothing")
    func answeredNeighbour() {
        var facts = Scene.facts(Scene.good("/a", ports: 40_005, at: 0) + [Self.slow])
        facts.neighbours = [Self.bursts(answered: 10_000)]
        #expect(Diagnosis.report(on: facts).findings.map(\.cause) == [.noUpstreamAttempt])
    }

    @Test("Address resolution long before the request, or by another host, explains nothing")
    func foreignNeighbour() {
        var facts = Scene.facts(Scene.good("/a", ports: 40_005, at: 0) + [Self.slow])
        facts.neighbours = [
            Self.bursts(answered: nil, at: 1_000), Self.bursts(answered: nil, asker: IPAddress(v4: 192, 0, 2, 10)),
        ]
        #expect(Diagnosis.report(on: facts).findings.map(\.cause) == [.noUpstreamAttempt])
    }
}
