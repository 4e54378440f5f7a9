/// When a live run looks. Times in seconds of a clock that only goes forward.
package struct Pace {
    package enum Reason: Equatable {
        /// There is something new.
        case news
        /// What is settled has to be counted to make room.
        case room
        /// Somebody wants the report on all so far.
        case report
    }

    package struct State {
        package var now: Double
        /// Something came since the last look, or was found that has not stood for long enough.
        package var hasNews: Bool
        package var needsRoom: Bool
        /// Somebody wants reports.
        package var reports: Bool
        /// The share of the ring that was not read yet.
        package var backlog: Double

        package init(now: Double, hasNews: Bool, needsRoom: Bool, reports: Bool, backlog: Double) {
            self.now = now
            self.hasNews = hasNews
            self.needsRoom = needsRoom
            self.reports = reports
            self.backlog = backlog
        }
    }

    /// Looks may take a fifth of one processor's time; half of it, where there is a flood of failures that has to be counted to make room.
    private static let share = 4.0
    /// The second look tells what the first one found.
    private static let shortestPause = Emission.standing
    /// With more of the ring unread than this, looks wait: reading needs what they would take.
    private static let largestBacklog = 0.125
    /// But not for longer than this, or ten times what the last one took, nor past the next report.
    private static let usualWait = 2.0
    private static let lateShare = 10.0
    /// Between two reports on all so far, which may take a twentieth of the time. A run that is killed loses what came since the last began: no
    /// pause is longer than this, whatever a report takes.
    private static let reportPause = 2.0
    private static let reportShare = 20.0
    package static let longestReportPause = 5.0

    private var next = 0.0
    private var nextPressed = 0.0
    private var nextLate = 0.0
    private var nextReport = 0.0
    private var begun: (reason: Reason, time: Double) = (.news, 0)

    package init() {}

    /// Why there should be a look now; nil where there should be none.
    package func due(_ state: State) -> Reason? {
        if state.backlog > Self.largestBacklog, state.now < nextLate { return nil }
        if state.reports, state.now >= nextReport { return .report }
        if state.now >= next, state.hasNews { return .news }
        if state.now >= nextPressed, state.needsRoom { return .room }
        return nil
    }

    package mutating func began(_ reason: Reason, at time: Double) { begun = (reason, time) }

    package mutating func ended(at time: Double) {
        let taken = time - begun.time
        next = time + max(Self.shortestPause, taken * Self.share)
        nextPressed = time + max(Self.shortestPause, taken)
        nextLate = time + min(Self.longestReportPause, max(Self.usualWait, taken * Self.lateShare))
        if begun.reason == .report {
            nextReport = time + min(Self.longestReportPause, max(Self.reportPause, taken * Self.reportShare))
        }
    }
}
