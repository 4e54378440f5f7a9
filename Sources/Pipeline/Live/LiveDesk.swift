import Capture
import Diagnosis
import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The thread of a live run that does everything but take packets: reads, writes, looks, tells.
struct LiveDesk {
    let engine: LiveEngine
    let writer: SavefileWriter?
    let recorder: Recorder?
    let logs: LogWatch?
    let thread: CaptureThread
    let run: LiveRun

    /// Microseconds to sleep while nothing comes.
    private static let rest: UInt32 = 4_000
    /// Seconds without a packet after which time goes on all the same.
    private static let silence = 0.2

    private let looks = LookThread()
    private var pace = Pace()
    private var emission = Emission()
    private var lastPacket = 0.0
    private var isHeard = true
    private var nextCount = 0.0
    private var nextQuestion = 0.0

    init(
        engine: LiveEngine,
        writer: SavefileWriter?,
        recorder: Recorder?,
        logs: LogWatch?,
        thread: CaptureThread,
        run: LiveRun
    ) {
        self.engine = engine
        self.writer = writer
        self.recorder = recorder
        self.logs = logs
        self.thread = thread
        self.run = run
    }

    mutating func work() throws(CaptureError) {
        let start = run.clock()
        lastPacket = start
        let end = run.request.duration.map { start + Double($0) / 1e9 }
        thread.start()
        while isHeard, !run.control.shouldStop(), !(writer?.isOver ?? false) {
            let now = run.clock()
            if read() {
                lastPacket = now
            } else {
                if thread.current.isOver, !read() { break }
                rest(now)
            }
            obey(now)
            if let end, now >= end { break }
            if let broken = writer?.broken { throw broken }
            look(now)
        }
    }

    private func read() -> Bool {
        let hasRead = engine.readStretch(writer.map { writer in { record, bytes in writer.append(record, bytes) } })
        recorder?.step(through: engine.position)
        engine.pinned = recorder?.pinned ?? .max
        return hasRead
    }

    /// Nothing came: what waits for time to pass need not wait for a packet.
    private func rest(_ now: Double) {
        let seconds = now - lastPacket
        if seconds > Self.silence, let last = engine.statistics.last {
            engine.idle(at: last + Nanoseconds(seconds * 1e9) - .milliseconds(100))
            writer?.flush()
        }
        // Nobody waits for a packet to see the next file; what the kernel still has of the time before is there by then.
        if seconds > Self.silence { writer?.rotateIfDue(LiveRun.wallClock() - .seconds(1)) }
        usleep(Self.rest)
    }

    private mutating func obey(_ now: Double) {
        if let last = engine.statistics.last { writer?.flushIfDue(at: last) }
        if run.control.takesRotation() { writer?.rotate(at: engine.statistics.last ?? LiveRun.wallClock()) }
        if let reason = run.control.takesRecording() {
            recorder?.trigger(reason, at: engine.statistics.last ?? LiveRun.wallClock())
        }
        warn()
        guard now >= nextCount || run.control.needsAttention() else { return }
        nextCount = now + 0.1
        for match in logs?.matches() ?? [] {
            recorder?.trigger(match.line, of: match.path, at: engine.statistics.last ?? LiveRun.wallClock())
        }
        if now >= nextQuestion {
            nextQuestion = now + 1
            noteDropped(thread.current)
        }
        run.control.progress(statistics)
    }

    /// What was dropped is told the verdicts, and written where the packets are.
    private func noteDropped(_ state: CaptureThread.State) {
        engine.noteDropped([thread.overruns] + state.summaries.map(\.dropped))
        guard let writer, let last = engine.statistics.last else { return }
        for (index, source) in state.summaries.enumerated() {
            if let dropped = source.dropped { writer.noteDropped(dropped, interface: index, at: last) }
        }
    }

    private func warn() {
        let warnings =
            thread.takeWarnings() + (writer?.takeWarnings() ?? []) + (recorder?.takeWarnings() ?? [])
            + (logs?.takeWarnings() ?? [])
        for warning in warnings { run.control.warn(warning.message) }
    }

    private mutating func look(_ now: Double) {
        if let result = looks.takeResult() { conclude(result, now) }
        guard looks.isIdle, let last = engine.statistics.last else { return }
        let state = Pace.State(
            now: now,
            hasNews: engine.hasNews || emission.isWaiting,
            needsRoom: engine.needsLook,
            reports: run.control.reported != nil,
            backlog: Double(engine.ring.end &- engine.position) / Double(engine.ring.capacity)
        )
        guard let reason = pace.due(state) else { return }
        looks.start(engine.snapshot(horizon: last, reports: reason == .report))
        pace.began(reason, at: now)
    }

    private mutating func conclude(_ result: LookThread.Result, _ now: Double) {
        let examination = engine.conclude(result.snapshot, result.examination)
        isHeard = emission.emit(examination.findings, at: now, told)
        if let report = result.report { run.control.reported?(report) }
        pace.ended(at: run.clock())
    }

    private var told: (Occurrence, Finding) -> Bool {
        { occurrence, finding in
            recorder?.trigger(occurrence, finding, at: engine.statistics.last ?? occurrence.time)
            return run.decided(occurrence, finding)
        }
    }

    /// What was counted so far.
    private var statistics: RunStatistics {
        var statistics = engine.statistics
        var live = LiveCounters()
        let interfaces = thread.current.statistics
        live.receivedByFilter = Self.sum(interfaces.map(\.receivedByFilter))
        live.droppedByKernel = Self.sum(interfaces.map(\.droppedByKernel))
        live.droppedByInterface = Self.sum(interfaces.map(\.droppedByInterface))
        live.droppedByUs = thread.overruns
        live.notWritten = writer?.leftOut ?? 0
        live.connections = engine.connectionCount
        live.openConnections = engine.openCount
        live.clientErrors = engine.clientErrorCount
        live.recordings = recorder?.count ?? 0
        live.recorderRestsUntil = statistics.last.flatMap { recorder?.restsUntil(at: $0) }
        statistics.live = live
        return statistics
    }

    private static func sum(_ counts: [Int?]) -> Int? {
        let known = counts.compactMap { $0 }
        return known.isEmpty ? nil : known.reduce(0, &+)
    }

    /// The capture is over; the report on all of it.
    mutating func finish() throws(CaptureError) -> Report {
        thread.requestStop()
        var isOver = false
        while !isOver {
            isOver = thread.current.isOver
            while read() {}
            if !isOver { usleep(Self.rest) }
        }
        looks.finish()
        let state = thread.current
        noteDropped(state)
        writer?.finish()
        let (examination, final) = engine.finish()
        var report = final
        report.sources = state.summaries
        if isHeard { _ = emission.emit(examination.findings, at: nil, told) }
        recorder?.finish(through: engine.position)
        warn()
        run.control.progress(statistics)
        run.control.ended(statistics)
        return report
    }
}
