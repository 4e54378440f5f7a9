import Model
import Testing

/// The upstream ends the connection before a byte of its answer.
@Suite struct EarlyEndTests {
    /// A connection that served a request ten seconds before (of a client of its own).
    static let earlier = Scene.client(49_000).handshake(at: -10_001).request("/earlier", at: -10_000)
        .response(200, at: -9_980)
    static let reused = Scene.leg().handshake(at: -9_999).request("/earlier", at: -9_998).response(200, at: -9_981)

    static let closes: [Row] = [
        Row(
            "A FIN that acknowledges a first request was sent after reading it",
            .closedBeforeResponse,
            confidence: .high,
            answered: 60,
            Scene.leg().handshake(at: 1).request(at: 2).fin(.fromServer, at: 50)
        ),
        Row(
            "A FIN that does not acknowledge a first request is a close all the same, less certainly",
            .closedBeforeResponse,
            confidence: .medium,
            answered: 60,
            Scene.leg().handshake(at: 1).request(at: 2, isAcknowledged: false)
                .fin(.fromServer, at: 2.1, acknowledging: 0)
        ),
        Row(
            "A FIN that acknowledges the request of a reused connection was sent after reading it",
            .closedBeforeResponse,
            confidence: .high,
            answered: 60,
            others: [earlier],
            reused.request(at: 2).fin(.fromServer, at: 50)
        ),
        Row(
            "A FIN that does not acknowledge the request of a reused connection crossed it",
            .staleKeepaliveReuse,
            confidence: .high,
            answered: 60,
            others: [earlier],
            reused.request(at: 2, isAcknowledged: false).fin(.fromServer, at: 2.1, acknowledging: 120)
                .rst(.fromServer, at: 2.3)
        ),
        Row(
            "A FIN that was in flight when the request was sent crossed it",
            .staleKeepaliveReuse,
            answered: 60,
            others: [earlier],
            reused.fin(.fromServer, at: 1.9).request(at: 2, isAcknowledged: false).rst(.fromServer, at: 2.2)
        ),
        Row(
            "A FIN at a whole number of seconds is the upstream's own timer",
            .closedBeforeResponse,
            variant: "worker-timeout",
            answered: 30_100,
            Scene.leg().handshake(at: 1).request(at: 2).fin(.fromServer, at: 30_090)
        ),
        Row(
            "A FIN between whole seconds is no timer",
            .closedBeforeResponse,
            answered: 3_700,
            Scene.leg().handshake(at: 1).request(at: 2).fin(.fromServer, at: 3_650)
        ),
    ]

    @Test("What the upstream's FIN acknowledges tells whether it had read the request", arguments: closes)
    func closed(row: Row) { row.check() }

    static let resets: [Row] = [
        Row(
            "A RST within the round trip and a millisecond of a first request came before it was read",
            .resetAfterAccept,
            confidence: .high,
            answered: 60,
            Scene.leg().handshake(at: 1).request(at: 2, isAcknowledged: false).rst(.fromServer, at: 3.2)
        ),
        Row(
            "The same where the kernel had acknowledged the request",
            .resetAfterAccept,
            answered: 60,
            Scene.leg().handshake(at: 1).request(at: 2).rst(.fromServer, at: 3.2)
        ),
        Row(
            "A RST later than that came from a reader",
            .resetBeforeResponse,
            confidence: .high,
            answered: 60,
            Scene.leg().handshake(at: 1).request(at: 2).rst(.fromServer, at: 3.3)
        ),
        Row(
            "A slow path allows more: the round trip counts",
            .resetAfterAccept,
            answered: 200,
            Scene.leg().handshake(at: 1, roundTrip: 80).request(at: 82).rst(.fromServer, at: 162.5)
        ),
        Row(
            "A RST after the handshake and before the request accepted nothing",
            .resetAfterAccept,
            answered: 60,
            Scene.leg().handshake(at: 1).rst(.fromServer, at: 1.5)
        ),
        Row(
            "A RST as fast on a connection that was idle before was its end already",
            .staleKeepaliveReuse,
            variant: "reset",
            answered: 60,
            others: [earlier],
            reused.request(at: 2, isAcknowledged: false).rst(.fromServer, at: 2.4)
        ),
        Row(
            "A RST later than that on a reused connection came from a reader",
            .resetBeforeResponse,
            answered: 60,
            others: [earlier],
            reused.request(at: 2).rst(.fromServer, at: 30)
        ),
        Row(
            "A RST inside the request's body is a refused upload",
            .resetDuringUpload,
            answered: 60,
            Scene.leg().handshake(at: 1).request(at: 2) {
                $0.end = nil
                $0.body.framing = .contentLength(1_000_000)
                $0.body.seen = 20_000
            }.rst(.fromServer, at: 30)
        ),
        Row(
            "A RST after the whole body is not",
            .resetBeforeResponse,
            answered: 60,
            Scene.leg().handshake(at: 1).request(at: 2) {
                $0.body.framing = .contentLength(20)
                $0.body.seen = 20
            }.rst(.fromServer, at: 30)
        ),
    ]

    @Test("How soon the upstream's RST came tells whether it had read the request", arguments: resets)
    func reset(row: Row) { row.check() }

    @Test("An idle connection that the upstream closed is no finding")
    func idleClose() {
        #expect(Scene.report([Self.earlier, Self.reused.fin(.fromServer, at: 0)]).outline == [])
    }
}
