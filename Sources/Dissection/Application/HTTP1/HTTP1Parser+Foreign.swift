import Model

extension HTTP1Parser {
    /// Not a status line: nginx relays such bytes as they are, the first line with them, so all of it counts as body.
    mutating func refuseForeign(isLineComplete: Bool) {
        // Line ends mean nothing in another protocol.
        server.fields.deviations.removeAll { $0.kind == .bareLineFeed }
        server.sawBareLineFeed = true
        server.fields.deviations.note(.notHTTP, at: server.lineStart, server.line.content)
        var opening = Array(server.line.bytes.prefix(ProtocolProbe.longestNeeded))
        if isLineComplete { opening.append(Octet.lineFeed) }
        server.opening = opening
        recognise()
        if isLineComplete { return refuseLine(.notHTTP) }
        showResponseHead()
        countLineAsBody(isComplete: false)
        changeResponse { $0.completion = .notHTTP }
        server.phase = .foreignLine
    }

    mutating func refuseLine(_ completion: ResponseFacts.Completion) {
        showResponseHead()
        countLineAsBody(isComplete: true)
        changeResponse { $0.completion = completion }
        server.inMessage = false
        server.phase = .dead
    }

    private mutating func countLineAsBody(isComplete: Bool) {
        let line = server.line
        let uncounted = Int64(line.length - line.bytes.count)
        changeResponse {
            for byte in line.bytes { $0.body.add(byte) }
            $0.body.seen += uncounted
            if isComplete { $0.body.add(Octet.lineFeed) }
        }
    }

    mutating func readForeignLine(_ bytes: RawSpan, _ index: inout Int) {
        let start = index
        let result = server.readLine(bytes, &index)
        addBody(bytes, start..<index)
        recognise(bytes, start..<index)
        let excerpt = server.line.content.escaped(limit: 80)
        server.fields.deviations.setExcerpt(excerpt, of: .notHTTP)
        showResponseHead()
        guard result != .partial else { return }
        server.inMessage = false
        server.phase = .dead
    }

    var countsWhenDead: Bool {
        guard exchanges.indices.contains(server.exchange) else { return false }
        switch exchanges[server.exchange].response?.completion {
        case .notHTTP, .invalidStatusLine: return true
        default: return false
        }
    }

    // MARK: Which protocol it is

    /// Looks at more of a response that is not HTTP, as long as it may still tell its protocol.
    mutating func recognise(_ bytes: RawSpan, _ range: Range<Int>) {
        guard let opening = server.opening else { return }
        let room = max(0, ProtocolProbe.longestNeeded - opening.count)
        server.opening = opening + range.prefix(room).map { bytes.byte($0) }
        recognise()
    }

    private mutating func recognise() {
        guard let opening = server.opening else { return }
        let name = ProtocolProbe.bestGuess(opening, from: .fromServer)
        changeResponse { $0.recognised = name }
        let isOpen = ProtocolProbe.examine(opening, from: .fromServer) == .unsure
        if !isOpen || opening.count >= ProtocolProbe.longestNeeded { server.opening = nil }
    }
}
