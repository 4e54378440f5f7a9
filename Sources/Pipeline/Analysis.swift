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

    package init() {}
}

/// The one path from packets to a report, shared by files and interfaces so that a live run and its savefile agree.
struct Analysis: ~Copyable {
    private let request: AnalysisRequest
    private let dissector = Dissector()
    private(set) var statistics = RunStatistics()

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

    mutating func readBytes(_ count: Int64, of total: Int64?) {
        statistics.readBytes = count
        statistics.totalBytes = total
    }

    mutating func setDropped(_ count: Int?) {
        statistics.dropped = count
    }

    var reachedPacketLimit: Bool {
        request.packetLimit.map { statistics.packets >= $0 } ?? false
    }

    /// The report on a capture that goes on: nothing is concluded from what may still come after `horizon`.
    func interimReport(horizon: Timestamp) -> Report {
        var options = options()
        options.horizon = horizon
        return Diagnosis.report(on: dissector.facts(final: false), options: options)
    }

    /// The report on a capture that is over.
    mutating func finalReport(sources: [SourceSummary]) -> Report {
        dissector.finish()
        var report = Diagnosis.report(on: dissector.facts(final: true), options: options())
        report.sources = sources
        report.quality.droppedPackets = sources.reduce(0) { $0 &+ ($1.dropped ?? 0) }
        return report
    }

    private func options() -> DiagnosisOptions {
        var options = request.diagnosis
        if let first = statistics.first {
            options.selection.since = request.since?.resolved(firstPacket: first)
            options.selection.until = request.until?.resolved(firstPacket: first)
        }
        return options
    }
}
