import Model

extension HTTP1Parser {
    mutating func consumeRequests(_ bytes: RawSpan, _ frame: FrameReference) {
        let count = bytes.byteCount
        var index = 0
        if client.isLost, client.candidate.isEmpty {
            client.candidateStart = client.position
            client.candidateFrame = frame
        }
        while index < count {
            if client.exchange >= 0, !client.isProvisional, client.inMessage || client.phase == .dead {
                exchanges[client.exchange].request?.lastFrame = frame
            }
            switch client.phase {
            case .lost:
                if index > 0, client.candidate.isEmpty {
                    // Lost within this delivery: the next one may begin a message.
                    client.position += Int64(count - index)
                    return
                }
                guard seekRequest(bytes, &index) else { return prolongCutRequest(frame) }
            case .preamble:
                readPreamble(bytes, &index, frame)
            case .betweenMessages, .unexpected, .surplus:
                let byte = bytes.byte(index)
                if byte == Octet.carriageReturn || byte == Octet.lineFeed {
                    client.emptyLine = client.emptyLine ?? client.position
                    client.position += 1
                    index += 1
                } else {
                    beginRequest(at: client.position, frame)
                }
            case .firstLine:
                if client.readLine(bytes, &index) == .complete {
                    endRequestLine(frame)
                } else {
                    limitRequestHead(index < count)
                }
            case .fields:
                if client.readLine(bytes, &index) == .complete {
                    takeRequestField(frame)
                } else {
                    limitRequestHead(index < count)
                }
            case .trailers:
                switch client.readLine(bytes, &index) {
                case .complete:
                    if client.line.contentLength == 0 { endRequest() } else { client.nextLine() }
                case .limit: limitRequestHead(true)
                case .partial: break
                }
            case .body, .chunkData:
                let start = index
                index += client.skip(count - index)
                let taken = start..<index
                changeRequest { $0.body.add(bytes, taken) }
                if client.remaining == 0 { endRequestData() }
            case .chunkFraming:
                stepRequestChunk(bytes.byte(index))
                index += 1
            case .untilClose, .tunnel, .dead, .foreignLine:
                if client.excerptKind != nil { extendRequestExcerpt(bytes, index) }
                client.position += Int64(count - index)
                index = count
            }
        }
        showRequestHead()
    }

    mutating func changeRequest(_ change: (inout RequestFacts) -> Void) {
        guard exchanges.indices.contains(client.exchange), var request = exchanges[client.exchange].request else {
            return
        }
        exchanges[client.exchange].request = nil
        change(&request)
        exchanges[client.exchange].request = request
    }

    // MARK: Start of a message

    /// Looks for the start of a request at the start of a delivery. False: the delivery is skipped.
    private mutating func seekRequest(_ bytes: RawSpan, _ index: inout Int) -> Bool {
        while index < bytes.byteCount {
            client.candidate.append(bytes.byte(index))
            index += 1
            client.position += 1
            switch MessageStart.request(client.candidate) {
            case .unsure: continue
            case .no:
                client.candidate.removeAll(keepingCapacity: true)
                client.position += Int64(bytes.byteCount - index)
                return false
            case .yes:
                client.beginHead(at: client.candidateStart)
                client.replayCandidate()
                client.isProvisional = true
                client.phase = .firstLine
                return true
            }
        }
        return false
    }

    private mutating func readPreamble(_ bytes: RawSpan, _ index: inout Int, _ frame: FrameReference) {
        if preamble.bytes.isEmpty {
            client.candidateStart = client.position
            client.candidateFrame = frame
        }
        switch preamble.take(bytes.byte(index)) {
        case .more:
            index += 1
            client.position += 1
        case .complete(let line):
            index += 1
            client.position += 1
            proxyLine = line
            client.phase = .betweenMessages
        case .notProxy(let held):
            // The bytes held back are a message's after all.
            client.phase = .betweenMessages
            client.position = client.candidateStart
            consumeRequests(held.span.bytes, client.candidateFrame ?? frame)
        }
    }

    private mutating func beginRequest(at start: Int64, _ frame: FrameReference) {
        guard makeRoom() else {
            client.inMessage = false
            client.phase = .dead
            return
        }
        var request = RequestFacts(start: start, firstFrame: frame)
        if let emptyLine = client.emptyLine {
            request.deviations.note(.leadingEmptyLine, at: emptyLine)
            client.emptyLine = nil
        }
        if let proxyLine {
            request.fields.append(proxyLine)
        }
        openExchange(with: request)
        client.beginHead(at: start)
        client.fields.deviations = request.deviations
        client.phase = .firstLine
    }

    mutating func openExchange(with request: RequestFacts) {
        endCutRequest(at: request.start)
        endCutResponse()
        endBodilessResponse()
        if let index = awaitingRequest {
            // The response that ran ahead is the one that a gateway reads as the answer to this request.
            awaitingRequest = nil
            exchanges[index].request = request
            client.exchange = index
        } else {
            if server.isLost { giveUpOutstanding() }
            client.exchange = exchanges.count
            exchanges.append(ExchangeFacts(index: exchanges.count + leftOut, request: request))
            outstanding.append(client.exchange)
        }
        watchAcknowledgment(of: client.exchange)
        if server.phase == .surplus {
            server.excerptKind = nil
            server.phase = .betweenMessages
        }
    }

    /// A new request while the server's bytes are unknown: the older requests were answered in what was missed.
    private mutating func giveUpOutstanding() {
        while hasOutstanding, exchanges[outstanding[outstandingStart]].response != nil { dropOldestOutstanding() }
    }

    mutating func dropOldestOutstanding() {
        outstandingStart += 1
        if outstandingStart == outstanding.count {
            outstanding.removeAll(keepingCapacity: true)
            outstandingStart = 0
        } else if outstandingStart >= 1024, outstandingStart > outstanding.count / 2 {
            outstanding.removeFirst(outstandingStart)
            outstandingStart = 0
        }
    }

    // MARK: Head

    private mutating func endRequestLine(_ frame: FrameReference) {
        let line = RequestLine(client.line.content)
        if client.isProvisional {
            guard line.isReadable, line.fault == nil else { return loseClient() }
            client.isProvisional = false
            let firstFrame = client.candidateFrame ?? frame
            openExchange(with: RequestFacts(start: client.candidateStart, firstFrame: firstFrame))
        }
        if let fault = line.fault {
            client.fields.deviations.note(fault, at: client.lineStart, client.line.content)
        }
        changeRequest {
            $0.method = line.method
            $0.target = line.target
            $0.version = line.version
            $0.lastFrame = frame
        }
        guard line.isReadable else {
            showRequestHead()
            client.inMessage = false
            client.phase = .dead
            return
        }
        client.nextLine()
        client.phase = .fields
    }

    private mutating func takeRequestField(_ frame: FrameReference) {
        guard client.line.contentLength == 0 else {
            client.fields.take(client.line.content, at: client.lineStart)
            client.nextLine()
            return
        }
        client.fields.flush()
        let version = exchanges[client.exchange].request?.version ?? ""
        client.fields.checkFraming(version: version, at: client.lineStart)
        showRequestHead()
        let (fields, end) = (client.fields, client.position)
        let framing = fields.requestFraming
        changeRequest {
            $0.headEnd = end
            $0.headFrame = frame
            $0.lastFrame = frame
            $0.body.framing = framing
            $0.expectsContinue = fields.expectsContinue
            $0.upgrade = fields.upgrade
            $0.wantsClose = fields.wantsClose(version: version)
            $0.lowerCaseNames = fields.lowerCaseNames
        }
        client.line.clear()
        switch framing {
        case .contentLength(let length) where length > 0:
            client.remaining = length
            client.phase = .body
        case .chunked:
            client.chunk = ChunkDecoder()
            client.excerpt.removeAll(keepingCapacity: true)
            client.phase = .chunkFraming
        case .invalid:
            client.inMessage = false
            client.phase = .dead
        case .none, .contentLength, .untilClose, .tunnel:
            endRequest()
        }
    }

    /// Writes what is known of a head in progress into the facts.
    mutating func showRequestHead() {
        guard client.inMessage, !client.isProvisional, client.phase == .firstLine || client.phase == .fields else {
            return
        }
        let fields = client.fields
        let proxy = proxyLine
        changeRequest {
            $0.fieldCount = fields.count
            $0.fields = proxy.map { [$0] + fields.kept.prefix(23) } ?? fields.kept
            $0.deviations = fields.deviations
            $0.host = Self.authority(ofAbsolute: $0.target) ?? fields.host
        }
    }

    /// The authority of an absolute-form target, which overrides Host (RFC 9112 §3.2.2).
    private static func authority(ofAbsolute target: String) -> String? {
        guard let colon = target.utf8.firstIndex(of: Octet.colon), target[colon...].hasPrefix("://"),
            ["http", "https"].contains(target[..<colon].lowercased())
        else { return nil }
        return String(target[colon...].dropFirst(3).prefix { $0 != "/" && $0 != "?" }.prefix(256))
    }

    private mutating func limitRequestHead(_ isReached: Bool) {
        guard isReached else { return }
        if client.isProvisional { return loseClient() }
        client.fields.deviations.note(.headLimit, at: client.position)
        showRequestHead()
        client.inMessage = false
        client.phase = .dead
    }

    // MARK: Body

    private mutating func stepRequestChunk(_ byte: UInt8) {
        client.position += 1
        client.keepForExcerpt(byte)
        let step = client.chunk.step(byte)
        let position = client.position
        if client.chunk.sawBareLineFeed { changeRequest { $0.deviations.note(.bareLineFeed, at: position - 1) } }
        switch step {
        case .more: break
        case .data(let size):
            client.remaining = size
            client.excerpt.removeAll(keepingCapacity: true)
            client.phase = .chunkData
        case .last:
            client.headBytes = 0
            client.nextLine()
            client.phase = .trailers
        case .invalidSize: breakRequestBody(.invalidChunkSize)
        case .missingEnd: breakRequestBody(.missingChunkEnd)
        }
    }

    private mutating func breakRequestBody(_ kind: Deviation.Kind) {
        let (offset, excerpt) = (client.position - 1, client.excerpt)
        changeRequest { $0.deviations.note(kind, at: offset, excerpt) }
        client.excerptKind = kind
        if excerpt.last == Octet.lineFeed { client.excerptKind = nil }
        client.inMessage = false
        client.phase = .dead
    }

    private mutating func extendRequestExcerpt(_ bytes: RawSpan, _ from: Int) {
        guard let kind = client.excerptKind else { return }
        let text = client.extendExcerpt(bytes, from, stopsAtLineFeed: true)
        changeRequest { $0.deviations.setExcerpt(text, of: kind) }
    }

    mutating func endRequestData() {
        if client.phase == .chunkData {
            client.chunk.dataEnded()
            client.phase = .chunkFraming
        } else {
            endRequest()
        }
    }

    private mutating func endRequest() {
        let end = client.position
        changeRequest { $0.end = end }
        proxyLine = nil
        client.inMessage = false
        client.line.clear()
        client.phase = .betweenMessages
    }
}
