import Dissection
import Model
import TestSupport
import Testing

@Suite struct LayerTests {
    @Test(arguments: LinkCase.all)
    func aSegmentIsFoundWhateverCarriesIt(_ link: LinkCase) {
        let harness = Harness.decode(link.packet, linkType: link.linkType)
        #expect(harness.segments.count == 1)
        #expect(harness.payloads == [LinkCase.payload])
        #expect(harness.decoder.counters.observationCount == 0)
        #expect(harness.decoder.counters.tcpPackets == 1)
        guard let segment = harness.segments.first else { return }
        #expect(segment.source.port == 40_000)
        #expect(segment.destination.port == 80)
        #expect(segment.sequence == 1_000)
        #expect(segment.timestampValue == 7)
        #expect(segment.timestampEcho == 9)
        #expect(segment.wirePayloadLength == LinkCase.payload.count)
    }

    @Test(arguments: LinkCase.all)
    func aPacketCutBySnapLengthKeepsWhatParsed(_ link: LinkCase) {
        let full = link.packet.count
        let headerEnd = full - LinkCase.payload.count - 12
        for length in 0..<full {
            let harness = Harness.decode(
                Array(link.packet[..<length]),
                linkType: link.linkType,
                wireLength: full
            )
            #expect(harness.decoder.counters.snappedPackets == 1)
            guard length >= headerEnd else {
                #expect(harness.segments.isEmpty, "cut at \(length)")
                #expect(
                    harness.decoder.counters.observationCount + harness.decoder.counters.otherPackets > 0,
                    "cut at \(length)"
                )
                continue
            }
            #expect(harness.segments.count == 1, "cut at \(length)")
            #expect(harness.segments.first?.wirePayloadLength == LinkCase.payload.count)
            let kept = max(length - (full - LinkCase.payload.count), 0)
            #expect(harness.payloads == [Array(LinkCase.payload[..<kept])])
        }
    }

    @Test func paddingOfAShortFrameIsNoPayload() {
        let packet = PacketBuilder.ethernet(PacketBuilder.ipv4(PacketBuilder.tcp())) + [UInt8](repeating: 7, count: 6)
        let harness = Harness.decode(packet)
        #expect(harness.segments.first?.wirePayloadLength == 0)
        #expect(harness.payloads == [[]])
    }

    @Test func aTotalLengthOfZeroMeansTheCapturedLength() {
        let payload = [UInt8](repeating: 65, count: 70_000)
        let packet = PacketBuilder.ipv4(PacketBuilder.tcp(payload), totalLength: 0)
        let harness = Harness.decode(packet, linkType: .raw)
        #expect(harness.segments.first?.wirePayloadLength == 70_000)
        #expect(harness.decoder.counters.offloadSegments == 1)
        let six = Harness.decode(PacketBuilder.ipv6(PacketBuilder.tcp(payload), payloadLength: 0), linkType: .raw)
        #expect(six.segments.first?.wirePayloadLength == 70_000)
    }

    @Test func onlyPacketsOfMoreThan1500BytesAreOffloadSegments() {
        for (payload, count) in [(1_460, 0), (1_461, 1)] {
            let packet = PacketBuilder.ipv4(PacketBuilder.tcp([UInt8](repeating: 1, count: payload)))
            #expect(Harness.decode(packet, linkType: .raw).decoder.counters.offloadSegments == count)
        }
    }

    @Test func aSynShowsItsOptions() {
        let packet = PacketBuilder.ipv4(
            PacketBuilder.tcp(flags: [.syn], options: PacketBuilder.synOptions(windowScale: 20))
        )
        let segment = Harness.decode(packet, linkType: .raw).segments.first
        #expect(segment?.maximumSegmentSize == 1_460)
        #expect(segment?.windowScale == 14)
        #expect(segment?.allowsSelectiveAcknowledgment == true)
        #expect(segment?.timestampValue == 1)
        #expect(segment?.opensLikeLinux == true)
        // As macOS and FreeBSD order them.
        let other = [2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10] + [UInt8](repeating: 9, count: 8) + [4, 2]
        let foreign = Harness.decode(
            PacketBuilder.ipv4(PacketBuilder.tcp(flags: [.syn], options: other)),
            linkType: .raw
        ).segments.first
        #expect(foreign?.allowsSelectiveAcknowledgment == true)
        #expect(foreign?.opensLikeLinux == false)
    }

    @Test func selectiveAcknowledgmentIsSeenAndHandshakeOptionsLaterAreIgnored() {
        let options = PacketBuilder.timestampOption(value: 3, echo: 4) + [5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 3, 3, 7]
        let segment = Harness.decode(
            PacketBuilder.ipv4(PacketBuilder.tcp(options: options)),
            linkType: .raw
        ).segments.first
        #expect(segment?.selectiveAcknowledgments.count == 8)
        #expect(segment?.timestampEcho == 4)
        #expect(segment?.windowScale == nil)
    }

    @Test func linkTypesThatAreNotDecodedAreCounted() {
        let harness = Harness.decode([1, 2, 3], linkType: LinkType(rawValue: 105))
        #expect(harness.decoder.counters.undecodedLinkTypes == [LinkType(rawValue: 105): 1])
    }

    @Test func aTunnelsPortWithoutItsHeaderIsPlainUDP() {
        let packet = PacketBuilder.ipv4(PacketBuilder.udp(LinkCase.ip4, destinationPort: 4_789), protocol: 17)
        let harness = Harness.decode(packet, linkType: .raw)
        #expect(harness.segments.isEmpty)
        #expect(harness.decoder.counters.udpPackets == 1)
    }

    @Test func encapsulationIsFollowedToABoundedDepth() {
        var packet = LinkCase.ip4
        for _ in 0..<8 { packet = PacketBuilder.ipv4(packet, protocol: 4) }
        #expect(Harness.decode(packet, linkType: .raw).segments.count == 1)
        packet = PacketBuilder.ipv4(packet, protocol: 4)
        let harness = Harness.decode(packet, linkType: .raw)
        #expect(harness.segments.isEmpty)
        #expect(harness.decoder.counters.observations.map(\.layer) == [.tunnel])
    }

    @Test func timeThatRunsBackwardsIsCountedPerInterface() {
        var harness = Harness()
        harness.feed(LinkCase.ip4, at: 1_000, linkType: .raw, interface: 0)
        harness.feed(LinkCase.ip4, at: 500, linkType: .raw, interface: 1)
        #expect(harness.decoder.counters.timeRegressions == 0)
        harness.feed(LinkCase.ip4, at: 400, linkType: .raw, interface: 1)
        #expect(harness.decoder.counters.timeRegressions == 1)
        #expect(harness.decoder.counters.first == Timestamp(nanoseconds: 400))
        #expect(harness.decoder.counters.last == Timestamp(nanoseconds: 1_000))
    }
}

@Suite struct LyingLengthTests {
    private func observation(_ packet: [UInt8], linkType: LinkType = .raw) -> DecodeObservation? {
        let harness = Harness.decode(packet, linkType: linkType)
        #expect(harness.segments.isEmpty)
        #expect(harness.decoder.counters.observationCount == 1)
        return harness.decoder.counters.observations.first
    }

    @Test(arguments: 0..<5)
    func anInternetHeaderShorterThanItsMinimumIsNotFollowed(_ words: Int) {
        var packet = LinkCase.ip4
        packet[0] = 0x40 | UInt8(words)
        let seen = observation(packet)
        #expect(seen?.lengthSource == .ipHeaderLength)
        #expect(seen?.available == words * 4)
        #expect(seen?.required == 20)
    }

    @Test func aTotalLengthBelowTheHeaderIsNotFollowed() {
        let seen = observation(PacketBuilder.ipv4(LinkCase.tcp, totalLength: 19))
        #expect(seen?.lengthSource == .ipTotalLength)
        #expect(seen?.available == 19)
    }

    @Test func aTotalLengthThatCutsTheTransportHeaderIsNamed() {
        let seen = observation(PacketBuilder.ipv4(LinkCase.tcp, totalLength: 30))
        #expect(
            seen
                == DecodeObservation(
                    layer: .transport,
                    offset: 20,
                    required: 20,
                    available: 10,
                    lengthSource: .ipTotalLength,
                    frame: FrameReference(number: 1, time: Timestamp(nanoseconds: 0))
                )
        )
    }

    @Test func aTotalLengthBeyondTheFrameKeepsTheSegment() {
        let packet = PacketBuilder.ipv4(LinkCase.tcp, totalLength: UInt16(LinkCase.ip4.count + 100))
        let harness = Harness.decode(packet, linkType: .raw)
        #expect(harness.payloads == [LinkCase.payload])
        #expect(harness.segments.first?.wirePayloadLength == LinkCase.payload.count + 100)
        #expect(harness.decoder.counters.observations.first?.layer == .network)
    }

    @Test(arguments: 0..<16)
    func aDataOffsetIsBelievedOnlyWhereItFits(_ words: Int) {
        var tcp = PacketBuilder.tcp(flags: [.rst])
        tcp[12] = UInt8(words << 4)
        let harness = Harness.decode(PacketBuilder.ipv4(tcp), linkType: .raw)
        #expect(harness.segments.count == (words == 5 ? 1 : 0))
        #expect(harness.decoder.counters.observationCount == (words == 5 ? 0 : 1))
        if words < 5 { #expect(harness.decoder.counters.observations.first?.lengthSource == .tcpDataOffset) }
    }

    @Test(arguments: [[2, 0, 0, 0], [2, 1, 0, 0], [8, 10, 0, 0], [1, 1, 1, 3], [253, 255, 1, 1]] as [[UInt8]])
    func aBadOptionLengthEndsTheOptionsNotTheSegment(_ options: [UInt8]) {
        let harness = Harness.decode(
            PacketBuilder.ipv4(PacketBuilder.tcp([1, 2], flags: [.syn], options: options)),
            linkType: .raw
        )
        #expect(harness.payloads == [[1, 2]])
        #expect(harness.decoder.counters.observations.map(\.lengthSource) == [.optionLength])
    }

    @Test(arguments: [1, 7, 40] as [UInt16])
    func aUDPLengthThatDoesNotFitIsNotFollowed(_ length: UInt16) {
        let packet = PacketBuilder.ipv4(PacketBuilder.udp([1, 2, 3], length: length), protocol: 17)
        let seen = observation(packet)
        #expect(seen?.layer == .transport)
        #expect(seen?.lengthSource == (length < 8 ? .udpLength : .ipTotalLength))
    }

    @Test func theListOfObservationsIsBoundedTheirCountIsNot() {
        var harness = Harness()
        for _ in 0..<1_100 { harness.feed([0x45], linkType: .raw) }
        #expect(harness.decoder.counters.observations.count == 1_000)
        #expect(harness.decoder.counters.observationCount == 1_100)
    }
}

@Suite struct HostileBytesTests {
    private static let linkTypes: [UInt32] = [
        0, 1, 9, 12, 14, 50, 51, 101, 105, 108, 113, 228, 229, 276, 4_294_967_295,
    ]

    @Test(arguments: [1, 2, 3] as [UInt64])
    func randomBytesNeverTrap(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var harness = Harness()
        for _ in 0..<6_000 {
            let packet = (0..<Int.random(in: 0..<120, using: &generator)).map { _ in
                UInt8.random(in: .min ... .max, using: &generator)
            }
            harness.feed(
                packet,
                at: Int64.random(in: .min ... .max, using: &generator),
                linkType: LinkType(rawValue: Self.linkTypes.randomElement(using: &generator) ?? 1),
                interface: Int.random(in: -3..<3, using: &generator),
                wireLength: Bool.random(using: &generator) ? nil : Int.random(in: .min ... .max, using: &generator)
            )
        }
        #expect(harness.decoder.counters.packets == 6_000, "seed \(seed)")
    }

    @Test(arguments: [4, 5, 6] as [UInt64])
    func damagedPacketsNeverTrapAndPayloadsStayInside(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var decoder = PacketDecoder()
        var delivered = 0
        for round in 0..<20_000 {
            guard let link = LinkCase.all.randomElement(using: &generator) else { return }
            var packet = link.packet
            for _ in 0..<Int.random(in: 0..<5, using: &generator) {
                packet[Int.random(in: 0..<packet.count, using: &generator)] = UInt8.random(
                    in: .min ... .max,
                    using: &generator
                )
            }
            packet.removeLast(Int.random(in: 0..<min(packet.count, 40), using: &generator))
            let record = PacketRecord(
                testing: packet.count,
                nanoseconds: Int64(round) * 50_000_000,
                linkType: link.linkType
            )
            decoder.decode(record, packet.span.bytes) { segment, bytes in
                delivered += 1
                #expect(
                    segment.payload.lowerBound >= 0 && segment.payload.upperBound <= bytes.byteCount,
                    "seed \(seed)"
                )
                #expect(segment.wirePayloadLength >= segment.payload.count, "seed \(seed)")
            }
        }
        #expect(delivered > 1_000, "seed \(seed)")
    }
}
