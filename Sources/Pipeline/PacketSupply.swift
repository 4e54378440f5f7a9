import Capture
import Dissection
import Model

/// The packets of the input in their order, a stretch after the other: read by who asks, or by a thread of its own.
protocol PacketSupply: AnyObject {
    /// Hands on the packets of the next stretch, one by one to `one` or several together to `many`, which gets their heads where somebody has
    /// looked at them before.
    /// - Parameter needsAttention: asked at every packet of a pipe.
    func next(
        needsAttention: () -> Bool,
        one: (PacketRecord, RawSpan) -> Void,
        many: (PacketBatch, SieveHeads?, RawSpan) -> Void
    ) throws(CaptureError) -> Stretch
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
    private let frames: Int
    private var last: Int

    /// - Parameter frames: of a stretch.
    init(_ reading: Reading, frames: Int) {
        self.reading = reading
        self.frames = frames
        last = frames
    }

    func next(
        needsAttention: () -> Bool,
        one: (PacketRecord, RawSpan) -> Void,
        many: (PacketBatch, SieveHeads?, RawSpan) -> Void
    ) throws(CaptureError) -> Stretch {
        let pause = try reading.run(
            through: last,
            needsAttention: needsAttention,
            one: one,
            many: { many($0, nil, $1) }
        )
        if pause == .reached { last = frames > Int.max - last ? .max : last + frames }
        return Stretch(pause: pause, statistics: reading.progress)
    }
}
