import Model

/// Payload of one direction that cannot be delivered yet: copies, sorted, without overlap.
///
/// The first bytes seen for an offset win. Both bytes and the number of chunks count against the limit that the
/// owner applies to `cost`, so that many tiny segments are as bounded as few large ones.
struct ReassemblyBuffer: Sendable {
    struct Chunk: Sendable {
        /// Stream offset of the first byte.
        var offset: Int64
        /// Bytes that the capture has; fewer than `length` when a snap length cut the packet.
        var bytes: [UInt8]
        /// Bytes that were on the wire.
        var length: Int64
        var frame: FrameReference

        var end: Int64 { offset + length }
    }

    struct Insertion {
        /// Bytes that were not there before.
        var added: Int64 = 0
        /// An offset that was there already came with another value.
        var mismatch = false
    }

    /// What a chunk is charged for besides its bytes.
    static let chunkCost = 96

    private var chunks: [Chunk] = []
    /// Chunks before it are delivered and empty.
    private var head = 0
    private(set) var cost = 0

    var isEmpty: Bool { head == chunks.count }
    var first: Chunk? { head < chunks.count ? chunks[head] : nil }

    /// Index of the first chunk that ends after `offset`.
    private func index(endingAfter offset: Int64) -> Int {
        var low = head
        var high = chunks.count
        while low < high {
            let middle = (low + high) / 2
            if chunks[middle].end > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Where the bytes end that follow `offset` without a hole.
    func contiguousEnd(from offset: Int64) -> Int64 {
        var end = offset
        var index = index(endingAfter: offset)
        while index < chunks.count, chunks[index].offset <= end {
            end = max(end, chunks[index].end)
            index += 1
        }
        return end
    }

    /// The first offset at or after `offset` that is held here; nil when nothing is.
    func nextHeld(from offset: Int64) -> Int64? {
        let index = index(endingAfter: offset)
        return index < chunks.count ? max(offset, chunks[index].offset) : nil
    }

    /// How many bytes of `range` are not held.
    func missing(in range: Range<Int64>) -> Int64 {
        var missing = Int64(range.count)
        var index = index(endingAfter: range.lowerBound)
        while index < chunks.count, chunks[index].offset < range.upperBound {
            missing -= min(chunks[index].end, range.upperBound) - max(chunks[index].offset, range.lowerBound)
            index += 1
        }
        return missing
    }

    /// Keeps what is new of a segment that starts at `offset` and had `length` bytes on the wire, of which
    /// `captured` is the range of `packet` that the capture has.
    ///
    ///     case 1   held    [----]           case 2   held  [----]         case 3   held     [--]
    ///              new          [----]               new     [----]                new    [------]
    ///              kept         [----]               kept        [-]               kept   [-]  [-]
    ///
    ///     case 4   held  [------]           case 5   held     [----]       case 6   held  [--]   [--]
    ///              new     [--]                      new   [----]                   new     [-----]
    ///              kept    nothing                   kept  [-]                      kept      [-]
    mutating func insert(
        _ packet: RawSpan,
        captured: Range<Int>,
        at offset: Int64,
        length: Int64,
        frame: FrameReference
    ) -> Insertion {
        var result = Insertion()
        let end = offset &+ length
        var position = offset
        var index = index(endingAfter: offset)
        while position < end {
            if index < chunks.count, chunks[index].offset <= position {
                let held = chunks[index]
                let stop = min(end, held.end)
                if !result.mismatch {
                    result.mismatch = Self.differs(held, packet, captured, offset: offset, in: position..<stop)
                }
                position = stop
                index += 1
                continue
            }
            let stop = index < chunks.count ? min(end, chunks[index].offset) : end
            let lower = min(captured.upperBound, captured.lowerBound + Int(position - offset))
            let upper = min(captured.upperBound, captured.lowerBound + Int(stop - offset))
            let bytes = packet.extracting(lower..<upper).withUnsafeBytes { Array($0) }
            chunks.insert(Chunk(offset: position, bytes: bytes, length: stop - position, frame: frame), at: index)
            cost += bytes.count + Self.chunkCost
            result.added += stop - position
            position = stop
            index += 1
        }
        return result
    }

    /// Whether the captured bytes of `held` and of the new segment differ anywhere in `range`.
    private static func differs(
        _ held: Chunk,
        _ packet: RawSpan,
        _ captured: Range<Int>,
        offset: Int64,
        in range: Range<Int64>
    ) -> Bool {
        let stop = min(range.upperBound, held.offset + Int64(held.bytes.count), offset + Int64(captured.count))
        var position = range.lowerBound
        while position < stop {
            let new = packet.unsafeLoad(fromByteOffset: captured.lowerBound + Int(position - offset), as: UInt8.self)
            if new != held.bytes[Int(position - held.offset)] { return true }
            position += 1
        }
        return false
    }

    mutating func removeFirst() -> Chunk? {
        guard head < chunks.count else { return nil }
        let chunk = chunks[head]
        chunks[head].bytes = []
        cost -= chunk.bytes.count + Self.chunkCost
        head += 1
        if head == chunks.count {
            chunks.removeAll(keepingCapacity: false)
            head = 0
        } else if head >= 64, head * 2 > chunks.count {
            chunks.removeSubrange(..<head)
            head = 0
        }
        return chunk
    }
}
