import Model
import TestSupport
import Testing

@testable import Dissection

struct ConnectionTableTests {
    private func exchange(clientISN: UInt32, port: UInt16 = 40000, start: Int64 = 0) -> Conversation {
        var talk = Conversation(
            client: Endpoint(address: IPAddress(v4: 10, 0, 0, 1), port: port),
            clientISN: clientISN,
            time: Timestamp(seconds: 1_700_000_000 + start)
        )
        talk.handshake()
        talk.send(.fromClient, "q\(clientISN)")
        talk.send(.fromServer, "a")
        talk.fin(.fromServer)
        talk.fin(.fromClient)
        talk.acknowledge(.fromServer)
        return talk
    }

    @Test
    func `streams are numbered in the order of the file`() {
        let all = connections(
            Conversation.merged([exchange(clientISN: 1, port: 50000), exchange(clientISN: 2, port: 40000)])
        )
        #expect(all.map(\.stream) == [0, 1])
        #expect(all.map(\.client.port) == [50000, 40000])
    }

    @Test
    func `a port used again within a minute is a new stream`() {
        let all = connections(
            Conversation.merged([exchange(clientISN: 1), exchange(clientISN: 900_000, start: 5)])
        )
        #expect(all.map(\.stream) == [0, 1])
        #expect(all.map(\.streamLines.first) == ["C 0 q1", "C 0 q900000"])
        #expect(all.map(\.isClosed) == [true, true])
    }

    @Test
    func `a SYN with the same number stays in its stream even after a reset`() {
        var talk = Conversation()
        talk.syn()
        talk.refuse()
        talk.syn()
        let all = connections(talk.packets)
        #expect(all.map(\.stream) == [0])
        #expect(all.first?.eventKinds == [.syn, .rst, .syn])
    }

    @Test
    func `a SYN of another number is a new stream even while the first is open`() {
        var first = Conversation()
        first.syn()
        var second = Conversation(clientISN: 2000, time: Timestamp(seconds: 1_700_000_001))
        second.handshake()
        let all = connections(Conversation.merged([first, second]))
        #expect(all.map(\.eventKinds) == [[.syn], [.syn, .synAck, .handshakeAck]])
    }

    @Test
    func `a packet long after the close keeps the stream's number`() {
        var talk = exchange(clientISN: 1)
        talk.wait(.seconds(100))
        talk.rst(.fromServer)
        let other = exchange(clientISN: 7, port: 41000, start: 300)
        let all = connections(Conversation.merged([talk, other]))
        #expect(all.map(\.stream) == [0, 0, 1])
    }

    @Test
    func `a snapshot shows an open connection and changes nothing`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, "one")
        talk.segment(.fromClient, at: 6, "three")
        var table = ConnectionTable<RecordingParser>()
        feed(talk.packets, into: &table)
        var early = TrafficFacts()
        table.state(into: &early)
        let snapshot = try #require(early.connections.first)
        #expect(!snapshot.isClosed)
        #expect(snapshot.recording == ["C 0 one"])
        var rest = talk
        rest.packets = []
        rest.segment(.fromClient, at: 3, "two")
        feed(rest.packets, into: &table)
        table.finish()
        var late = TrafficFacts()
        table.state(into: &late)
        #expect(late.connections.first?.recording == ["C 0 one", "C 3 two", "C 6 three"])
    }

    // MARK: ICMP

    private func error(
        _ frame: Int,
        from talk: Conversation,
        sequence: UInt32?,
        transport: UInt8 = 6
    ) -> ICMPErrorFacts {
        ICMPErrorFacts(
            frame: FrameReference(number: frame, time: talk.time),
            sender: IPAddress(v4: 10, 0, 0, 9),
            isIPv6: false,
            type: 3,
            code: 3,
            quotedSource: talk.client,
            quotedDestination: talk.server,
            quotedProtocol: transport,
            quotedSequence: sequence
        )
    }

    private func state(_ table: ConnectionTable<RecordingParser>) -> TrafficFacts {
        var facts = TrafficFacts()
        table.state(into: &facts)
        return facts
    }

    @Test
    func `an ICMP error stands at the connection that it quotes`() {
        var talk = Conversation()
        talk.syn()
        var table = ConnectionTable<RecordingParser>()
        feed(talk.packets, into: &table)
        table.attach(error(2, from: talk, sequence: talk.clientISN))
        let facts = state(table)
        #expect(facts.connections.first?.icmpErrors.map(\.frame.number) == [2])
        #expect(facts.strayICMPErrors.isEmpty)
    }

    @Test
    func `of two lives the one whose numbers fit gets the error`() {
        let first = exchange(clientISN: 1)
        let second = exchange(clientISN: 900_000_000, start: 5)
        var table = ConnectionTable<RecordingParser>()
        feed(Conversation.merged([first, second]), into: &table)
        table.attach(error(99, from: first, sequence: 2))
        table.attach(error(100, from: first, sequence: 900_000_001))
        #expect(state(table).connections.map { $0.icmpErrors.map(\.frame.number) } == [[99], [100]])
    }

    @Test
    func `an error before the packet that it quotes finds its connection at the end`() {
        var talk = Conversation()
        talk.syn()
        var table = ConnectionTable<RecordingParser>()
        table.attach(error(1, from: talk, sequence: talk.clientISN))
        feed(talk.packets, into: &table)
        #expect(state(table).strayICMPErrors.count == 1)
        table.finish()
        #expect(state(table).strayICMPErrors.isEmpty)
        #expect(state(table).connections.first?.icmpErrors.count == 1)
    }

    @Test
    func `an error that quotes UDP or an unknown connection is a stray`() {
        var table = ConnectionTable<RecordingParser>()
        let talk = Conversation()
        table.attach(error(1, from: talk, sequence: nil, transport: 17))
        table.attach(error(2, from: talk, sequence: 5))
        table.finish()
        #expect(state(table).strayICMPErrors.map(\.frame.number) == [1, 2])
    }
}
