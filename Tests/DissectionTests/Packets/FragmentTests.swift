import Dissection
import Model
import TestSupport
import Testing

@Suite struct FragmentTests {
    private let payload = (0..<100).map { UInt8($0) }
    private var datagram: [UInt8] { PacketBuilder.tcp(payload, sequence: 5) }

    private func fragment(_ range: Range<Int>, last: Int = 120, id: UInt16 = 9, fill: UInt8? = nil) -> [UInt8] {
        let part = fill.map { [UInt8](repeating: $0, count: range.count) } ?? Array(datagram[range])
        return PacketBuilder.ipv4(
            part,
            identification: id,
            dontFragment: false,
            moreFragments: range.upperBound < last,
            fragmentOffset: range.lowerBound
        )
    }

    /// Fragments as ranges of the 120-byte datagram, in order of arrival.
    @Test(arguments: [
        [0..<40, 40..<80, 80..<120],
        [80..<120, 40..<80, 0..<40],
        [40..<80, 0..<40, 80..<120],
        [0..<80, 40..<120],
        [40..<120, 0..<80],
        [16..<24, 80..<120, 8..<88, 0..<16],
        [0..<8, 16..<24, 32..<40, 48..<120, 0..<56],
    ])
    func aDatagramIsCompleteWhateverTheOrder(_ ranges: [Range<Int>]) {
        var harness = Harness()
        for (index, range) in ranges.enumerated() {
            #expect(harness.segments.isEmpty)
            harness.feed(fragment(range), at: Int64(index), linkType: .raw)
        }
        #expect(harness.payloads == [payload])
        #expect(harness.segments.first?.sequence == 5)
        #expect(harness.segments.first?.identification == 9)
        #expect(harness.decoder.counters.ipFragments == ranges.count)
        harness.decoder.finish()
        #expect(harness.decoder.counters.incompleteFragments == 0)
    }

    @Test func ofOverlappingBytesTheFirstStay() {
        var harness = Harness()
        harness.feed(fragment(0..<80), linkType: .raw)
        harness.feed(fragment(40..<120, fill: 0xee), linkType: .raw)
        #expect(harness.payloads == [Array(payload[..<60]) + [UInt8](repeating: 0xee, count: 40)])
    }

    @Test func anIPv6DatagramIsPutTogetherBehindItsExtensions() {
        let upper = [6, 0, 1, 4, 0, 0, 0, 0] + datagram
        var harness = Harness()
        for range in [64..<128, 0..<64] {
            let part = PacketBuilder.ipv6Fragment(
                Array(upper[range]),
                nextHeader: 60,
                offset: range.lowerBound,
                moreFragments: range.upperBound < 128,
                identification: 1
            )
            harness.feed(PacketBuilder.ipv6(part, nextHeader: 44), linkType: .raw)
        }
        #expect(harness.payloads == [payload])
        #expect(harness.segments.first?.source.address == PacketBuilder.client6)
    }

    @Test func fragmentsOfDifferentDatagramsAreKeptApart() {
        var harness = Harness()
        harness.feed(fragment(0..<80, id: 1), linkType: .raw)
        harness.feed(fragment(80..<120, id: 2), linkType: .raw)
        #expect(harness.segments.isEmpty)
        harness.decoder.finish()
        #expect(harness.decoder.counters.incompleteFragments == 2)
    }

    @Test func aDatagramIsGivenUpAfterThirtySecondsOfPacketTime() {
        for (delay, delivered) in [(30, 1), (31, 0)] as [(Int64, Int)] {
            var harness = Harness()
            harness.feed(fragment(0..<80), at: 0, linkType: .raw)
            harness.feed(fragment(80..<120), at: .seconds(delay), linkType: .raw)
            #expect(harness.segments.count == delivered)
            #expect(harness.decoder.counters.incompleteFragments == 1 - delivered)
        }
    }

    @Test func waitingDatagramsAreBounded() {
        var harness = Harness()
        for id in 1...1_000 { harness.feed(fragment(0..<80, id: UInt16(id)), linkType: .raw) }
        #expect(harness.decoder.counters.incompleteFragments == 744)
        harness.decoder.finish()
        #expect(harness.decoder.counters.incompleteFragments == 1_000)
    }

    /// Completed ones lie between those that wait: the oldest of the rest must still be found, and be the one to go.
    @Test func theOldestWaitingDatagramMakesRoom() {
        var harness = Harness()
        harness.feed(fragment(0..<80, id: 1), linkType: .raw)
        for id in 2...2_000 {
            harness.feed(fragment(0..<80, id: UInt16(id)), linkType: .raw)
            if id % 10 != 0 { harness.feed(fragment(80..<120, id: UInt16(id)), linkType: .raw) }
        }
        #expect(harness.segments.count == 1_799)
        for id in 3_000..<3_055 { harness.feed(fragment(0..<80, id: UInt16(id)), linkType: .raw) }
        #expect(harness.decoder.counters.incompleteFragments == 0)
        harness.feed(fragment(0..<80, id: 3_055), linkType: .raw)
        #expect(harness.decoder.counters.incompleteFragments == 1)
        harness.feed(fragment(80..<120, id: 1), linkType: .raw)
        #expect(harness.segments.count == 1_799)
        harness.feed(fragment(80..<120, id: 20), linkType: .raw)
        #expect(harness.segments.count == 1_800)
    }

    @Test func aFragmentCutBySnapLengthLeavesAHole() {
        var harness = Harness()
        let cut = fragment(0..<80)
        harness.feed(Array(cut[..<60]), linkType: .raw, wireLength: cut.count)
        harness.feed(fragment(80..<120), linkType: .raw)
        #expect(harness.segments.isEmpty)
        #expect(harness.decoder.counters.observations.map(\.layer) == [.fragment])
    }

    @Test func aFragmentThatEndsBeyondTheLargestDatagramIsDropped() {
        var harness = Harness()
        let packet = PacketBuilder.ipv4(
            [UInt8](repeating: 0, count: 16),
            dontFragment: false,
            fragmentOffset: 65_528
        )
        harness.feed(packet, linkType: .raw)
        #expect(harness.decoder.counters.observations.map(\.layer) == [.fragment])
        harness.decoder.finish()
        #expect(harness.decoder.counters.incompleteFragments == 0)
    }

    @Test func manyTinyRunsAreGivenUp() {
        var harness = Harness()
        for index in 0..<300 {
            let packet = PacketBuilder.ipv4(
                [UInt8](repeating: 0, count: 8),
                identification: 3,
                dontFragment: false,
                moreFragments: true,
                fragmentOffset: index * 16
            )
            harness.feed(packet, linkType: .raw)
        }
        #expect(harness.decoder.counters.incompleteFragments == 1)
    }
}
