import Model

/// Reads a DNS message (RFC 1035 §4) as far as a lookup needs it: question, response code, addresses.
enum DNSMessage {
    static let maximumAddresses = 32
    /// Answer records looked at.
    static let maximumRecords = 128
    /// Compression pointers followed per name (RFC 1035 §4.1.4).
    static let maximumPointers = 32
    /// A name on the wire (RFC 1035 §3.1).
    static let maximumNameLength = 255

    /// Nil where it is not a standard query, or its answer, with one whole question. A message cut behind the question
    /// keeps what came before the cut.
    static func parse(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        frame: FrameReference,
        source: Endpoint,
        destination: Endpoint
    ) -> DNSFacts? {
        guard range.count >= 12, range.lowerBound >= 0, range.upperBound <= bytes.byteCount else { return nil }
        let start = range.lowerBound
        let flags = bytes.uint16(start &+ 2)
        guard flags & 0x7800 == 0, bytes.uint16(start &+ 4) == 1 else { return nil }
        guard let (name, end) = name(bytes, range, at: start &+ 12), range.upperBound &- end >= 4 else { return nil }
        let isResponse = flags & 0x8000 != 0
        var facts = DNSFacts(
            frame: frame,
            client: isResponse ? destination : source,
            server: isResponse ? source : destination,
            id: bytes.uint16(start),
            isResponse: isResponse,
            name: name,
            type: bytes.uint16(end),
            responseCode: UInt8(truncatingIfNeeded: flags & 15),
            isTruncated: flags & 0x0200 != 0
        )
        if isResponse {
            let announced = Int(bytes.uint16(start &+ 6))
            let count = min(announced, maximumRecords)
            let read = readAnswers(bytes, range, at: end &+ 4, count: count, into: &facts)
            facts.missingAnswers = announced &- read
        }
        return facts
    }

    /// Returns how many records were there.
    private static func readAnswers(
        _ bytes: RawSpan,
        _ range: Range<Int>,
        at offset: Int,
        count: Int,
        into facts: inout DNSFacts
    ) -> Int {
        var offset = offset
        for position in 0..<count {
            guard let record = skipName(bytes, range, at: offset), range.upperBound &- record >= 10 else {
                return position
            }
            let data = record &+ 10
            let length = Int(bytes.uint16(record &+ 8))
            guard range.upperBound &- data >= length else { return position }
            let timeToLive = bytes.uint32(record &+ 4)
            facts.timeToLive = min(facts.timeToLive ?? timeToLive, timeToLive)
            if facts.addresses.count < maximumAddresses, bytes.uint16(record &+ 2) == 1 {
                switch (bytes.uint16(record), length) {
                case (1, 4): facts.addresses.append(IPAddress(v4: bytes.uint32(data)))
                case (28, 16):
                    facts.addresses.append(IPAddress(v6High: bytes.uint64(data), low: bytes.uint64(data &+ 8)))
                default: break
                }
            }
            offset = data &+ length
        }
        return count
    }

    /// The name at `offset` and the offset after it. Pointers go backwards only, so a loop cannot be.
    private static func name(_ bytes: RawSpan, _ range: Range<Int>, at offset: Int) -> (String, Int)? {
        var text = ""
        var offset = offset
        var end: Int?
        var length = 0
        var pointers = 0
        while offset < range.upperBound {
            let label = Int(bytes.byte(offset))
            switch label >> 6 {
            case 0 where label == 0:
                return (text, end ?? offset &+ 1)
            case 0:
                length += label &+ 1
                guard length < maximumNameLength, range.upperBound &- offset > label else { return nil }
                if !text.isEmpty { text.append(".") }
                for position in offset &+ 1...offset &+ label { append(bytes.byte(position), to: &text) }
                offset = offset &+ label &+ 1
            case 3:
                pointers += 1
                guard pointers <= maximumPointers, range.upperBound &- offset >= 2 else { return nil }
                let target = range.lowerBound &+ Int(bytes.uint16(offset) & 0x3fff)
                guard target < offset else { return nil }
                end = end ?? offset &+ 2
                offset = target
            default:
                return nil
            }
        }
        return nil
    }

    /// The offset after a name, pointers not followed.
    private static func skipName(_ bytes: RawSpan, _ range: Range<Int>, at offset: Int) -> Int? {
        var offset = offset
        while offset < range.upperBound {
            let label = Int(bytes.byte(offset))
            if label == 0 { return offset &+ 1 }
            if label >> 6 == 3 { return offset &+ 2 }
            guard label >> 6 == 0 else { return nil }
            offset = offset &+ label &+ 1
        }
        return nil
    }

    /// Lower case; what is not printable, and a dot or backslash inside a label, as `\DDD` (RFC 1035 §5.1).
    private static func append(_ byte: UInt8, to text: inout String) {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): text.unicodeScalars.append(Unicode.Scalar(byte | 0x20))
        case UInt8(ascii: "."), UInt8(ascii: "\\"), 0...0x20, 0x7f...: appendEscaped(byte, to: &text)
        default: text.unicodeScalars.append(Unicode.Scalar(byte))
        }
    }

    private static func appendEscaped(_ byte: UInt8, to text: inout String) {
        let digits = String(byte)
        text.append("\\")
        for _ in digits.utf8.count..<3 { text.append("0") }
        text.append(digits)
    }
}
