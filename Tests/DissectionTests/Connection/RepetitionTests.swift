import Model
import TestSupport
import Testing

@testable import Dissection

/// What a segment that brings bytes again is taken for, and where what it repeats was lost.
struct RepetitionTests {
    private static let data = [UInt8](repeating: 65, count: 1_000)

    private func talk(selective: Bool = true, _ script: (inout Conversation) -> Void) throws -> ConnectionFacts {
        var talk = Conversation()
        talk.handshake()
        for index in 0..<2 { talk.packets[index].allowsSelectiveAcknowledgment = selective }
        script(&talk)
        return try #require(connection(talk))
    }

    private func repetitions(_ facts: ConnectionFacts) -> [Repetition] { facts.events.compactMap(\.repetition) }
    private func places(_ facts: ConnectionFacts) -> [LossPlace?] {
        facts.events.filter { $0.repetition != nil }.map(\.lossPlace)
    }

    // MARK: Timers

    @Test func `a request repeated with back-off is the timer's, and was lost behind the capture`() throws {
        let facts = try talk(selective: false) {
            $0.segment(.fromClient, at: 0, "abc")
            for wait in [300, 600, 1_200] {
                $0.wait(.milliseconds(Int64(wait)))
                $0.segment(.fromClient, at: 0, "abc")
            }
        }
        #expect(repetitions(facts) == [.timeout, .timeout, .timeout])
        #expect(places(facts) == [.afterCapture, .afterCapture, .afterCapture])
        #expect(facts.fromClient.repetitions[.timeout] == 3)
        #expect(facts.fromClient.repetitions[.afterCapture] == 3)
        #expect(facts.fromClient.retransmissions == 3)
    }

    @Test func `the last segment once more before the timer is a tail loss probe`() throws {
        let facts = try talk {
            $0.segment(.fromClient, at: 0, Self.data)
            $0.segment(.fromClient, at: 1_000, Self.data)
            $0.wait(.milliseconds(40))
            $0.segment(.fromClient, at: 1_000, Self.data)
        }
        #expect(repetitions(facts) == [.tailLossProbe])
    }

    /// Linux waits for a lone segment as long with the probe as with the timer that follows.
    @Test func `two repeats after the same time are a probe and a timer, after twice the time two timers`() throws {
        for (second, expected) in [(Int64(210), Repetition.tailLossProbe), (420, .timeout)] {
            let facts = try talk {
                $0.segment(.fromClient, at: 0, Self.data)
                $0.wait(.milliseconds(210))
                $0.segment(.fromClient, at: 0, Self.data)
                $0.wait(.milliseconds(second))
                $0.segment(.fromClient, at: 0, Self.data)
            }
            #expect(repetitions(facts) == [expected, .timeout])
            #expect(facts.fromClient.repetitions[expected] == (expected == .timeout ? 2 : 1))
        }
    }

    @Test func `without SACK there are no probes`() throws {
        let facts = try talk(selective: false) {
            $0.segment(.fromClient, at: 0, Self.data)
            $0.wait(.milliseconds(40))
            $0.segment(.fromClient, at: 0, Self.data)
        }
        #expect(repetitions(facts) == [.unclear])
    }

    @Test func `what follows the segment whose timer ran out is sent again with it`() throws {
        let facts = try talk {
            for index in 0..<3 { $0.segment(.fromClient, at: Int64(index) * 1_000, Self.data) }
            $0.wait(.milliseconds(300))
            $0.segment(.fromClient, at: 0, Self.data)
            $0.acknowledge(.fromServer, upTo: 1_000)
            $0.segment(.fromClient, at: 1_000, Self.data)
        }
        #expect(repetitions(facts) == [.timeout, .timeout])
    }

    @Test func `a SYN is repeated by its timer alone`() throws {
        var talk = Conversation()
        talk.syn()
        talk.wait(.seconds(1))
        talk.syn()
        let facts = try #require(connection(talk))
        #expect(facts.fromClient.repetitions[.timeout] == 1)
        #expect(facts.events.map(\.repetition) == [nil, .timeout])
        // Nothing of the server was captured: its answers may be what is lost.
        #expect(facts.events.last?.lossPlace == nil)
    }

    // MARK: Recovery

    /// Wireshark's 20 ms after the last duplicate do not make it one on a long path.
    @Test func `three duplicate ACKs draw a fast retransmission, a round trip later`() throws {
        let facts = try talk(selective: false) {
            for index in 0..<5 { $0.segment(.fromClient, at: Int64(index) * 1_000, Self.data) }
            $0.acknowledge(.fromServer, upTo: 1_000)
            for _ in 0..<3 { $0.acknowledge(.fromServer, upTo: 1_000) }
            $0.wait(.milliseconds(90))
            $0.segment(.fromClient, at: 1_000, Self.data)
        }
        #expect(facts.eventKinds.last == .retransmission)
        #expect(repetitions(facts) == [.fast])
        #expect(places(facts) == [.afterCapture])
    }

    @Test func `one SACKed segment that was sent later is enough`() throws {
        let facts = try talk {
            $0.segment(.fromClient, at: 0, Self.data)
            $0.segment(.fromClient, at: 1_000, Self.data)
            $0.selectively(.fromServer, upTo: 0, [1_000..<2_000])
            $0.wait(.milliseconds(30))
            $0.segment(.fromClient, at: 0, Self.data)
        }
        #expect(repetitions(facts) == [.fast])
    }

    @Test func `a repetition that is lost itself is sent once more when what followed it arrives`() throws {
        let facts = try talk {
            $0.segment(.fromClient, at: 0, Self.data)
            $0.segment(.fromClient, at: 1_000, Self.data)
            $0.selectively(.fromServer, upTo: 0, [1_000..<2_000])
            $0.segment(.fromClient, at: 0, Self.data)
            $0.segment(.fromClient, at: 2_000, Self.data)
            $0.selectively(.fromServer, upTo: 0, [1_000..<3_000])
            $0.segment(.fromClient, at: 0, Self.data)
            // And once more by the timer: nothing more was heard.
            $0.wait(.milliseconds(250))
            $0.segment(.fromClient, at: 0, Self.data)
        }
        #expect(repetitions(facts) == [.fast, .fast, .timeout])
    }

    // MARK: Where

    @Test func `what the receiver reports missing and the capture never showed was lost before it`() throws {
        let facts = try talk {
            $0.segment(.fromServer, at: 1_000, Self.data)
            $0.selectively(.fromClient, upTo: 0, [1_000..<2_000])
            $0.wait(.milliseconds(20))
            $0.segment(.fromServer, at: 0, Self.data)
            for (index, value) in [(3, 70), (5, 71)] { $0.packets[index].timestampValue = UInt32(value) }
        }
        #expect(repetitions(facts) == [.fast])
        #expect(places(facts) == [.beforeCapture])
        #expect(facts.fromServer.repetitions[.beforeCapture] == 1)
    }

    @Test func `bytes that were acknowledged and never captured are missed by the capture`() throws {
        let facts = try talk {
            $0.send(.fromServer, Self.data, captured: false)
            $0.acknowledge(.fromClient)
            $0.wait(.milliseconds(200))
            $0.send(.fromServer, Self.data)
            $0.wait(.milliseconds(200))
            $0.segment(.fromServer, at: 0, Self.data)
        }
        #expect(facts.events(.ackLostSegment).map(\.lossPlace) == [.inCapture])
        #expect(facts.fromServer.repetitions[.inCapture] == 1)
        #expect(repetitions(facts) == [.spurious])
    }

    @Test func `with one direction captured no place is known`() throws {
        var talk = Conversation()
        talk.segment(.fromClient, at: 0, "abc")
        talk.wait(.milliseconds(300))
        talk.segment(.fromClient, at: 0, "abc")
        let facts = try #require(connection(talk))
        #expect(repetitions(facts) == [.timeout])
        #expect(places(facts) == [nil])
    }

    // MARK: Order

    @Test func `the timestamp tells an overtaken segment from one sent again`() throws {
        for (late, expected) in [(UInt32(99), Repetition.outOfOrder), (101, .unclear)] {
            let facts = try talk {
                $0.segment(.fromClient, at: 1_000, Self.data)
                $0.packets[3].timestampValue = 100
                $0.wait(.milliseconds(30))
                $0.segment(.fromClient, at: 0, Self.data)
                $0.packets[4].timestampValue = late
            }
            #expect(repetitions(facts) == [expected])
            #expect(facts.fromClient.outOfOrder == (expected == .outOfOrder ? 1 : 0))
        }
    }

    @Test func `where the sender counts its packets, so does the identification`() throws {
        for (late, expected) in [(UInt16(7), Repetition.outOfOrder), (9, .unclear)] {
            let facts = try talk {
                for index in 0..<3 { $0.segment(.fromClient, at: Int64(index), "a") }
                $0.segment(.fromClient, at: 1_003, Self.data)
                $0.wait(.milliseconds(30))
                $0.segment(.fromClient, at: 3, Self.data)
                for index in $0.packets.indices { $0.packets[index].identification = UInt16(2 + index) }
                $0.packets[6].identification = 8
                $0.packets[7].identification = late
            }
            #expect(repetitions(facts) == [expected])
        }
    }

    @Test func `without marks a segment that nobody asked for again was overtaken`() throws {
        for asks in [false, true] {
            let facts = try talk {
                $0.segment(.fromServer, at: 0, Self.data)
                $0.acknowledge(.fromClient, upTo: 1_000)
                // From here to the server and back: one step.
                $0.segment(.fromClient, at: 0, "abc")
                $0.acknowledge(.fromServer, upTo: 3)
                $0.segment(.fromServer, at: 2_000, Self.data)
                if asks { for _ in 0..<3 { $0.acknowledge(.fromClient, upTo: 1_000) } }
                $0.wait(.milliseconds(30))
                $0.segment(.fromServer, at: 1_000, Self.data)
                for index in $0.packets.indices { $0.packets[index].identification = 0 }
            }
            #expect(repetitions(facts) == [asks ? .fast : .outOfOrder])
        }
    }

    // MARK: In vain

    @Test func `what was acknowledged or SACKed before is sent in vain`() throws {
        let facts = try talk {
            for index in 0..<3 { $0.segment(.fromClient, at: Int64(index) * 1_000, Self.data) }
            $0.selectively(.fromServer, upTo: 1_000, [2_000..<3_000])
            $0.wait(.milliseconds(300))
            $0.segment(.fromClient, at: 0, Self.data)
            $0.segment(.fromClient, at: 2_000, Self.data)
        }
        #expect(repetitions(facts) == [.spurious, .spurious])
        #expect(places(facts) == [nil, nil])
    }

    @Test func `D-SACK tells afterwards that a repetition was in vain`() throws {
        let facts = try talk {
            $0.segment(.fromClient, at: 0, Self.data)
            $0.wait(.milliseconds(300))
            $0.segment(.fromClient, at: 0, Self.data)
            $0.selectively(.fromServer, upTo: 1_000, [0..<1_000])
        }
        #expect(repetitions(facts) == [.spurious])
        #expect(places(facts) == [nil])
        #expect(facts.fromClient.repetitions[.spurious] == 1)
        #expect(facts.fromClient.repetitions[.timeout] == 0)
        #expect(facts.fromClient.repetitions[.afterCapture] == 0)
    }

    @Test func `an echo of the first transmission's timestamp tells so as well, one of the second's does not`() throws {
        for (echo, expected) in [(UInt32(100), Repetition.spurious), (400, .timeout)] {
            let facts = try talk(selective: false) {
                $0.segment(.fromClient, at: 0, Self.data)
                $0.packets[3].timestampValue = 100
                $0.wait(.milliseconds(300))
                $0.segment(.fromClient, at: 0, Self.data)
                $0.packets[4].timestampValue = 400
                $0.acknowledge(.fromServer, upTo: 1_000)
                $0.packets[5].timestampEcho = echo
            }
            #expect(repetitions(facts) == [expected])
        }
    }

    @Test func `a packet with the identification of the first is the first once more`() throws {
        let facts = try talk {
            $0.segment(.fromClient, at: 0, Self.data)
            $0.wait(.milliseconds(80))
            $0.segment(.fromClient, at: 0, Self.data)
            $0.packets[4].identification = $0.packets[3].identification
            $0.acknowledge(.fromServer, upTo: 1_000)
        }
        #expect(repetitions(facts) == [.captureCopy])
        #expect(facts.fromClient.retransmissions == 0)
    }

    @Test func `a keep-alive is none of these`() throws {
        let facts = try talk {
            $0.segment(.fromClient, at: 0, Self.data)
            $0.acknowledge(.fromServer, upTo: 1_000)
            $0.wait(.seconds(30))
            $0.segment(.fromClient, at: 999, "A", flags: .ack)
        }
        #expect(repetitions(facts).isEmpty)
        #expect(facts.fromClient.retransmissions == 0)
    }
}

extension Conversation {
    /// A pure ACK with SACK blocks: offsets of the other direction.
    mutating func selectively(_ direction: Direction, upTo offset: Int64, _ blocks: [Range<Int64>]) {
        acknowledge(direction, upTo: offset)
        let first = (direction == .fromServer ? clientISN : serverISN) &+ 1
        packets[packets.count - 1].selectiveAcknowledgments = blocks.map {
            (
                left: first &+ UInt32(truncatingIfNeeded: $0.lowerBound),
                right: first &+ UInt32(truncatingIfNeeded: $0.upperBound)
            )
        }
    }
}
