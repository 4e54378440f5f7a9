import Model
import Testing

/// The gateway gives up: on a slow upstream, or on a path that lost something.
@Suite struct WaitingTests {
    private static let asked = Scene.leg().handshake(at: 1).request(at: 2)
    private static let unheard = Scene.leg().handshake(at: 1).request(at: 2, isAcknowledged: false)
    private static let begun = asked.response(200, at: 20, body: 3_000, of: 10_000)

    static let rows: [Row] = [
        Row(
            "An acknowledged request and silence until the gateway's close is a response timeout",
            .responseTimeout,
            confidence: .high,
            status: 504,
            answered: 60_003,
            asked.fin(.fromClient, at: 60_002).ack(.fromServer, at: 60_003)
        ),
        Row(
            "An answer after the gateway's close is too late, not a broken one",
            .responseTimeout,
            status: 504,
            answered: 60_003,
            asked.fin(.fromClient, at: 60_002).ack(.fromServer, at: 60_003).response(200, at: 65_000)
                .rst(.fromClient, at: 65_000.1)
        ),
        Row(
            "A reset that answers the late response is not the upstream's",
            .responseTimeout,
            status: 504,
            answered: 60_003,
            asked.fin(.fromClient, at: 60_002).ack(.fromServer, at: 60_003).rst(.fromServer, at: 61_000)
        ),
        Row(
            "A head that stops in its middle is a response timeout too",
            .responseTimeout,
            status: 504,
            answered: 60_030,
            asked.partialHead(at: 20).fin(.fromClient, at: 60_020).ack(.fromServer, at: 60_021)
        ),
        Row(
            "A request that repeats and is never acknowledged was lost",
            .lossStallRequest,
            confidence: .high,
            status: 504,
            answered: 60_003,
            unheard.again(.fromClient, at: 203, 603, 1403, 3003).fin(.fromClient, at: 60_002)
        ),
        Row(
            "A request that repeats and is acknowledged in the end was late, and the answer is what was missing",
            .responseTimeout,
            status: 504,
            answered: 60_003,
            asked.again(.fromClient, at: 203, 603).fin(.fromClient, at: 60_002).ack(.fromServer, at: 60_003)
        ),
        Row(
            "A window that stays closed is an upstream that stopped reading",
            .zeroWindowStall,
            status: 504,
            answered: 60_003,
            Scene.leg().handshake(at: 1).request(at: 2, isAcknowledged: false) {
                $0.end = nil
                $0.body.framing = .contentLength(1_000_000)
                $0.body.seen = 60_000
            }.zeroWindow(at: 10, 210, 610, 30_000).fin(.fromClient, at: 60_002)
        ),
        Row(
            "A body that stops, all of it acknowledged, is a body timeout",
            .bodyTimeout,
            confidence: .high,
            answered: 60_030,
            begun.fin(.fromClient, at: 60_020).ack(.fromServer, at: 60_020.2)
        ),
        Row(
            "A body with a hole that never closed was lost on the way",
            .lossStallResponse,
            answered: 60_030,
            begun.hole(1_448, then: 2_896, at: 21).fin(.fromClient, at: 60_020).ack(.fromServer, at: 60_020.2)
        ),
        Row(
            "A whole answer beyond an open hole was lost on the way",
            .lossStallResponse,
            status: 504,
            answered: 60_030,
            asked.hole(1_448, then: 2_896, at: 21).fin(.fromClient, at: 60_020, acknowledging: 0)
                .ack(.fromServer, at: 60_020.2)
        ),
        Row(
            "A body after which the gateway's own FIN goes unacknowledged met a dead path",
            .lossStallResponse,
            answered: 60_030,
            begun.fin(.fromClient, at: 60_020).fin(.fromClient, at: 60_220).fin(.fromClient, at: 60_620)
        ),
        Row(
            "A body that the upstream goes on resending after the close was lost on the way",
            .lossStallResponse,
            answered: 60_030,
            begun.fin(.fromClient, at: 60_020).again(.fromServer, length: 1_448, at: 61_000, 62_000)
        ),
    ]

    @Test("Who was heard last tells a slow upstream from a dead path", arguments: rows)
    func gaveUp(row: Row) { row.check() }

    @Test("The late answer is shown with its delay")
    func late() throws {
        let row = try #require(Self.rows.first { $0.fact.hasPrefix("An answer after") })
        let finding = try #require(Scene.report(row.lines).findings.first)
        #expect(finding.occurrences.first?.frames.contains { $0.role == "late response from upstream" } == true)
        #expect(finding.occurrences.first?.explanation.contains("65") == true)
    }

    @Test("Lost segments that were repaired are no finding")
    func repaired() {
        let report = Scene.report([
            Scene.failing(status: 200, answered: 700),
            Self.asked.again(.fromClient, at: 203).response(200, at: 300, until: 690)
                .again(.fromServer, length: 60, at: 500, 650),
        ])
        #expect(report.outline == [])
    }

    @Test("A slow answer that came in time is no finding")
    func slow() {
        #expect(
            Scene.report([Scene.failing(status: 200, answered: 50_010), Self.asked.response(200, at: 50_000)]).outline
                == []
        )
    }

    @Test(
        "Without client leg, a head that stops is a timeout where a timer since its last byte fits",
        arguments: [(3_125.0, "response-timeout"), (2_800, "undetermined")]
    )
    func headWithoutClient(end: Double, cause: String) {
        let leg = Self.asked.partialHead(at: 120).fin(.fromClient, at: end).ack(.fromServer, at: end + 1)
        #expect(Scene.report([leg]).outline == ["failure \(cause) 1/1"])
    }

    @Test("An upload of unknown length that was reset is undetermined, and says why")
    func cutUpload() throws {
        let leg = Scene.leg().handshake(at: 1).request(at: 2, method: "POST", bytes: 2_800) {
            $0.end = nil
            $0.body.hasGap = true
        }.rst(.fromServer, at: 300)
        let report = Scene.report([
            Scene.client().handshake(at: -1).request(at: 0, method: "POST").response(502, at: 301), leg,
        ])
        let finding = try #require(report.findings.first)
        #expect(finding.cause == .undetermined)
        #expect(finding.missing.contains { $0.contains("whether the request was complete") })
    }

    // MARK: Where it was lost

    private static func stalled(_ place: LossPlace?, _ repetition: Repetition = .timeout) -> Report {
        var leg = Scene.leg().handshake(at: 1).request(at: 2, isAcknowledged: false)
            .again(.fromClient, at: 202, 602, 1402).fin(.fromClient, at: 2999)
        for index in leg.facts.events.indices where leg.facts.events[index].repetition != nil {
            leg.facts.events[index].lossPlace = place
            leg.facts.events[index].repetition = repetition
        }
        return Scene.report([Scene.failing(status: 504, answered: 3000), leg])
    }

    @Test("A stall says on which side of the capture the copies were lost, where they show it")
    func saysWhere() throws {
        for (place, says) in [
            (LossPlace.afterCapture, "between the point of capture and 10."),
            (.beforeCapture, "and the point of capture"),
            (nil, "it was lost on the way, or its acknowledgments were"),
        ] {
            let finding = try #require(Self.stalled(place).findings.first)
            #expect(finding.cause == .lossStallRequest)
            #expect(finding.occurrences.first?.explanation.contains(says) == true)
        }
    }

    @Test("The packets of a stall say what sent them again")
    func saysWhy() {
        for (repetition, says) in [
            (Repetition.timeout, "request again (retransmission timeout)"),
            (.tailLossProbe, "request again (tail loss probe)"), (.fast, "request again (fast retransmission)"),
            (.unclear, "request again"),
        ] {
            let roles = Self.stalled(.afterCapture, repetition).findings.first?.occurrences.first?.frames.map(\.role)
            #expect(roles?.filter { $0 == says }.count == 3)
        }
    }

    @Test("Copies that had arrived, and packets captured twice, are no stall")
    func arrived() {
        for repetition in [Repetition.spurious, .captureCopy, .outOfOrder] {
            #expect(!Self.stalled(nil, repetition).findings.contains { $0.cause == .lossStallRequest })
        }
    }
}
