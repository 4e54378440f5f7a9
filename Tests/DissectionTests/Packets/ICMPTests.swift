import Dissection
import Model
import TestSupport
import Testing

@Suite struct ICMPTests {
    private let router = IPAddress(v4: 203, 0, 113, 1)

    private func error4(_ type: UInt8, _ code: UInt8, rest: UInt32 = 0, quoting quoted: [UInt8]) -> [UInt8] {
        PacketBuilder.ipv4(
            PacketBuilder.icmp(type: type, code: code, rest: rest, quoted),
            protocol: 1,
            source: router,
            destination: PacketBuilder.client
        )
    }

    @Test(arguments: [(3, 1), (3, 3), (3, 13), (4, 0), (11, 0), (12, 0)] as [(UInt8, UInt8)])
    func anErrorNamesTheFlowItQuotes(_ type: UInt8, _ code: UInt8) {
        let quoted = PacketBuilder.ipv4(PacketBuilder.tcp(sequence: 0x0102_0304, flags: .syn))
        var harness = Harness.decode(error4(type, code, quoting: Array(quoted[..<28])), linkType: .raw)
        let errors = harness.decoder.drainICMPErrors()
        #expect(harness.decoder.icmpErrors.isEmpty)
        #expect(errors.count == 1)
        guard let error = errors.first else { return }
        #expect(error.sender == router)
        #expect(error.type == type && error.code == code)
        #expect(error.quotedSource == Endpoint(address: PacketBuilder.client, port: 40_000))
        #expect(error.quotedDestination == Endpoint(address: PacketBuilder.server, port: 80))
        #expect(error.quotedProtocol == 6)
        #expect(error.quotedSequence == 0x0102_0304)
        #expect(error.mtu == nil)
        #expect(harness.decoder.counters.icmpPackets == 1)
        #expect(harness.segments.isEmpty)
    }

    @Test func theNextHopMTUIsRead() {
        let quoted = PacketBuilder.ipv4(PacketBuilder.tcp())
        #expect(
            Harness.decode(error4(3, 4, rest: 1_400, quoting: quoted), linkType: .raw).decoder.icmpErrors.first?.mtu
                == 1_400
        )
        #expect(Harness.decode(error4(3, 4, quoting: quoted), linkType: .raw).decoder.icmpErrors.first?.mtu == nil)
    }

    @Test(arguments: [(1, 4), (2, 0), (3, 0), (4, 1)] as [(UInt8, UInt8)])
    func anICMPv6ErrorNamesTheFlowBehindExtensionHeaders(_ type: UInt8, _ code: UInt8) {
        let quoted = PacketBuilder.ipv6([6, 0, 1, 4, 0, 0, 0, 0] + PacketBuilder.tcp(sequence: 9), nextHeader: 60)
        let message = PacketBuilder.icmp(type: type, code: code, rest: 1_280, quoted)
        let harness = Harness.decode(PacketBuilder.ipv6(message, nextHeader: 58), linkType: .raw)
        let error = harness.decoder.icmpErrors.first
        #expect(error?.isIPv6 == true)
        #expect(error?.quotedDestination == Endpoint(address: PacketBuilder.server6, port: 80))
        #expect(error?.quotedSequence == 9)
        #expect(error?.mtu == (type == 2 ? 1_280 : nil))
    }

    @Test func everyTruncationOfTheQuoteKeepsWhatItShows() {
        let quoted = PacketBuilder.ipv4(PacketBuilder.tcp(sequence: 9))
        for length in 0..<quoted.count {
            let harness = Harness.decode(error4(3, 3, quoting: Array(quoted[..<length])), linkType: .raw)
            #expect(harness.decoder.icmpErrors.count == (length >= 24 ? 1 : 0), "\(length)")
            #expect(harness.decoder.counters.observationCount == (length >= 24 ? 0 : 1), "\(length)")
            #expect(harness.decoder.icmpErrors.first?.quotedSequence == (length >= 28 ? 9 : nil), "\(length)")
        }
    }

    @Test func aQuotedUDPFlowHasNoSequenceNumber() {
        let quoted = PacketBuilder.ipv4(PacketBuilder.udp([1, 2, 3, 4]), protocol: 17)
        let error = Harness.decode(error4(3, 3, quoting: quoted), linkType: .raw).decoder.icmpErrors.first
        #expect(error?.quotedProtocol == 17)
        #expect(error?.quotedDestination.port == 53)
        #expect(error?.quotedSequence == nil)
    }

    @Test func whatIsNoErrorIsOnlyCounted() {
        let harness = Harness.decode(error4(8, 0, quoting: [1, 2, 3]), linkType: .raw)
        #expect(harness.decoder.icmpErrors.isEmpty)
        #expect(harness.decoder.counters.icmpPackets == 1)
    }

    @Test func aLaterFragmentQuotesNoPorts() {
        let quoted = PacketBuilder.ipv4(PacketBuilder.tcp(), dontFragment: false, fragmentOffset: 8)
        #expect(Harness.decode(error4(11, 1, quoting: quoted), linkType: .raw).decoder.icmpErrors.isEmpty)
    }
}

@Suite struct NeighbourTests {
    private func arp(_ harness: inout Harness, _ packet: [UInt8], atMilliseconds time: Int64) {
        harness.feed(PacketBuilder.ethernet(packet, type: 0x0806), at: .milliseconds(time))
    }

    @Test func requestsUnderFiveSecondsApartAreOneBurst() {
        var harness = Harness()
        for time in [0, 1_000, 5_999, 11_000] as [Int64] { arp(&harness, PacketBuilder.arp(), atMilliseconds: time) }
        let bursts = harness.decoder.neighbours
        #expect(bursts.map(\.requestCount) == [3, 1])
        #expect(bursts.first?.requests.map(\.number) == [1, 2, 3])
        #expect(bursts.first?.last.number == 3)
        #expect(bursts.first?.asker == PacketBuilder.client)
        #expect(bursts.first?.target == PacketBuilder.server)
        #expect(bursts.allSatisfy { $0.answered == nil })
    }

    @Test func aReplyAnswersItsBurstAndTheNextRequestBeginsAnother() {
        var harness = Harness()
        let reply = PacketBuilder.arp(operation: 2, sender: PacketBuilder.server, target: PacketBuilder.client)
        arp(&harness, PacketBuilder.arp(), atMilliseconds: 0)
        arp(&harness, reply, atMilliseconds: 1)
        arp(&harness, PacketBuilder.arp(), atMilliseconds: 1_000)
        #expect(harness.decoder.neighbours.map { $0.answered?.number } == [2, nil])
    }

    @Test func probesAndAnnouncementsAskForNobody() {
        var harness = Harness()
        arp(&harness, PacketBuilder.arp(sender: IPAddress(v4: 0)), atMilliseconds: 0)
        arp(&harness, PacketBuilder.arp(target: PacketBuilder.client), atMilliseconds: 1)
        #expect(harness.decoder.neighbours.isEmpty)
    }

    @Test func onlyTheFirstEightRequestsAreKept() {
        var harness = Harness()
        for time in 0..<20 { arp(&harness, PacketBuilder.arp(), atMilliseconds: Int64(time) * 1_000) }
        #expect(harness.decoder.neighbours.map(\.requestCount) == [20])
        #expect(harness.decoder.neighbours.map(\.requests.count) == [8])
    }

    @Test func solicitationsAreAnsweredByAdvertisements() {
        var harness = Harness()
        let ask = PacketBuilder.neighbour(type: 135, target: PacketBuilder.server6)
        let answer = PacketBuilder.neighbour(type: 136, target: PacketBuilder.server6, flags: 0x6000_0000)
        harness.feed(PacketBuilder.ipv6(ask, nextHeader: 58, hopLimit: 255), linkType: .raw)
        harness.feed(
            PacketBuilder.ipv6(
                answer,
                nextHeader: 58,
                source: PacketBuilder.server6,
                destination: PacketBuilder.client6
            ),
            linkType: .raw
        )
        #expect(harness.decoder.neighbours.map(\.target) == [PacketBuilder.server6])
        #expect(harness.decoder.neighbours.first?.answered?.number == 2)
    }

    @Test func aSweepOfTheSubnetIsBounded() {
        var harness = Harness()
        for index in 0..<17_000 {
            let target = IPAddress(v4: 0x0a00_0000 + UInt32(index))
            arp(&harness, PacketBuilder.arp(target: target), atMilliseconds: Int64(index))
        }
        #expect(harness.decoder.neighbours.count == 16_384)
    }

    @Test func everyTruncationOfARequestIsAnObservation() {
        let packet = PacketBuilder.ethernet(PacketBuilder.arp(), type: 0x0806)
        for length in 0..<packet.count {
            let harness = Harness.decode(Array(packet[..<length]), wireLength: packet.count)
            #expect(harness.decoder.neighbours.isEmpty)
            #expect(harness.decoder.counters.observations.map(\.lengthSource) == [.capturedLength])
        }
    }
}
