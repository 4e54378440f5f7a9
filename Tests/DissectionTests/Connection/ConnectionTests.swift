import Model
import TestSupport
import Testing

@testable import Dissection

struct ConnectionTests {
    @Test
    func `a whole exchange states its life in five events`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, "GET")
        talk.send(.fromServer, "200 OK")
        talk.fin(.fromServer)
        talk.fin(.fromClient)
        talk.acknowledge(.fromServer)
        let facts = try #require(connection(talk))
        #expect(facts.eventKinds == [.syn, .synAck, .handshakeAck, .fin, .fin])
        #expect(facts.recording == ["C 0 GET", "C ack 3", "S 0 200 OK", "S fin 6", "S ack 6", "C fin 3"])
        #expect(facts.isClosed)
        #expect(facts.orientation == .handshake)
        #expect(facts.client.port == 40000)
        #expect(facts.fromClient.acknowledgedEnd == 3)
        #expect(facts.fromClient.acknowledgedFrame?.number == 5)
        #expect(facts.fromServer.acknowledgedFrame?.number == 7)
        #expect(facts.fromClient.firstDataFrame?.number == 4)
        #expect(facts.fromServer.lastDataFrame?.number == 5)
        #expect(facts.fromClient.hopLimit == 64)
        #expect(facts.fromServer.hopLimit == 60)
        #expect(facts.fromServer.maximumSegmentSize == 1460)
        #expect(facts.fromServer.packets == 4)
        #expect(facts.fromServer.payloadBytes == 6)
        // The server's FIN acknowledges the request; the client's acknowledges that FIN, one past the last byte.
        #expect(facts.events(.fin).map(\.offset) == [6, 3])
        #expect(facts.events(.fin).map(\.acknowledgedOffset) == [3, 7])
    }

    @Test
    func `a refused SYN is a reset of the server at offset 0 that acknowledges the SYN`() throws {
        var talk = Conversation()
        talk.syn()
        talk.refuse()
        let facts = try #require(connection(talk))
        let reset = try #require(facts.events.last)
        #expect(facts.eventKinds == [.syn, .rst])
        #expect(reset.direction == .fromServer)
        #expect(reset.offset == 0)
        #expect(reset.acknowledgedOffset == 0)
        #expect(reset.flags == [.rst, .ack])
        #expect(reset.hopLimit == 60)
        #expect(facts.isClosed)
    }

    @Test
    func `a FIN that was in flight does not acknowledge the request`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, "GET")
        talk.serverAcknowledges = 0
        talk.fin(.fromServer)
        talk.append(.fromServer, sequence: 5002, acknowledgment: 0, [.rst])
        let facts = try #require(connection(talk))
        #expect(facts.events(.fin).first?.acknowledgedOffset == 0)
        let reset = try #require(facts.events(.rst).first)
        #expect(reset.acknowledgedOffset == nil)
        #expect(reset.offset == 1)
        #expect(facts.fromClient.acknowledgedEnd == 0)
    }

    @Test
    func `repeated SYNs and SYN-ACKs each stand in the events`() throws {
        var talk = Conversation()
        talk.syn()
        talk.syn()
        talk.synAck()
        talk.acknowledge(.fromClient)
        talk.synAck()
        talk.acknowledge(.fromClient)
        let facts = try #require(connection(talk))
        #expect(facts.eventKinds == [.syn, .syn, .synAck, .handshakeAck, .synAck, .handshakeAck])
        #expect(facts.fromClient.retransmissions == 1)
    }

    @Test
    func `a pure ACK of something else answers a SYN as a challenge`() throws {
        var talk = Conversation()
        talk.syn()
        talk.append(.fromServer, sequence: 777, acknowledgment: 4_000_000_000, [.ack])
        talk.append(.fromClient, sequence: 4_000_000_000, acknowledgment: 0, [.rst])
        talk.syn()
        talk.synAck()
        talk.acknowledge(.fromClient)
        talk.send(.fromServer, "hi")
        let facts = try #require(connection(talk))
        #expect(facts.eventKinds == [.syn, .challengeAck, .rst, .syn, .synAck, .handshakeAck])
        #expect(facts.recording == ["S 0 hi"])
    }

    @Test
    func `payload of the SYN counts from offset 0`() throws {
        var talk = Conversation()
        talk.append(.fromClient, sequence: 1000, acknowledgment: 0, [.syn], Array("GET".utf8))
        talk.append(.fromServer, sequence: 5000, acknowledgment: 1004, [.syn, .ack])
        talk.clientNext = 3
        talk.acknowledge(.fromClient)
        talk.send(.fromClient, "more")
        let facts = try #require(connection(talk))
        #expect(facts.recording == ["C 0 GET", "C ack 3", "C 3 more"])
        #expect(facts.events.first?.length == 3)
    }

    @Test
    func `both ends may open at once`() throws {
        var talk = Conversation()
        talk.syn()
        talk.append(.fromServer, sequence: 5000, acknowledgment: 0, [.syn])
        talk.append(.fromClient, sequence: 1000, acknowledgment: 5001, [.syn, .ack])
        talk.append(.fromServer, sequence: 5000, acknowledgment: 1001, [.syn, .ack])
        talk.send(.fromClient, "a")
        talk.send(.fromServer, "b")
        let facts = try #require(connection(talk))
        #expect(facts.streamLines == ["C 0 a", "S 0 b"])
        #expect(facts.client == talk.client)
    }

    @Test
    func `a FIN may carry payload and what follows it is no data`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.segment(.fromServer, at: 0, "bye", flags: [.ack, .fin])
        talk.segment(.fromServer, at: 3, "xx")
        let facts = try #require(connection(talk))
        #expect(facts.recording == ["S 0 bye", "S fin 3"])
        #expect(facts.fromServer.highestEnd == 3)
    }

    @Test
    func `a FIN waits for the bytes before it`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.segment(.fromServer, at: 3, "", flags: [.ack, .fin])
        talk.segment(.fromServer, at: 0, "bye")
        #expect(connection(talk)?.recording == ["S 0 bye", "S fin 3"])
    }

    @Test
    func `a reset below what is acknowledged closes nothing`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromServer, "abcdef")
        talk.acknowledge(.fromClient)
        talk.append(.fromServer, sequence: 5001, acknowledgment: 0, [.rst])
        let facts = try #require(connection(talk))
        #expect(facts.events(.rst).count == 1)
        #expect(!facts.isClosed)
    }

    @Test
    func `an end that goes on with new data did not send its reset`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.rst(.fromServer)
        talk.send(.fromServer, "still here")
        let facts = try #require(connection(talk))
        #expect(!facts.isClosed)
        #expect(facts.recording == ["S 0 still here"])
    }

    @Test
    func `a keep-alive probe's garbage byte is not delivered`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, "abc")
        talk.acknowledge(.fromServer)
        talk.segment(.fromClient, at: 2, "?", flags: [.ack])
        talk.acknowledge(.fromServer)
        let facts = try #require(connection(talk))
        #expect(facts.recording == ["C 0 abc", "C ack 3"])
        #expect(facts.events.suffix(2).map(\.kind) == [.keepAlive, .keepAliveAck])
    }

    // MARK: Without the beginning

    @Test
    func `a capture that starts in the middle counts from the first bytes it shows`() throws {
        var talk = Conversation()
        talk.clientNext = 900
        talk.serverNext = 7000
        talk.clientAcknowledges = 7000
        talk.serverAcknowledges = 900
        talk.acknowledge(.fromServer)
        talk.send(.fromClient, "GET / HTTP/1.1\r\n")
        talk.send(.fromServer, "HTTP/1.1 200 OK\r\n")
        let facts = try #require(connection(talk))
        #expect(
            facts.recording == ["C 0 GET / HTTP/1.1\r\n", "C ack 16", "S 0 HTTP/1.1 200 OK\r\n"]
        )
        #expect(facts.fromServer.firstDataFrame?.number == 3)
    }

    @Test(arguments: [
        (Direction.fromClient, "GET /a HTTP/1.1\r\n"),
        (.fromClient, "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n"),
        (.fromClient, "OPTIONS * HTTP/1.1\r\n"),
        (.fromServer, "HTTP/1.1 502 Bad Gateway\r\n"),
    ])
    func `payload tells the client where ports mislead`(sender: Direction, text: String) throws {
        let low = Endpoint(address: IPAddress(v4: 10, 0, 0, 1), port: 80)
        let high = Endpoint(address: IPAddress(v4: 10, 0, 0, 2), port: 50000)
        var talk = Conversation(client: low, server: high)
        talk.acknowledge(.fromServer)
        talk.send(sender, text)
        let facts = try #require(connection(talk))
        #expect(facts.client == low)
        #expect(facts.orientation == .payload)
        #expect(facts.recording.first == (sender == .fromClient ? "C" : "S") + " 0 " + text)
    }

    @Test
    func `ports tell the client where nothing else does`() throws {
        var talk = Conversation()
        talk.acknowledge(.fromServer)
        let facts = try #require(connection(talk))
        #expect(facts.orientation == .guess)
        #expect(facts.client == talk.client)
    }

    @Test
    func `one direction alone still gives its bytes and counts the other as missed`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, "GET")
        talk.send(.fromServer, "one")
        talk.send(.fromClient, "GET2")
        talk.send(.fromServer, "two")
        talk.packets.removeAll { $0.source == talk.client }
        let facts = try #require(connection(talk))
        #expect(facts.streamLines.filter { $0.hasPrefix("S") } == ["S 0 one", "S 3 two"])
        #expect(facts.fromClient.missedBytes == 7)
        #expect(facts.fromClient.packets == 0)
    }

    // MARK: Acknowledgments ahead of the data

    @Test
    func `an ACK just before its data makes no gap and an answer waits for its request`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, "GET")
        talk.send(.fromServer, "200")
        talk.send(.fromClient, "more")
        talk.packets.swapAt(3, 4)
        let facts = try #require(connections(Conversation.renumbered(talk.packets)).first)
        #expect(facts.recording == ["C 0 GET", "C ack 3", "S 0 200", "S ack 3", "C 3 more"])
        #expect(facts.fromClient.missedBytes == 0)
        #expect(facts.events(.ackLostSegment).isEmpty)
    }

    @Test
    func `an ACK whose data does not come makes a gap after the wait`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, "GET", captured: false)
        talk.send(.fromServer, "200")
        talk.wait(.milliseconds(50))
        talk.send(.fromClient, "next")
        talk.send(.fromServer, "404")
        let facts = try #require(connection(talk))
        #expect(facts.streamLines == ["C 0 gap 3", "S 0 200", "C 3 next", "S 3 404"])
        #expect(facts.fromClient.missedBytes == 3)
        #expect(facts.events(.ackLostSegment).map(\.frame.number) == [4])
    }

    @Test
    func `an acknowledged FIN that the capture missed is no gap`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, "GET")
        talk.clientNext += 1
        talk.serverAcknowledges = 4
        talk.send(.fromServer, "200")
        let facts = try #require(connection(talk))
        #expect(facts.streamLines == ["C 0 GET", "S 0 200"])
        #expect(facts.fromClient.missedBytes == 0)
    }

    @Test
    func `a reset's acknowledgment invents no gap`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.serverAcknowledges = 5000
        talk.rst(.fromServer)
        let facts = try #require(connection(talk))
        #expect(facts.recording.isEmpty)
        #expect(facts.fromClient.missedBytes == 0)
        #expect(facts.events(.rst).first?.acknowledgedOffset == 5000)
    }

    // MARK: Hostile input

    @Test(arguments: 0..<40)
    func `random headers never trap and offsets stay within the capture`(seed: Int) throws {
        var random = Lcg(state: UInt64(seed) &+ 77)
        var talk = Conversation()
        for _ in 0..<300 {
            talk.append(
                random.next() % 2 == 0 ? .fromClient : .fromServer,
                sequence: UInt32(truncatingIfNeeded: random.next() &* (random.next() % 3)),
                acknowledgment: UInt32(truncatingIfNeeded: random.next() &* (random.next() % 3)),
                TCPFlags(rawValue: UInt16(random.next() % 64)),
                [UInt8](repeating: 65, count: Int(random.next() % 5))
            )
            let last = talk.packets.count - 1
            talk.packets[last].wirePayloadLength += Int(random.next() % 3)
            talk.packets[last].record.timestamp = Timestamp(nanoseconds: Int64(random.next()) &* 1_000_000_007)
        }
        let all = connections(talk.packets)
        #expect(all.reduce(0) { $0 + $1.fromClient.packets + $1.fromServer.packets } == 300)
        for facts in all {
            #expect(facts.fromClient.contiguousEnd <= facts.fromClient.highestEnd)
            #expect(facts.events.count <= 256)
        }
    }
}
