import Diagnosis
import Model
import Testing

/// What the network does to a connection, told from what its ends do.
@Suite struct PathTests {
    private static let neighbour: [Line] = Scene.good(ports: 40_001, at: -500, to: end("10.0.0.7", 9090))

    // MARK: Refusals

    static let refusals: [Row] = [
        Row(
            "A refusal with the hop limit of the host's other port is the host's own",
            .connectRefused,
            confidence: .high,
            answered: 3,
            others: neighbour,
            Scene.leg().syn(1).rst(.fromServer, at: 1.3)
        ),
        Row(
            "A refusal with another hop limit than the host's other port is a firewall's",
            .handshakeResetByFirewall,
            answered: 3,
            others: neighbour,
            Scene.leg().syn(1).rst(.fromServer, at: 1.3, hopLimit: 65)
        ),
        Row(
            "Another host's hop limit is nothing to compare with",
            .connectRefused,
            confidence: .medium,
            answered: 3,
            others: Scene.good(ports: 40_001, at: -500, to: Scene.second),
            Scene.leg().syn(1).rst(.fromServer, at: 1.3, hopLimit: 65)
        ),
        Row(
            "A refusal before the host's own SYN-ACK is a firewall's",
            .handshakeResetByFirewall,
            answered: 3,
            Scene.leg().syn(1).rst(.fromServer, at: 1.3, wentOn: 900).synAck(900)
        ),
        Row(
            "A refusal that offers a window and counts from another number than 0 is a firewall's",
            .handshakeResetByFirewall,
            answered: 3,
            others: neighbour,
            Scene.leg().syn(1).rst(.fromServer, at: 1.3) {
                $0.window = 8192
                $0.sequence = 77
            }
        ),
        Row(
            "One oddity in the refusal's form decides nothing",
            .connectRefused,
            answered: 3,
            others: neighbour,
            Scene.leg().syn(1).rst(.fromServer, at: 1.3) { $0.window = 8192 }
        ),
    ]

    @Test("A refusal is a firewall's where it is unlike the host's other packets", arguments: refusals)
    func refused(row: Row) { row.check() }

    @Test("A refusal that comes in a tenth of the time that the host needs is a firewall's")
    func tooFast() {
        var lines = [Scene.failing(answered: 3), Scene.leg().syn(1).rst(.fromServer, at: 1.3)]
        for number in 0..<2 {
            let start = -1000 + 300 * Double(number)
            lines += [
                Scene.client(UInt16(50_010 + number)).handshake(at: start - 1).request("/b", at: start)
                    .response(200, at: start + 60),
                Scene.leg(UInt16(40_010 + number), to: end("10.0.0.7", 9090)).handshake(at: start, roundTrip: 20)
                    .request("/b", at: start + 21).response(200, at: start + 50),
            ]
        }
        #expect(Scene.report(lines).findings.map(\.cause) == [.handshakeResetByFirewall])
    }

    @Test("Where each packet shows on both sides of a router, one hop more or less means nothing")
    func bothSides() {
        let lines =
            [Scene.failing(answered: 3), Scene.leg().syn(1).rst(.fromServer, at: 1.3, hopLimit: 63)] + Self.neighbour
        var facts = Scene.facts(lines)
        #expect(Diagnosis.report(on: facts).findings.map(\.cause) == [.handshakeResetByFirewall])
        facts.counters.routedHops = 1
        #expect(Diagnosis.report(on: facts).findings.map(\.cause) == [.connectRefused])
    }

    // MARK: Resets after the handshake

    private static let asked: Line = Scene.leg().handshake(at: 1).request(at: 2)

    static let resets: [Row] = [
        Row(
            "A reset with another hop limit than the upstream's is a middlebox's",
            .middleboxReset,
            answered: 60,
            asked.rst(.fromServer, at: 30, hopLimit: 63)
        ),
        Row(
            "The same right after the handshake",
            .middleboxReset,
            answered: 60,
            Scene.leg().handshake(at: 1).request(at: 2, isAcknowledged: false)
                .rst(.fromServer, at: 2.4, hopLimit: 65)
        ),
        Row(
            "The same before any request",
            .middleboxReset,
            answered: 60,
            Scene.leg().handshake(at: 1).rst(.fromServer, at: 1.5, hopLimit: 65)
        ),
        Row(
            "The same inside the body",
            .middleboxReset,
            status: 200,
            answered: 60,
            asked.response(200, at: 20, body: 20, of: 900).rst(.fromServer, at: 30, hopLimit: 128)
        ),
        Row(
            "A reset after which the upstream goes on is a middlebox's, whatever its hop limit",
            .middleboxReset,
            answered: 31,
            asked.rst(.fromServer, at: 30, wentOn: 200)
        ),
        Row(
            "An abort without the timestamp option of its connection is a middlebox's",
            .middleboxReset,
            answered: 60,
            asked.withTimestamps().rst(.fromServer, at: 30)
        ),
        Row(
            "On another system than Linux an abort without it is the upstream's own",
            .resetBeforeResponse,
            answered: 60,
            asked.withTimestamps(linux: false).rst(.fromServer, at: 30)
        ),
        Row(
            "Unless another abort of that host carries it",
            .middleboxReset,
            answered: 60,
            others: [
                Scene.client(50_001).handshake(at: -900).request("/b", at: -899).response(200, at: -800),
                Scene.leg(40_001).handshake(at: -898).request("/b", at: -897).response(200, at: -850)
                    .rst(.fromServer, at: -500) { $0.hasTimestampOption = true },
            ],
            asked.withTimestamps(linux: false).rst(.fromServer, at: 30)
        ),
        Row(
            "Numbers drawn by lot tell nothing",
            .resetBeforeResponse,
            answered: 60,
            asked.withTimestamps(linux: false).numbered(steps: 0, jumps: 4).rst(
                .fromServer,
                at: 30,
                previous: 4_711
            ) {
                $0.identification = 40_000
                $0.offset -= 1
            }
        ),
        Row(
            "A number out of sequence and a place behind what was sent are a middlebox's",
            .middleboxReset,
            answered: 60,
            asked.withTimestamps(linux: false).numbered(steps: 4, jumps: 0).rst(
                .fromServer,
                at: 30,
                previous: 4_711
            ) {
                $0.identification = 40_000
                $0.offset -= 1
            }
        ),
        Row(
            "An abort with it is the upstream's own",
            .resetBeforeResponse,
            answered: 60,
            asked.withTimestamps().rst(.fromServer, at: 30) { $0.hasTimestampOption = true }
        ),
        Row(
            "An answer without socket never carries it: it decides nothing",
            .resetBeforeResponse,
            answered: 60,
            asked.withTimestamps().rst(.fromServer, at: 30, isBare: true)
        ),
        Row(
            "An answer without socket to nothing is a middlebox's",
            .middleboxReset,
            answered: 1000,
            asked.rst(.fromServer, at: 900, isBare: true)
        ),
        Row(
            "A body cut by an abort of the upstream's own",
            .truncatedBodyReset,
            status: 200,
            answered: 60,
            asked.withTimestamps().response(200, at: 20, body: 20, of: 900).rst(.fromServer, at: 30) {
                $0.hasTimestampOption = true
            }
        ),
        Row(
            "A reset in the gateway's name with another hop limit than the gateway's is a middlebox's",
            .middleboxReset,
            answered: 60,
            asked.rst(.fromClient, at: 30, hopLimit: 250)
        ),
        Row(
            "Resets of both peers at one instant, of which neither is an abort, are a middlebox's",
            .middleboxReset,
            answered: 60,
            asked.withTimestamps().rst(.fromClient, at: 30, isBare: true).rst(.fromServer, at: 30.1, isBare: true)
        ),
    ]

    @Test("A reset is a middlebox's where it is unlike the end that it names", arguments: resets)
    func forged(row: Row) { row.check() }

    @Test("A request that was never acknowledged is given up where the next attempt follows, though no close shows")
    func abandoned() {
        let again = [
            Scene.client(50_000).handshake(at: 0).request(at: 1).response(200, at: 2600),
            Scene.leg(40_010).handshake(at: 2500).request(at: 2501).response(200, at: 2590),
        ]
        let first = Self.kept.request(at: 2, isAcknowledged: false).again(.fromClient, at: 202, 602, 1402)
        #expect(Scene.report([first] + Self.earlier + again).outline == ["nearMiss idle-state-expired 1/1"])
        let fresh = Scene.leg().handshake(at: 1.2).request(at: 2, isAcknowledged: false)
            .again(.fromClient, at: 202, 602, 1402)
        #expect(Scene.report([fresh] + again).outline == ["nearMiss loss-stall-request 1/1"])
    }

    @Test("An answer that comes after a forged reset reached nobody")
    func lateAnswer() {
        let report = Scene.report([
            Scene.failing(answered: 31),
            Self.asked.rst(.fromServer, at: 30, hopLimit: 65, wentOn: 200).response(200, at: 200),
        ])
        #expect(report.findings.map(\.cause) == [.middleboxReset])
    }

    // MARK: Idle connections

    /// A connection that served two requests, 300 ms apart, long before.
    private static let kept: Line = Scene.leg().handshake(at: -9_999).request("/earlier", at: -9_998)
        .response(200, at: -9_981).request("/second", at: -9_681).response(200, at: -9_660)
    private static let earlier: [Line] = [
        Scene.client(49_000).handshake(at: -10_001).request("/earlier", at: -10_000).response(200, at: -9_980),
        Scene.client(49_001).handshake(at: -9_683).request("/second", at: -9_682).response(200, at: -9_659),
    ]
    private static let newOne: [Line] = Scene.good(ports: 40_002, at: 4_000)
    private static let silent: Line = kept.request(at: 2, method: "POST", isAcknowledged: false)
        .again(.fromClient, at: 202, 602, 1402).fin(.fromClient, at: 2999, acknowledging: 240)

    static let idle: [Row] = [
        Row(
            "Silence after idleness, while a new connection works, is a forgotten connection",
            .idleStateExpired,
            variant: "silent",
            status: 504,
            answered: 3000,
            others: earlier + newOne,
            silent
        ),
        Row(
            "Without a new connection that works it is loss",
            .lossStallRequest,
            status: 504,
            answered: 3000,
            others: earlier,
            silent
        ),
        Row(
            "A reset without socket after idleness, while a new connection works, is a forgotten connection",
            .idleStateExpired,
            variant: "reset",
            answered: 3,
            others: earlier + newOne,
            kept.request(at: 2, isAcknowledged: false).rst(.fromServer, at: 2.3, isBare: true)
        ),
        Row(
            "A foreign one too",
            .idleStateExpired,
            variant: "reset",
            answered: 3,
            others: earlier + newOne,
            kept.request(at: 2, isAcknowledged: false).rst(.fromServer, at: 2.3, hopLimit: 65)
        ),
        Row(
            "A foreign one without a new connection that works is a middlebox's",
            .middleboxReset,
            answered: 3,
            others: earlier,
            kept.request(at: 2, isAcknowledged: false).rst(.fromServer, at: 2.3, hopLimit: 65)
        ),
        Row(
            "An abort of the upstream's own after idleness crossed the request",
            .staleKeepaliveReuse,
            variant: "reset",
            answered: 3,
            others: earlier + newOne,
            kept.withTimestamps().request(at: 2, isAcknowledged: false).rst(.fromServer, at: 2.3) {
                $0.hasTimestampOption = true
            }
        ),
        Row(
            "A FIN before it was the upstream's close",
            .staleKeepaliveReuse,
            answered: 3,
            others: earlier + newOne,
            kept.request(at: 2, isAcknowledged: false).fin(.fromServer, at: 2.1, acknowledging: 240)
                .rst(.fromServer, at: 2.3, isBare: true)
        ),
    ]

    @Test("Idleness decides only where a new connection works", arguments: idle)
    func forgotten(row: Row) {
        let report = Scene.report(row.lines)
        #expect(report.findings.map(\.cause) == [row.cause])
        #expect(report.findings.first?.variant == row.variant)
    }

    @Test("A gap that another connection of this upstream survived does not expire")
    func survived() {
        let longer = [
            Scene.client(49_100).handshake(at: -60_001).request("/x", at: -60_000).response(200, at: -59_980),
            Scene.client(49_101).handshake(at: -30_001).request("/y", at: -30_000).response(200, at: -29_980),
            Scene.leg(41_000).handshake(at: -59_999).request("/x", at: -59_998).response(200, at: -59_981)
                .request("/y", at: -29_999).response(200, at: -29_981),
        ]
        let reset = Self.kept.request(at: 2, isAcknowledged: false).rst(.fromServer, at: 2.3, isBare: true)
        let lines = [Scene.failing(answered: 3), reset] + Self.earlier + Self.newOne
        #expect(Scene.report(lines).findings.map(\.cause) == [.idleStateExpired])
        #expect(Scene.report(lines + longer).findings.map(\.cause) == [.staleKeepaliveReuse])
    }

    // MARK: Long segments

    private static let long: Line = Scene.leg().segments(of: 1460).handshake(at: 1)
        .request(at: 2, method: "POST", bytes: 3000, isAcknowledged: false)
        .again(.fromClient, length: 3000, at: 202, 602, 1402)

    private static func firstAgain(_ line: Line) -> Line {
        var line = line
        for index in line.facts.events.indices where line.facts.events[index].kind == .retransmission {
            line.facts.events[index].length = 1448
        }
        return line
    }

    private static let post: Line = Scene.client().handshake(at: -1).request(at: 0, method: "POST", bytes: 3000)
        .response(504, at: 3000)

    @Test("Long segments that repeat while small ones are answered do not fit a link")
    func blackhole() {
        let line = Self.firstAgain(Self.long).ack(.fromServer, at: 2.5).fin(.fromClient, at: 2999)
        #expect(Scene.report([Self.post, line]).findings.map(\.cause) == [.pmtuBlackhole])
    }

    @Test("Where long ones were acknowledged before, it is loss")
    func passedBefore() {
        var line = Self.firstAgain(Self.long).ack(.fromServer, at: 2.5).fin(.fromClient, at: 2999)
        line.facts.fromClient.longestAcknowledged = 1448
        #expect(Scene.report([Self.post, line]).findings.map(\.cause) == [.lossStallRequest])
    }

    @Test("Where nothing at all comes back and no other connection lives, it is loss")
    func nothingBack() {
        let line = Self.firstAgain(Self.long).fin(.fromClient, at: 2999)
        #expect(Scene.report([Self.post, line]).findings.map(\.cause) == [.lossStallRequest])
    }

    // MARK: Old connections

    @Test("The gateway's reset of an older connection ends no attempt: its SYN is repeated")
    func staleTuple() {
        let leg = Scene.leg().syn(1, 1001).challengeAck(at: 1.2).rst(.fromClient, at: 1.3, isBare: true)
        let report = Scene.report([Scene.failing(status: 504, answered: 2001), leg])
        #expect(report.findings.map(\.cause) == [.staleTuple])
        let repaired = Scene.leg().syn(1, 1001).challengeAck(at: 1.2).rst(.fromClient, at: 1.3, isBare: true)
            .synAck(1001.1).handshakeAck(at: 1001.2).request(at: 1002).response(200, at: 1050)
        #expect(Scene.report([Scene.failing(status: 200, answered: 1100), repaired]).outline == [])
    }

    @Test("Where the SYN is refused once the older connection is gone, nothing listens")
    func refusedAfterAll() {
        let leg = Scene.leg().syn(1, 10).challengeAck(at: 1.2).rst(.fromClient, at: 1.3, isBare: true)
            .rst(.fromServer, at: 10.1)
        let report = Scene.report([Scene.failing(answered: 11), leg])
        #expect(report.findings.map(\.cause) == [.connectRefused])
    }
}
