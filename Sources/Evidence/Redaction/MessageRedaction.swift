import Model

/// Overwrites secrets in one direction of an HTTP/1 connection.
///
/// Follows heads and bodies as far as the bytes go; where it cannot (in the middle of a stream, behind a hole, where something else
/// is spoken) all is overwritten up to a packet that begins with a start line.
struct MessageRedaction {
    private enum Phase {
        /// Where a message may begin.
        case start
        case fields
        case trailers
        case length(Int64)
        case chunkSize
        case chunk(Int64)
        case chunkEnd
        /// A body up to the end of the stream.
        case untilClose
        /// Not followed: a packet that begins with a start line begins anew.
        case lost
        /// No HTTP any more.
        case dead
    }

    /// What the head said so far.
    private struct Head {
        var isRequest = false
        var method: String?
        var status: Int?
        var length: Int64?
        var isChunked = false
        var hasFault = false
        var version: [UInt8] = []
        /// The value of the field before was secret, or was not.
        var hidesContinuation = false
    }

    private let isClient: Bool
    private var phase: Phase
    private var head = Head()
    /// Of the requests in order; of responses those that are answered. Nil where a method is not known.
    private(set) var methods: [String?] = []
    private var nextMethod = 0
    private var expected: [String?]
    private var position: Int64 = 0
    private var body = BodyRedaction()
    var text: TextRedaction

    /// - Parameters:
    ///   - methods: of the other direction's requests, for responses.
    ///   - knowsBeginning: the first byte is that of a message.
    init(isClient: Bool, methods: [String?], knowsBeginning: Bool, text: TextRedaction) {
        self.isClient = isClient
        expected = methods
        phase = knowsBeginning ? .start : .lost
        self.text = text
    }

    // MARK: Runs

    /// Overwrites a run that begins at `from`; what lies between the last one and it is missing.
    mutating func redact(_ run: inout StreamMap.Run, from start: Int = 0) {
        // What stands before `start` was looked at by others.
        if start > 0 { position = run.start + Int64(start) }
        skip(to: run.start + Int64(start))
        var bytes = run.bytes
        let beginnings = run.beginnings
        var nextBeginning = 0
        var index = start
        while index < bytes.count {
            switch phase {
            case .start: begin(&bytes, &index)
            case .fields, .trailers: field(&bytes, &index)
            case .length(let left): data(&bytes, &index, left)
            case .chunk(let left): data(&bytes, &index, left)
            case .chunkSize: chunkSize(&bytes, &index)
            case .chunkEnd: chunkEnd(&bytes, &index)
            case .untilClose: data(&bytes, &index, .max)
            case .dead:
                Self.blank(&bytes, index..<bytes.count)
                index = bytes.count
            case .lost:
                while nextBeginning < beginnings.count, beginnings[nextBeginning] < index { nextBeginning += 1 }
                let isBeginning = nextBeginning < beginnings.count && beginnings[nextBeginning] == index
                if isBeginning, looksLikeStart(bytes, at: index) {
                    phase = .start
                    head = Head()
                    continue
                }
                let following = beginnings[nextBeginning...].first { $0 > index } ?? bytes.count
                Self.blank(&bytes, index..<following)
                index = following
            }
        }
        position = run.end
        body.flush(&bytes, &text)
        run.bytes = bytes
    }

    /// Bytes that the capture has not.
    private mutating func skip(to offset: Int64) {
        let gap = offset - position
        position = offset
        guard gap > 0 else { return }
        switch phase {
        case .length(let left) where left > gap:
            phase = .length(left - gap)
        case .length(let left) where left == gap:
            phase = .start
        case .chunk(let left) where left > gap:
            phase = .chunk(left - gap)
        case .chunk(let left) where left == gap:
            phase = .chunkEnd
        case .untilClose, .dead: break
        default: lose()
        }
        body.skip()
    }

    private mutating func lose() {
        phase = .lost
        // Which request the next response answers is not known any more.
        expected = []
        nextMethod = 0
    }

    private func looksLikeStart(_ bytes: [UInt8], at index: Int) -> Bool {
        isClient ? StartLines.isRequest(bytes, at: index) : StartLines.isStatus(bytes, at: index)
    }

    /// Line ends, colons, blanks and NUL stay, so that what was no head does not become one.
    static func blank(_ bytes: inout [UInt8], _ range: Range<Int>) {
        for index in range {
            switch bytes[index] {
            case 0x00, 0x09, 0x0a, 0x0d, 0x20, 0x3a: break
            default: bytes[index] = Pseudonyms.filler
            }
        }
    }

    // MARK: Heads

    private mutating func begin(_ bytes: inout [UInt8], _ index: inout Int) {
        if bytes[index] == 0x0d || bytes[index] == 0x0a {
            index += 1
            return
        }
        body = BodyRedaction()
        head = Head(isRequest: isClient)
        guard let end = lineEnd(bytes, index) else {
            // The line is cut: what there is of it is a target, or a reason.
            startLine(&bytes, index..<bytes.count, isWhole: false)
            index = bytes.count
            phase = .lost
            return
        }
        startLine(&bytes, index..<end, isWhole: true)
        index = end
    }

    /// Past the line feed; nil where there is none.
    private func lineEnd(_ bytes: [UInt8], _ index: Int) -> Int? {
        bytes[index...].firstIndex(of: 0x0a).map { $0 + 1 }
    }

    private mutating func startLine(_ bytes: inout [UInt8], _ line: Range<Int>, isWhole: Bool) {
        phase = isWhole ? .fields : .lost
        if isClient {
            requestLine(&bytes, line, isWhole: isWhole)
        } else if bytes[line].prefix(5).map(ASCII.lowered).elementsEqual("http/".utf8) {
            statusLine(&bytes, line, isWhole: isWhole)
        } else {
            Self.blank(&bytes, line)
            phase = .lost
        }
    }

    private mutating func requestLine(_ bytes: inout [UInt8], _ line: Range<Int>, isWhole: Bool) {
        let content = trimmed(bytes, line)
        guard let first = content.first(where: { bytes[$0] == 0x20 }), first > content.lowerBound,
            first - content.lowerBound <= 32,
            bytes[content.lowerBound..<first].allSatisfy({ $0 > 0x20 && $0 < 0x7f })
        else {
            methods.append(nil)
            // A beginning that may yet become a method is one.
            let isStart = !isWhole && content.count <= 16 && content.allSatisfy { (0x41...0x5a).contains(bytes[$0]) }
            if !isStart { Self.blank(&bytes, line) }
            phase = .lost
            return
        }
        head.method = String(decoding: bytes[content.lowerBound..<first], as: UTF8.self)
        methods.append(head.method)
        let last = content.last { bytes[$0] == 0x20 } ?? first
        let hasVersion =
            last > first
            && bytes[(last + 1)..<content.upperBound].prefix(5).map(ASCII.lowered).elementsEqual("http/".utf8)
        let target = first + 1..<(hasVersion ? last : content.upperBound)
        text.target(&bytes, target)
        if !isWhole, !hasVersion {
            // What the last word of a cut target is the beginning of cannot be told.
            let slash = target.last { bytes[$0] == UInt8(ascii: "/") } ?? target.lowerBound - 1
            text.hide(&bytes, slash + 1..<target.upperBound)
        }
        if hasVersion {
            head.version = Array(bytes[(last + 1)..<content.upperBound])
        } else if isWhole {
            phase = .lost
        }
    }

    private mutating func statusLine(_ bytes: inout [UInt8], _ line: Range<Int>, isWhole: Bool) {
        let content = trimmed(bytes, line)
        let words = bytes[content].split(separator: 0x20, maxSplits: 2, omittingEmptySubsequences: false)
        if words.count >= 2, words[1].count == 3, words[1].allSatisfy({ $0 &- 0x30 < 10 }) {
            head.status = words[1].reduce(0) { $0 * 10 + Int($1 &- 0x30) }
        } else {
            head.hasFault = true
        }
        // The reason may say anything.
        guard words.count > 2 else { return }
        let reason = words[2].startIndex..<content.upperBound
        if isWhole { text.value(&bytes, reason) } else { text.hide(&bytes, reason) }
    }

    private func trimmed(_ bytes: [UInt8], _ line: Range<Int>) -> Range<Int> {
        var end = line.upperBound
        while end > line.lowerBound, bytes[end - 1] == 0x0a || bytes[end - 1] == 0x0d { end -= 1 }
        return line.lowerBound..<end
    }

    private mutating func field(_ bytes: inout [UInt8], _ index: inout Int) {
        guard let end = lineEnd(bytes, index) else {
            fieldLine(&bytes, index..<bytes.count, isWhole: false)
            index = bytes.count
            // The rest of the line is missing, or never came.
            lose()
            return
        }
        let line = index..<end
        index = end
        guard trimmed(bytes, line).isEmpty else { return fieldLine(&bytes, line) }
        if case .trailers = phase { phase = .start } else { endHead() }
    }

    private mutating func fieldLine(_ bytes: inout [UInt8], _ line: Range<Int>, isWhole: Bool = true) {
        let content = trimmed(bytes, line)
        guard let start = content.first else { return }
        if bytes[start] == 0x20 || bytes[start] == 0x09 {
            // A folded line goes on with the field before it (RFC 9112 §5.2).
            if head.hidesContinuation || !isWhole { text.hide(&bytes, content) } else { text.value(&bytes, content) }
            return
        }
        guard let colon = content.first(where: { bytes[$0] == 0x3a }) else {
            head.hidesContinuation = true
            text.hide(&bytes, content)
            return
        }
        var name = content.lowerBound..<colon
        while let last = name.last, bytes[last] == 0x20 || bytes[last] == 0x09 { name = name.lowerBound..<last }
        // Bytes that belong in no name must not hide what it is.
        let spelled = String(
            decoding: bytes[name].filter { $0 > 0x20 && $0 < 0x7f }.map(ASCII.lowered),
            as: UTF8.self
        )
        var value = colon + 1..<content.upperBound
        while let first = value.first, bytes[first] == 0x20 || bytes[first] == 0x09 {
            value = first + 1..<value.upperBound
        }
        interpret(spelled, bytes[value])
        head.hidesContinuation = FieldNames.isSecret(spelled)
        if FieldNames.isFraming(spelled) { return }
        // What a cut value is the beginning of cannot be told.
        if head.hidesContinuation || !isWhole {
            text.hide(&bytes, value)
        } else if FieldNames.isURL(spelled) {
            text.target(&bytes, value)
        } else {
            text.value(&bytes, value)
        }
    }

    private mutating func interpret(_ name: String, _ value: ArraySlice<UInt8>) {
        switch name {
        case "content-length":
            let digits = value.filter { $0 != 0x20 && $0 != 0x09 }
            let number =
                digits.count <= 17 && !digits.isEmpty && digits.allSatisfy { $0 &- 0x30 < 10 }
                ? digits.reduce(0) { $0 * 10 + Int64($1 &- 0x30) } : nil
            if number == nil || head.length.map({ $0 != number }) == true { head.hasFault = true }
            head.length = number
        case "transfer-encoding":
            head.isChunked =
                value.map(ASCII.lowered).firstIndex(of: Array("chunked".utf8), in: 0..<value.count) != nil
        default: break
        }
    }

    // MARK: Bodies

    private mutating func endHead() {
        body = BodyRedaction()
        if isClient {
            if head.isChunked {
                phase = .chunkSize
            } else if let length = head.length, !head.hasFault {
                phase = .length(length)
                if length == 0 { phase = .start }
            } else if head.hasFault {
                phase = .lost
            } else {
                phase = .start
            }
            return
        }
        let status = head.status ?? 0
        if (100..<200).contains(status), status != 101 {
            phase = .start
            return
        }
        let method = nextMethod < expected.count ? expected[nextMethod] : nil
        nextMethod += 1
        if head.status == nil || status == 101 || method == "CONNECT" && (200..<300).contains(status) {
            phase = .dead
        } else if method == "HEAD" || status == 204 || status == 304 {
            phase = .start
        } else if head.isChunked {
            phase = .chunkSize
        } else if let length = head.length, !head.hasFault {
            phase = .length(length)
            if length == 0 { phase = .start }
        } else {
            phase = .untilClose
        }
        body.keepsPages = status >= 400 || status == 200
    }

    private mutating func data(_ bytes: inout [UInt8], _ index: inout Int, _ left: Int64) {
        let count = Int(min(left, Int64(bytes.count - index)))
        body.add(index..<index + count)
        index += count
        switch phase {
        case .length:
            phase = .length(left - Int64(count))
            if left == Int64(count) {
                body.flush(&bytes, &text)
                phase = .start
            }
        case .chunk: phase = left == Int64(count) ? .chunkEnd : .chunk(left - Int64(count))
        default: break
        }
    }

    private mutating func chunkSize(_ bytes: inout [UInt8], _ index: inout Int) {
        let end = lineEnd(bytes, index) ?? bytes.count
        let isWhole = end > index && bytes[end - 1] == 0x0a
        let content = trimmed(bytes, index..<end)
        let digits = content.prefix { ASCII.hexadecimal(bytes[$0]) != nil }
        var isValid = !digits.isEmpty && digits.count <= 15
        var size: Int64 = 0
        for place in digits.prefix(15) { size = size << 4 | Int64(ASCII.hexadecimal(bytes[place]) ?? 0) }
        // Extensions (RFC 9112 §7.1.1) may say anything.
        let rest = digits.upperBound..<content.upperBound
        if let next = rest.first(where: { bytes[$0] != 0x20 && bytes[$0] != 0x09 }), bytes[next] != UInt8(ascii: ";") {
            isValid = false
        }
        for place in rest where !"; =\t".utf8.contains(bytes[place]) && bytes[place] > 0x20 {
            bytes[place] = Pseudonyms.filler
        }
        index = end
        if !isValid {
            // Too many digits for a size may be something else.
            if digits.count > 8 { for place in digits { bytes[place] = Pseudonyms.filler } }
            phase = .lost
        } else if !isWhole {
            lose()
        } else if size == 0 {
            body.flush(&bytes, &text)
            phase = .trailers
            head.hidesContinuation = true
        } else {
            phase = .chunk(size)
        }
    }

    private mutating func chunkEnd(_ bytes: inout [UInt8], _ index: inout Int) {
        switch bytes[index] {
        case 0x0d: index += 1
        case 0x0a:
            index += 1
            phase = .chunkSize
        default: phase = .lost
        }
    }
}

/// Overwrites the bytes of one body, whatever its framing: the same body by the same bytes.
struct BodyRedaction {
    /// Texts by which gateways' own pages are recognised stay.
    var keepsPages = false
    private var positions: [Range<Int>] = []
    /// The stand-in of the body's beginning, and how many bytes of it are used.
    private var pattern: [UInt8] = []
    private var used = 0
    private var isHeadless = false
    private static let told = 4_096
    private static let period = 8

    mutating func add(_ range: Range<Int>) {
        if !range.isEmpty { positions.append(range) }
    }

    /// Part of it is missing.
    mutating func skip() {
        isHeadless = true
        pattern = []
    }

    /// Overwrites what was added since the last time.
    mutating func flush(_ bytes: inout [UInt8], _ text: inout TextRedaction) {
        guard !positions.isEmpty else { return }
        let content = positions.flatMap { bytes[$0] }
        var keeps = [Range<Int>]()
        if keepsPages, used == 0, !isHeadless { keeps = Self.pages(content) }
        // Bodies that differ are to stay different, those that are alike, alike: which number one has says nothing of it.
        let beginning = Array(content.prefix(Self.told))
        if pattern.isEmpty { pattern = isHeadless ? [Pseudonyms.filler] : Self.stretched(&text, beginning) }
        var number = 0
        for range in positions {
            for index in range {
                bytes[index] = pattern[(used + number) % pattern.count]
                number += 1
            }
        }
        used += number
        restore(&bytes, keeps, content)
        positions = []
    }

    private static func stretched(_ text: inout TextRedaction, _ beginning: [UInt8]) -> [UInt8] {
        // The stand-in differs at its end: turned round, bodies differ where they begin.
        let standIn = text.pseudonyms.standIn(for: beginning)
        return Array(standIn.reversed().prefix(period))
    }

    private func restore(_ bytes: inout [UInt8], _ keeps: [Range<Int>], _ content: [UInt8]) {
        guard !keeps.isEmpty else { return }
        var number = 0
        for range in positions {
            for index in range {
                if keeps.contains(where: { $0.contains(number) }) { bytes[index] = content[number] }
                number += 1
            }
        }
    }

    private static func pages(_ content: [UInt8]) -> [Range<Int>] {
        if PublicPages.bodies.contains(content) { return [0..<content.count] }
        let searched = 0..<min(content.count, PublicPages.searched)
        return PublicPages.texts.compactMap { needle in
            content.firstIndex(of: needle, in: searched).map { $0..<$0 + needle.count }
        }
    }
}
