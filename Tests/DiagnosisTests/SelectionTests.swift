import Diagnosis
import Model
import Testing

/// A report about some of the requests counts those only.
@Suite struct SelectionTests {
    /// Two requests that fail for one cause, one for another, and a good one.
    private static let lines: [Line] =
        [
            Scene.failing("/shop/1", port: 50_001, at: 0, answered: 60),
            Scene.leg(40_001).handshake(at: 1).request("/shop/1", at: 2).fin(.fromServer, at: 50),
            Scene.failing("/shop/2", port: 50_002, at: 1_000, answered: 1_060),
            Scene.leg(40_002).handshake(at: 1_001).request("/shop/2", at: 1_002).fin(.fromServer, at: 1_050),
            Scene.failing("/api/3", port: 50_003, at: 2_000, status: 503, answered: 2_003),
            Scene.leg(40_003).syn(2_001).rst(.fromServer, at: 2_001.2),
        ] + Scene.good("/shop/4", ports: 40_004, at: 3_000)

    @Test("Everything selected counts everything")
    func everything() {
        let report = Scene.report(Self.lines)
        #expect(report.outline == ["failure closed-before-response 2/2", "failure connect-refused 1/1"])
        #expect(report.totalRequests == 4)
        #expect(report.failedRequests == 3)
        #expect(report.clientErrors.count == 3)
    }

    @Test("A status selects its requests, and findings of others go")
    func status() {
        let report = Scene.report(Self.lines) { $0.selection.status = 503 }
        #expect(report.outline == ["failure connect-refused 1/1"])
        #expect(report.totalRequests == 1)
        #expect(report.failedRequests == 1)
        #expect(report.clientErrors.map(\.status) == [503])
    }

    @Test("A path selects good and failed requests alike")
    func path() {
        let report = Scene.report(Self.lines) { $0.selection.pathGlob = "/shop/*" }
        #expect(report.outline == ["failure closed-before-response 2/2"])
        #expect(report.totalRequests == 3)
        #expect(report.failedRequests == 2)
    }

    @Test("A time splits a finding's count")
    func time() {
        let report = Scene.report(Self.lines) { $0.selection.since = frame(500).time }
        #expect(report.outline == ["failure closed-before-response 1/1", "failure connect-refused 1/1"])
        #expect(report.totalRequests == 3)
        #expect(report.failedRequests == 2)
    }

    @Test("What nothing matches is an empty report about no request")
    func nothing() {
        let report = Scene.report(Self.lines) { $0.selection.pathGlob = "/none" }
        #expect(report.outline == [])
        #expect(report.totalRequests == 0)
        #expect(report.failedRequests == 0)
    }

    /// What the client asks as `/api/orders` goes upstream as `/orders`.
    private static let rewritten = [
        Scene.failing("/api/orders", answered: 60),
        Scene.leg().handshake(at: 1).request("/orders", at: 2).fin(.fromServer, at: 50),
    ]

    @Test("A rewritten request is selected by the path that its client asked for")
    func clientPath() {
        let report = Scene.report(Self.rewritten) { $0.selection.pathGlob = "/api/*" }
        #expect(report.totalRequests == 1)
        #expect(report.clientErrors.count == 1)
        #expect(report.findings.map(\.cause) == [.closedBeforeResponse])
        #expect(report.failedRequests == 1)
    }

    @Test("A request is selected by one time on both legs")
    func clientTime() {
        // The attempt failed at 50 ms, the client had its error at 60 ms.
        let report = Scene.report(Self.rewritten) { $0.selection.since = frame(55).time }
        #expect(report.totalRequests == 1)
        #expect(report.failedRequests == 1)
    }

    @Test("A request id that the client sent selects its request")
    func id() {
        func fields(_ id: String) -> [FieldLine] { [FieldLine(name: "x-request-id", value: id)] }
        let lines = ["one", "two"].enumerated().flatMap { number, id in
            [
                Scene.client(50_000 + UInt16(number)).request(at: Double(number) * 1_000, fields: fields(id))
                    .response(502, at: 60 + Double(number) * 1_000),
                Scene.leg(40_000 + UInt16(number)).handshake(at: 1 + Double(number) * 1_000)
                    .request(at: 2 + Double(number) * 1_000, fields: fields(id))
                    .fin(.fromServer, at: 50 + Double(number) * 1_000),
            ]
        }
        let report = Scene.report(lines) { $0.selection.requestID = "two" }
        #expect(report.outline == ["failure closed-before-response 1/1"])
        #expect(report.totalRequests == 1)
        #expect(report.findings.first?.occurrences.first?.request?.id == "two")
    }
}
