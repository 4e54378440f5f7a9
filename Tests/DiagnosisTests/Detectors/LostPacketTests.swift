import Diagnosis
import Model
import Testing

/// Absence proves nothing where the capture provably lost packets of the connection.
@Suite struct LostPacketTests {
    private static let asked = Scene.client().handshake(at: -1).request(at: 0)

    private static func causes(_ lines: [Line], until last: Double? = nil) -> [Cause] {
        Scene.report(lines, until: last).findings.filter { $0.severity > .note }.map(\.cause)
    }

    @Test("A reset of a socket that had let the client in is not compared with a closed port's")
    func abortWithoutSynAck() {
        let leg = Scene.leg().syn(1).request(at: 2).rst(.fromServer, at: 60) {
            $0.sequence = 77
            $0.window = 64
            $0.identification = 4711
        }
        let others = Scene.good(ports: 41_000, at: -500)
        #expect(Self.causes(others + [Scene.failing(answered: 61), leg]) == [.resetBeforeResponse])
    }

    @Test("A SYN without answer is no silence where the port refused others at that time")
    func missedRefusal() {
        let refused = Scene.leg(40_001).syn(200).rst(.fromServer, at: 200.1) { $0.sequence = 0 }
        let client = Scene.failing(answered: 1002)
        let retry = Scene.leg(40_002).syn(1001).rst(.fromServer, at: 1001.1) { $0.sequence = 0 }
        let causes = Self.causes([
            client, Scene.leg().syn(1), retry, Scene.failing(port: 50_001, at: 199, answered: 201), refused,
        ])
        #expect(!causes.contains(.connectTimeout))
    }

    @Test("Of connections to which a server's packets are missing, one SYN shows no silence")
    func blindToServers() {
        let blind = Scene.leg(41_000).syn(-500).request("/good", at: -499, isAcknowledged: false)
        let client = Scene.failing(status: 504, answered: 300)
        #expect(!Self.causes([blind, client, Scene.leg().syn(1)]).contains(.connectTimeout))
    }

    @Test("Clients that are cut at one moment tell of a shutdown only where their upstreams had not closed")
    func cutByTheUpstreams() {
        func pair(_ ports: UInt16, _ start: Double, isSeen: Bool) -> [Line] {
            let client = Scene.client(ports).handshake(at: start - 1).request(at: start).fin(.fromServer, at: 1000)
            let leg = Scene.leg(ports).handshake(at: start + 1).request(at: start + 2).fin(.fromServer, at: 999.5)
            return isSeen ? [client, leg] : [client]
        }
        let seen = pair(50_000, 0, isSeen: true) + pair(50_001, 300, isSeen: true)
        #expect(Self.causes(seen) == [.closedBeforeResponse])
        let unseen = pair(50_000, 0, isSeen: false) + pair(50_001, 300, isSeen: false)
        #expect(!Self.causes(unseen + Scene.good(ports: 41_000, at: -500)).contains(.gatewayReload))
    }

    @Test("Who is asked for once and not again has answered, seen or not", arguments: [1, 3])
    func neighbour(_ questions: Int) {
        var facts = Scene.facts(Scene.good(ports: 42_000, at: -500) + [Scene.failing(answered: 2500)], until: 4000)
        var burst = NeighbourFacts(asker: Scene.dialler, target: Scene.second.address, first: frame(1))
        for number in 1..<3 where number < questions {
            burst.requestCount += 1
            burst.requests.append(frame(1 + 1020 * Double(number)))
            burst.last = frame(1 + 1020 * Double(number))
        }
        facts.neighbours = [burst]
        let causes = Diagnosis.report(on: facts).findings.map(\.cause)
        #expect(causes == (questions == 1 ? [.undetermined] : [.hostUnreachable]))
    }

    @Test("A close-delimited answer is whole where only the acknowledgment of the upstream's FIN was captured")
    func closeDelimited() {
        var leg = Scene.leg().handshake(at: 1).request(at: 2).response(200, at: 5, of: 50) {
            $0.body.framing = .untilClose
        }
        leg.facts.fromServer.acknowledgedEnd = leg.facts.fromServer.highestEnd + 1
        leg.facts.fromServer.acknowledgedFrame = frame(9)
        #expect(Self.causes([Self.asked.response(200, at: 8), leg.fin(.fromClient, at: 10)]) == [])
    }

    @Test("What the gateway's own close acknowledges had come in time, whatever the order of the packets")
    func overtakenAnswer() {
        let leg = Scene.leg().handshake(at: 1).request(at: 2).fin(.fromClient, at: 3002, acknowledging: 120)
            .response(200, at: 3003)
        #expect(!Self.causes([Scene.failing(answered: 3004), leg]).contains(.responseTimeout))
    }

    @Test("Bytes that the capture missed before an answer may be what the gateway refused")
    func hiddenStart() {
        var leg = Scene.leg().handshake(at: 1).request(at: 2).response(200, at: 5) { $0.start += 60 }
        leg.facts.fromServer.missedBytes = 60
        #expect(!Self.causes([Scene.failing(answered: 7), leg]).contains(.gatewayRejectedResponse))
    }

    @Test("A gateway that answers as soon as its client closes answers the close")
    func answerToTheClose() {
        let client = Self.asked.fin(.fromClient, at: 600).response(400, at: 600.2)
        let leg = Scene.leg().handshake(at: 1).request(at: 2).rst(.fromClient, at: 600.3)
        #expect(Scene.report([client, leg]).findings.map(\.cause) == [.clientAbort])
    }

    @Test("An attempt that stands a little before a request may be its own: no attempt is not concluded")
    func orphan() {
        let early = Scene.leg().syn(-1.2).rst(.fromServer, at: 0.1) { $0.sequence = 0 }
        let causes = Self.causes(Scene.good(ports: 42_000, at: -500) + [Scene.failing(answered: 0.3), early])
        #expect(!causes.contains(.noUpstreamAttempt))
        #expect(!causes.contains(.noLiveUpstream))
    }

    @Test("A reset at once on a connection whose beginning is missing is not said to be of a used one")
    func unknownBeginning() {
        let leg = Scene.leg().request(at: 2).rst(.fromServer, at: 2.4)
        #expect(!Self.causes([Scene.failing(answered: 3), leg]).contains(.staleKeepaliveReuse))
    }
}
