import Model

/// Reads the head of an ordinary HTTP/1 message, all of it in one piece, for its framing and little else.
///
/// Strict where `HTTP1Parser` is lax: whatever is unusual (a bare LF, a folded line, a control byte, two lengths, a coding other than
/// chunked, an expectation, an upgrade) is `unusual` and left to it.
struct HeadScan {
    enum Outcome: BitwiseCopyable {
        /// No blank line yet.
        case partial
        case unusual
        /// Bytes of the head, the blank line included.
        case complete(Int)
    }

    private(set) var question: UInt64 = 0
    private(set) var tail: UInt64 = 0
    /// Hash of the User-Agent; 0 without one.
    private(set) var agent: UInt64 = 0
    private(set) var isHead = false
    private(set) var status = 0
    private(set) var isHTTP10 = false
    /// -1 where no length was given.
    private(set) var contentLength: Int64 = -1
    private(set) var isChunked = false
    private(set) var closes = false

    /// Larger ones are no ordinary heads.
    static let largest = 8_192

    init() {}

    /// The head that these bytes begin with, as far as their first ones look like one: a request's where they begin with a usual method, a
    /// response's where with `HTTP`.
    @inline(__always)
    static func beginning(of bytes: RawSpan) -> SieveHeads.Scan? {
        guard bytes.byteCount >= 16 else { return nil }
        switch bytes.uint32(0) {
        // HTTP
        case 0x4854_5450: return scan(bytes, isResponse: true)
        // GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS
        case 0x4745_5420, 0x4845_4144, 0x504f_5354, 0x5055_5420, 0x4445_4c45, 0x5041_5443, 0x4f50_5449:
            return scan(bytes, isResponse: false)
        default: return nil
        }
    }

    @inline(never)
    private static func scan(_ bytes: RawSpan, isResponse: Bool) -> SieveHeads.Scan {
        var scan = SieveHeads.Scan()
        scan.isResponse = isResponse
        scan.outcome = isResponse ? scan.head.response(bytes) : scan.head.request(bytes)
        return scan
    }

    /// Offset of the first control byte (below 0x20, or DEL) at or after `offset`; `bytes.byteCount` where there is none.
    @inline(__always)
    private static func control(in bytes: RawSpan, from offset: Int, to end: Int) -> Int {
        var offset = offset
        while end &- offset >= 8 {
            let word = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian
            let low = (word &- 0x2020_2020_2020_2020) & ~word
            let flipped = word ^ 0x7f7f_7f7f_7f7f_7f7f
            let delete = (flipped &- 0x0101_0101_0101_0101) & ~flipped
            let found = (low | delete) & 0x8080_8080_8080_8080
            if found != 0 { return offset &+ found.trailingZeroBitCount >> 3 }
            offset = offset &+ 8
        }
        while offset < end {
            let byte = bytes.byte(offset)
            if byte < 0x20 || byte == 0x7f { return offset }
            offset = offset &+ 1
        }
        return end
    }

    /// Where the line that starts at `offset` ends, CR LF not counted: nil where it is not whole, -1 where it is unusual.
    @inline(__always)
    private static func lineEnd(_ bytes: RawSpan, _ offset: Int, _ end: Int) -> Int? {
        let place = control(in: bytes, from: offset, to: end)
        guard place &+ 1 < end else { return place == end || bytes.byte(place) == 0x0d ? nil : -1 }
        return bytes.byte(place) == 0x0d && bytes.byte(place &+ 1) == 0x0a ? place : -1
    }

    @inline(__always)
    private static func mix(_ value: UInt64, _ word: UInt64) -> UInt64 {
        let product = (value ^ word).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        return (product.high ^ product.low) &+ 0x2545_f491_4f6c_dd1d
    }

    private static func hash(_ bytes: RawSpan, _ range: Range<Int>, _ seed: UInt64) -> UInt64 {
        var value = seed ^ UInt64(truncatingIfNeeded: range.count)
        var offset = range.lowerBound
        while range.upperBound &- offset >= 8 {
            value = mix(value, bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian)
            offset = offset &+ 8
        }
        var rest: UInt64 = 0
        while offset < range.upperBound {
            rest = rest << 8 | UInt64(bytes.byte(offset))
            offset = offset &+ 1
        }
        return mix(value, rest)
    }

    /// `HTTP/1.1` or `HTTP/1.0` at `offset`, eight bytes that the caller has checked to be there.
    @inline(__always)
    private mutating func version(_ bytes: RawSpan, _ offset: Int) -> Bool {
        let text = bytes.uint64(offset)
        isHTTP10 = text == 0x4854_5450_2f31_2e30
        return isHTTP10 || text == 0x4854_5450_2f31_2e31
    }

    /// Method, target and version, then fields.
    mutating func request(_ bytes: RawSpan) -> Outcome {
        let end = min(bytes.byteCount, Self.largest)
        guard let line = Self.lineEnd(bytes, 0, end) else { return partial(end) }
        guard line >= 14, version(bytes, line &- 8), bytes.byte(line &- 9) == Octet.space else { return .unusual }
        var space = 0
        while space < 16, Octet.isUpper(bytes.byte(space)) { space = space &+ 1 }
        let target = space &+ 1..<line &- 9
        guard space >= 3, bytes.byte(space) == Octet.space, !target.isEmpty,
            bytes.byte(target.lowerBound) == Octet.slash
        else { return .unusual }
        var segment = target.lowerBound
        var isInPath = true
        var offset = target.lowerBound
        while offset < target.upperBound {
            let byte = bytes.byte(offset)
            if byte == Octet.space { return .unusual }
            if byte == 0x3f { isInPath = false }
            if byte == Octet.slash, isInPath { segment = offset }
            offset = offset &+ 1
        }
        let method = Self.hash(bytes, 0..<space, 0x51ed_270b_3f5c_a1d7)
        question = Self.hash(bytes, target, method)
        tail = Self.hash(bytes, segment..<target.upperBound, method)
        isHead = space == 4 && bytes.uint32(0) == 0x4845_4144
        // CONNECT makes a tunnel.
        if space == 7, bytes.uint32(0) == 0x434f_4e4e { return .unusual }
        return fields(bytes, from: line &+ 2, to: end)
    }

    /// Version and code, then fields.
    mutating func response(_ bytes: RawSpan) -> Outcome {
        let end = min(bytes.byteCount, Self.largest)
        guard let line = Self.lineEnd(bytes, 0, end) else { return partial(end) }
        guard line >= 13, version(bytes, 0), bytes.byte(8) == Octet.space, bytes.byte(12) == Octet.space else {
            return .unusual
        }
        status = 0
        for offset in 9..<12 {
            guard Octet.isDigit(bytes.byte(offset)) else { return .unusual }
            status = status &* 10 &+ Int(bytes.byte(offset) &- 0x30)
        }
        guard (200..<600).contains(status) else { return .unusual }
        return fields(bytes, from: line &+ 2, to: end)
    }

    private func partial(_ end: Int) -> Outcome { end >= Self.largest ? .unusual : .partial }

    private mutating func fields(_ bytes: RawSpan, from start: Int, to end: Int) -> Outcome {
        var offset = start
        var count = 0
        while true {
            guard let line = Self.lineEnd(bytes, offset, end) else { return partial(end) }
            guard line >= 0 else { return .unusual }
            if line == offset { return .complete(offset &+ 2) }
            count = count &+ 1
            guard count <= 64 else { return .unusual }
            let colon = Self.nameEnd(bytes, offset, line)
            guard colon < line, colon > offset, bytes.byte(colon) == Octet.colon else { return .unusual }
            guard take(bytes, offset..<colon, colon &+ 1..<line) else { return .unusual }
            offset = line &+ 2
        }
    }

    /// Offset of the first byte that cannot stand in a field name.
    @inline(__always)
    private static func nameEnd(_ bytes: RawSpan, _ offset: Int, _ end: Int) -> Int {
        var offset = offset
        while end &- offset >= 8 {
            // Nearly all names are letters and hyphens: eight at a time.
            let word = bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian
            let lowered = word | 0x2020_2020_2020_2020
            let letters = (lowered &+ 0x1f1f_1f1f_1f1f_1f1f) & ~(lowered &+ 0x0505_0505_0505_0505)
            let apart = word ^ 0x2d2d_2d2d_2d2d_2d2d
            let hyphens = ~(apart &+ 0x7f7f_7f7f_7f7f_7f7f)
            let others = ~(letters | hyphens) & 0x8080_8080_8080_8080
            // The arithmetic is only right for ASCII.
            guard word & 0x8080_8080_8080_8080 == 0 else { break }
            if others != 0 {
                offset = offset &+ others.trailingZeroBitCount >> 3
                break
            }
            offset = offset &+ 8
        }
        while offset < end, Octet.isToken(bytes.byte(offset)) { offset = offset &+ 1 }
        return offset
    }

    /// False where the field makes the message one that the sieve does not read.
    @inline(__always)
    private mutating func take(_ bytes: RawSpan, _ name: Range<Int>, _ value: Range<Int>) -> Bool {
        let start = name.lowerBound
        // Token characters that differ in the bit of the case only are letters, so that setting it in all of them is safe.
        switch name.count {
        case 14 where Self.lowered8(bytes, start) == Word.content:
            return Self.equal(bytes, name, "content-length") ? takeLength(bytes, value) : true
        case 17 where Self.lowered8(bytes, start) == Word.transfer:
            guard Self.equal(bytes, name, "transfer-encoding") else { return true }
            guard !isChunked, contentLength < 0, Self.equal(bytes, Self.trimmed(bytes, value), "chunked") else {
                return false
            }
            isChunked = true
        case 10 where Self.lowered8(bytes, start) == Word.connection:
            guard Self.equal(bytes, name, "connection") else { return true }
            let text = Self.trimmed(bytes, value)
            if Self.equal(bytes, text, "keep-alive") { return true }
            closes = true
            return Self.equal(bytes, text, "close")
        case 10 where Self.lowered8(bytes, start) == Word.userAgent:
            guard Self.equal(bytes, name, "user-agent") else { return true }
            agent = Self.hash(bytes, value, 0)
        case 6: return !Self.equal(bytes, name, "expect")
        case 7: return !Self.equal(bytes, name, "upgrade")
        default: break
        }
        return true
    }

    /// The first eight letters of the names that matter.
    private enum Word {
        static let content: UInt64 = 0x636f_6e74_656e_742d
        static let transfer: UInt64 = 0x7472_616e_7366_6572
        static let connection: UInt64 = 0x636f_6e6e_6563_7469
        static let userAgent: UInt64 = 0x7573_6572_2d61_6765
    }

    /// Eight bytes, all of which have the bit that makes letters small.
    @inline(__always)
    private static func lowered8(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
        bytes.uint64(offset) | 0x2020_2020_2020_2020
    }

    private mutating func takeLength(_ bytes: RawSpan, _ value: Range<Int>) -> Bool {
        let digits = Self.trimmed(bytes, value)
        guard contentLength < 0, !isChunked, !digits.isEmpty, digits.count <= 15 else { return false }
        var length: Int64 = 0
        for offset in digits {
            guard Octet.isDigit(bytes.byte(offset)) else { return false }
            length = length &* 10 &+ Int64(bytes.byte(offset) &- 0x30)
        }
        contentLength = length
        return true
    }

    private static func trimmed(_ bytes: RawSpan, _ range: Range<Int>) -> Range<Int> {
        var (lower, upper) = (range.lowerBound, range.upperBound)
        while lower < upper, bytes.byte(lower) == Octet.space { lower = lower &+ 1 }
        while lower < upper, bytes.byte(upper &- 1) == Octet.space { upper = upper &- 1 }
        return lower..<upper
    }

    /// `text` is lower case.
    @inline(__always)
    private static func equal(_ bytes: RawSpan, _ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { letters in
            for index in letters.indices
            where Octet.lowered(bytes.byte(range.lowerBound &+ index)) != letters[index] { return false }
            return true
        }
    }
}
