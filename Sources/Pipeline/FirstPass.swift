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
        /// What lies where, of an input that can leave out what is not needed.
        var map: PassageMap?
    }

    private let input: CaptureInput
    private let workers: [Worker]
    /// Where a thread of its own reads.
    private let conveyor: Conveyor?
    /// All workers run at once, whatever the number of processors: each waits for the others to take what it has taken.
    private let queues: [DispatchQueue]
    private let control: RunControl
    private let request: AnalysisRequest
    private let map: PassageMap?

    /// One thread's sieve. Only ever used by one thread at a time.
    private final class Worker: @unchecked Sendable {
        private let supply: any PacketSupply
        let sieve: Sieve
        private(set) var stretch = Stretch(pause: .reached, statistics: RunStatistics())
        private(set) var failure: CaptureError?

        init(_ supply: any PacketSupply, _ sieve: Sieve) {
            self.supply = supply
            self.sieve = sieve
        }

        /// One stretch.
        func run(_ needsAttention: () -> Bool) {
            do throws(CaptureError) {
                stretch = try supply.next(
                    needsAttention: needsAttention,
                    one: { [sieve] in sieve.process($0, $1) },
                    many: { [sieve] batch, selection, window in
                        if let heads = selection.heads { sieve.process(heads, batch, window) }
                    }
                )
            } catch {
                failure = error
                stretch.pause = .over
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
        input = try CaptureInput(
            paths: paths,
            filter: request.filter,
            spools: spools,
            isStopped: control.shouldStop
        )
        // A pipe may keep its reader waiting, who then looks after other things. Else one thread of several reads.
        let count = input.totalBytes == nil ? 1 : max(1, min(request.threads - 1, Sieve.laneCount))
        let sieves = (0..<count).map { Sieve(part: $0, of: count, memory: request.maximumMemory / 2) }
        map = input.canLeaveOut && request.duration == nil ? PassageMap(memory: request.maximumMemory / 16) : nil
        let purpose = ReadingPurpose(looksAtHeads: true, map: map)
        queues = sieves.indices.map { DispatchQueue(label: "gwsniff.sieve-\($0)") }
        if input.totalBytes != nil, request.threads > 1 {
            let conveyor = Conveyor(
                input,
                request,
                purpose,
                frames: OfflineRun.stretch,
                seats: count,
                shouldStop: control.shouldStop
            )
            self.conveyor = conveyor
            workers = zip(conveyor.seats, sieves).map { Worker($0, $1) }
        } else {
            conveyor = nil
            let reading = Reading(input, request, purpose)
            let supply = DirectSupply(reading, purpose, frames: OfflineRun.stretch)
            workers = sieves.map { Worker(supply, $0) }
        }
    }

    var statistics: RunStatistics { workers[0].stretch.statistics }
    /// When it is over.
    var summaries: [SourceSummary] { input.summaries }
    var warnings: [CaptureError] { input.warnings }

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
            harvest.clear()
        }
    }

    func run() throws(CaptureError) -> Choice {
        let harvester = Harvester(
            Reducer(
                largestKeptCount: max(64, request.maximumMemory / Self.spanCost),
                largestOpenCount: max(64, request.maximumMemory / SecondPass.spanCost)
            )
        )
        var goesOn = true
        while goesOn {
            // What the stretch before brought is taken meanwhile.
            step(harvester)
            for worker in workers { if let failure = worker.failure { throw failure } }
            control.progress(statistics)
            let pause = workers[0].stretch.pause
            // With a reader of its own that one stops, so that all take the same packets.
            goesOn = pause != .over && (conveyor != nil || !control.shouldStop())
            if goesOn, pause == .asked { continue }
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
        choice.map = input.borrowsTimes ? nil : map
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

    /// A stretch by all threads, and the harvest of the one before.
    private func step(_ harvester: Harvester) {
        guard conveyor != nil else {
            harvester.take()
            return workers[0].run(control.needsAttention)
        }
        let group = DispatchGroup()
        for (worker, queue) in zip(workers, queues) { queue.async(group: group) { worker.run { false } } }
        harvester.take()
        group.wait()
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
