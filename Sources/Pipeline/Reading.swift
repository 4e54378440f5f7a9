import Capture
import Dissection
import Model

/// One reader of the input: hands its packets on up to a given frame, and stops where the request says.
struct Reading {
    private let input: CaptureInput
    private let request: AnalysisRequest
    private(set) var statistics = RunStatistics()
    private var waiting: PacketRecord?
    private(set) var isOver = false

    private let isPipe: Bool
    private let purpose: ReadingPurpose

    enum Pause {
        /// Everything up to the given frame was handed on.
        case reached
        /// A pipe is slow: somebody wants to look before it brings more.
        case asked
        case over
    }

    init(_ input: CaptureInput, _ request: AnalysisRequest, _ purpose: ReadingPurpose) {
        self.input = input
        self.purpose = purpose
        self.request = request
        isPipe = input.totalBytes == nil
    }

    /// Hands on the packets up to frame `last`, one by one to `one` or several together to `many`.
    /// - Parameter needsAttention: asked at every packet of a pipe.
    mutating func run(
        through last: Int,
        needsAttention: () -> Bool = { false },
        one: (PacketRecord, RawSpan) -> Void,
        many: (PacketBatch, RawSpan) -> Void
    ) throws(CaptureError) -> Pause {
        while !isOver {
            if isPipe, needsAttention() { return .asked }
            let next: PacketRecord?
            if let waiting {
                next = waiting
            } else {
                if let map = purpose.map, let gate = purpose.gate {
                    statistics.packets &+= try input.leaveOut(map) { gate.needs($0, of: map) }
                    if let limit = request.packetLimit, statistics.packets >= limit { break }
                }
                next = try input.advance()
            }
            guard let record = next else { break }
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
            input.withPacket { bytes in
                if isWanted(record, bytes) { one(record, bytes) }
            }
            if let limit = request.packetLimit, statistics.packets >= limit { isOver = true }
            guard !isOver, request.duration == nil, !isPipe else { continue }
            // Packets that are numbered and left out may lie between: the frame counts, not how many came.
            let limit = min(last &- record.number, (request.packetLimit ?? .max) &- statistics.packets)
            var counts = statistics
            input.scan(limit: limit) { batch, bytes in
                counts.count(batch)
                many(batch, bytes)
            }
            statistics = counts
            if let limit = request.packetLimit, statistics.packets >= limit { isOver = true }
        }
        isOver = true
        return .over
    }

    /// Whether a packet that comes by itself is of use. For a sieve each is, and its place is noted.
    private func isWanted(_ record: PacketRecord, _ bytes: RawSpan) -> Bool {
        if let gate = purpose.gate { return gate.isWanted(record, bytes) }
        if let map = purpose.map { SieveHeads.note(record, bytes, at: input.place, in: map) }
        return true
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

    mutating func count(_ batch: PacketBatch) {
        guard batch.count > 0 else { return }
        packets &+= batch.count
        if first == nil { first = batch[0].timestamp }
        var bytes = Int64(0)
        var latest = (last ?? batch[0].timestamp).nanoseconds
        for index in 0..<batch.count {
            bytes &+= Int64(batch[index].capturedLength)
            latest = max(latest, batch[index].timestamp.nanoseconds)
        }
        capturedBytes &+= bytes
        last = Timestamp(nanoseconds: latest)
    }
}
