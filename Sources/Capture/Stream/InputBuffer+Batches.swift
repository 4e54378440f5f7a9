import Model

extension InputBuffer {
    /// Hands on the packets that lie whole in the window, in batches, and passes them by.
    /// - Parameters:
    ///   - limit: of so many at most.
    ///   - batch: its packets are replaced; `firstNumber` is that of the next packet and is moved on.
    ///   - body: takes a batch that is not empty.
    ///   - take: appends the packet of the record that starts at an offset, and says how long the record is; 0 where it is not whole, not of
    ///     the usual form, or not for this batch.
    /// - Returns: how many packets.
    @inline(__always)
    func scan(
        limit: Int,
        _ batch: inout PacketBatch,
        _ body: (PacketBatch, RawSpan) -> Void,
        take: (RawSpan, Int, inout PacketBatch) -> Int
    ) -> Int {
        var left = limit
        withWindow { window in
            var offset = 0
            while left > 0 {
                batch.packets.removeAll(keepingCapacity: true)
                while batch.packets.count < min(PacketBatch.capacity, left) {
                    let size = take(window, offset, &batch)
                    guard size > 0 else { break }
                    offset = offset &+ size
                }
                guard !batch.packets.isEmpty else { break }
                body(batch, window)
                left &-= batch.packets.count
                batch.firstNumber &+= batch.packets.count
            }
            return offset
        }
        return limit - left
    }
}
