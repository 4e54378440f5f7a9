import Model

/// The answer of a script (RFC 3875 §6): field lines, a blank line, the body. `Status:` has the status; without one it is 200, or 302 where
/// Location names another place (§6.2.3, §6.3.3). Some write a status line of HTTP instead, which gateways take too.
struct ScriptResponse {
    private(set) var facts: ResponseFacts
    private var line = HeadLine()
    private var lineStart: Int64
    private var fields = HeadFields(.response)
    private var isInBody = false
    private let isHead: Bool

    /// `isHead`: the request was HEAD, whose answer has no body to count.
    init(start: Int64, frame: FrameReference, isHead: Bool) {
        facts = ResponseFacts(start: start, firstFrame: frame)
        facts.version = "HTTP/1.1"
        lineStart = start
        self.isHead = isHead
    }

    /// Takes output of the script; `offset` is the stream offset of the first of them.
    mutating func take(_ bytes: RawSpan, _ range: Range<Int>, at offset: Int64, _ frame: FrameReference) {
        facts.lastFrame = frame
        var index = range.lowerBound
        while index < range.upperBound, !isInBody {
            let byte = bytes.byte(index)
            index += 1
            guard facts.headBytes < HTTP1Stream.headLimit else { continue }
            facts.headBytes += 1
            if byte != Octet.lineFeed {
                line.append(byte)
                continue
            }
            takeLine(end: offset + Int64(index - range.lowerBound), frame)
        }
        if !isInBody { showHead() }
        guard index < range.upperBound else { return }
        if facts.status ?? 0 >= 400 {
            for place in index..<range.upperBound {
                guard facts.bodyPrefix.count < 512 else { break }
                facts.bodyPrefix.append(bytes.byte(place))
            }
        }
        facts.body.add(bytes, index..<range.upperBound)
    }

    private mutating func takeLine(end: Int64, _ frame: FrameReference) {
        facts.longestLine = max(facts.longestLine, line.contentLength)
        let content = line.content
        if line.contentLength == 0 {
            fields.flush()
            showHead()
            if facts.status == nil { facts.status = facts.fields.contains { $0.name == "location" } ? 302 : 200 }
            facts.headEnd = end
            facts.headFrame = frame
            facts.completion = .incompleteBody
            facts.body.framing = isHead ? .none : .chunked
            isInBody = true
        } else if fields.count == 0, facts.status == nil, content.starts(with: VersionText.name) {
            facts.status = StatusLine(content).status
            facts.firstLine = content.escaped(limit: 200)
        } else if content.prefix(7).equalsIgnoringCase("status:") {
            facts.status = Self.code(content.dropFirst(7))
            facts.firstLine = content.escaped(limit: 200)
        } else {
            fields.take(content, at: lineStart)
        }
        line.clear()
        lineStart = end
    }

    private static func code(_ text: ArraySlice<UInt8>) -> Int? {
        let digits = text.drop(while: Octet.isBlank).prefix(while: Octet.isDigit)
        guard digits.count == 3 else { return nil }
        return digits.reduce(0) { $0 * 10 + Int($1 &- 0x30) }
    }

    private mutating func showHead() {
        facts.fields = fields.kept
        facts.fieldCount = fields.count
        facts.deviations = fields.deviations
    }

    /// Part of it was not captured: of a head the rest cannot be read.
    mutating func miss() {
        facts.body.hasGap = true
    }

    /// The record that ends it came, up to `offset`.
    mutating func finish(at offset: Int64, _ frame: FrameReference) {
        facts.lastFrame = frame
        guard isInBody || facts.body.hasGap else { return }
        facts.end = offset
        facts.completion = .complete
    }
}
