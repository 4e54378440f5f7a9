package import Diagnosis
import Dissection
package import Model

/// What is asked of a run, whether it reads files or an interface.
package struct AnalysisRequest: Sendable {
    /// BPF expression; packets that it drops are numbered and not analysed.
    package var filter: String?
    /// Stop after this many packets passed the filter.
    package var packetLimit: Int?
    /// Stop after this time: packet time where files are read, the clock's where an interface is.
    package var duration: Nanoseconds?
    package var diagnosis = DiagnosisOptions()
    package var since: TimeBound?
    package var until: TimeBound?
    /// Threads that read files.
    package var threads = 1
    /// Bytes that the analysis of files may take, about.
    package var maximumMemory = 512 << 20
    /// Captures with more connections are not dissected whole.
    package var largestWhole = Reducer.wholeCount
    /// Of larger ones, the first exchanges of this many connections are dissected whatever they are.
    package var sampleCount = Reducer.sampleCount
    /// Whether the report tells where the packets of the connections lie that it names, for `Evidence`.
    package var locatesConnections = false

    package init() {}
}

/// The one path from packets to a report, shared by files and interfaces so that a live run and its savefile agree.
struct Analysis: ~Copyable {
    private let request: AnalysisRequest
    private let dissector = Dissector()
    private(set) var statistics = RunStatistics()
    private var losses: [CaptureLoss] = []
    /// Per source, what it had dropped when it was asked last, and how far the capture was then.
    private var reported: [(dropped: Int, time: Timestamp?, packets: Int)] = []

    init(_ request: AnalysisRequest) {
        self.request = request
    }

    mutating func process(_ record: PacketRecord, _ bytes: RawSpan) {
        statistics.packets &+= 1
        statistics.capturedBytes &+= Int64(record.capturedLength)
        if statistics.first == nil { statistics.first = record.timestamp }
        statistics.last = max(statistics.last ?? record.timestamp, record.timestamp)
        dissector.process(record, bytes)
    }

    /// Takes what the sources say of packets that were dropped before the capture, since its start.
    mutating func noteDropped(_ sources: [SourceSummary]) {
        statistics.dropped = sources.reduce(0) { $0 &+ ($1.dropped ?? 0) }
        while reported.count < sources.count { reported.append((0, nil, 0)) }
        for (index, source) in sources.enumerated() {
            guard let dropped = source.dropped else { continue }
            let before = reported[index]
            losses.note(
                CaptureLoss(
                    from: before.time,
                    through: statistics.last,
                    dropped: max(0, dropped &- before.dropped),
                    captured: statistics.packets &- before.packets
                )
            )
            reported[index] = (dropped, statistics.last, statistics.packets)
        }
    }

    var reachedPacketLimit: Bool {
        request.packetLimit.map { statistics.packets >= $0 } ?? false
    }

    /// The report on a capture that goes on: nothing is concluded from what may still come after `horizon`.
    func interimReport(horizon: Timestamp) -> Report {
        var options = request.options(firstPacket: statistics.first)
        options.horizon = horizon
        var facts = dissector.facts(final: false)
        facts.counters.losses = losses
        return Diagnosis.report(on: facts, options: options)
    }

    /// The report on a capture that is over.
    mutating func finalReport(sources: [SourceSummary]) -> Report {
        dissector.finish()
        var facts = dissector.facts(final: true)
        facts.counters.losses = losses
        var report = Diagnosis.report(on: facts, options: request.options(firstPacket: statistics.first))
        report.sources = sources
        return report
    }
}
