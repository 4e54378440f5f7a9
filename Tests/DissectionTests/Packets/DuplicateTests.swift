import Dissection
import Model
import TestSupport
import Testing

@Suite struct DuplicateTests {
    /// One capture of a packet: the packet, when in µs, on which interface.
    private typealias Sight = (packet: [UInt8], microseconds: Int64, interface: Int)

    private func delivered(_ sights: [Sight], linkType: LinkType = .raw) -> Int {
        var harness = Harness()
        for sight in sights {
            harness.feed(
                sight.packet,
                at: sight.microseconds * 1_000,
                linkType: linkType,
                interface: sight.interface
            )
        }
        #expect(harness.segments.count + harness.decoder.counters.duplicatePackets == sights.count)
        return harness.segments.count
    }

    private func packet4(_ payload: [UInt8] = [1, 2, 3], id: UInt16, ttl: UInt8 = 64, flags: TCPFlags = .ack) -> [UInt8]
    {
        PacketBuilder.ipv4(PacketBuilder.tcp(payload, flags: flags), identification: id, timeToLive: ttl)
    }

    private func packet6(_ payload: [UInt8] = [1, 2, 3], hopLimit: UInt8 = 64, flags: TCPFlags = .ack) -> [UInt8] {
        PacketBuilder.ipv6(PacketBuilder.tcp(payload, flags: flags), hopLimit: hopLimit)
    }

    @Test func aPacketSeenOnTwoInterfacesIsOne() {
        for packet in [packet4(id: 7), packet4(id: 0), packet6(), packet6([], flags: .rst)] {
            #expect(delivered([(packet, 0, 0), (packet, 5_000, 1)]) == 1)
            #expect(delivered([(packet, 5_000, 0), (packet, 0, 1)]) == 1)
        }
    }

    @Test func beyondTwentyMillisecondsItIsSentAgain() {
        #expect(delivered([(packet4(id: 7), 0, 0), (packet4(id: 7), 20_001, 1)]) == 2)
    }

    @Test func eachTransmissionPassesEachInterfaceOnce() {
        let packet = packet6()
        #expect(delivered([(packet, 0, 0), (packet, 10, 1), (packet, 5_000, 0), (packet, 5_010, 1)]) == 2)
    }

    @Test func aRoutedPacketDiffersByOneHop() {
        #expect(delivered([(packet4(id: 7), 0, 0), (packet4(id: 7, ttl: 63), 900, 0)]) == 1)
        #expect(delivered([(packet6(), 0, 0), (packet6(hopLimit: 63), 5_000, 0)]) == 1)
    }

    @Test func theMostHopsBetweenTwoSightsOfOnePacketAreKept() {
        var harness = Harness()
        harness.feed(packet4(id: 7), at: 0, linkType: .raw, interface: 0)
        #expect(harness.decoder.counters.routedHops == 0)
        harness.feed(packet4(id: 7, ttl: 63), at: 100_000, linkType: .raw, interface: 1)
        #expect(harness.decoder.counters.routedHops == 1)
        harness.feed(packet4(id: 7, ttl: 61), at: 200_000, linkType: .raw, interface: 2)
        #expect(harness.decoder.counters.routedHops == 3)
    }

    @Test func aResetWithAnotherHopCountOnOneInterfaceIsAnotherSenders() {
        let own = packet4([], id: 0, ttl: 64, flags: .rst)
        let forged = packet4([], id: 0, ttl: 58, flags: .rst)
        #expect(delivered([(forged, 0, 0), (own, 100, 0)]) == 2)
        #expect(delivered([(forged, 0, 0), (own, 100, 1)]) == 2)
    }

    @Test func aRetransmissionHasAnotherIdentification() {
        #expect(delivered([(packet4(id: 7), 0, 0), (packet4(id: 8), 100, 0), (packet4(id: 9), 200, 1)]) == 3)
    }

    @Test func aRetransmissionHasAnotherTimestamp() {
        let packets = (1...2).map { value in
            PacketBuilder.ipv6(
                PacketBuilder.tcp([1, 2], options: PacketBuilder.timestampOption(value: UInt32(value), echo: 0))
            )
        }
        #expect(delivered([(packets[0], 0, 0), (packets[1], 100, 1)]) == 2)
    }

    /// Kind of packet, µs between two captures of equal bytes on one interface, segments delivered.
    @Test func onOneInterfaceTheTimeBetweenThemDecides() {
        let cases: [(String, [UInt8], Int64, Int)] = [
            ("identified", packet4(id: 7), 1_000, 1),
            ("identified, late", packet4(id: 7), 1_001, 2),
            ("SYN-ACK", packet4([], id: 0, flags: [.syn, .ack]), 1_000, 1),
            ("SYN-ACK, late", packet4([], id: 0, flags: [.syn, .ack]), 1_001, 2),
            ("data without identification", packet6(), 200, 1),
            ("data without identification, late", packet6(), 201, 2),
            ("FIN", packet6([], flags: [.fin, .ack]), 200, 1),
            ("duplicate ACK", packet6([]), 1, 2),
            ("reset per segment in flight", packet4([], id: 0, flags: .rst), 0, 2),
        ]
        for (name, packet, distance, expected) in cases {
            #expect(delivered([(packet, 0, 0), (packet, distance, 0)]) == expected, "\(name)")
        }
    }

    @Test func keepAliveProbesAreNeverMerged() {
        let probe = packet6([0])
        #expect(delivered([(probe, 0, 0), (probe, 1_000_000, 0), (probe, 2_000_000, 0)]) == 3)
    }

    @Test func theCookedHeaderTellsTwoPlacesApart() {
        let inward = PacketBuilder.linuxCooked(packet6([]), type: 0x86dd, packetType: 0)
        let outward = PacketBuilder.linuxCooked(packet6([]), type: 0x86dd, packetType: 4)
        #expect(delivered([(inward, 0, 0), (outward, 300, 0)], linkType: .linuxCooked) == 1)
        let first = PacketBuilder.linuxCooked2(packet6([]), type: 0x86dd, interfaceIndex: 2)
        let second = PacketBuilder.linuxCooked2(packet6([]), type: 0x86dd, interfaceIndex: 3)
        #expect(delivered([(first, 0, 0), (second, 300, 0)], linkType: .linuxCooked2) == 1)
        #expect(delivered([(first, 0, 0), (first, 300, 0)], linkType: .linuxCooked2) == 2)
    }

    @Test func aPacketSeenInsideAndOutsideItsTunnelIsOne() {
        let plain = PacketBuilder.ethernet(packet4(id: 7))
        let mirrored = PacketBuilder.ethernet(
            PacketBuilder.ipv4(
                PacketBuilder.udp([8, 0, 0, 0, 0, 0, 1, 0] + plain, destinationPort: 4_789),
                protocol: 17
            )
        )
        #expect(delivered([(plain, 0, 0), (mirrored, 200, 1)], linkType: .ethernet) == 1)
    }

    @Test func aChecksumFilledInLaterChangesNothing() {
        var filled = packet4(id: 7)
        filled[36] = 0xab
        #expect(delivered([(packet4(id: 7), 0, 0), (filled, 100, 1)]) == 1)
    }

    @Test(arguments: [0, 1, 7, 8, 100, 511, 512])
    func aChangedPayloadByteIsAnotherPacket(_ length: Int) {
        for position in 0..<length {
            var payload = [UInt8](repeating: 65, count: length)
            let before = packet4(payload, id: 7)
            payload[position] = 66
            #expect(delivered([(before, 0, 0), (packet4(payload, id: 7), 0, 1)]) == 2, "byte \(position)")
        }
    }

    @Test func everySinglePacketOfALongCaptureIsDelivered() {
        let sights = (0..<20_000).map { index -> Sight in
            let tcp = PacketBuilder.tcp(sequence: UInt32(index))
            return (PacketBuilder.ipv4(tcp, identification: UInt16(index)), 0, index % 3)
        }
        #expect(delivered(sights) == 20_000)
    }

    @Test func duplicatesOfFragmentsNeitherCompleteTwiceNorStayBehind() {
        var harness = Harness()
        for offset in [0, 16] {
            let packet = PacketBuilder.ipv4(
                Array(PacketBuilder.tcp([1, 2, 3, 4])[offset..<(offset == 0 ? 16 : 24)]),
                identification: 5,
                dontFragment: false,
                moreFragments: offset == 0,
                fragmentOffset: offset
            )
            harness.feed(packet, linkType: .raw, interface: 0)
            harness.feed(packet, at: 50_000, linkType: .raw, interface: 1)
        }
        harness.decoder.finish()
        #expect(harness.payloads == [[1, 2, 3, 4]])
        #expect(harness.decoder.counters.duplicatePackets == 2)
        #expect(harness.decoder.counters.incompleteFragments == 0)
    }
}
