import Model
import Testing

@testable import Diagnosis

@Suite("Errors that upstreams made, and what gateways hold against them")
struct UpstreamErrorTests {
    private func snapped(_ fields: [FieldLine]) -> Line {
        Scene.leg().handshake(at: 1).request(at: 2, fields: fields).response(503, at: 20) {
            $0.headEnd = nil
            $0.headFrame = nil
            $0.end = nil
            $0.completion = .incompleteHead
            $0.body.hasGap = true
        }
    }

    @Test("A status line is enough where the snap length left no more of the answer to a gateway")
    func snappedToGateway() throws {
        let leg = snapped([FieldLine(name: "x-forwarded-for", value: "192.0.2.10")])
        let finding = try #require(Scene.report([leg]).findings.first)
        #expect(finding.cause == .upstreamErrorResponse)
        #expect(finding.confidence == .medium)
        #expect(finding.variant == nil)
    }

    @Test("Where nothing tells that a gateway asked, a snapped error may be the gateway's own")
    func snappedToAnybody() {
        #expect(!Scene.report([snapped([])]).findings.map(\.cause).contains(.upstreamErrorResponse))
    }

    /// The second server was asked because the first had answered 503; it did no better.
    private func bothOut(thenGiven status: Int) -> [Line] {
        [
            Scene.failing(port: 49_000, at: 0, status: status, answered: 30),
            Scene.leg(40_000).handshake(at: 1).request(at: 2).response(503, at: 10),
            Scene.leg(40_001, to: Scene.second).handshake(at: 11).request(at: 12).response(503, at: 29),
        ]
    }

    @Test("Servers whose 503 the gateway did not take for an answer are dead in its book")
    func heldAgainst() {
        let after = Scene.failing("/a/2", at: 1000, status: 502, answered: 1000.5)
        let causes = Scene.report(bothOut(thenGiven: 502) + [after]).findings.map(\.cause)
        #expect(causes.contains(.noLiveUpstream))
        #expect(!causes.contains(.noUpstreamAttempt))
    }

    @Test("A gateway that tries again by the clock makes attempts; what goes on between requests are probes")
    func byTheClock() {
        func dials(from start: Double, port: UInt16, count: Int) -> [Line] {
            (0..<count).map { number in
                let time = start + Double(number) * 300
                return Scene.leg(port + UInt16(number)).syn(time).rst(.fromServer, at: time + 0.2)
            }
        }
        let tries =
            [
                Scene.failing(port: 50_000, at: 0, answered: 2102),
                Scene.failing("/b", port: 50_001, at: 4000, answered: 6102),
            ]
            + dials(from: 1, port: 41_000, count: 8) + dials(from: 4001, port: 42_000, count: 8)
        #expect(Scene.report(tries).findings.map(\.cause) == [.connectRefused])
        let probes = [Scene.failing(port: 50_000, at: 650, answered: 651)] + dials(from: 1, port: 41_000, count: 20)
        #expect(!Scene.report(probes).findings.map(\.cause).contains(.connectRefused))
    }
}
