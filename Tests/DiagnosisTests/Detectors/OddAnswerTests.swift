import Model
import Testing

/// Answers that come too soon, too many, or where none was expected, and clients that keep the gateway waiting.
@Suite struct OddAnswerTests {
    private static let asked = Scene.leg().handshake(at: 1).request(at: 2)

    /// A request of which `sent` body bytes of 9,000 were sent.
    private static func upload(_ line: Line, at time: Double, sent: Int64 = 4_000, acknowledged: Bool = true) -> Line {
        line.request(at: time, method: "POST", bytes: 120 + sent, isAcknowledged: acknowledged) {
            $0.headEnd = $0.start + 120
            $0.end = nil
            $0.body.framing = .contentLength(9_000)
            $0.body.seen = sent
        }
    }

    private static func uploading(status: Int, answered time: Double) -> Line {
        upload(Scene.client().handshake(at: -1), at: 0).response(status, at: time)
    }

    private static let begun = upload(Scene.leg().handshake(at: 1), at: 2)

    static let early: [Row] = [
        Row(
            "A 413 in the middle of the upload that the client never got was lost",
            .earlyResponse,
            variant: "413",
            lines: [uploading(status: 502, answered: 60), begun.response(413, at: 20).rst(.fromServer, at: 21)]
        ),
        Row(
            "A 413 in the middle of the upload that the client got is a note at most",
            nil,
            lines: [uploading(status: 413, answered: 60), begun.response(413, at: 20).rst(.fromServer, at: 21)]
        ),
        Row(
            "A reset in the middle of the upload without an answer is one",
            .resetDuringUpload,
            lines: [uploading(status: 502, answered: 60), begun.rst(.fromServer, at: 21)]
        ),
        Row(
            "A 413 to a whole request that the gateway made a 502 of is the gateway's",
            .gatewayRejectedResponse,
            answered: 60,
            asked.response(413, at: 20).rst(.fromServer, at: 21)
        ),
    ]

    @Test("An answer before the request's end is lost or relayed", arguments: early)
    func earlyAnswer(row: Row) { row.check() }

    private static func expecting(_ change: @escaping (inout RequestFacts) -> Void = { _ in }) -> Line {
        Scene.leg().handshake(at: 1).request(at: 2, method: "POST") {
            $0.expectsContinue = true
            $0.body.framing = .contentLength(900)
            change(&$0)
        }
    }

    static let interim: [Row] = [
        Row(
            "A 103 and then a close is an interim answer without a final one",
            .interimResponse,
            variant: "none-final",
            answered: 60,
            asked.interim(103, at: 20).fin(.fromServer, at: 30)
        ),
        Row(
            "102s until the gateway's timer are interim answers without a final one",
            .interimResponse,
            variant: "none-final",
            status: 504,
            answered: 2_010,
            asked.interim(102, 102, at: 500).fin(.fromClient, at: 2_005).ack(.fromServer, at: 2_006)
        ),
        Row(
            "A final answer that the client never got was hidden by the interim one",
            .interimResponse,
            variant: "taken-for-final",
            lines: [
                Scene.client().handshake(at: -1).request(at: 0).fin(.fromServer, at: 3_010),
                asked.interim(103, at: 20).response(200, at: 70).fin(.fromClient, at: 3_005),
            ]
        ),
        Row(
            "More interim answers than a gateway takes",
            .interimResponse,
            variant: "too-many",
            answered: 60,
            asked.interim(103, 103, 103, 103, 103, 103, at: 20).response(200, at: 30)
        ),
        Row(
            "Interim answers before a final one that the client got are none",
            nil,
            status: 200,
            answered: 60,
            asked.interim(103, 100, at: 20).response(200, at: 30)
        ),
        Row(
            "A 100 that was asked for, and then a close, is a close",
            .closedBeforeResponse,
            answered: 60,
            expecting().interim(100, at: 3).fin(.fromServer, at: 30)
        ),
        Row(
            "A body that waits for a 100 until the gateway's timer",
            .interimResponse,
            variant: "continue-never",
            status: 504,
            answered: 2_010,
            expecting { $0.end = nil }.fin(.fromClient, at: 2_005).ack(.fromServer, at: 2_006)
        ),
        Row(
            "A body that was sent without waiting for a 100 is a timeout",
            .responseTimeout,
            status: 504,
            answered: 2_010,
            expecting { $0.body.seen = 900 }.fin(.fromClient, at: 2_005).ack(.fromServer, at: 2_006)
        ),
        Row(
            "Silence without any interim answer is a timeout",
            .responseTimeout,
            status: 504,
            answered: 2_010,
            asked.fin(.fromClient, at: 2_005).ack(.fromServer, at: 2_006)
        ),
    ]

    @Test("Interim answers fail a request only where the final one does not arrive", arguments: interim)
    func interimAnswer(row: Row) { row.check() }

    private static func switching(_ asks: String? = nil) -> Line {
        Scene.leg().handshake(at: 1).request(at: 2) { $0.upgrade = asks }
            .response(101, at: 20, body: 0) {
                $0.body.framing = .tunnel
                guard asks == nil else { return }
                $0.deviations = [Deviation(kind: .unexpectedSwitchingProtocols, offset: 80)]
            }
    }

    static let upgrades: [Row] = [
        Row(
            "A 101 that nobody asked for and the gateway refused",
            .unexpectedUpgrade,
            variant: "not-asked",
            answered: 60,
            switching()
        ),
        Row(
            "A 101 that nobody asked for and the client got is a note at most",
            nil,
            status: 101,
            answered: 60,
            switching()
        ),
        Row("A 101 that was asked for is none", nil, status: 101, answered: 60, switching("websocket")),
        Row(
            "A 200 instead of 101 that the client got is none",
            nil,
            status: 200,
            answered: 60,
            Scene.leg().handshake(at: 1).request(at: 2) { $0.upgrade = "websocket" }.response(200, at: 20)
        ),
        Row(
            "A 200 instead of 101 that the gateway made an error of",
            .unexpectedUpgrade,
            variant: "refused",
            answered: 60,
            Scene.leg().handshake(at: 1).request(at: 2) { $0.upgrade = "websocket" }.response(200, at: 20)
        ),
    ]

    @Test("A change of protocols fails where it was not agreed and the gateway minds", arguments: upgrades)
    func upgrade(row: Row) { row.check() }

    private static func fields(_ count: Int, head: Int64, names lower: Bool = true) -> Line {
        Scene.leg().handshake(at: 1).request(at: 2) {
            $0.lowerCaseNames = lower
            $0.fieldCount = 4
        }.response(200, at: 20, head: head) { $0.fieldCount = count }
    }

    static let counts: [Row] = [
        Row(
            "150 short fields that HAProxy refused are too many",
            .tooManyHeaders,
            answered: 22,
            fields(150, head: 2_400)
        ),
        Row(
            "120 fields of five kilobytes are too many for HAProxy",
            .tooManyHeaders,
            answered: 22,
            fields(120, head: 5_000)
        ),
        Row("20 kB are too large whatever their number", .headerTooLarge, answered: 22, fields(120, head: 20_000)),
        Row("Five kilobytes in 40 fields are too large", .headerTooLarge, answered: 22, fields(40, head: 5_000)),
        Row(
            "Five kilobytes are too large where the gateway is not known to count",
            .headerTooLarge,
            answered: 22,
            fields(120, head: 5_000, names: false)
        ),
        Row("150 fields that the client got are none", nil, status: 200, answered: 22, fields(150, head: 2_400)),
    ]

    @Test("Fields are counted where the gateway counts them", arguments: counts)
    func count(row: Row) { row.check() }

    /// A second request on a connection whose round trip is 40 ms.
    private static func second(surplus: Bool, answered time: Double) -> [Line] {
        [
            Scene.client().handshake(at: -1).request("/0", at: 0).response(200, at: 100)
                .request("/a", at: 200).response(502, at: 400),
            Scene.leg().handshake(at: 1, roundTrip: 40).request("/0", at: 42)
                .response(200, at: 90) {
                    if surplus { $0.deviations = [Deviation(kind: .surplusBytes, offset: 120, excerpt: "x")] }
                }
                .request("/a", at: 202).banner("debug: 3", at: time).rst(.fromClient, at: time + 0.1),
        ]
    }

    static let strays: [Row] = [
        Row(
            "Bytes faster than the path belong to the answer before",
            .surplusBytes,
            lines: second(surplus: false, answered: 212)
        ),
        Row(
            "Bytes that may be the answer are a malformed one",
            .malformedStatusLine,
            lines: second(surplus: false, answered: 260)
        ),
    ]

    @Test("Bytes of the answer before are no answer", arguments: strays)
    func stray(row: Row) { row.check() }

    @Test("Bytes after an answer that had brought too many belong to it")
    func known() {
        let report = Scene.report(Self.second(surplus: true, answered: 260))
        #expect(report.outline == ["failure surplus-bytes 1/1", "note surplus-bytes 1/1"])
    }

    @Test("Surplus bytes that failed nothing are a note")
    func surplusNote() {
        let report = Scene.report([
            Scene.failing(status: 200, answered: 60),
            Self.asked.response(200, at: 20) { $0.deviations = [Deviation(kind: .surplusBytes, offset: 120)] },
        ])
        #expect(report.outline == ["note surplus-bytes 1/1"])
        #expect(report.failedRequests == 0)
    }

    @Test(
        "A flaw that this gateway took and its client got is a note",
        arguments: [
            (Deviation.Kind.duplicateContentLength, Cause.conflictingContentLength), (.missingColon, .malformedHeader),
            (.lowerCaseVersion, .malformedStatusLine),
        ]
    )
    func tolerated(kind: Deviation.Kind, cause: Cause) {
        let report = Scene.report([
            Scene.failing(status: 200, answered: 60),
            Self.asked.response(200, at: 20) { $0.deviations = [Deviation(kind: kind, offset: 40)] },
        ])
        #expect(report.outline == ["note \(cause.rawValue) 1/1"])
    }

    // MARK: Clients

    private static func stopped(_ change: (Line) -> Line) -> Line {
        change(upload(Scene.client().handshake(at: -1), at: 0))
    }

    @Test(
        "A client that stops sending is answered 408, or closed, by the gateway: no upstream had a part in it",
        arguments: [true, false]
    )
    func stopsSending(is408: Bool) {
        let client = Self.stopped { is408 ? $0.response(408, at: 2_001) : $0.fin(.fromServer, at: 2_001) }
        let report = Scene.report([client] + Scene.good(ports: 51_000, at: 5_000))
        #expect(report.outline == ["failure client-slow 1/0"])
        #expect(report.findings.first?.blame == .client)
        #expect(report.findings.first?.upstream == nil)
        #expect(report.failedRequests == 1)
    }

    @Test("A client that stops sending fails the attempt that waits for its bytes")
    func stopsStreaming() {
        let client = Self.stopped { $0.fin(.fromServer, at: 2_001) }
        let report = Scene.report([client, Self.begun.fin(.fromClient, at: 2_000.5)])
        #expect(report.outline == ["failure client-slow 1/1"])
    }

    @Test("A client that closes first has left, and is not slow")
    func leaves() {
        let client = Self.stopped { $0.fin(.fromClient, at: 2_000).fin(.fromServer, at: 2_001) }
        let report = Scene.report([client, Self.begun.fin(.fromClient, at: 2_001)])
        #expect(report.outline == ["note client-abort 1/1"])
    }

    @Test("An upstream's own 408 is its answer")
    func relayed() {
        let client = Self.stopped { $0.response(408, at: 2_001) }
        let report = Scene.report([client, Self.begun.response(408, at: 2_000)])
        #expect(report.outline.filter { !$0.hasPrefix("note") } == [])
    }

    /// A client that got 3,000 of 10,000 bytes and the gateway's close.
    private static func cut(_ change: (Line) -> Line) -> Line {
        change(Scene.client().handshake(at: -1).request(at: 0).response(200, at: 25, body: 3_000, of: 10_000))
            .fin(.fromServer, at: 3_000)
    }

    @Test("A client whose window stays closed is slow, whoever else waits")
    func stopsReading() {
        let leg = Self.asked.response(200, at: 20, body: 5_000, of: 10_000).fin(.fromClient, at: 2_500)
            .ack(.fromServer, at: 2_501)
        let slow = Scene.report([Self.cut { $0.clientZeroWindow(at: 30, 300, 900, 2_000) }, leg])
        #expect(slow.outline == ["failure client-slow 1/1"])
        let fast = Scene.report([Self.cut { $0 }, leg])
        #expect(fast.outline == ["failure body-timeout 1/1"])
    }

    @Test("A body that its upstream cut is cut, however slow the client")
    func cutWhileSlow() {
        let report = Scene.report([
            Self.cut { $0.clientZeroWindow(at: 30, 300, 900, 2_000) },
            Self.asked.response(200, at: 20, body: 5_000, of: 10_000).fin(.fromServer, at: 2_500),
        ])
        #expect(report.outline == ["failure truncated-body-fin 1/1"])
    }
}
