import Diagnosis
import Model
import Testing

/// A single packet that the capture missed takes certainty away, and puts no other cause in its place.
@Suite struct MissedPacketTests {
    private static let silent = Scene.leg().syn(1)

    @Test("Who tells its client of an error at once had an answer to its SYN, seen or not")
    func promptError() {
        #expect(Scene.report([Scene.failing(answered: 60), Self.silent]).findings.map(\.cause) == [.undetermined])
    }

    @Test("Who tells its client only after a long wait had none")
    func lateError() {
        let report = Scene.report([Scene.failing(status: 504, answered: 3000), Scene.leg().syn(1, 1001)])
        #expect(report.findings.map(\.cause) == [.connectTimeout])
    }

    @Test("A reset of a connection whose SYN-ACK was missed does not answer the SYN")
    func missedSynAck() {
        let leg = Scene.leg().syn(1).request(at: 2).rst(.fromServer, at: 5, hopLimit: 12)
        let causes = Scene.report([Scene.failing(answered: 60), leg]).findings.map(\.cause)
        #expect(!causes.contains(.handshakeResetByFirewall))
        #expect(!causes.contains(.connectRefused))
    }

    @Test("The upstream's FIN is known by its acknowledgment where the capture missed the packet")
    func missedFin() {
        var leg = Scene.leg().handshake(at: 1).request(at: 2)
        leg.facts.fromServer.acknowledgedEnd = leg.facts.fromServer.highestEnd + 1
        leg.facts.fromServer.acknowledgedFrame = frame(50)
        let report = Scene.report([Scene.failing(answered: 60), leg.fin(.fromClient, at: 51)])
        #expect(report.findings.map(\.cause) == [.closedBeforeResponse])
    }

    @Test("An answer that came after the client had asked again is another request's where packets are missing")
    func shiftedAnswers() {
        var client = Scene.client().handshake(at: -1).request("/a", at: 0).response(502, at: 60)
            .request("/b", at: 20).response(200, at: 80)
        client.facts.fromServer.missedBytes = 120
        let leg = Scene.leg().handshake(at: 1).request("/a", at: 2).response(200, at: 10)
        #expect(Scene.report([client, leg]).outline == [])
    }

    @Test("A half of a lookup while the request was open leaves the cause open", arguments: [false, true])
    func halfLookup(_ isAnswer: Bool) {
        let questions =
            isAnswer
            ? Questions.by().answer("app.example", code: 3, at: 5) : Questions.by().ask("app.example", at: 5)
        var facts = Scene.facts(Scene.good(ports: 42_000, at: -500) + [Scene.failing(answered: 9)], until: 1000)
        facts.dns = questions.facts
        #expect(Diagnosis.report(on: facts).findings.map(\.cause) == [.undetermined])
    }
}
