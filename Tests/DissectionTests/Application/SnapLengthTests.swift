import Dissection
import Model
import TestSupport
import Testing

/// Captures with a snap length: each packet is whole on the wire and cut in the capture.
struct SnapLengthTests {
    /// The dissector's view of a conversation of which `snapLength` bytes of each packet were captured, with the
    /// timestamp option that Linux puts into every segment: 66 bytes stand before the payload.
    private static func dissect(_ talk: Conversation, snapLength: Int) -> TrafficFacts {
        let dissector = Dissector()
        for packet in talk.packets {
            let segment = PacketBuilder.tcp(
                packet.payload,
                sourcePort: packet.source.port,
                destinationPort: packet.destination.port,
                sequence: packet.sequence,
                acknowledgment: packet.acknowledgment,
                flags: packet.flags,
                window: packet.window,
                options: PacketBuilder.timestampOption(value: UInt32(packet.record.number), echo: 1)
            )
            let whole = PacketBuilder.ethernet(
                PacketBuilder.ipv4(
                    segment,
                    source: packet.source.address,
                    destination: packet.destination.address,
                    identification: packet.identification,
                    timeToLive: packet.hopLimit
                )
            )
            let captured = Array(whole.prefix(snapLength))
            var record = packet.record
            record.capturedLength = captured.count
            record.wireLength = whole.count
            dissector.process(record, captured.span.bytes)
        }
        return dissector.facts(final: true)
    }

    private static func exchanges(_ talk: Conversation, snapLength: Int = 96) -> [ExchangeFacts] {
        dissect(talk, snapLength: snapLength).connections.first?.exchanges ?? []
    }

    private static func head(_ firstLine: String, more: String = "") -> String {
        "\(firstLine)\r\nHost: shop.example\r\nX-Request-ID: 0123456789abcdef0123456789abcdef\r\n\(more)"
            + "User-Agent: a-client-with-a-long-name/1.0\r\n\r\n"
    }

    private static func answer(_ statusLine: String, length: Int = 3000) -> [String] {
        let head = "HTTP/1.1 \(statusLine)\r\nServer: a-server-with-a-long-name\r\nContent-Length: \(length)\r\n\r\n"
        let body = String(repeating: "x", count: length)
        return [head + body.prefix(1000), String(body.dropFirst(1000))].filter { !$0.isEmpty }
    }

    private static let statuses = ["200 OK", "502 Bad Gateway", "204 No Content", "404 Not Found and some more words"]

    /// Four exchanges, request and answers in turn.
    private static func keptAlive(_ method: String = "GET", pieces: Int = 1) -> Conversation {
        var talk = Conversation()
        talk.handshake()
        for (index, status) in statuses.enumerated() {
            let bytes = Array(head("\(method) /\(index) HTTP/1.1").utf8)
            let size = (bytes.count + pieces - 1) / pieces
            for start in stride(from: 0, to: bytes.count, by: size) {
                talk.send(.fromClient, Array(bytes[start..<min(bytes.count, start + size)]))
            }
            talk.acknowledge(.fromServer)
            for piece in answer(status, length: status.hasPrefix("204") ? 0 : 3000) { talk.send(.fromServer, piece) }
            talk.acknowledge(.fromClient)
        }
        talk.fin(.fromClient)
        talk.fin(.fromServer)
        return talk
    }

    @Test(arguments: [90, 96, 110, 128, 200, 256, 65_535])
    func `cut heads still pair up`(_ snapLength: Int) {
        for pieces in 1...2 {
            let exchanges = Self.exchanges(Self.keptAlive(pieces: pieces), snapLength: snapLength)
            #expect(exchanges.map(\.request?.method) == ["GET", "GET", "GET", "GET"])
            #expect(exchanges.map(\.request?.target) == ["/0", "/1", "/2", "/3"])
            #expect(exchanges.map(\.response?.status) == [200, 502, 204, 404])
            #expect(exchanges.allSatisfy { $0.response?.completion == .complete })
            #expect(exchanges.allSatisfy { $0.request?.end != nil && $0.request?.acknowledged != nil })
            #expect(exchanges.allSatisfy { $0.request?.deviations.isEmpty == true })
            #expect(exchanges.allSatisfy { $0.response?.deviations.isEmpty == true })
        }
    }

    @Test
    func `a cut head is open and has a gap`() throws {
        let exchanges = Self.exchanges(Self.keptAlive())
        let (first, second) = (try #require(exchanges.first), try #require(exchanges.dropFirst().first))
        let (request, response) = (try #require(first.request), try #require(first.response))
        #expect(request.headEnd == nil)
        #expect(request.headFrame == nil)
        #expect(request.body.hasGap)
        #expect(request.end == second.request?.start)
        #expect(response.headEnd == nil)
        #expect(response.headFrame == nil)
        #expect(response.body.hasGap)
        #expect(response.firstFrame.number == 6)
        #expect(response.lastFrame.number == 7)
        #expect(response.end == second.response?.start)
    }

    @Test
    func `fields before the cut are stated`() {
        let exchange = Self.exchanges(Self.keptAlive(), snapLength: 66 + 40).first
        #expect(exchange?.request?.host == "shop.example")
        #expect(exchange?.request?.version == "HTTP/1.1")
    }

    @Test
    func `a target beyond the cut is stated as far as it goes`() {
        var talk = Conversation()
        talk.handshake()
        for index in 0..<3 {
            talk.send(.fromClient, Self.head("GET /a/rather/long/path/to/number/\(index) HTTP/1.1"))
            for piece in Self.answer("200 OK") { talk.send(.fromServer, piece) }
        }
        let exchanges = Self.exchanges(talk)
        #expect(exchanges.map(\.request?.target) == Array(repeating: "/a/rather/long/path/to/num", count: 3))
        #expect(exchanges.map(\.request?.version) == ["", "", ""])
        #expect(exchanges.map(\.response?.status) == [200, 200, 200])
    }

    @Test(arguments: ["GET http://shop.example/0 HTTP/1.1", "OPTIONS * HTTP/1.1", "CONNECT shop.example:443 HTTP/1.1"])
    func `the first request may be cut before its line end`(_ line: String) {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, Self.head(line))
        talk.send(.fromServer, "HTTP/1.1 407 No\r\n\r\n")
        let exchanges = Self.exchanges(talk, snapLength: 66 + 14)
        let words = line.prefix(14).split(separator: " ")
        #expect(exchanges.map(\.request?.method) == [words.first.map(String.init)])
        #expect(exchanges.map(\.request?.target) == [words.dropFirst().first.map(String.init)])
    }

    @Test
    func `a cut status line gives its code`() {
        for captured in 12..<20 {
            let exchanges = Self.exchanges(Self.keptAlive(), snapLength: 66 + captured)
            #expect(exchanges.map(\.response?.status) == [200, 502, 204, 404], "\(captured) bytes")
        }
    }

    @Test
    func `a POST with a hidden head ends where the next request begins`() throws {
        var talk = Conversation()
        talk.handshake()
        let body = String(repeating: "b", count: 2000)
        for index in 0..<2 {
            talk.send(.fromClient, Self.head("POST /\(index) HTTP/1.1", more: "Content-Length: 2000\r\n"))
            talk.send(.fromClient, body)
            talk.acknowledge(.fromServer)
            talk.send(.fromServer, Self.answer("201 Created")[0])
        }
        let exchanges = Self.exchanges(talk)
        try #require(exchanges.count == 2)
        #expect(exchanges.map(\.request?.target) == ["/0", "/1"])
        #expect(exchanges.map(\.response?.status) == [201, 201])
        #expect(exchanges[0].request?.lastFrame.number == 5)
        #expect(exchanges[0].request?.end == exchanges[1].request?.start)
        #expect(exchanges[1].request?.end == nil)
        #expect(exchanges.map(\.request?.acknowledged?.number) == [6, 10])
    }

    @Test
    func `an answer cut short by a reset is left open`() {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, Self.head("GET /0 HTTP/1.1"))
        talk.send(.fromServer, Self.answer("200 OK")[0])
        talk.rst(.fromServer)
        let exchanges = Self.exchanges(talk)
        #expect(exchanges.map(\.response?.completion) == [.incompleteHead])
        #expect(exchanges.map(\.response?.body.hasGap) == [true])
    }

    @Test
    func `a cut interim response gives way to the final one`() {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, Self.head("GET /0 HTTP/1.1"))
        talk.send(.fromServer, "HTTP/1.1 103 Early Hints\r\nLink: </a-style-sheet.css>; rel=preload\r\n\r\n")
        talk.send(.fromServer, Self.answer("200 OK")[0])
        let exchanges = Self.exchanges(talk)
        #expect(exchanges.map(\.response?.status) == [200])
        #expect(exchanges.map { $0.interim.map(\.status) } == [[103]])
    }

    @Test
    func `a response whose request came before the capture is an exchange`() {
        for snapLength in [96, 65_535] {
            var talk = Conversation()
            talk.send(.fromServer, Self.answer("503 Service Unavailable", length: 900)[0])
            talk.acknowledge(.fromClient)
            talk.send(.fromClient, Self.head("GET /1 HTTP/1.1"))
            talk.send(.fromServer, Self.answer("200 OK", length: 900)[0])
            let exchanges = Self.exchanges(talk, snapLength: snapLength)
            #expect(exchanges.map(\.request?.target) == [nil, "/1"])
            #expect(exchanges.map(\.response?.status) == [503, 200])
            #expect(exchanges.map(\.response?.firstFrame.number) == [1, 4])
            #expect(exchanges.first?.response?.completion == .complete)
            #expect(exchanges.first?.response?.deviations.isEmpty == true)
        }
    }

    @Test
    func `DNS over TCP states the ends of its connection`() {
        let server = Endpoint(address: IPAddress(v4: 10, 0, 0, 53), port: 53)
        var talk = Conversation(server: server)
        talk.handshake()
        // A query for the addresses of "a.b".
        talk.send(.fromClient, [0, 21, 0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0x61, 1, 0x62, 0, 0, 1, 0, 1])
        talk.send(.fromServer, [0, 21, 0, 7, 0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0x61, 1, 0x62, 0, 0, 1, 0, 1])
        let messages = Self.dissect(talk, snapLength: 65_535).dns
        #expect(messages.map(\.isResponse) == [false, true])
        #expect(messages.map(\.client) == [talk.client, talk.client])
        #expect(messages.map(\.server) == [server, server])
    }
}
