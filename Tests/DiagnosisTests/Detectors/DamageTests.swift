import Diagnosis
import Model
import Testing

/// What the capture missed is not what did not happen.
@Suite struct DamageTests {
    private static let asked = Scene.leg().handshake(at: 1).request(at: 2)

    /// The gateway acknowledged 500 bytes of which the capture shows none.
    private static var missed: Line {
        var line = asked
        line.facts.fromServer.acknowledgedEnd = 500
        line.facts.fromServer.missedBytes = 500
        line.facts.fromServer.contiguousEnd = 500
        line.facts.fromServer.highestEnd = 500
        return line
    }

    @Test("An answer that the capture missed is no missing answer")
    func missedAnswer() {
        let report = Scene.report([Scene.failing(status: 200, answered: 60), Self.missed.fin(.fromServer, at: 50)])
        #expect(report.outline == [])
    }

    @Test("Where the client failed, an answer that the capture missed leaves the cause open")
    func missedAnswerOfFailure() {
        let report = Scene.report([Scene.failing(answered: 60), Self.missed.fin(.fromServer, at: 50)])
        #expect(report.findings.map(\.cause) == [.undetermined])
    }

    @Test("A head that the capture cut is not one that the upstream cut")
    func cutHead() {
        let leg = Self.asked.response(200, at: 20) {
            $0.completion = .incompleteHead
            $0.headEnd = nil
            $0.end = nil
            $0.body.hasGap = true
        }
        #expect(Scene.report([Scene.failing(status: 200, answered: 60), leg.fin(.fromServer, at: 50)]).outline == [])
    }

    @Test("Facts without any packet give an empty report")
    func nothing() {
        let report = Diagnosis.report(on: TrafficFacts())
        #expect(report.outline == [])
        #expect(report.totalRequests == 0)
    }

    @Test("A connection whose opening was not captured is judged by its request all the same")
    func midstream() {
        let leg = Scene.leg().request(at: 2).fin(.fromServer, at: 50)
        #expect(Scene.report([Scene.failing(answered: 60), leg]).findings.map(\.cause) == [.closedBeforeResponse])
    }

    @Test("A fast reset on a connection whose opening was not captured is not laid to the accepting side")
    func midstreamReset() {
        let leg = Scene.leg().request(at: 2).rst(.fromServer, at: 2.4)
        #expect(!Scene.report([Scene.failing(answered: 60), leg]).findings.map(\.cause).contains(.resetAfterAccept))
    }
}
