import Capture
import Model

/// One reader of the input: hands its packets on up to a given frame, and stops where the request says.
struct Reading {
    private let input: CaptureInput
    private let request: AnalysisRequest
    private(set) var statistics = RunStatistics()
    private var waiting: PacketRecord?
    private(set) var isOver = false

    private let isPipe: Bool

    enum Pause {
        /// Everything up to the given frame was handed on.
        case reached
        /// A pipe is slow: somebody wants to look before it brings more.
        case asked
        case over
    }

    init(_ input: CaptureInput, _ request: AnalysisRequest) {
        self.input = input
        self.request = request
        isPipe = input.totalBytes == nil
    }

    /// Hands on the packets up to frame `last`.
    /// - Parameter needsAttention: asked at every packet of a pipe.
    mutating func run(
        through last: Int,
        needsAttention: () -> Bool = { false },
        _ body: (PacketRecord, RawSpan) -> Void
    ) throws(CaptureError) -> Pause {
        while !isOver {
            if isPipe, needsAttention() { return .asked }
            let next: PacketRecord?
            if let waiting { next = waiting } else { next = try input.advance() }
            guard let record = next else {
                isOver = true
                break
            }
            if record.number > last {
                waiting = record
                return .reached
            }
            waiting = nil
            if let limit = request.duration, let first = statistics.first, record.timestamp - first > limit {
                isOver = true
                break
            }
            statistics.count(record)
            input.withPacket { body(record, $0) }
            if let limit = request.packetLimit, statistics.packets >= limit { isOver = true }
            if !isOver, request.duration == nil, !isPipe { scan(through: last, body) }
        }
        return .over
    }

    /// The same for as many packets as lie ready.
    private mutating func scan(through last: Int, _ body: (PacketRecord, RawSpan) -> Void) {
        var counts = statistics
        let limit = request.packetLimit ?? .max
        guard counts.packets < limit else { return }
        input.scan { record, bytes in
            counts.count(record)
            body(record, bytes)
            return record.number < last && counts.packets < limit
        }
        statistics = counts
        if counts.packets >= limit { isOver = true }
    }

    /// The statistics with how far the files are read.
    var progress: RunStatistics {
        var progress = statistics
        progress.readBytes = input.bytesRead
        progress.totalBytes = input.totalBytes
        return progress
    }

    var summaries: [SourceSummary] { input.summaries }
    var warnings: [CaptureError] { input.warnings }
}

extension RunStatistics {
    @inline(__always)
    mutating func count(_ record: PacketRecord) {
        packets &+= 1
        capturedBytes &+= Int64(record.capturedLength)
        if first == nil { first = record.timestamp }
        last = max(last ?? record.timestamp, record.timestamp)
    }
}
