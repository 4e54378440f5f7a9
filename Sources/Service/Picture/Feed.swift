package import Model
package import Pipeline
import Synchronization

/// Between who captures and who shows, writes and stops: the one place that both touch, each for a moment.
package final class Feed: Sendable {
    private struct State {
        var picture: Picture
        var changes = HistoryChanges()
        var lastBeat: Double
        /// Packets and seconds, for the rate.
        var marks: [(seconds: Double, packets: Int)] = []
        var wantsStop = false
        var recordings: [String] = []
        var wantsRotation = false
    }

    private static let rateSeconds = 5.0
    private static let largestRecordingCount = 8

    private let state: Mutex<State>
    /// Seconds of a clock that only goes forward.
    private let clock: @Sendable () -> Double
    private let keepsHistory: Bool

    package init(
        startedAt: Timestamp,
        configuration: ServiceConfiguration,
        clock: @escaping @Sendable () -> Double
    ) {
        self.clock = clock
        keepsHistory = configuration.history.path != nil
        state = Mutex(
            State(picture: Picture(startedAt: startedAt, metrics: configuration.metrics), lastBeat: clock())
        )
    }

    // MARK: For who captures

    /// An occurrence that nothing changes any more, and its finding as far as it is known just now: how many it counts, reports say.
    package func decided(_ occurrence: Occurrence, _ finding: Finding) {
        state.withLock { state in
            state.picture.take(occurrence, of: finding)
            guard keepsHistory, finding.severity > .note else { return }
            let identity = FindingIdentity(finding)
            // Always with its finding: the history may have let go of that meanwhile.
            if state.changes.findings[identity] == nil {
                state.changes.add(state.picture.findings[identity] ?? finding, as: identity)
            }
            state.changes.add(occurrence, of: identity)
        }
    }

    package func progress(_ statistics: RunStatistics) {
        let now = clock()
        state.withLock { state in
            state.lastBeat = now
            if state.picture.state == .starting { state.picture.state = .capturing }
            let figures = state.picture.take(statistics)
            if keepsHistory { state.changes.add(figures, at: Minutes.minute(of: state.picture.now)) }
            state.marks.append((now, statistics.packets))
            state.marks.removeAll { now - $0.seconds > Self.rateSeconds }
            if let first = state.marks.first, now - first.seconds > 0.5 {
                state.picture.packetRate = Double(statistics.packets - first.packets) / (now - first.seconds)
            }
        }
    }

    /// Everything that the run has to say so far.
    package func report(_ report: Report) { take(report, isFinal: false) }

    /// Everything that a run that is over has to say.
    package func finalReport(_ report: Report) { take(report, isFinal: true) }

    private func take(_ report: Report, isFinal: Bool) {
        state.withLock { state in
            let minute = Minutes.minute(of: report.lastPacket ?? state.picture.now)
            let (figures, upstreams) = state.picture.take(report, isFinal: isFinal)
            if keepsHistory {
                state.changes.add(figures, at: minute)
                for (upstream, figures) in upstreams { state.changes.add(figures, of: upstream, at: minute) }
            }
            for finding in report.findings {
                guard let new = state.picture.take(finding, isFinal: isFinal), keepsHistory, finding.severity > .note
                else { continue }
                let identity = FindingIdentity(finding)
                guard state.changes.add(finding, as: identity) else { continue }
                state.changes.add(new, of: identity, at: Minutes.minute(of: finding.last))
            }
            state.picture.note(report)
        }
    }

    package func warn(_ text: String, at time: Timestamp) {
        state.withLock { $0.picture.warn(text, at: time) }
    }

    package func ended(_ failure: String?) {
        state.withLock { $0.picture.state = .ended(failure) }
    }

    package var wantsStop: Bool { state.withLock { $0.wantsStop } }

    package func takesRecording() -> String? {
        state.withLock { $0.recordings.isEmpty ? nil : $0.recordings.removeFirst() }
    }

    /// True once after `rotate`.
    package func takesRotation() -> Bool {
        state.withLock { state in
            defer { state.wantsRotation = false }
            return state.wantsRotation
        }
    }

    // MARK: For who shows, writes and stops

    package var picture: Picture { state.withLock { $0.picture } }

    /// Seconds since the capture last gave a sign of life.
    package var silence: Double {
        let now = clock()
        return state.withLock { now - $0.lastBeat }
    }

    package func takeChanges() -> HistoryChanges {
        state.withLock { state in
            defer { state.changes = HistoryChanges() }
            return state.changes
        }
    }

    package func stop() {
        state.withLock { $0.wantsStop = true }
    }

    /// Asks for the next file of the savefile.
    package func rotate() { state.withLock { $0.wantsRotation = true } }

    /// Asks for what the ring has; false where so many wait already.
    package func record(_ reason: String) -> Bool {
        state.withLock { state in
            guard state.recordings.count < Self.largestRecordingCount else { return false }
            state.recordings.append(reason)
            return true
        }
    }
}
