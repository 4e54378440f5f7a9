package import Model

/// Where a delivered run of bytes stands: the packet that completed its delivery.
///
/// When a hole is filled late, bytes that were buffered behind it are delivered with the packet that carried them.
package struct DeliveryContext: Sendable {
    package var frame: FrameReference
    package var direction: Direction

    package init(frame: FrameReference, direction: Direction) {
        self.frame = frame
        self.direction = direction
    }
}

/// What a connection's reassembled bytes are handed to. One parser sees both directions.
///
/// Promises to the caller: never throws, never traps, keeps no more than a named limit, advances on every call.
/// The caller delivers each direction's bytes in stream order, each offset once, either as bytes or as a gap.
package protocol ApplicationParser {
    /// `offset` is the stream offset of `bytes[0]`.
    mutating func consume(_ bytes: RawSpan, at offset: Int64, _ context: DeliveryContext)
    /// `length` bytes existed and were not captured.
    mutating func gap(_ length: Int64, at offset: Int64, _ context: DeliveryContext)
    /// The peer of `context.direction` acknowledged that direction up to `offset` (only called when it advanced).
    mutating func acknowledged(upTo offset: Int64, _ context: DeliveryContext)
    /// A segment of `context.direction` that covers `range` was sent again.
    mutating func retransmitted(_ range: Range<Int64>, _ context: DeliveryContext)
    /// `context.direction` ended in order with FIN at `offset`. A reset is not an end: it stands in the events.
    mutating func finished(at offset: Int64, _ context: DeliveryContext)
}
