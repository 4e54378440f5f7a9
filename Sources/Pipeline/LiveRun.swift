package import Capture
import Diagnosis
package import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Interfaces in, occurrences as they are decided, one report at the end.
///
/// One thread takes the packets from the kernel; the caller's sieves them, diagnoses and tells. The file written alongside gives the same
/// findings.
package struct LiveRun {
    /// Microseconds to sleep while nothing comes.
    private static let rest: UInt32 = 4_000
    /// A look may take a fifth of the time.
    private static let lookShare = 4.0
    private static let shortestPause = 0.02

    package var interfaces: [String]
    package var options: LiveOptions
    /// Bytes of recent packets that are kept in memory.
    package var ringBytes = 256 << 20
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
        let ring = PacketRing(bytes: ringBytes)
        let capture = try LiveCapture(interfaces: interfaces, options: options)
        let engine = LiveEngine(request, ring: ring)
        var emission = Emission()
        let thread = CaptureThread(capture, ring, limit: request.packetLimit)
        thread.start()
        let end = request.duration.map { clock() + Double($0) / 1e9 }
        var nextLook = clock()
        var lastPacket = clock()
        var isHeard = true
        while isHeard, !control.shouldStop() {
            let hasRead = engine.readStretch()
            let now = clock()
            if hasRead {
                lastPacket = now
            } else {
                if thread.current.isOver, !engine.readStretch() { break }
                if now - lastPacket > 0.2 { passTime(engine, now - lastPacket) }
                usleep(Self.rest)
            }
            tell(engine, thread)
            if let end, now >= end { break }
            guard now >= nextLook, engine.hasNews || emission.isWaiting, let last = engine.statistics.last else {
                continue
            }
            let examination = engine.look(horizon: last)
            isHeard = emission.emit(examination.findings, at: engine.isWhole ? nil : now, decided)
            let after = clock()
            nextLook = after + max(Self.shortestPause, (after - now) * Self.lookShare)
        }
        let state = thread.stop()
        while engine.readStretch() {}
        tell(engine, thread)
        let (examination, final) = engine.finish()
        var report = final
        report.sources = state.summaries
        report.quality.droppedPackets = report.sources.reduce(0) { $0 &+ ($1.dropped ?? 0) } &+ thread.overruns
        if isHeard { _ = emission.emit(examination.findings, at: nil, decided) }
        return report
    }

    /// Nothing came for some time: what waits for time to pass need not wait for a packet.
    private func passTime(_ engine: LiveEngine, _ seconds: Double) {
        guard let last = engine.statistics.last else { return }
        engine.idle(at: last + Nanoseconds(seconds * 1e9) - .milliseconds(100))
    }

    private func tell(_ engine: LiveEngine, _ thread: CaptureThread) {
        for warning in thread.takeWarnings() { control.warn(warning.message) }
        control.progress(engine.statistics)
    }
}
