import Capture
import Dissection
import Model

/// The packets of the input in their order, a stretch after the other: read by who asks, or by a thread of its own.
protocol PacketSupply: AnyObject {
    /// Hands on the packets of the next stretch, one by one to `one` or several together to `many`, which gets what is known of them, too.
    /// - Parameter needsAttention: asked at every packet of a pipe.
    func next(
        needsAttention: () -> Bool,
        one: (PacketRecord, RawSpan) -> Void,
        many: (PacketBatch, PacketSelection, RawSpan) -> Void
    ) throws(CaptureError) -> Stretch
}

/// What is found out of a batch by the thread that reads it.
struct PacketSelection {
    var heads: SieveHeads?
    /// Which of its packets matter, a bit each.
    var wanted: UInt32 = .max
}

/// What a reading is for, as far as it concerns the thread that reads.
struct ReadingPurpose {
    /// For a sieve, which needs to know the heads of all packets.
    var looksAtHeads = false
    /// Written by it where the packets can be asked for once more; else read.
    var map: PassageMap?
    /// For a dissection of some connections.
    var gate: FlowGate?

    /// What a batch is to who takes it; nil where nothing of it matters.
    @inline(__always)
    func selection(_ batch: PacketBatch, _ window: RawSpan, _ heads: SieveHeads) -> PacketSelection? {
        if looksAtHeads {
            heads.look(batch, window)
            if let map { heads.note(batch, in: map) }
            return PacketSelection(heads: heads)
        }
        guard let gate else { return PacketSelection() }
        let wanted = gate.wanted(batch, window)
        return wanted == 0 ? nil : PacketSelection(wanted: wanted)
    }
}

/// What there is to say behind a stretch.
struct Stretch: Sendable {
    var pause: Reading.Pause
    /// So far.
    var statistics: RunStatistics
}

/// Reads when it is asked.
final class DirectSupply: PacketSupply {
    private var reading: Reading
    private let purpose: ReadingPurpose
    private let heads = SieveHeads()
    private let frames: Int
    private var last: Int

    /// - Parameter frames: of a stretch.
    init(_ reading: Reading, _ purpose: ReadingPurpose, frames: Int) {
        self.reading = reading
        self.purpose = purpose
        self.frames = frames
        last = frames
    }

    func next(
        needsAttention: () -> Bool,
        one: (PacketRecord, RawSpan) -> Void,
        many: (PacketBatch, PacketSelection, RawSpan) -> Void
    ) throws(CaptureError) -> Stretch {
        let pause = try reading.run(
            through: last,
            needsAttention: needsAttention,
            one: one,
            many: { [purpose, heads] batch, window in
                guard let selection = purpose.selection(batch, window, heads) else { return }
                many(batch, selection, window)
            }
        )
        if pause == .reached { last = frames > Int.max - last ? .max : last + frames }
        return Stretch(pause: pause, statistics: reading.progress)
    }
}
