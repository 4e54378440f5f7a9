import Model
import TestSupport
import Testing

@testable import Dissection

struct OverlapCase: Sendable {
    struct Piece: Sendable {
        var offset: Int64
        var text: String

        init(_ offset: Int64, _ text: String) {
            self.offset = offset
            self.text = text
        }
    }

    var number: Int
    var pieces: [Piece]
    var expected: String

    init(_ number: Int, _ pieces: [Piece], _ expected: String) {
        self.number = number
        self.pieces = pieces
        self.expected = expected
    }
}

struct ReassemblyTests {
    /// Sends (offset, text) pairs from the client after a handshake.
    private func lines(_ segments: [(Int64, String)], acknowledging: Int64? = nil) -> ConnectionFacts? {
        var talk = Conversation()
        talk.handshake()
        for (offset, text) in segments { talk.segment(.fromClient, at: offset, text) }
        if let acknowledging { talk.acknowledge(.fromServer, upTo: acknowledging) }
        return connection(talk)
    }

    @Test
    func `bytes in order go straight through`() {
        #expect(lines([(0, "abc"), (3, "def")])?.recording == ["C 0 abc", "C 3 def"])
    }

    // The cases of ReassemblyBuffer.insert. Offset 0 is missing until the last segment comes.
    private static let overlaps: [OverlapCase] = [
        // 1  held [bbbb], new after it
        OverlapCase(1, [.init(1, "bbbb"), .init(5, "cc"), .init(0, "a")], "abbbbcc"),
        // 2  held [bbb], new over its end
        OverlapCase(2, [.init(1, "bbb"), .init(3, "bcc"), .init(0, "a")], "abbbcc"),
        // 3  held [cc], new around it
        OverlapCase(3, [.init(3, "cc"), .init(1, "bbccdd"), .init(0, "a")], "abbccdd"),
        // 4  held [bbbb], new inside
        OverlapCase(4, [.init(1, "bbbb"), .init(2, "bb"), .init(0, "a")], "abbbb"),
        // 5  held [ccc], new over its start
        OverlapCase(5, [.init(3, "ccc"), .init(1, "bbc"), .init(0, "a")], "abbccc"),
        // 6  held [b] [d], new over the hole between
        OverlapCase(6, [.init(1, "bb"), .init(5, "dd"), .init(2, "bccd"), .init(0, "a")], "abbccdd"),
        // 7  in order, over everything held
        OverlapCase(7, [.init(1, "b"), .init(3, "d"), .init(0, "abcde")], "abcde"),
        // 8  delivered already in part
        OverlapCase(8, [.init(0, "ab"), .init(1, "bcd")], "abcd"),
        // 9  delivered already altogether
        OverlapCase(9, [.init(0, "abcd"), .init(1, "bc")], "abcd"),
    ]

    @Test(arguments: overlaps)
    func `overlaps leave each byte once`(_ overlap: OverlapCase) throws {
        let facts = try #require(lines(overlap.pieces.map { ($0.offset, $0.text) }))
        let expected = overlap.expected
        let text = facts.recording.filter { !$0.contains("again") && !$0.contains(" ack ") }
            .map { $0.split(separator: " ", omittingEmptySubsequences: false).dropFirst(2).joined(separator: " ") }
        #expect(text.joined() == expected, "case \(overlap.number)")
        #expect(facts.events(.overlapMismatch).isEmpty)
        #expect(facts.fromClient.contiguousEnd == Int64(expected.utf8.count))
        #expect(facts.fromClient.firstBytes == Array(expected.utf8))
    }

    @Test
    func `the first bytes win an overlap and the difference is an event`() throws {
        let facts = try #require(lines([(1, "bbb"), (2, "XXX"), (0, "a")]))
        #expect(facts.streamLines.filter { !$0.contains("again") } == ["C 0 a", "C 1 bbb", "C 4 X"])
        #expect(facts.events(.overlapMismatch).map(\.offset) == [2])
    }

    @Test
    func `a retransmission is told to the parser and only its new part delivered`() throws {
        let facts = try #require(lines([(0, "abcd"), (2, "cdef")]))
        #expect(facts.recording == ["C 0 abcd", "C again 2..<6", "C 4 ef"])
        #expect(facts.fromClient.retransmissions == 1)
    }

    @Test
    func `a hole that the peer never acknowledged stays in the facts and is skipped at the end`() throws {
        let facts = try #require(lines([(0, "ab"), (4, "ef")]))
        #expect(facts.recording == ["C 0 ab", "C 2 gap 2", "C 4 ef"])
        #expect(facts.fromClient.contiguousEnd == 2)
        #expect(facts.fromClient.highestEnd == 6)
        #expect(facts.fromClient.missedBytes == 0)
        #expect(facts.eventKinds == [.syn, .synAck, .handshakeAck, .lostSegment])
    }

    @Test
    func `a hole that the peer acknowledged is a gap of missed bytes`() throws {
        let facts = try #require(lines([(0, "ab"), (4, "ef")], acknowledging: 6))
        #expect(facts.recording == ["C 0 ab", "C ack 2", "C 2 gap 2", "C 4 ef", "C ack 6"])
        #expect(facts.fromClient.missedBytes == 2)
        #expect(facts.fromClient.contiguousEnd == 6)
        #expect(facts.events(.ackLostSegment).map(\.acknowledgedOffset) == [6])
    }

    @Test
    func `what an unseen SYN-ACK hides of the numbering does not hide the bytes before the first payload`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, "ask")
        talk.send(.fromServer, "abcd")
        talk.send(.fromServer, "ef")
        // The SYN-ACK and the first part of the answer.
        talk.packets.remove(at: 4)
        talk.packets.remove(at: 1)
        let facts = try #require(connection(talk))
        #expect(facts.recording.filter { $0.hasPrefix("S") } == ["S 0 gap 4", "S 4 ef"])
        #expect(facts.fromServer.highestEnd == 6)
    }

    @Test
    func `a payload cut by the snap length ends in a gap`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, "abcdef")
        talk.send(.fromClient, "ghi")
        talk.packets[3].payload = [97, 98]
        let facts = try #require(connection(talk))
        #expect(facts.recording == ["C 0 ab", "C 2 gap 4", "C 6 ghi"])
        #expect(facts.fromClient.contiguousEnd == 9)
        #expect(facts.fromClient.missedBytes == 0)
    }

    @Test
    func `a cut payload out of order keeps its place`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.segment(.fromClient, at: 2, "cdef")
        talk.segment(.fromClient, at: 0, "ab")
        talk.segment(.fromClient, at: 6, "gh")
        talk.packets[3].payload = [99]
        #expect(connection(talk)?.recording == ["C 0 ab", "C 2 c", "C 3 gap 3", "C 6 gh"])
    }

    @Test
    func `a stream goes on over the wrap of its sequence numbers`() throws {
        var talk = Conversation(clientISN: 0xffff_fffc)
        talk.handshake()
        talk.segment(.fromClient, at: 4, "ef")
        talk.segment(.fromClient, at: 0, "abcd")
        talk.segment(.fromClient, at: 6, "gh")
        let facts = try #require(connection(talk))
        #expect(facts.recording == ["C 0 abcd", "C 4 ef", "C 6 gh"])
    }

    @Test
    func `more than the bound behind a hole gives the hole up`() throws {
        var talk = Conversation()
        talk.handshake()
        let block = [UInt8](repeating: 120, count: 60_000)
        for index in 0..<80 { talk.segment(.fromClient, at: 10 + Int64(index) * 60_000, block) }
        var table = ConnectionTable<RecordingParser>()
        feed(talk.packets, into: &table)
        var facts = TrafficFacts()
        table.state(into: &facts)
        let recording = try #require(facts.connections.first).recording
        #expect(recording.first == "C 0 gap 10")
        #expect(recording.count > 60)
    }

    @Test
    func `many tiny segments behind a hole are bounded too`() throws {
        var talk = Conversation()
        talk.handshake()
        for index in 0..<45_000 { talk.segment(.fromClient, at: 1 + Int64(index) * 2, [120]) }
        var table = ConnectionTable<RecordingParser>()
        feed(talk.packets, into: &table)
        var facts = TrafficFacts()
        table.state(into: &facts)
        let recording = try #require(facts.connections.first).recording
        #expect(recording.first == "C 0 gap 1")
    }

    /// Random cuts, order and repetition against the bytes themselves.
    @Test(arguments: 0..<60)
    func `random segments give the stream back`(seed: Int) throws {
        var random = Lcg(state: UInt64(seed) &* 0x9e37_79b9_7f4a_7c15 &+ 1)
        let length = 1 + Int(random.next() % 400)
        let bytes = (0..<length).map { UInt8(97 + $0 % 23) }
        var pieces: [Range<Int>] = []
        var covered = 0
        while covered < length {
            let end = min(length, covered + 1 + Int(random.next() % 40))
            pieces.append(max(0, covered - Int(random.next() % 10))..<end)
            if random.next() % 4 == 0 { pieces.append(covered..<end) }
            covered = end
        }
        let dropped = random.next() % 3 == 0 ? pieces.remove(at: Int(random.next() % UInt64(pieces.count))) : nil
        for index in pieces.indices.reversed() where random.next() % 2 == 0 {
            pieces.swapAt(index, max(0, index - Int(random.next() % 6)))
        }
        var talk = Conversation(clientISN: UInt32(truncatingIfNeeded: random.next()))
        talk.handshake()
        var seen = [Bool](repeating: false, count: length)
        for piece in pieces {
            talk.segment(.fromClient, at: Int64(piece.lowerBound), Array(bytes[piece]))
            for index in piece { seen[index] = true }
        }
        let facts = try #require(connection(talk))
        var out: [UInt8?] = []
        for line in facts.streamLines where !line.contains("again") {
            let parts = line.split(separator: " ")
            #expect(Int(parts[1]) == out.count)
            if parts[2] == "gap" {
                out += [UInt8?](repeating: nil, count: Int(parts[3]) ?? 0)
            } else {
                out += parts[2].utf8.map(Optional.some)
            }
        }
        let end = (seen.lastIndex(of: true) ?? -1) + 1
        let expected = (0..<end).map { seen[$0] ? bytes[$0] : nil }
        #expect(out == expected, "seed \(seed), without \(String(describing: dropped))")
        #expect(facts.events(.overlapMismatch).isEmpty)
    }
}

struct Lcg {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}
