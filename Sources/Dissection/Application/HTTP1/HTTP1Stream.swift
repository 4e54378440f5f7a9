import Model

/// How far one direction of an HTTP/1 connection has been read.
struct HTTP1Stream {
    enum Phase {
        /// What comes next is unknown (mid-stream start, a gap): bytes are skipped until a delivery begins with a
        /// plausible start of a message.
        case lost
        /// The first bytes of a client, which may be a PROXY protocol header.
        case preamble
        case betweenMessages
        /// Bytes of a server from which no answer is expected: a message start, or surplus.
        case unexpected
        case firstLine
        /// The first line of something that is not HTTP.
        case foreignLine
        case fields
        case body
        case chunkFraming
        case chunkData
        case trailers
        case untilClose
        case surplus
        case tunnel
        /// Broken beyond reading: bytes are counted where a message takes them.
        case dead
    }

    /// gwsniff's own limit for a head or for trailers; every gateway's is smaller (GCLB's 64 KiB to Go's 10 MiB apart).
    static let headLimit: Int64 = 1 << 20

    var phase: Phase
    /// Offset after the last byte that was read or skipped.
    var position: Int64 = 0
    /// Index of the exchange whose message is being read, or was read last.
    var exchange = -1
    /// Whether the message at `exchange` is being read.
    var inMessage = false

    /// The bytes of a delivery that are looked at before they are taken for a message, and where they began.
    var candidate: [UInt8] = []
    var candidateStart: Int64 = 0
    var candidateFrame: FrameReference?
    /// The message at `exchange` lost part of its head or chunk framing in a gap, and nothing yet shows that it is over.
    var isCut = false
    /// The message was found by resynchronising: it becomes an exchange when its first line proves it.
    var isProvisional = false

    var line = HeadLine()
    var lineStart: Int64 = 0
    var fields: HeadFields
    var headBytes: Int64 = 0
    var longestLine = 0
    var sawBareLineFeed = false
    /// Offset of an empty line before the message.
    var emptyLine: Int64?
    /// Body or chunk bytes still to come.
    var remaining: Int64 = 0
    var chunk = ChunkDecoder()

    /// First bytes of a response that is not HTTP, at most `ProtocolProbe.longestNeeded`, while they may still tell
    /// what it is; nil when there is nothing left to ask.
    var opening: [UInt8]?

    /// The bytes that an open excerpt holds so far, and the deviation that it belongs to.
    var excerpt: [UInt8] = []
    var excerptKind: Deviation.Kind?

    init(_ kind: HeadFields.Kind, phase: Phase) {
        fields = HeadFields(kind)
        self.phase = phase
    }

    var isLost: Bool { phase == .lost }

    enum LineResult {
        case partial, complete, limit
    }

    mutating func beginHead(at start: Int64) {
        line.clear()
        lineStart = start
        fields = HeadFields(fields.kind)
        headBytes = 0
        longestLine = 0
        sawBareLineFeed = false
        inMessage = true
    }

    /// Reads on to the end of the line or of the bytes.
    mutating func readLine(_ bytes: RawSpan, _ index: inout Int) -> LineResult {
        let count = bytes.byteCount
        while index < count {
            guard headBytes < Self.headLimit else { return .limit }
            let byte = bytes.byte(index)
            index += 1
            position += 1
            headBytes += 1
            if byte == Octet.lineFeed {
                longestLine = max(longestLine, line.contentLength)
                if !line.endsWithReturn, !sawBareLineFeed {
                    sawBareLineFeed = true
                    fields.deviations.note(.bareLineFeed, at: position - 1)
                }
                return .complete
            }
            line.append(byte)
        }
        longestLine = max(longestLine, line.contentLength)
        return .partial
    }

    /// Puts the candidate's bytes, none of which is a line end, where `readLine` would have put them.
    mutating func replayCandidate() {
        for byte in candidate { line.append(byte) }
        headBytes = Int64(candidate.count)
        longestLine = candidate.count
        candidate.removeAll(keepingCapacity: true)
    }

    mutating func nextLine() {
        line.clear()
        lineStart = position
    }

    /// Skips `length` bytes, or what is left of a known number of them; returns how many.
    mutating func skip(_ available: Int) -> Int {
        let taken = Int(min(Int64(available), remaining))
        remaining -= Int64(taken)
        position += Int64(taken)
        return taken
    }
}

extension HTTP1Stream {
    /// Collects a chunk's framing line, in case it turns out to be broken.
    mutating func keepForExcerpt(_ byte: UInt8) {
        if chunk.isAtLineStart { excerpt.removeAll(keepingCapacity: true) }
        if excerpt.count < 80 { excerpt.append(byte) }
    }

    /// Lengthens the excerpt of the last deviation, to 80 bytes or to the end of the line; returns its text.
    mutating func extendExcerpt(_ bytes: RawSpan, _ from: Int, stopsAtLineFeed: Bool) -> String {
        var index = from
        while index < bytes.byteCount, excerptKind != nil {
            let byte = bytes.byte(index)
            index += 1
            if stopsAtLineFeed, byte == Octet.lineFeed {
                excerptKind = nil
            } else {
                excerpt.append(byte)
                if excerpt.count >= 80 { excerptKind = nil }
            }
        }
        return excerpt.escaped(limit: 80)
    }
}

extension [Deviation] {
    mutating func setExcerpt(_ text: String, of kind: Deviation.Kind) {
        guard let index = lastIndex(where: { $0.kind == kind }) else { return }
        self[index].excerpt = text
    }
}

/// Whether bytes begin a message, asked where nothing before them is known.
enum MessageStart {
    enum Answer {
        case yes, no, unsure
    }

    private static let methods: [[UInt8]] = [
        "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "PROPFIND", "PROPPATCH",
        "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "PURGE",
    ].map { Array($0.utf8) }

    /// A known method, a space, and the first byte of a target.
    static func request(_ bytes: [UInt8]) -> Answer {
        var unsure = false
        for method in methods {
            if bytes.count <= method.count {
                if method.starts(with: bytes) { unsure = true }
                continue
            }
            guard bytes.starts(with: method), bytes[method.count] == Octet.space else { continue }
            guard bytes.count > method.count + 1 else { return .unsure }
            let first = bytes[method.count + 1]
            // "/path", "http://", "*"; the authority of CONNECT is anything.
            let isTarget = first == Octet.slash || first == 0x68 || first == 0x2a || method.first == 0x43
            return isTarget && first > Octet.space && first < 0x7f ? .yes : .no
        }
        return unsure ? .unsure : .no
    }

    /// `HTTP/1.x` and a status code.
    static func response(_ bytes: [UInt8]) -> Answer {
        let template = Array("HTTP/1.# ###".utf8)
        for (byte, expected) in zip(bytes, template) {
            guard byte == expected || (expected == 0x23 && Octet.isDigit(byte)) else { return .no }
        }
        return bytes.count >= template.count ? .yes : .unsure
    }
}
