import Model
import Testing

@testable import Diagnosis

/// What a client got, read off its own connection.
@Suite struct ClientRequestTests {
    struct Fact: CustomTestStringConvertible, Sendable {
        var fact: String
        var outcome: String
        var line: Line
        var testDescription: String { fact }

        init(_ fact: String, _ outcome: String, _ line: Line) {
            self.fact = fact
            self.outcome = outcome
            self.line = line
        }
    }

    private static let asked = Scene.client().handshake(at: -1).request(at: 0)
    private static let begun = asked.response(200, at: 20, body: 3_000, of: 10_000)

    static let facts: [Fact] = [
        Fact("A complete answer is an answer", "answered 200", asked.response(200, at: 20)),
        Fact("A 404 is an answer", "answered 404", asked.response(404, at: 20)),
        Fact("A 502 is an error", "error 502", asked.response(502, at: 20)),
        Fact("No end and no answer is open", "open", asked),
        Fact(
            "A FIN of the client that was still answered is a half-close",
            "answered 200",
            asked.fin(.fromClient, at: 1).response(200, at: 20)
        ),
        Fact(
            "A half-close that got a gateway error is an error",
            "error 504",
            asked.fin(.fromClient, at: 1).response(504, at: 20)
        ),
        Fact("A client that closes first aborts", "aborted -", asked.fin(.fromClient, at: 1_000)),
        Fact("A client that resets first aborts", "aborted -", asked.rst(.fromClient, at: 1_000)),
        Fact(
            "An error that met a client already gone was not delivered",
            "aborted -",
            asked.fin(.fromClient, at: 1_000).response(502, at: 1_001).rst(.fromClient, at: 1_002)
        ),
        Fact(
            "A client that leaves inside the body aborts with its status",
            "aborted 200",
            begun.rst(.fromClient, at: 30)
        ),
        Fact(
            "A client that closes after the answer got it",
            "answered 200",
            asked.response(200, at: 20).rst(.fromClient, at: 30)
        ),
        Fact("A gateway that closes without a byte gave no answer", "no answer", asked.fin(.fromServer, at: 60_000)),
        Fact("A gateway that resets without a byte gave no answer", "no answer", asked.rst(.fromServer, at: 60_000)),
        Fact(
            "A close that does not acknowledge a later request crossed it",
            "crossed close",
            asked.response(200, at: 20).request("/b", at: 5_000, isAcknowledged: false)
                .fin(.fromServer, at: 5_000.1, acknowledging: 120)
        ),
        Fact(
            "A close that acknowledges a later request gave no answer",
            "no answer",
            asked.response(200, at: 20).request("/b", at: 5_000).fin(.fromServer, at: 5_010)
        ),
        Fact("Bytes that are no HTTP are garbage", "garbage", asked.banner("SSH-2.0", .ssh, at: 20)),
        Fact("A body that the gateway cuts is cut", "cut 200", begun.fin(.fromServer, at: 30)),
        Fact("A body that has not ended yet is open", "open", begun),
        Fact(
            "A head that the gateway cuts is no answer",
            "no answer",
            asked.partialHead(status: nil, at: 20).fin(.fromServer, at: 30)
        ),
        Fact(
            "A body with broken chunks is cut",
            "cut 200",
            asked.response(200, at: 20) { $0.completion = .brokenBody }
        ),
    ]

    @Test("The outcome is what the client's own packets show", arguments: facts)
    func outcome(fact: Fact) throws {
        let facts = fact.line.facts
        let request = try #require(
            ClientRequest(
                connection: 0,
                exchange: facts.exchanges.count - 1,
                of: facts,
                timeline: ConnectionTimeline(facts),
                isLast: true,
                captureStart: nil
            )
        )
        #expect(request.outcome.name == fact.outcome)
    }

    @Test("The end of the connection says nothing about an exchange that others followed")
    func earlier() throws {
        let facts = Self.asked.request("/b", at: 1).response(200, at: 5).fin(.fromServer, at: 10).facts
        let request = try #require(
            ClientRequest(
                connection: 0,
                exchange: 0,
                of: facts,
                timeline: ConnectionTimeline(facts),
                isLast: false,
                captureStart: nil
            )
        )
        #expect(request.outcome.name == "open")
    }

    @Test(
        "An answer without its request is one whose request came before the capture, on a connection older than it only"
    )
    func withoutRequest() {
        var facts = Self.asked.response(502, at: 20).facts
        facts.exchanges[0].request = nil
        func read() -> ClientRequest? {
            ClientRequest(
                connection: 0,
                exchange: 0,
                of: facts,
                timeline: ConnectionTimeline(facts),
                isLast: true,
                captureStart: nil
            )
        }
        #expect(read() == nil)
        facts.orientation = .payload
        #expect(read()?.outcome.name == "error 502")
    }
}

extension ClientRequest.Outcome {
    fileprivate var name: String {
        switch self {
        case .answered(let status): "answered \(status)"
        case .error(let status): "error \(status)"
        case .noAnswer: "no answer"
        case .garbage: "garbage"
        case .cut(let status): "cut \(status)"
        case .aborted(_, let status): "aborted \(status.map(String.init) ?? "-")"
        case .crossedClose: "crossed close"
        case .open: "open"
        }
    }
}
