import Capture
import Diagnosis
import Dispatch
import Dissection
import Model

/// The first reading of the input: what is to be dissected, and the figures of the rest.
final class FirstPass {
    struct Choice {
        /// Nil where everything is dissected.
        var flows: KeptFlows?
        var background: BackgroundFacts?
        var counters = CaptureCounters()
        var spans: [FlowSpan] = []
        var firstPacket: Timestamp?
        var summaries: [SourceSummary] = []
        /// Where the clock was set forward.
        var clockAdvances: [ClockAdvance] = []
    }

    private let workers: [Worker]
    private let control: RunControl
    private let request: AnalysisRequest

    /// One thread's reader and sieve. Only ever used by one thread at a time.
    private final class Worker: @unchecked Sendable {
        var reading: Reading
        let sieve: Sieve
        var pause = Reading.Pause.reached
        var failure: CaptureError?

        init(_ reading: Reading, _ sieve: Sieve) {
            self.reading = reading
            self.sieve = sieve
        }

        func run(through last: Int, _ needsAttention: () -> Bool) {
            do throws(CaptureError) {
                pause = try reading.run(
                    through: last,
                    needsAttention: needsAttention,
                    one: { [sieve] in sieve.process($0, $1) },
                    many: { [sieve] in sieve.process($0, $1) }
                )
            } catch {
                failure = error
                pause = .over
            }
        }
    }

    init(
        _ paths: [String],
        _ request: AnalysisRequest,
        _ control: RunControl,
        _ spools: Spools
    ) throws(CaptureError) {
        self.control = control
        self.request = request
        // A pipe is read once, by one.
        var count = max(1, min(request.threads, Sieve.laneCount))
        let first = try CaptureInput(
            paths: paths,
            filter: request.filter,
            spools: spools,
            isStopped: control.shouldStop
        )
        if first.totalBytes == nil { count = 1 }
        var workers: [Worker] = []
        for part in 0..<count {
            let input =
                part == 0
                ? first : try CaptureInput(paths: paths, filter: request.filter, isStopped: control.shouldStop)
            workers.append(
                Worker(Reading(input, request), Sieve(part: part, of: count, memory: request.maximumMemory / 2))
            )
        }
        self.workers = workers
    }

    var statistics: RunStatistics { workers[0].reading.progress }
    var summaries: [SourceSummary] { workers[0].reading.summaries }
    var warnings: [CaptureError] { workers[0].reading.warnings }

    /// The reducer and what it is to take next. Only ever used by one thread at a time.
    private final class Harvester: @unchecked Sendable {
        var reducer: Reducer
        var harvest = SieveHarvest()
        var now = Timestamp(nanoseconds: 0)

        init(_ reducer: Reducer) {
            self.reducer = reducer
        }

        func take() {
            reducer.take(harvest, now: now)
            // Not kept for its room: the reducer holds on to it as it is.
            harvest = SieveHarvest()
        }
    }

    func run() throws(CaptureError) -> Choice {
        let harvester = Harvester(
            Reducer(
                largestKeptCount: max(64, request.maximumMemory / Self.spanCost),
                largestOpenCount: max(64, request.maximumMemory / SecondPass.spanCost)
            )
        )
        var last = OfflineRun.stretch
        var goesOn = true
        while goesOn {
            // What the stretch before brought is taken meanwhile.
            step(through: last, harvester)
            for worker in workers { if let failure = worker.failure { throw failure } }
            let statistics = workers[0].reading.progress
            control.progress(statistics)
            goesOn = workers.contains { $0.pause != .over } && !control.shouldStop()
            if goesOn, workers[0].pause == .asked { continue }
            last += OfflineRun.stretch
            harvester.now = statistics.last ?? harvester.now
            for worker in workers {
                if goesOn { worker.sieve.sweep(at: harvester.now) } else { worker.sieve.finish() }
                worker.sieve.drain(into: &harvester.harvest)
            }
            harvester.reducer.selection = request.options(firstPacket: statistics.first).selection
            harvester.reducer.hasSeveralInterfaces = workers[0].sieve.hasSeveralInterfaces
            if harvester.reducer.sampleEnd == .max { harvester.reducer.sampleEnd = sampleEnd() ?? .max }
        }
        harvester.take()
        harvester.reducer.finish()
        var choice = choice(harvester.reducer)
        choice.firstPacket = statistics.first
        choice.summaries = summaries
        choice.clockAdvances = Sieve.clockAdvances(workers.map(\.sieve))
        return choice
    }

    /// Bytes by which a chosen span is remembered, and its share of a second reading that lets go what is settled.
    private static let spanCost = 12 << 10

    /// First frame of the last connection of the sample; nil while there are too few.
    private func sampleEnd() -> Int? {
        guard request.sampleCount > 0 else { return 0 }
        var starts = FrameSet()
        for worker in workers { starts.formUnion(worker.sieve.streamStarts) }
        return starts.member(at: request.sampleCount - 1)
    }

    /// All threads as far as frame `last`, and one more for the harvest.
    private func step(through last: Int, _ harvester: Harvester) {
        let (workers, needsAttention) = (workers, control.needsAttention)
        guard workers.count > 1 else {
            harvester.take()
            return workers[0].run(through: last, needsAttention)
        }
        DispatchQueue.concurrentPerform(iterations: workers.count + 1) { index in
            if index < workers.count { workers[index].run(through: last, needsAttention) } else { harvester.take() }
        }
    }

    private func choice(_ reducer: Reducer) -> Choice {
        var facts = TrafficFacts()
        var background = BackgroundFacts()
        for worker in workers { worker.sieve.state(into: &facts, &background) }
        guard background.connections > request.largestWhole || reducer.eventCount > Reducer.wholeEventCount else {
            return Choice()
        }
        reducer.state(into: &background)
        var starts = FrameSet()
        var earlier: [Int: Int] = [:]
        for worker in workers {
            starts.formUnion(worker.sieve.streamStarts)
            earlier.merge(worker.sieve.numberedEarlier) { first, _ in first }
        }
        var spans = reducer.spans
        for position in 0..<min(request.sampleCount, background.connections) {
            guard let frame = starts.member(at: position) else { break }
            spans.append(FlowSpan(flow: frame, from: frame, through: frame))
        }
        let flows = KeptFlows(starts: starts, spans: spans, numberedEarlier: earlier)
        return Choice(flows: flows, background: background, counters: facts.counters, spans: spans)
    }
}
