import Dissection
import Model
import TestSupport
import Testing

@Suite struct ApplicationDispatcherTests {
    static func facts(_ stream: Stream<ApplicationDispatcher>) -> ConnectionFacts {
        let end = Endpoint(address: IPAddress(v4: 10, 0, 0, 1), port: 1)
        let frame = FrameReference(number: 1, time: Timestamp(nanoseconds: 0))
        var facts = ConnectionFacts(stream: 0, client: end, server: end, first: frame)
        stream.parser.state(into: &facts)
        return facts
    }

    static func name(_ facts: ConnectionFacts) -> String {
        switch facts.application {
        case .unknown: "unknown"
        case .http1: "http"
        case .tls: "tls"
        case .other(let name): "other \(name.rawValue)"
        }
    }

    struct Case: CustomTestStringConvertible {
        var first = ""
        var client: String
        var application: String
        var exchanges: Int
        var testDescription: String { "\(first)|\(client)".debugDescription }
    }

    static let cases = [
        Case(client: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", application: "http", exchanges: 1),
        Case(client: "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", application: "http", exchanges: 1),
        Case(client: "PROXY TCP4 1.1.1.1 2.2.2.2 3 4\r\nGET / HTTP/1.1\r\n\r\n", application: "http", exchanges: 1),
        Case(first: "SSH-2.0-x\r\n", client: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", application: "http", exchanges: 1),
        Case(first: "SSH-2.0-x\r\n", client: "SSH-2.0-y\r\n", application: "other ssh", exchanges: 0),
        Case(first: "SSH-2.0-x\r\n", client: "", application: "other ssh", exchanges: 0),
        Case(first: "220 a.example ESMTP\r\n", client: "MAIL FROM:<a>\r\n", application: "other smtp", exchanges: 0),
        Case(first: "HTTP/1.1 408 T\r\n\r\n", client: "", application: "http", exchanges: 1),
        Case(client: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", application: "other http2", exchanges: 0),
        Case(client: "PROXY TCP4 1.1.1.1 2.2.2.2 3 4\r\n", application: "other proxy-v1", exchanges: 0),
        Case(client: "\u{16}\u{3}\u{1}\u{0}\u{4}\u{1}\u{0}\u{0}\u{0}", application: "tls", exchanges: 0),
        Case(client: "hello there\r\n", application: "unknown", exchanges: 0),
        Case(client: "GE", application: "unknown", exchanges: 0),
    ]

    @Test(arguments: cases) func clientsFirstBytesChooseTheParser(_ example: Case) {
        everySplit(of: Array(example.client.utf8)) { pieces in
            var stream = Stream(ApplicationDispatcher(startsAtBeginning: true))
            if !example.first.isEmpty { stream.server(example.first) }
            for piece in pieces { stream.send(piece, .fromClient) }
            let facts = Self.facts(stream)
            #expect(Self.name(facts) == example.application)
            #expect(facts.exchanges.count == example.exchanges)
        }
    }

    @Test func tlsBehindAProxyHeaderIsRead() throws {
        let hello = TLSParserTests.record(22, TLSParserTests.clientHello)
        everySplit(of: Array("PROXY TCP4 1.1.1.1 2.2.2.2 3 4\r\n".utf8) + hello) { pieces in
            var stream = Stream(ApplicationDispatcher(startsAtBeginning: true))
            for piece in pieces { stream.send(piece, .fromClient) }
            guard case .tls(let facts) = Self.facts(stream).application else {
                Issue.record("not TLS")
                return
            }
            #expect(facts.serverName == "app.example")
        }
    }

    @Test func midStreamTLSIsToldByItsRecords() {
        var stream = Stream(ApplicationDispatcher(startsAtBeginning: false))
        stream.server("in the middle of a record")
        stream.send(TLSParserTests.record(23, [1, 2, 3]), .fromClient)
        stream.send(TLSParserTests.record(23, [1, 2, 3]), .fromServer)
        guard case .tls(let facts) = Self.facts(stream).application else {
            Issue.record("not TLS")
            return
        }
        #expect(facts.clientRecords == 1)
        #expect(facts.serverRecords == 1)
    }

    @Test func gapBeforeTheFirstRequestLeavesTheProtocolOpen() {
        var stream = Stream(ApplicationDispatcher(startsAtBeginning: true))
        stream.gap(100, .fromClient)
        stream.server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        stream.client("GET /2 HTTP/1.1\r\n\r\n")
        let facts = Self.facts(stream)
        #expect(Self.name(facts) == "http")
        #expect(facts.exchanges.map(\.request?.target) == [nil, "/2"])
        #expect(facts.exchanges[0].response?.deviations.isEmpty == true)
    }

    @Test func nameQueryOverTCPIsReadWhateverItsSegments() {
        // A query for the addresses of "a.b".
        let query: [UInt8] = [0, 21, 0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0x61, 1, 0x62, 0, 0, 1, 0, 1]
        everySplit(of: query) { pieces in
            var stream = Stream(ApplicationDispatcher(startsAtBeginning: true))
            for piece in pieces { stream.send(piece, .fromClient) }
            let client = Endpoint(address: IPAddress(v4: 10, 0, 0, 1), port: 40000)
            let messages = stream.parser.dnsMessages(client: client, server: client)
            #expect(messages.map(\.name) == ["a.b"])
            #expect(Self.name(Self.facts(stream)) == "unknown")
        }
    }
}
