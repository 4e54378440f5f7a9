import Pipeline
import Testing

/// When a live run looks, and reports.
@Suite struct PaceTests {
    /// Begins of looks within `seconds`, and why each.
    private static func looks(
        within seconds: Double,
        taking duration: Double,
        _ state: Pace.State
    ) -> [(time: Double, reason: Pace.Reason)] {
        var pace = Pace()
        var result: [(time: Double, reason: Pace.Reason)] = []
        var state = state
        state.now = 0
        while state.now < seconds {
            if let reason = pace.due(state) {
                result.append((state.now, reason))
                pace.began(reason, at: state.now)
                state.now += duration
                pace.ended(at: state.now)
            }
            state.now += 0.001
        }
        return result
    }

    private static func state(
        hasNews: Bool = false,
        needsRoom: Bool = false,
        reports: Bool = false,
        backlog: Double = 0
    ) -> Pace.State {
        Pace.State(now: 0, hasNews: hasNews, needsRoom: needsRoom, reports: reports, backlog: backlog)
    }

    private static func share(_ looks: [(time: Double, reason: Pace.Reason)], _ duration: Double) -> Double {
        Double(looks.count) * duration / ((looks.last?.time ?? 0) + duration)
    }

    @Test("what is new is looked at within 100 ms, three times, while a look takes 5 ms")
    func prompt() {
        let looks = Self.looks(within: 1, taking: 0.005, Self.state(hasNews: true))
        #expect(looks.prefix { $0.time < 0.1 }.count >= 3)
    }

    @Test("looks take a fifth of the time, and half of it where room is short")
    func share() {
        let usual = Self.looks(within: 60, taking: 0.3, Self.state(hasNews: true))
        #expect((0.15...0.21).contains(Self.share(usual, 0.3)))
        let pressed = Self.looks(within: 60, taking: 0.3, Self.state(needsRoom: true))
        #expect((0.4...0.51).contains(Self.share(pressed, 0.3)))
    }

    @Test("with much of the ring unread, looks wait for reading, but not for ever")
    func backlog() {
        let looks = Self.looks(within: 60, taking: 0.1, Self.state(hasNews: true, needsRoom: true, backlog: 0.2))
        for (before, next) in zip(looks, looks.dropFirst()) {
            #expect((2.0...2.2).contains(next.time - before.time))
        }
        #expect(looks.count > 20)
        let slow = Self.looks(within: 60, taking: 1, Self.state(hasNews: true, needsRoom: true, backlog: 0.2))
        #expect(Self.share(slow, 1) < 0.19)
    }

    @Test(
        "no pause between two reports is longer than five seconds, however long one takes and however much is unread",
        arguments: [0.001, 0.5, 4.0],
        [0.0, 0.9]
    )
    func reports(duration: Double, backlog: Double) {
        let all = Self.looks(
            within: 120,
            taking: duration,
            Self.state(hasNews: true, reports: true, backlog: backlog)
        )
        let reports = all.filter { $0.reason == .report }
        #expect(Double(reports.count) > 120 / (Pace.longestReportPause + 2 * duration) - 1)
        for (before, next) in zip(reports, reports.dropFirst()) {
            #expect(next.time - before.time >= 2)
            // A look that had just begun ends first.
            #expect(next.time - before.time - 2 * duration <= Pace.longestReportPause + 0.01)
        }
    }
}
