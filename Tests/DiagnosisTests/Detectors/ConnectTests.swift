import Diagnosis
import Model
import Testing

/// A connection attempt that fails, told from its look-alikes.
@Suite struct ConnectTests {
    private static let unanswered = Scene.leg().syn(1, 1001, 3001)

    static let refusals: [Row] = [
        Row(
            "A RST to the SYN is a refusal, less sure without another packet of that host",
            .connectRefused,
            confidence: .medium,
            answered: 3,
            Scene.leg().syn(1).rst(.fromServer, at: 1.3)
        ),
        Row(
            "ICMP 3/3 to the SYN is a filter's reject",
            .icmpPortUnreachable,
            answered: 3,
            Scene.leg().syn(1).icmp(3, 3, at: 1.3)
        ),
        Row(
            "ICMP 3/13 to the SYN is a filter's prohibition",
            .icmpAdminProhibited,
            answered: 3,
            Scene.leg().syn(1).icmp(3, 13, at: 1.3)
        ),
        Row(
            "ICMP 3/9 and 3/10 prohibit too",
            .icmpAdminProhibited,
            answered: 3,
            Scene.leg().syn(1).icmp(3, 10, at: 1.3)
        ),
        Row(
            "ICMP 3/1 to the SYN is an unreachable host",
            .hostUnreachable,
            variant: "icmp",
            answered: 3,
            Scene.leg().syn(1).icmp(3, 1, at: 1.3)
        ),
        Row(
            "ICMP 3/0 to the SYN is an unreachable net",
            .hostUnreachable,
            variant: "icmp",
            answered: 3,
            Scene.leg().syn(1).icmp(3, 0, at: 1.3)
        ),
        Row(
            "ICMPv6 1/4 is a reject, not a net",
            .icmpPortUnreachable,
            answered: 3,
            Scene.leg().syn(1).icmp(1, 4, isIPv6: true, at: 1.3)
        ),
        Row(
            "ICMPv6 1/1 prohibits",
            .icmpAdminProhibited,
            answered: 3,
            Scene.leg().syn(1).icmp(1, 1, isIPv6: true, at: 1.3)
        ),
        Row(
            "ICMPv6 1/3 is an unreachable address",
            .hostUnreachable,
            variant: "icmp",
            answered: 3,
            Scene.leg().syn(1).icmp(1, 3, isIPv6: true, at: 1.3)
        ),
        Row(
            "A challenge ACK to the SYN is an older connection of the same ports",
            .staleTuple,
            answered: 3001,
            Scene.leg().syn(1, 1001).challengeAck(at: 1.3)
        ),
        Row(
            "An ICMP error after the handshake decides nothing",
            .closedBeforeResponse,
            answered: 60,
            Scene.leg().handshake(at: 1).request(at: 2).icmp(3, 1, at: 10).fin(.fromServer, at: 50)
        ),
    ]

    @Test("What answers a SYN names the cause", arguments: refusals)
    func refused(row: Row) { row.check() }

    static let silences: [Row] = [
        Row(
            "SYNs without any answer are a connect timeout",
            .connectTimeout,
            confidence: .high,
            status: 504,
            answered: 5000,
            unanswered
        ),
        Row(
            "SYNs without answer while the same port answers a sibling are a full accept queue",
            .acceptQueueOverflow,
            confidence: .high,
            status: 504,
            answered: 5000,
            others: Scene.good(ports: 40_001, at: 2000),
            unanswered
        ),
        Row(
            "Where segments of the sibling are lost too, the SYNs may have been lost like them",
            .connectTimeout,
            confidence: .medium,
            status: 504,
            answered: 5000,
            others: Scene.good(ports: 40_001, at: 2000).map { $0.again(.fromServer, at: 2010, 2030) },
            unanswered
        ),
        Row(
            "Where FINs of the sibling are lost too, so may be the SYNs",
            .connectTimeout,
            confidence: .medium,
            status: 504,
            answered: 5000,
            others: Scene.good(ports: 40_001, at: 2000).map {
                $0.fin(.fromServer, at: 2020).fin(.fromServer, at: 2220).fin(.fromServer, at: 2640)
            },
            unanswered
        ),
        Row(
            "Where one of several siblings lost segments, the path is not to blame",
            .acceptQueueOverflow,
            confidence: .high,
            status: 504,
            answered: 5000,
            others: Scene.good(ports: 40_001, at: 2000).map { $0.again(.fromServer, at: 2010, 2030) }
                + Scene.good(ports: 40_002, at: 1000) + Scene.good(ports: 40_003, at: 3000),
            unanswered
        ),
        Row(
            "One segment that was lost is not the path's habit",
            .acceptQueueOverflow,
            confidence: .high,
            status: 504,
            answered: 5000,
            others: Scene.good(ports: 40_001, at: 2000).map { $0.again(.fromServer, at: 2010) },
            unanswered
        ),
        Row(
            "A sibling on another port of the host proves nothing",
            .connectTimeout,
            status: 504,
            answered: 5000,
            others: Scene.good(ports: 40_001, at: 2000, to: end("10.0.0.7", 9090)),
            unanswered
        ),
        Row(
            "A sibling that was served a minute before proves nothing",
            .connectTimeout,
            status: 504,
            answered: 5000,
            others: Scene.good(ports: 40_001, at: -60_000),
            unanswered
        ),
        Row(
            "SYN-ACKs that the gateway never answers are a one-way path",
            .connectTimeout,
            variant: "one-way",
            status: 504,
            answered: 5000,
            Scene.leg().syn(1, 1001).synAck(1.2, 1001.2, 3001.2)
        ),
        Row(
            "SYN-ACKs that repeat although each was answered are a full accept queue",
            .acceptQueueOverflow,
            status: 504,
            answered: 60_000,
            Scene.leg().handshake(at: 1).request(at: 2, isAcknowledged: false).again(.fromClient, at: 203, 603, 1403)
                .synAck(1001, 3001, 7001).fin(.fromClient, at: 59_999)
        ),
    ]

    @Test("What does not answer a SYN names the cause by what else the port does", arguments: silences)
    func silent(row: Row) { row.check() }

    @Test("A repeated SYN that connected is no finding")
    func repaired() {
        let report = Scene.report([
            Scene.failing(status: 200, answered: 1100),
            Scene.leg().syn(1, 1001).synAck(1001.1).handshakeAck(at: 1001.2).request(at: 1002).response(200, at: 1050),
        ])
        #expect(report.outline == [])
        #expect(report.totalRequests == 1)
    }

    @Test("A live run does not judge a SYN whose next repeat may still come, and does once it is overdue")
    func horizon() {
        let lines = [Scene.leg().syn(1)]
        let early = Scene.report(lines, until: 900) { $0.horizon = frame(900).time }
        #expect(early.outline == [])
        let late = Scene.report(lines, until: 10_000) { $0.horizon = frame(10_000).time }
        #expect(late.outline == ["failure connect-timeout 1/1"])
    }

    @Test("An overdue SYN is judged while its client still waits")
    func waitingClient() {
        let lines = [Scene.client().handshake(at: -1).request(at: 0), Self.unanswered]
        let report = Scene.report(lines, until: 60_000)
        #expect(report.findings.map(\.cause) == [.connectTimeout])
    }
}
