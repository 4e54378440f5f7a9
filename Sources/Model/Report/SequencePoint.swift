/// A segment that was notable, or a message, at its place in the byte stream: what a time-sequence plot is made of.
package struct SequencePoint: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        case syn, message, retransmission, outOfOrder, notCaptured, zeroWindow, fin, reset
    }

    package var kind: Kind
    package var direction: Direction
    package var frame: Int
    package var time: Timestamp
    /// Of its first byte in its own direction; bytes before the first one seen have negative offsets.
    package var offset: Int64
    /// When the last byte of a message that was seen came; the same time for a segment.
    package var endTime: Timestamp
    /// Behind the last byte.
    package var end: Int64

    package init(
        _ kind: Kind,
        _ direction: Direction,
        _ first: FrameReference,
        offset: Int64,
        endTime: Timestamp? = nil,
        end: Int64
    ) {
        self.kind = kind
        self.direction = direction
        frame = first.number
        time = first.time
        self.offset = offset
        self.endTime = max(first.time, endTime ?? first.time)
        self.end = max(offset, end)
    }
}
