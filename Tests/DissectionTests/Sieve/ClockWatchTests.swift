import Model
import Testing

@testable import Dissection

/// Whether a gap of the capture was one of time, by the clocks of those who sent before and behind it.
@Suite struct ClockWatchTests {
    private static let second: Int64 = 1_000_000_000
    private static let start = 100 * second

    /// A capture with a gap of ten seconds, and what is said of it by senders who are heard a while before and behind it.
    private func advances(_ senders: [(before: Int64, behind: Int64, ticks: UInt32)]) -> [ClockAdvance] {
        var watch = ClockWatch()
        let end = Self.start + 10 * Self.second
        let passed = [Self.start - 5, Self.start, Self.start - 1, end].enumerated().map { number, time in
            watch.pass(time, frame: number + 1)
        }
        #expect(passed == [false, false, false, true])
        var voices = ClockVoices(start: Self.start, end: end)
        for (flow, sender) in senders.enumerated() {
            voices.hear(
                (Self.start - sender.before, .max),
                (end + sender.behind, UInt32.max &+ sender.ticks),
                flow: flow
            )
        }
        return ClockWatch.advances([watch.gaps(with: [voices, ClockVoices()])])
    }

    @Test("Two senders whose clocks stood still show it, with the gap as its size")
    func setForward() {
        let found = advances([(0, 0, 20), (1_000_000, 2_000_000, 3)])
        #expect(found.map(\.amount) == [10 * Self.second])
        #expect(found.map(\.frame.number) == [4])
    }

    @Test("Silence is not it: the senders' clocks ran on, at any rate that is in use")
    func silence() {
        #expect(advances([(0, 0, 10_000), (0, 0, 10_001)]).isEmpty)
        #expect(advances([(0, 0, 1_000), (0, 0, 1_000)]).isEmpty)
    }

    @Test("One sender alone is not enough, nor are some against others")
    func disagreement() {
        #expect(advances([(0, 0, 20)]).isEmpty)
        #expect(advances([(0, 0, 20), (0, 0, 20), (0, 0, 10_000)]).isEmpty)
        #expect(advances([(0, 0, 20), (0, 0, 20)] + [(0, 0, 20)]).count == 1)
    }

    @Test("Who was silent long before, or whose packets come out of order, says nothing")
    func mute() {
        #expect(advances([(60 * Self.second, 0, 60_020), (0, 0, 20), (0, 0, 20)]).count == 1)
        #expect(advances([(0, 0, .max), (0, 0, .max - 1), (0, 0, 20)]).isEmpty)
    }

    @Test("The parts of a sieve add up, and the same connection counts once")
    func parts() {
        var watch = ClockWatch()
        _ = watch.pass(0, frame: 1)
        _ = watch.pass(2 * Self.second, frame: 2)
        func voice(_ flows: [Int]) -> ClockVoices {
            var voices = ClockVoices(start: 0, end: 2 * Self.second)
            for flow in flows { voices.hear((0, 7), (2 * Self.second, 9), flow: flow) }
            return voices
        }
        let twice = watch.gaps(with: [voice([1, 1])])
        #expect(ClockWatch.advances([twice]).isEmpty)
        #expect(ClockWatch.advances([watch.gaps(with: [voice([1])]), watch.gaps(with: [voice([2])])]).count == 1)
    }
}
