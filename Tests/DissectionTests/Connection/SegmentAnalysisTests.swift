import Model
import TestSupport
import Testing

@testable import Dissection

/// Each event of the sequence analysis, by the rule that Wireshark applies.
struct SegmentAnalysisTests {
    private func talk(_ script: (inout Conversation) -> Void) throws -> ConnectionFacts {
        var talk = Conversation()
        talk.handshake()
        script(&talk)
        return try #require(connection(talk))
    }

    private func kinds(_ facts: ConnectionFacts) -> [TCPEvent.Kind] { Array(facts.eventKinds.dropFirst(3)) }

    @Test
    func `unacknowledged data sent again is a retransmission`() throws {
        let facts = try talk {
            $0.segment(.fromClient, at: 0, "abc")
            $0.wait(.milliseconds(300))
            $0.segment(.fromClient, at: 0, "abc")
        }
        #expect(kinds(facts) == [.retransmission])
        #expect(facts.events.last?.offset == 0)
        #expect(facts.events.last?.length == 3)
        #expect(facts.fromClient.retransmissions == 1)
    }

    @Test
    func `acknowledged data sent again is a spurious retransmission`() throws {
        let facts = try talk {
            $0.send(.fromClient, "abc")
            $0.acknowledge(.fromServer)
            $0.segment(.fromClient, at: 0, "abc")
        }
        #expect(kinds(facts) == [.spuriousRetransmission])
    }

    @Test
    func `the segment asked for by two duplicate ACKs is a fast retransmission`() throws {
        let facts = try talk {
            $0.segment(.fromClient, at: 0, "ab")
            $0.segment(.fromClient, at: 4, "ef")
            for _ in 0..<3 { $0.segment(.fromServer, at: 0, "", flags: [.ack]) }
            $0.acknowledge(.fromServer, upTo: 2)
            for _ in 0..<2 { $0.segment(.fromServer, at: 0, "", flags: [.ack]) }
            $0.segment(.fromClient, at: 2, "cd")
        }
        #expect(kinds(facts) == [.lostSegment, .fastRetransmission])
        #expect(facts.fromServer.duplicateAcks >= 2)
        #expect(facts.recording.suffix(2) == ["C 2 cd", "C 4 ef"])
    }

    @Test
    func `a late segment within the round trip is out of order`() throws {
        let facts = try talk {
            $0.step = .milliseconds(0)
            $0.acknowledge(.fromServer)
            $0.segment(.fromClient, at: 2, "cd")
            $0.segment(.fromClient, at: 0, "ab")
            // Its sender numbers its packets as it sends them.
            for index in [4, 5] { $0.packets[index].identification = UInt16(9 - index) }
        }
        #expect(kinds(facts) == [.lostSegment, .outOfOrder])
        #expect(facts.fromClient.outOfOrder == 1)
        #expect(facts.fromClient.retransmissions == 0)
    }

    @Test
    func `a closed window, its probe and the answer are events`() throws {
        let facts = try talk {
            $0.send(.fromClient, "abc")
            $0.acknowledge(.fromServer)
            $0.packets[$0.packets.count - 1].window = 0
            $0.segment(.fromClient, at: 3, "d", flags: [.ack])
            $0.acknowledge(.fromServer, upTo: 3)
            $0.packets[$0.packets.count - 1].window = 0
        }
        #expect(kinds(facts) == [.zeroWindow, .zeroWindowProbe, .zeroWindow, .zeroWindowProbeAck])
        #expect(facts.fromServer.zeroWindows == 2)
    }

    @Test
    func `data up to the end of the offered window fills it`() throws {
        let facts = try talk {
            $0.acknowledge(.fromServer)
            $0.packets[$0.packets.count - 1].window = 1
            $0.segment(.fromClient, at: 0, [UInt8](repeating: 65, count: 128))
        }
        #expect(kinds(facts) == [.windowFull])
    }

    @Test
    func `an empty segment one below the next is a keep-alive`() throws {
        let facts = try talk {
            $0.send(.fromClient, "abc")
            $0.acknowledge(.fromServer)
            $0.segment(.fromClient, at: 2, "", flags: [.ack])
            $0.acknowledge(.fromServer)
        }
        #expect(kinds(facts) == [.keepAlive, .keepAliveAck])
    }

    @Test
    func `duplicate ACKs are counted and are no events`() throws {
        let facts = try talk {
            $0.send(.fromClient, "abc")
            for _ in 0..<4 { $0.acknowledge(.fromServer) }
        }
        #expect(kinds(facts).isEmpty)
        #expect(facts.fromServer.duplicateAcks == 3)
    }

    @Test
    func `a window update repeats the number and the acknowledgment with another window`() throws {
        let facts = try talk {
            $0.send(.fromClient, "abc")
            for window in [500, 400, 400] {
                $0.acknowledge(.fromServer)
                $0.packets[$0.packets.count - 1].window = UInt16(window)
            }
        }
        #expect(facts.fromServer.analysis[.windowUpdate] == 1)
        #expect(facts.fromServer.analysis[.duplicateAck] == 1)
        #expect(kinds(facts).isEmpty)
    }

    @Test
    func `an acknowledgment of something unseen is counted once until more is seen`() throws {
        let facts = try talk {
            $0.send(.fromServer, "abc", captured: false)
            $0.acknowledge(.fromClient)
            $0.send(.fromServer, "def", captured: false)
            $0.acknowledge(.fromClient)
            $0.send(.fromServer, "ghi")
            $0.acknowledge(.fromClient)
        }
        #expect(facts.fromClient.analysis[.ackLostSegment] == 2)
    }

    @Test
    func `time that runs backwards overtakes nothing`() throws {
        let facts = try talk {
            $0.segment(.fromClient, at: 2, "cd")
            $0.wait(.milliseconds(-20))
            $0.segment(.fromClient, at: 0, "ab")
        }
        #expect(kinds(facts) == [.lostSegment, .retransmission])
    }

    @Test
    func `another number on known endpoints reuses their ports`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.clientISN = 99_000
        talk.syn()
        let both = connections(talk.packets)
        #expect(both.map { $0.fromClient.analysis[.reusedPorts] } == [0, 1])
        var other = Conversation()
        other.syn()
        other.synAck()
        other.serverISN = 7
        other.synAck()
        let facts = try #require(connection(other))
        #expect(facts.fromServer.analysis[.reusedPorts] == 1)
    }

    @Test
    func `a storm leaves the first 96 events, the last 160 and the close`() throws {
        let facts = try talk {
            $0.send(.fromClient, "abc")
            for _ in 0..<200 { $0.segment(.fromClient, at: 0, "abc") }
            $0.rst(.fromServer)
            for _ in 0..<400 { $0.segment(.fromClient, at: 0, "abc") }
        }
        #expect(facts.events.count == 256)
        #expect(facts.droppedEvents == 3 + 200 + 1 + 400 - 256)
        #expect(facts.events(.rst).count == 1)
        #expect(facts.events.prefix(96).map(\.frame.number) == [1, 2, 3] + Array(5...97))
        #expect(facts.events.last?.frame.number == 605)
    }
}
