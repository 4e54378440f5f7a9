import Model

extension InputBuffer {
    /// Hands on the packets that lie whole in the window, in batches, and passes them by.
    /// - Parameters:
    ///   - limit: of so many at most.
    ///   - batch: its packets are replaced; `firstNumber` is that of the next packet and is moved on.
    ///   - body: takes a batch that is not empty, and all of the block that its packets lie in.
    ///   - take: appends the packet of the record that starts at an offset, and says how long the record is; 0 where it is not whole, not of
    ///     the usual form, or not for this batch.
    /// - Returns: how many packets.
    @inline(__always)
    func scan(
        limit: Int,
        _ batch: PacketBatch,
        _ body: (PacketBatch, RawSpan) -> Void,
        take: (RawSpan, Int, PacketBatch) -> Int
    ) -> Int {
        let bytes = filled
        let span = bytes.bytes
        let start = bytes.count &- available
        var (left, offset) = (limit, start)
        while left > 0 {
            batch.removeAll()
            let first = offset
            while batch.count < min(PacketBatch.capacity, left) {
                let size = take(span, offset, batch)
                guard size > 0 else { break }
                offset = offset &+ size
            }
            guard batch.count > 0 else { break }
            batch.position = self.offset &+ Int64(first &- start)
            batch.size = offset &- first
            body(batch, span)
            left &-= batch.count
            batch.firstNumber &+= batch.count
        }
        consume(offset &- start)
        return limit - left
    }
}
