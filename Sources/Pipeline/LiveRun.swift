package import Capture
package import Model

/// Interfaces in, occurrences as they are decided, one report at the end.
///
/// Every packet takes the way that `OfflineRun` gives it, so that the file written alongside gives the same report.
package struct LiveRun {
    /// How long a call for the next packet waits before the control is asked again.
    private static let patienceMilliseconds: Int32 = 100
    /// Packets between two looks at the control while they come faster than one can wait for.
    private static let lookInterval = 1_024

    package var interfaces: [String]
    package var options: LiveOptions
    /// Where every captured packet is kept; nil for nowhere.
    package var savefile: String?
    package var request: AnalysisRequest
    package var control: RunControl
    /// Seconds of a clock that only goes forward: `duration`, and how often to diagnose. Never part of a verdict.
    package var clock: () -> Double
    /// An occurrence that nothing can change any more, once each; of a finding with more than 21, the newest a second.
    /// False where nobody listens any more: the run ends.
    package var decided: (Occurrence, Finding) -> Bool

    package init(
        interfaces: [String],
        options: LiveOptions,
        savefile: String?,
        request: AnalysisRequest,
        control: RunControl,
        clock: @escaping () -> Double,
        decided: @escaping (Occurrence, Finding) -> Bool
    ) {
        self.interfaces = interfaces
        self.options = options
        self.savefile = savefile
        self.request = request
        self.control = control
        self.clock = clock
        self.decided = decided
    }

    package func report() throws(CaptureError) -> Report {
        let capture = try LiveCapture(interfaces: interfaces, options: options)
        var writer: PcapngWriter?
        if let savefile {
            let opened = try PcapngWriter(path: savefile, application: "gwsniff \(gwsniffVersion)")
            capture.describe(to: opened)
            writer = opened
        }
        var analysis = Analysis(request)
        var emission = Emission(now: clock())
        let end = request.duration.map { clock() + Double($0) / 1e9 }
        var untilNextLook = LiveRun.lookInterval
        var nextQuestion = clock()
        loop: while true {
            switch capture.advance(timeoutMilliseconds: LiveRun.patienceMilliseconds) {
            case .ended:
                break loop
            case .packet(let record):
                try capture.withPacket { bytes throws(CaptureError) in
                    try writer?.write(record, bytes)
                    analysis.process(record, bytes)
                }
                if analysis.reachedPacketLimit { break loop }
                untilNextLook &-= 1
                if untilNextLook > 0, !control.needsAttention(), !emission.isDue(clock()) { continue loop }
            case .idle:
                // Who reads the file while it grows finds whole packets in it.
                try writer?.flush()
            }
            untilNextLook = LiveRun.lookInterval
            let now = clock()
            if now >= nextQuestion {
                try noteDropped(capture, &analysis, writer)
                nextQuestion = now + 1
            }
            control.progress(analysis.statistics)
            if control.shouldStop() { break }
            if let end, now >= end { break }
            guard emission.emit(analysis, clock: clock, decided) else { break }
        }
        try noteDropped(capture, &analysis, writer)
        try writer?.finish()
        for warning in capture.warnings { control.warn(warning.message) }
        let report = analysis.finalReport(sources: capture.summaries)
        _ = emission.emit(report, decided)
        return report
    }

    /// Asks what was dropped, and writes it where the packets are written.
    private func noteDropped(
        _ capture: LiveCapture,
        _ analysis: inout Analysis,
        _ writer: PcapngWriter?
    ) throws(CaptureError) {
        let sources = capture.summaries
        analysis.noteDropped(sources)
        guard let writer, let last = analysis.statistics.last else { return }
        for (index, source) in sources.enumerated() {
            guard let dropped = source.dropped, let linkType = source.linkTypes.first else { continue }
            try writer.writeDropped(dropped, interface: index, linkType: linkType, at: last)
        }
    }
}

/// Which occurrences were already told, and when to look for new ones.
private struct Emission {
    private struct FindingKey: Hashable {
        var cause: Cause
        var upstream: String?
        var severity: Severity
    }

    private struct OccurrenceKey: Hashable {
        var time: Timestamp
        var stream: Int?
        var attempt: Int
    }

    /// Told of each finding, as far as its last report still listed it: bounded by what a report lists.
    private var told: [FindingKey: Set<OccurrenceKey>] = [:]
    private var diagnosedPackets = 0
    private var nextLook: Double

    init(now: Double) {
        nextLook = now + 1
    }

    func isDue(_ now: Double) -> Bool { now >= nextLook }

    /// Diagnoses what was captured so far if a second has passed and something came.
    /// False where nobody listens.
    mutating func emit(
        _ analysis: borrowing Analysis,
        clock: () -> Double,
        _ decided: (Occurrence, Finding) -> Bool
    ) -> Bool {
        let start = clock()
        guard isDue(start), analysis.statistics.packets > diagnosedPackets, let last = analysis.statistics.last else {
            return true
        }
        diagnosedPackets = analysis.statistics.packets
        let isHeard = emit(analysis.interimReport(horizon: last), decided)
        let end = clock()
        // A long capture has many facts: looking at them may cost a twentieth of the time, never all of it.
        nextLook = end + max(1, (end - start) * 20)
        return isHeard
    }

    mutating func emit(_ report: Report, _ decided: (Occurrence, Finding) -> Bool) -> Bool {
        for finding in report.findings where finding.severity > .note {
            let key = FindingKey(cause: finding.cause, upstream: finding.upstream, severity: finding.severity)
            let before = told[key] ?? []
            var now: Set<OccurrenceKey> = []
            for occurrence in finding.occurrences {
                let name = OccurrenceKey(
                    time: occurrence.time,
                    stream: occurrence.stream,
                    attempt: occurrence.attempt
                )
                now.insert(name)
                if !before.contains(name), !decided(occurrence, finding) { return false }
            }
            told[key] = now
        }
        return true
    }
}
