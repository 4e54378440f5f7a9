/// The framing of a chunked body (RFC 9112 §7.1), byte by byte; chunk data is skipped by the caller.
///
/// Lax where gateways are: blanks after the size (nginx, HAProxy), and a bare LF as line end.
struct ChunkDecoder {
    enum Step {
        case more
        /// That many bytes of data follow.
        case data(Int64)
        /// The line of the last chunk ended: trailers follow.
        case last
        case invalidSize
        /// Data was not followed by a line end.
        case missingEnd
    }

    private enum State {
        case size, afterSize, lineFeed, dataEnd, dataLineFeed
    }

    /// Larger sizes are no real chunk, and could overflow what counts them.
    private static let largestSize = Int64.max >> 12

    private var state = State.size
    private var size: Int64 = 0
    private var hasDigits = false
    /// The last line ended without CR.
    private(set) var sawBareLineFeed = false

    /// The next byte is the first of a size line.
    var isAtLineStart: Bool { state == .size && !hasDigits }

    /// To be called when the data of the chunk has been skipped.
    mutating func dataEnded() {
        state = .dataEnd
    }

    mutating func step(_ byte: UInt8) -> Step {
        sawBareLineFeed = false
        switch state {
        case .size:
            if let digit = Octet.hexValue(byte) {
                guard size <= Self.largestSize >> 4 else { return .invalidSize }
                size = size << 4 | digit
                hasDigits = true
                return .more
            }
            guard hasDigits else { return .invalidSize }
            switch byte {
            case Octet.space, Octet.tab, Octet.semicolon: state = .afterSize
            case Octet.carriageReturn: state = .lineFeed
            case Octet.lineFeed: return endLine(bare: true)
            default: return .invalidSize
            }
            return .more
        case .afterSize:
            // Extensions mean nothing to anybody and may be of any length.
            if byte == Octet.carriageReturn { state = .lineFeed }
            return byte == Octet.lineFeed ? endLine(bare: true) : .more
        case .lineFeed:
            return byte == Octet.lineFeed ? endLine(bare: false) : .invalidSize
        case .dataEnd:
            if byte == Octet.carriageReturn {
                state = .dataLineFeed
                return .more
            }
            guard byte == Octet.lineFeed else { return .missingEnd }
            sawBareLineFeed = true
            nextChunk()
            return .more
        case .dataLineFeed:
            guard byte == Octet.lineFeed else { return .missingEnd }
            nextChunk()
            return .more
        }
    }

    private mutating func endLine(bare: Bool) -> Step {
        sawBareLineFeed = bare
        return size == 0 ? .last : .data(size)
    }

    private mutating func nextChunk() {
        state = .size
        size = 0
        hasDigits = false
    }
}
