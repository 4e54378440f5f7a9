import Model
import Testing

/// A client that leaves is nobody else's fault.
@Suite struct ClientAbortTests {
    private static let left = Scene.client().handshake(at: -1).request(at: 0).fin(.fromClient, at: 1_000)
    private static let asked = Scene.leg().handshake(at: 1).request(at: 2)

    @Test("A client that leaves while the upstream works is a note, and no failed request")
    func abort() throws {
        let report = Scene.report([Self.left, Self.asked.fin(.fromClient, at: 1_000.5).ack(.fromServer, at: 1_001)])
        let finding = try #require(report.findings.first)
        #expect(report.outline == ["note client-abort 1/1"])
        #expect(finding.blame == .client)
        #expect(report.failedRequests == 0)
    }

    @Test("A client that leaves while the SYN is unanswered is no connect timeout")
    func duringConnect() {
        let report = Scene.report([Self.left, Scene.leg().syn(1).fin(.fromClient, at: 1_000.5)])
        #expect(report.outline == ["note client-abort 1/1"])
    }

    @Test("An upstream that had closed before the client left failed by itself")
    func upstreamFirst() {
        let report = Scene.report([Self.left, Self.asked.fin(.fromServer, at: 500)])
        #expect(report.findings.map(\.cause) == [.closedBeforeResponse])
    }

    @Test("An answer that was written to a client that had left, and was refused, is none", arguments: [200, 502])
    func answeredTooLate(status: Int) {
        let client = Self.left.response(status, at: 1_000.8, body: 0).rst(.fromClient, at: 1_000.9)
        let report = Scene.report([client, Self.asked.fin(.fromClient, at: 1_000.5).ack(.fromServer, at: 1_001)])
        #expect(report.outline == ["note client-abort 1/1"])
        #expect(report.failedRequests == 0)
    }

    @Test("A client that only closed its own direction got its answer")
    func halfClose() {
        let report = Scene.report([Self.left.response(200, at: 1_020), Self.asked.response(200, at: 1_010)])
        #expect(report.outline == [])
    }

    @Test("A client that leaves after its answer is nothing")
    func afterwards() {
        let report = Scene.report([
            Scene.failing(status: 200, answered: 30).rst(.fromClient, at: 31), Self.asked.response(200, at: 20),
        ])
        #expect(report.outline == [])
        #expect(report.clientErrors.isEmpty)
    }

    @Test("A client that leaves before anything was dialled gets its line and no finding")
    func beforeDialling() {
        let report = Scene.report([Self.left] + Scene.good(ports: 40_001, at: -5_000))
        #expect(report.outline == [])
        #expect(report.clientErrors.map(\.why) == ["the client closed before any upstream was tried"])
    }

    @Test("A close of an idle client connection that crossed a request gets its line and no finding")
    func crossedClose() {
        let client = Scene.client().handshake(at: -1).request("/a", at: 0).response(200, at: 20)
            .request("/b", at: 5_000, isAcknowledged: false).fin(.fromServer, at: 5_000.1, acknowledging: 120)
        let report = Scene.report([client, Self.asked.response(200, at: 15)])
        #expect(report.outline == [])
        #expect(report.clientErrors.count == 1)
        #expect(report.clientErrors.first?.why?.contains("crossed the request") == true)
    }
}
