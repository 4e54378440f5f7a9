import Model
import Testing

@testable import Diagnosis

/// What Envoy 1.40 does otherwise than the other gateways: connects that outlive their request, tries after a back-off,
/// an id in every try.
@Suite struct EnvoyHabitsTests {
    private static func id(_ value: String) -> [FieldLine] {
        [
            FieldLine(name: "x-request-id", value: value),
            FieldLine(name: "x-envoy-expected-rq-timeout-ms", value: "2000"),
        ]
    }

    /// The route's timer of 2 s ends first; the connect's of 5 s goes on.
    private static let outlived = [
        Scene.failing("/pay/1", status: 504, answered: 2_001),
        Scene.leg().syn(1, 1_002, 2_050, 3_080, 4_100),
    ]
    /// Another upstream shows that its leg is captured.
    private static let fine = Scene.good("/shop/1", ports: 40_005, at: -100, to: Scene.second)

    @Test("The announced timer runs while the connection is made")
    func announced() {
        let leg = Scene.leg().handshake(at: 0, roundTrip: 40).request(at: 40.2, fields: Self.id("a"))
            .fin(.fromClient, at: 1_999)
        #expect(Scene.report([leg]).outline == ["failure response-timeout 1/1"])
    }

    @Test(
        "The announced timer ends a body, too, whenever its last byte came",
        arguments: [(2_001.0, true), (1_700, false)]
    )
    func announcedForBody(end: Double, isTimer: Bool) {
        let leg = Scene.leg().handshake(at: 0).request(at: 1, fields: Self.id("a"))
            .response(200, at: 240, body: 3_000, of: 10_000).fin(.fromClient, at: end)
        #expect(Scene.report([leg]).outline == ["failure \(isTimer ? "body-timeout" : "undetermined") 1/1"])
    }

    @Test("A connect that goes on behind the error belongs to the request it was begun for")
    func outlives() {
        #expect(Scene.report(Self.fine + Self.outlived).outline == ["failure connect-timeout 1/1"])
    }

    @Test("The next request to the same place waits for the same SYN, and fails by it too")
    func waits() throws {
        let next = Scene.failing("/pay/2", port: 50_001, at: 2_002, status: 504, answered: 4_003)
        let report = Scene.report(Self.fine + Self.outlived + [next])
        #expect(report.outline == ["failure connect-timeout 2/2"])
        #expect(report.failedRequests == 2)
    }

    @Test(
        "A request of another place, or one behind the end of the SYNs, does not wait for it",
        arguments: [("/shop/2", 2_002.0), ("/pay/2", 9_000.0)]
    )
    func waitsForNothing(target: String, start: Double) {
        let other = Scene.failing(target, port: 50_001, at: start, status: 503, answered: start + 1)
        let report = Scene.report(Self.fine + Self.outlived + [other])
        #expect(report.findings.first { $0.cause == .connectTimeout }?.count == 1)
        #expect(report.findings.map(\.count).reduce(0, +) == 2)
    }

    @Test("A SYN that was answered before the error is no pending connect")
    func answered() {
        let leg = Scene.leg().handshake(at: 1).fin(.fromClient, at: 5_000)
        let report = Scene.report(Self.fine + [Scene.failing("/pay/1", status: 504, answered: 2_001), leg])
        #expect(!report.findings.contains { $0.cause == .connectTimeout })
    }

    /// A refused SYN, and after `pause` ms a try at another server that is answered.
    private static func backOff(_ pause: Double, fields: [FieldLine]) -> [Line] {
        [
            Scene.client().handshake(at: -1).request("/a", at: 0).response(200, at: 10 + pause),
            Scene.leg().syn(1).rst(.fromServer, at: 1.1),
            Scene.leg(40_001, to: Scene.second).handshake(at: 1.1 + pause).request("/a", at: 2 + pause, fields: fields)
                .response(200, at: 5 + pause),
        ]
    }

    @Test("Envoy's pause of up to 250 ms stands between a refusal and the try that hid it", arguments: [15.0, 74, 240])
    func pause(_ pause: Double) {
        #expect(Scene.report(Self.backOff(pause, fields: Self.id("one"))).outline == ["nearMiss connect-refused 1/1"])
    }

    @Test("Envoy's page says whether a connect failed: one that failed belongs to the request that was told so")
    func page() {
        let reason = "upstream connect error or disconnect/reset before headers. reset reason: "
        let envoy = [FieldLine(name: "server", value: "envoy")]
        func client(_ port: UInt16, _ target: String, at start: Double, _ page: String) -> Line {
            Scene.client(port).handshake(at: start - 1).request(target, at: start)
                .response(503, at: 190, page: reason + page) { $0.fields = envoy }
        }
        // The machine was busy: the SYN left 90 ms after the request that it was for, and just after another one.
        let report = Scene.report(
            Self.fine + [
                client(50_000, "/a", at: 0, "remote connection failure"),
                client(50_001, "/b", at: 89, "connection termination"),
                Scene.leg().syn(90).rst(.fromServer, at: 130),
                Scene.leg(40_001, to: Scene.second).handshake(at: 131).request("/b", at: 132, fields: Self.id("two"))
                    .fin(.fromServer, at: 189),
            ]
        )
        #expect(Set(report.outline) == ["failure connect-refused 1/1", "failure closed-before-response 1/1"])
    }

    /// Two requests alike, without client leg: the first is closed on, the second answered after `pause` ms.
    private static func upstreamOnly(_ pause: Double, _ first: String, _ second: String) -> [Line] {
        [
            Scene.leg().handshake(at: 0).request("/a", at: 1, fields: id(first)).fin(.fromServer, at: 50),
            Scene.leg(40_001).handshake(at: 50 + pause).request("/a", at: 51 + pause, fields: id(second))
                .response(200, at: 60 + pause),
        ]
    }

    @Test("Without client leg, the same request id is the same request, whatever the pause")
    func sameID() {
        #expect(Scene.report(Self.upstreamOnly(200, "one", "one")).outline == ["nearMiss closed-before-response 1/1"])
    }

    @Test("Without client leg, another request id is another request, however soon it comes")
    func otherID() {
        #expect(Scene.report(Self.upstreamOnly(0.1, "one", "two")).outline == ["failure closed-before-response 1/1"])
    }

    @Test("A try with another request id is not laid to a request that has one")
    func identity() {
        let lines = [
            Scene.client(50_000).handshake(at: -2).request("/a", at: 0).response(503, at: 120),
            Scene.client(50_001).handshake(at: -2).request("/a", at: 0.5).response(503, at: 121),
            Scene.leg(40_000).handshake(at: 0.2).request("/a", at: 1, fields: Self.id("one")).fin(.fromServer, at: 50),
            Scene.leg(40_001).handshake(at: 0.6).request("/a", at: 1.1, fields: Self.id("two")).fin(
                .fromServer,
                at: 51
            ),
            Scene.leg(40_002).handshake(at: 70).request("/a", at: 71, fields: Self.id("two")).fin(.fromServer, at: 119),
            Scene.leg(40_003).handshake(at: 70.1).request("/a", at: 71.1, fields: Self.id("one"))
                .fin(.fromServer, at: 118),
        ]
        let facts = Scene.facts(lines)
        let join = Join(facts, RoleMap.infer(from: facts, options: DiagnosisOptions()))
        for request in join.requests {
            let ids = Set(request.attempts.compactMap { join.request(of: join.attempts[$0])?.field("x-request-id") })
            #expect(request.attempts.count == 2)
            #expect(ids.count == 1)
        }
    }

    @Test("An answer without x-envoy-upstream-service-time is Envoy's own", arguments: [true, false])
    func ownAnswer(isRelayed: Bool) {
        let fields = [FieldLine(name: "server", value: "envoy")]
        let relayed = fields + [FieldLine(name: "x-envoy-upstream-service-time", value: "3")]
        var response = ResponseFacts(start: 0, firstFrame: frame(0))
        response.status = 503
        response.fields = isRelayed ? relayed : fields
        #expect(GatewayKind(response: response) == (isRelayed ? nil : .envoy))
    }

    @Test(
        "Without client leg, a close before the announced timer ends is no response timeout: the client may have left",
        arguments: [(2_001.5, Cause.responseTimeout), (1_200, .undetermined)]
    )
    func announcedTimer(closed: Double, cause: Cause) {
        let leg = Scene.leg().handshake(at: 0).request("/a", at: 0.5, fields: Self.id("one"))
            .fin(.fromClient, at: closed)
        #expect(Scene.report([leg]).findings.map(\.cause) == [cause])
    }

    @Test("Without client leg, two lengths are a failure, because Envoy refuses them", arguments: [true, false])
    func twoLengths(isEnvoy: Bool) {
        let leg = Scene.leg().handshake(at: 0).request("/a", at: 0.5, fields: isEnvoy ? Self.id("one") : [])
            .response(200, at: 5) {
                $0.deviations = [Deviation(kind: .duplicateContentLength, offset: $0.start + 30)]
            }
            .fin(.fromClient, at: 6)
        #expect(Scene.report([leg]).findings.map(\.cause) == (isEnvoy ? [.conflictingContentLength] : []))
    }
}
