import Model

extension HTTP1Parser {
    mutating func consumeResponses(_ bytes: RawSpan, _ frame: FrameReference) {
        let count = bytes.byteCount
        var index = 0
        if server.isLost, server.candidate.isEmpty {
            server.candidateStart = server.position
            server.candidateFrame = frame
        }
        while index < count {
            if server.exchange >= 0, server.inMessage || server.phase == .dead {
                exchanges[server.exchange].response?.lastFrame = frame
            }
            switch server.phase {
            case .lost:
                if index > 0, server.candidate.isEmpty {
                    // Lost within this delivery: the next one may begin a message.
                    server.position += Int64(count - index)
                    return
                }
                guard seekResponse(bytes, &index, frame) else { return prolongCutResponse(frame) }
            case .betweenMessages, .preamble:
                startResponse(bytes.byte(index), &index, frame)
            case .unexpected:
                seekUnexpected(bytes.byte(index), frame)
                index += 1
            case .firstLine:
                readStatusLine(bytes, &index, frame)
            case .foreignLine:
                readForeignLine(bytes, &index)
            case .fields:
                switch server.readLine(bytes, &index) {
                case .complete: takeResponseField(frame)
                case .limit: limitResponseHead()
                case .partial: break
                }
            case .trailers:
                switch server.readLine(bytes, &index) {
                case .complete:
                    if server.line.contentLength == 0 { endResponse() } else { server.nextLine() }
                case .limit: limitResponseHead()
                case .partial: break
                }
            case .body, .chunkData:
                let start = index
                index += server.skip(count - index)
                addBody(bytes, start..<index)
                if server.remaining == 0 { endResponseData() }
            case .chunkFraming:
                stepResponseChunk(bytes.byte(index))
                index += 1
            case .untilClose, .tunnel:
                addBody(bytes, index..<count)
                server.position += Int64(count - index)
                index = count
            case .surplus:
                if hasOutstanding {
                    server.phase = .betweenMessages
                } else {
                    extendResponseExcerpt(bytes, index, stopsAtLineFeed: false)
                    server.position += Int64(count - index)
                    index = count
                }
            case .dead:
                extendResponseExcerpt(bytes, index, stopsAtLineFeed: true)
                if countsWhenDead {
                    addBody(bytes, index..<count)
                    recognise(bytes, index..<count)
                }
                server.position += Int64(count - index)
                index = count
            }
        }
        showResponseHead()
    }

    mutating func changeResponse(_ change: (inout ResponseFacts) -> Void) {
        guard exchanges.indices.contains(server.exchange), var response = exchanges[server.exchange].response else {
            return
        }
        exchanges[server.exchange].response = nil
        change(&response)
        exchanges[server.exchange].response = response
    }

    mutating func addBody(_ bytes: RawSpan, _ range: Range<Int>) {
        guard var response = exchanges[server.exchange].response else { return }
        exchanges[server.exchange].response = nil
        response.body.add(bytes, range)
        if let status = response.status, status >= 400, response.bodyPrefix.count < 512 {
            for index in range.prefix(512 - response.bodyPrefix.count) {
                response.bodyPrefix.append(bytes.byte(index))
            }
        }
        exchanges[server.exchange].response = response
    }

    // MARK: Start of a message

    /// Looks for the start of a response at the start of a delivery. False: the delivery is skipped.
    private mutating func seekResponse(_ bytes: RawSpan, _ index: inout Int, _ frame: FrameReference) -> Bool {
        while index < bytes.byteCount {
            server.candidate.append(bytes.byte(index))
            index += 1
            server.position += 1
            switch MessageStart.response(server.candidate) {
            case .unsure: continue
            case .no:
                server.candidate.removeAll(keepingCapacity: true)
                server.position += Int64(bytes.byteCount - index)
                if hasOutstanding { markHidden(outstanding[outstandingStart], frame) }
                return false
            case .yes:
                beginResponse(at: server.candidateStart, server.candidateFrame ?? frame)
                server.replayCandidate()
                return true
            }
        }
        return false
    }

    private mutating func startResponse(_ byte: UInt8, _ index: inout Int, _ frame: FrameReference) {
        let isFirst = exchanges.isEmpty && !client.isLost
        guard hasOutstanding || awaitingFinal != nil || isFirst else {
            server.candidateStart = server.position
            server.candidateFrame = frame
            server.candidate.removeAll(keepingCapacity: true)
            server.phase = .unexpected
            return
        }
        if byte == Octet.carriageReturn || byte == Octet.lineFeed {
            server.emptyLine = server.emptyLine ?? server.position
            server.position += 1
            index += 1
        } else {
            beginResponse(at: server.position, frame)
        }
    }

    /// No answer is expected: a status line (a server's 408 to an idle connection) or bytes too many.
    private mutating func seekUnexpected(_ byte: UInt8, _ frame: FrameReference) {
        server.candidate.append(byte)
        server.position += 1
        switch MessageStart.response(server.candidate) {
        case .unsure: break
        case .yes:
            beginResponse(at: server.candidateStart, server.candidateFrame ?? frame)
            server.replayCandidate()
        case .no where client.isLost || !exchanges.indices.contains(server.exchange):
            // A request may have been missed, and these bytes may be its answer.
            server.candidate.removeAll(keepingCapacity: true)
            server.phase = .lost
        case .no:
            let (offset, excerpt) = (server.candidateStart, server.candidate)
            let isKnown = exchanges[server.exchange].response?.deviations.contains { $0.kind == .surplusBytes } ?? true
            if !isKnown {
                changeResponse { $0.deviations.note(.surplusBytes, at: offset, excerpt) }
                server.excerpt = excerpt
                server.excerptKind = .surplusBytes
            }
            server.candidate.removeAll(keepingCapacity: true)
            server.phase = .surplus
        }
    }

    private mutating func beginResponse(at start: Int64, _ frame: FrameReference) {
        guard hasOutstanding || awaitingFinal != nil || makeRoom() else {
            server.inMessage = false
            server.phase = .dead
            return
        }
        var response = ResponseFacts(start: start, firstFrame: frame)
        if let emptyLine = server.emptyLine {
            response.deviations.note(.leadingEmptyLine, at: emptyLine)
            server.emptyLine = nil
        }
        endCutResponse()
        if let index = awaitingFinal {
            server.exchange = index
            awaitingFinal = nil
        } else if hasOutstanding {
            server.exchange = outstanding[outstandingStart]
            dropOldestOutstanding()
        } else {
            server.exchange = exchanges.count
            exchanges.append(ExchangeFacts(index: exchanges.count + leftOut))
            if !server.isLost, client.phase == .betweenMessages || client.phase == .preamble {
                response.deviations.note(.responseBeforeRequest, at: start)
                awaitingRequest = awaitingRequest ?? server.exchange
            }
        }
        keepCutInterim()
        exchanges[server.exchange].response = response
        endBodylessCutRequest()
        server.beginHead(at: start)
        server.fields.deviations = response.deviations
        server.phase = .firstLine
    }

    // MARK: Status line

    private mutating func readStatusLine(_ bytes: RawSpan, _ index: inout Int, _ frame: FrameReference) {
        let result = server.readLine(bytes, &index)
        if result == .limit { return limitResponseHead() }
        guard StatusLine.canStart(with: server.line.content),
            result == .partial || server.line.contentLength >= VersionText.name.count
        else { return refuseForeign(isLineComplete: result == .complete) }
        guard result == .complete else { return }
        let content = server.line.content
        let line = StatusLine(content)
        if let fault = line.fault {
            server.fields.deviations.note(fault, at: server.lineStart + Int64(line.faultIndex), content)
        }
        if line.hasControl { server.fields.deviations.note(.controlInValue, at: server.lineStart, content) }
        if line.hasBareReturn { server.fields.deviations.note(.bareCarriageReturn, at: server.lineStart, content) }
        changeResponse {
            $0.version = line.version
            $0.status = line.status
        }
        showResponseHead()
        guard line.status != nil else { return refuseLine(.invalidStatusLine) }
        server.nextLine()
        server.phase = .fields
    }

    // MARK: Head

    private mutating func takeResponseField(_ frame: FrameReference) {
        guard server.line.contentLength == 0 else {
            server.fields.take(server.line.content, at: server.lineStart)
            server.nextLine()
            return
        }
        let exchange = exchanges[server.exchange]
        guard let status = exchange.response?.status, let version = exchange.response?.version else { return }
        server.fields.flush()
        server.fields.checkFraming(version: version, at: server.lineStart)
        // RFC 9110 §8.6: no 204 has a length.
        if status == 204, let length = server.fields.contentLength, length > 0 {
            server.fields.deviations.note(
                .invalidContentLength,
                at: server.lineStart,
                Array("\(length) with 204".utf8)[...]
            )
        }
        if status == 101, let request = exchange.request, request.headEnd != nil, request.upgrade == nil {
            server.fields.deviations.note(.unexpectedSwitchingProtocols, at: server.lineStart)
        }
        showResponseHead()
        if (100..<200).contains(status), status != 101 { return endInterim(status, frame) }
        let (fields, end) = (server.fields, server.position)
        var framing = fields.responseFraming(status: status, method: exchange.request?.method ?? "")
        if status == 101 { framing = .tunnel }
        changeResponse {
            $0.headEnd = end
            $0.headFrame = frame
            $0.lastFrame = frame
            $0.completion = .incompleteBody
            $0.body.framing = framing
            $0.wantsClose = fields.wantsClose(version: version)
            $0.lowerCaseNames = fields.lowerCaseNames
        }
        server.line.clear()
        switch framing {
        case .contentLength(let length) where length > 0:
            server.remaining = length
            server.phase = .body
        case .chunked:
            server.chunk = ChunkDecoder()
            server.excerpt.removeAll(keepingCapacity: true)
            server.phase = .chunkFraming
        case .untilClose, .invalid:
            server.phase = .untilClose
        case .tunnel:
            endResponse()
            server.phase = .tunnel
            client.inMessage = false
            client.phase = .tunnel
        case .none, .contentLength:
            endResponse()
        }
    }

    /// RFC 9110 §15.2: any number of 1xx responses may come before the final one.
    private mutating func endInterim(_ status: Int, _ frame: FrameReference) {
        exchanges[server.exchange].interimCount += 1
        exchanges[server.exchange].interimEnd = server.position
        if exchanges[server.exchange].interim.count < 16 {
            exchanges[server.exchange].interim.append(InterimResponse(status: status, frame: frame))
        }
        exchanges[server.exchange].response = nil
        awaitingFinal = server.exchange
        server.inMessage = false
        server.line.clear()
        server.phase = .betweenMessages
    }

    /// Writes what is known of a head in progress into the facts.
    mutating func showResponseHead() {
        guard server.inMessage else { return }
        switch server.phase {
        case .firstLine, .foreignLine, .fields: break
        default: return
        }
        let stream = server
        changeResponse {
            if stream.phase != .fields { $0.firstLine = stream.line.content.escaped(limit: 200) }
            $0.headBytes = stream.headBytes
            $0.longestLine = stream.longestLine
            $0.fieldCount = stream.fields.count
            $0.fields = stream.fields.kept
            $0.deviations = stream.fields.deviations
        }
    }

    private mutating func limitResponseHead() {
        let offset = server.position
        if server.phase == .trailers {
            changeResponse { $0.deviations.note(.headLimit, at: offset) }
        } else {
            server.fields.deviations.note(.headLimit, at: offset)
            showResponseHead()
        }
        server.inMessage = false
        server.phase = .dead
    }

    // MARK: Body

    private mutating func stepResponseChunk(_ byte: UInt8) {
        server.position += 1
        server.keepForExcerpt(byte)
        let step = server.chunk.step(byte)
        let offset = server.position - 1
        if server.chunk.sawBareLineFeed { changeResponse { $0.deviations.note(.bareLineFeed, at: offset) } }
        switch step {
        case .more: break
        case .data(let size):
            server.remaining = size
            server.excerpt.removeAll(keepingCapacity: true)
            server.phase = .chunkData
        case .last:
            server.headBytes = 0
            server.nextLine()
            server.phase = .trailers
        case .invalidSize: breakResponseBody(.invalidChunkSize)
        case .missingEnd: breakResponseBody(.missingChunkEnd)
        }
    }

    private mutating func breakResponseBody(_ kind: Deviation.Kind) {
        let (offset, excerpt) = (server.position - 1, server.excerpt)
        changeResponse {
            $0.deviations.note(kind, at: offset, excerpt.last == Octet.lineFeed ? excerpt.dropLast() : excerpt[...])
            $0.completion = .brokenBody
        }
        server.excerptKind = excerpt.last == Octet.lineFeed ? nil : kind
        server.inMessage = false
        server.phase = .dead
    }

    private mutating func extendResponseExcerpt(_ bytes: RawSpan, _ from: Int, stopsAtLineFeed: Bool) {
        guard let kind = server.excerptKind else { return }
        let text = server.extendExcerpt(bytes, from, stopsAtLineFeed: stopsAtLineFeed)
        changeResponse { $0.deviations.setExcerpt(text, of: kind) }
    }

    mutating func endResponseData() {
        if server.phase == .chunkData {
            server.chunk.dataEnded()
            server.phase = .chunkFraming
        } else {
            endResponse()
        }
    }

    /// A client that asks again has had its answer: one to a request that was not captured, and of which not a byte of the announced body came,
    /// had none (HEAD, RFC 9110 §9.3.2).
    mutating func endBodilessResponse() {
        guard server.inMessage, server.exchange != awaitingRequest, exchanges.indices.contains(server.exchange),
            exchanges[server.exchange].request == nil,
            let headEnd = exchanges[server.exchange].response?.headEnd, headEnd == server.position
        else { return }
        endResponse()
    }

    private mutating func endResponse() {
        let end = server.position
        changeResponse {
            $0.end = end
            $0.completion = .complete
        }
        server.inMessage = false
        server.line.clear()
        server.phase = .betweenMessages
    }
}
