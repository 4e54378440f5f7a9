import Capture
import Diagnosis
import Dissection
import Model

/// The second reading of files: dissects what the first one chose. Where that is more than fits into memory at once, what is settled is counted
/// on the way, as live runs do, and its facts go.
final class SecondPass {
    private let choice: FirstPass.Choice
    private let request: AnalysisRequest
    private let dissector: Dissector
    private var totals = RunningTotals()
    /// First frames of the chosen spans, ascending.
    private var beginnings: [Int] = []
    /// By the first frame of a connection: where its last span begins, and whether that has no end.
    private var lastSpans: [Int: (from: Int, isOpen: Bool)] = [:]
    /// Spans that may be dissected at once, about; and those begun when what was settled went last, and by now.
    private let largest: Int
    private var begun = 0
    private var next = 0
    /// What was begun since, and connections of which facts are there, at which it goes again.
    private var threshold: Int
    private var located: [Int: ConnectionSpan] = [:]

    /// Frames between two looks at how much it is.
    private static let stretch = 1 << 13
    /// Bytes of a span that is dissected, about.
    static let spanCost = 24 << 10
    /// A request is settled so long after it was over; where that is not soon enough, after the shorter time.
    private static let settling: [Nanoseconds] = [.seconds(60), .seconds(1)]
    /// A connection without end that is silent for so long is not waited for.
    private static let silence: Nanoseconds = .seconds(30)

    init(_ choice: FirstPass.Choice, _ request: AnalysisRequest) {
        self.choice = choice
        self.request = request
        dissector = Dissector(choice.flows)
        largest = max(64, request.maximumMemory / Self.spanCost)
        threshold = largest
        guard choice.spans.count > largest else { return }
        beginnings = choice.spans.map(\.from).sorted()
        for span in choice.spans {
            let known = lastSpans[span.flow]
            guard span.from >= known?.from ?? -1 else { continue }
            lastSpans[span.flow] = (span.from, span.through == .max)
        }
    }

    /// Reads all of it.
    func run(_ input: CaptureInput) throws(CaptureError) {
        let frames = beginnings.isEmpty ? Int.max : Self.stretch
        var purpose = ReadingPurpose(gate: choice.flows.map { FlowGate($0) })
        // Where it is counted on the way, time goes on with every packet.
        if beginnings.isEmpty, input.canLeaveOut { purpose.map = choice.map }
        let conveyor = request.threads > 1 ? Conveyor(input, request, purpose, frames: frames) : nil
        let supply: any PacketSupply =
            conveyor?.seats[0] ?? DirectSupply(Reading(input, request, purpose), purpose, frames: frames)
        var last = frames
        while true {
            let stretch = try supply.next(
                needsAttention: { false },
                one: { dissector.process($0, $1) },
                many: { batch, selection, window in dissector.process(batch, window, wanted: selection.wanted) }
            )
            if stretch.pause == .over { break }
            foldIfDue(through: last, stretch.statistics.last)
            last &+= frames
        }
        // It reads as long as somebody holds it.
        withExtendedLifetime(conveyor) {}
    }

    /// What is known, with the figures of the first reading.
    private func facts(isFinal: Bool) -> TrafficFacts {
        var facts = isFinal ? dissector.facts(final: true) : dissector.currentFacts()
        if let background = choice.background {
            let dissected = facts.counters
            facts.counters = choice.counters
            facts.counters.takeDuplicates(of: dissected)
            facts.background = background
            facts.background?.joined.merge(totals.joins) { _, decided in decided }
        }
        facts.counters.note(choice.summaries)
        facts.counters.clockAdvances = choice.clockAdvances
        return facts
    }

    func report() -> Report {
        let facts = facts(isFinal: true)
        let options = request.options(firstPacket: choice.firstPacket)
        var report = totals.report(with: Examination(facts, options))
        if request.locatesConnections {
            report.locate(in: facts.connections)
            let named = report.namedStreams
            report.connections.merge(located.filter { named.contains($0.key) }) { now, _ in now }
        }
        return report
    }

    // MARK: Folding

    private func foldIfDue(through frame: Int, _ now: Timestamp?) {
        guard let now, threshold < beginnings.count else { return }
        while next < beginnings.count, beginnings[next] <= frame { next += 1 }
        guard next - begun + dissector.connectionCount > threshold else { return }
        var options = request.options(firstPacket: choice.firstPacket)
        options.horizon = now
        for settling in Self.settling {
            fold(Examination(facts(isFinal: false), options), before: now - settling, through: frame)
            begun = next
            if dissector.connectionCount <= largest / 2 { break }
        }
        // What is not over cannot go.
        threshold = max(largest, dissector.connectionCount + largest / 4)
    }

    private func fold(_ examination: Examination, before latest: Timestamp, through frame: Int) {
        let ends = examination.spanEnds.sorted()
        guard !ends.isEmpty else { return }
        // The older half of it, so that what comes is judged beside the younger.
        let time = min(latest, ends[ends.count / 2])
        totals.fold(examination, before: time)
        if request.locatesConnections { locate(examination) }
        let context = examination.contextConnections(before: time)
        let unsettled = examination.unsettledConnections(at: time)
        var followed: Set<Int> = []
        for connection in examination.connections {
            guard let span = lastSpans[connection.first] else { continue }
            let isAwaited = span.isOpen && !connection.isClosed && time - connection.last < Self.silence
            if span.from > frame || isAwaited { followed.insert(connection.first) }
        }
        let gone = dissector.settle(before: time) { first in
            if context.contains(first) { return .context }
            if let since = unsettled[first] { return .awaited(since: since) }
            return followed.contains(first) ? .followed : .over
        }
        totals.letGo(missedBytes: gone.missedBytes, droppedExchanges: gone.droppedExchanges)
    }

    /// Where the connections lie that a report names so far.
    private func locate(_ examination: Examination) {
        var report = totals.report(with: examination)
        report.locate(in: examination.facts.connections)
        located.merge(report.connections) { _, new in new }
        let named = report.namedStreams
        located = located.filter { named.contains($0.key) }
    }
}

extension Report {
    /// Streams of the connections that findings list.
    fileprivate var namedStreams: Set<Int> {
        var result: Set<Int> = []
        for finding in findings {
            result.formUnion(finding.context)
            for occurrence in finding.occurrences {
                if let stream = occurrence.stream { result.insert(stream) }
                if let client = occurrence.client { result.insert(client.stream) }
            }
        }
        return result
    }
}
