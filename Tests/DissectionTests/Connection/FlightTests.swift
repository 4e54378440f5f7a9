import Model
import TestSupport
import Testing

@testable import Dissection

/// The bounds of what is kept of a direction, and that nothing a packet says can break it.
struct FlightTests {
    private func segment(_ length: Int = 10, flags: TCPFlags = .ack) -> Segment {
        Segment(
            source: Endpoint(address: IPAddress(v4: 10, 0, 0, 1), port: 1),
            destination: Endpoint(address: IPAddress(v4: 10, 0, 0, 2), port: 2),
            sequence: 0,
            acknowledgment: 0,
            flags: flags,
            window: 10,
            hopLimit: 64,
            identification: 0,
            payload: 0..<0,
            wirePayloadLength: length
        )
    }

    @Test func `a direction whose acknowledgments are not captured stays small, and its edges known`() {
        var flight = Flight()
        for index in 0..<100_000 {
            let start = Int64(index) * 10
            flight.record(start..<start + 10, segment(), at: Timestamp(nanoseconds: start), nil)
            #expect(flight.count <= Flight.capacity)
        }
        #expect(flight.highest == 1_000_000)
        #expect(flight.transmission(in: 0..<1)?.first == Timestamp(nanoseconds: 0))
        #expect(flight.transmission(in: 999_999..<1_000_000) != nil)
        flight.acknowledge(1_000_000, segment(0), at: Timestamp(seconds: 1), blocks: [])
        #expect(flight.isEmpty)
    }

    @Test func `holes all over stay as few`() {
        var flight = Flight()
        for index in 0..<10_000 {
            let start = Int64(index) * 20
            flight.record(start..<start + 10, segment(), at: Timestamp(nanoseconds: start), nil)
            flight.acknowledge(0, segment(0), at: Timestamp(nanoseconds: start), blocks: [start..<start + 10])
            #expect(flight.count <= Flight.capacity)
            #expect(flight.selective.ranges.count <= OffsetRanges.capacity)
        }
    }

    @Test func `ranges join where they touch and end where an acknowledgment comes`() {
        var ranges = OffsetRanges()
        for range in [10..<20, 30..<40, 20..<30, 12..<15] as [Range<Int64>] { _ = ranges.insert(range) }
        #expect(ranges.ranges == [10..<40])
        ranges.drop(before: 25)
        #expect(ranges.ranges == [25..<40])
        #expect(ranges.contains(30..<40))
        #expect(!ranges.contains(20..<30))
    }

    @Test(arguments: 0..<8)
    func `whatever the packets say, every count is of something that was there`(seed: Int) {
        var random = Seeded(steps: Lcg(state: UInt64(seed) &+ 4_711))
        for _ in 0..<25 {
            var talk = Conversation()
            talk.handshake()
            for index in talk.packets.indices { talk.packets[index].allowsSelectiveAcknowledgment = true }
            for _ in 0..<60 {
                let direction: Direction = Bool.random(using: &random) ? .fromClient : .fromServer
                talk.segment(
                    direction,
                    at: Int64.random(in: -5...40, using: &random),
                    [UInt8](repeating: 1, count: Int.random(in: 0...9, using: &random)),
                    flags: TCPFlags(rawValue: [0x10, 0x18, 0x11].randomElement(using: &random) ?? 0x10)
                )
                talk.wait(Int64.random(in: -1_000_000...300_000_000, using: &random))
                let last = talk.packets.count - 1
                talk.packets[last].acknowledgment &+= UInt32.random(in: 0...40, using: &random)
                talk.packets[last].timestampValue =
                    Bool.random(using: &random) ? UInt32.random(in: 0...9, using: &random) : nil
                talk.packets[last].timestampEcho = talk.packets[last].timestampValue
                let base = talk.packets[last].acknowledgment
                talk.packets[last].selectiveAcknowledgments = (0..<Int.random(in: 0...4, using: &random)).map { _ in
                    (
                        base &+ UInt32.random(in: 0...50, using: &random) &- 20,
                        base &+ UInt32.random(in: 0...50, using: &random) &- 20
                    )
                }
            }
            for facts in connections(talk.packets) {
                for half in [facts.fromClient, facts.fromServer] {
                    let all = Repetition.allCases.reduce(0) { $0 + half.repetitions[$1] }
                    #expect(all <= half.packets)
                    #expect(half.repetitions[.afterCapture] <= half.packets)
                }
                for event in facts.events where event.lossPlace != nil && event.kind != .ackLostSegment {
                    #expect(event.repetition != nil)
                }
            }
        }
    }
}

private struct Seeded: RandomNumberGenerator {
    var steps: Lcg
    mutating func next() -> UInt64 { steps.next() << 33 ^ steps.next() }
}
