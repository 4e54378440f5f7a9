import Model

/// The bytes that one side of a connection sent, put together from packets: runs without holes, and where in them packets begin.
struct StreamMap {
    struct Run {
        /// Offset of its first byte; 0 is the first byte behind the SYN, or of what was captured first.
        var start: Int64
        var bytes: [UInt8]
        /// Where packets begin, from the start of the run.
        var beginnings: [Int]

        var end: Int64 { start + Int64(bytes.count) }
    }

    /// A piece of the stream in a packet.
    struct Piece {
        var packet: Int
        var range: Range<Int>
        var offset: Int64
    }

    private(set) var runs: [Run] = []
    private(set) var pieces: [Piece] = []
    /// The SYN was captured: offset 0 is the beginning.
    private(set) var knowsBeginning = false
    private var last: (sequence: UInt32, offset: Int64)?

    /// Where a byte with this sequence number lies; nil before any packet.
    func offset(of sequence: UInt32) -> Int64? {
        last.map { $0.offset + Int64(Int32(bitPattern: sequence &- $0.sequence)) }
    }

    mutating func add(_ layout: FrameLayout, packet: Int) {
        // The SYN takes the number before the first byte.
        let isOpening = layout.flags.contains(.syn)
        let sequence = isOpening ? layout.sequence &+ 1 : layout.sequence
        if isOpening, last == nil { knowsBeginning = true }
        let offset = offset(of: sequence) ?? 0
        if last == nil || !layout.payload.isEmpty { last = (sequence, offset) }
        guard !layout.payload.isEmpty else { return }
        pieces.append(Piece(packet: packet, range: layout.payload, offset: offset))
    }

    /// Puts the pieces together. Of bytes that came twice, those count that begin first.
    mutating func assemble(_ bytes: (Int) -> [UInt8]) {
        runs = []
        let order = pieces.indices.sorted { (pieces[$0].offset, $0) < (pieces[$1].offset, $1) }
        for index in order {
            let piece = pieces[index]
            let text = bytes(piece.packet)
            guard let end = runs.last?.end, piece.offset <= end else {
                runs.append(Run(start: piece.offset, bytes: Array(text[piece.range]), beginnings: [0]))
                continue
            }
            let known = Int(end - piece.offset)
            let position = Int(piece.offset - (runs.last?.start ?? 0))
            if runs[runs.count - 1].beginnings.last != position { runs[runs.count - 1].beginnings.append(position) }
            guard known < piece.range.count else { continue }
            runs[runs.count - 1].bytes += text[(piece.range.lowerBound + known)..<piece.range.upperBound]
        }
    }

    /// Index of the run that has the byte at `offset`; nil where none has.
    func run(at offset: Int64) -> Int? {
        var (low, high) = (0, runs.count)
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].end > offset { high = middle } else { low = middle + 1 }
        }
        return low < runs.count && runs[low].start <= offset ? low : nil
    }
}

extension StreamMap {
    mutating func change(_ body: (Int, inout Run) -> Void) {
        for index in runs.indices { body(index, &runs[index]) }
    }
}
