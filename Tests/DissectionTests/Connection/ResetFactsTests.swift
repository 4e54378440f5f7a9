import Model
import TestSupport
import Testing

@testable import Dissection

/// What is kept around a reset: by it the endpoint's own is told from a forged one.
@Suite struct ResetFactsTests {
    private func facts(_ change: (inout Conversation) -> Void) throws -> ConnectionFacts {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, "GET")
        talk.send(.fromServer, "HTTP")
        talk.acknowledge(.fromClient)
        change(&talk)
        return try #require(connection(talk))
    }

    @Test
    func `a reset keeps what its sender had sent and which packet of the peer it may answer`() throws {
        let facts = try facts { $0.rst(.fromServer) }
        let reset = try #require(facts.resets.first)
        #expect(reset.sentEnd == 4)
        #expect(reset.event.offset == 4)
        #expect(reset.answered == facts.fromClient.lastFrame)
        #expect(reset.wentOn == nil)
    }

    @Test
    func `data beyond the reset shows that its sender lives on`() throws {
        let facts = try facts {
            $0.rst(.fromServer)
            $0.send(.fromServer, "more")
        }
        #expect(facts.resets.first?.wentOn?.number == facts.fromServer.lastFrame?.number)
    }

    @Test
    func `a packet that the reset overtook shows nothing, and one long afterwards does`() throws {
        let overtaken = try facts {
            $0.rst(.fromServer)
            $0.acknowledge(.fromServer)
        }
        #expect(overtaken.resets.first?.wentOn == nil)
        let late = try facts {
            $0.rst(.fromServer)
            $0.wait(.milliseconds(60))
            $0.acknowledge(.fromServer)
        }
        #expect(late.resets.first?.wentOn != nil)
    }

    @Test
    func `hop limits of resets are no measure of their host`() throws {
        let facts = try facts {
            $0.serverHopLimit = 250
            $0.rst(.fromServer)
        }
        #expect(facts.fromServer.hopLimits.values == [60])
    }

    @Test
    func `identifications count as steps or as jumps, resets and zeros as neither`() throws {
        var talk = Conversation()
        talk.handshake()
        for number in 0..<4 { talk.send(.fromServer, "\(number)") }
        talk.rst(.fromServer)
        let first = talk.packets.count - 5
        func facts(_ identifications: [UInt16]) throws -> HalfConnectionFacts {
            for (index, value) in identifications.enumerated() { talk.packets[first + index].identification = value }
            // The SYN-ACK's is Linux's.
            talk.packets[1].identification = 0
            return try #require(connection(talk)).fromServer
        }
        let steady = try facts([65_534, 65_535, 1, 2, 40_000])
        #expect((steady.identificationSteps, steady.identificationJumps) == (3, 0))
        let drawn = try facts([9, 40_000, 700, 701, 702])
        #expect((drawn.identificationSteps, drawn.identificationJumps) == (1, 2))
        let none = try facts([0, 0, 0, 0, 5])
        #expect((none.identificationSteps, none.identificationJumps) == (0, 0))
    }

    @Test
    func `the longest segment that got through is the longest that was acknowledged`() throws {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, String(repeating: "a", count: 300))
        talk.acknowledge(.fromServer)
        talk.send(.fromClient, String(repeating: "b", count: 1_400))
        let before = try #require(connection(talk))
        #expect(before.fromClient.longestSegment == 1_400)
        #expect(before.fromClient.longestAcknowledged == 300)
        talk.acknowledge(.fromServer)
        let after = try #require(connection(talk))
        #expect(after.fromClient.longestAcknowledged == 1_400)
    }
}
