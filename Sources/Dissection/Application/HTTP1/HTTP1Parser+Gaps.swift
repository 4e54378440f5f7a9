import Model

extension HTTP1Parser {
    mutating func gapInRequests(_ length: Int64, _ frame: FrameReference) {
        withdrawGuesses()
        let end = client.position &+ length
        switch client.phase {
        case .body, .chunkData:
            let hidden = min(length, client.remaining)
            changeRequest {
                $0.body.hasGap = true
                $0.body.seen += hidden
                $0.lastFrame = frame
            }
            client.remaining -= hidden
            client.position += hidden
            if client.remaining == 0 { endRequestData() }
            if hidden < length { loseClient() }
        case .tunnel, .dead, .untilClose:
            break
        case .lost, .preamble, .betweenMessages, .unexpected, .firstLine, .foreignLine, .fields, .chunkFraming,
            .trailers, .surplus:
            stateCutRequestLine(frame)
            loseClient()
        }
        client.position = end
    }

    mutating func loseClient() {
        if client.inMessage, !client.isProvisional {
            if client.phase == .fields { client.fields.flush() }
            showRequestHead()
            changeRequest { $0.body.hasGap = true }
            client.isCut = true
        }
        client.inMessage = false
        client.isProvisional = false
        client.candidate.removeAll()
        client.emptyLine = nil
        client.excerptKind = nil
        proxyLine = nil
        client.phase = .lost
    }

    /// What was said about the server's bytes because no request was seen no longer holds once one may lie in a gap.
    private mutating func withdrawGuesses() {
        if let index = awaitingRequest {
            exchanges[index].response?.deviations.removeAll { $0.kind == .responseBeforeRequest }
            if server.exchange == index { server.fields.deviations.removeAll { $0.kind == .responseBeforeRequest } }
            awaitingRequest = nil
        }
        if server.phase == .surplus, exchanges.indices.contains(server.exchange) {
            exchanges[server.exchange].response?.deviations.removeAll { $0.kind == .surplusBytes }
            server.excerptKind = nil
            server.phase = .lost
        }
    }

    mutating func gapInResponses(_ length: Int64, _ frame: FrameReference) {
        let end = server.position &+ length
        switch server.phase {
        case .body, .chunkData:
            let hidden = min(length, server.remaining)
            changeResponse {
                $0.body.hasGap = true
                $0.body.seen += hidden
                $0.lastFrame = frame
            }
            server.remaining -= hidden
            server.position += hidden
            if server.remaining == 0 { endResponseData() }
            if hidden < length { loseServer(frame) }
        case .untilClose, .tunnel:
            changeResponse {
                $0.body.hasGap = true
                $0.body.seen = $0.body.seen.addingSaturating(length)
                $0.lastFrame = frame
            }
        case .dead:
            changeResponse { $0.body.hasGap = true }
            server.opening = nil
        case .foreignLine:
            // Another protocol goes on behind a gap: no answer is to be sought there.
            showResponseHead()
            changeResponse { $0.body.hasGap = true }
            server.opening = nil
            server.inMessage = false
            server.phase = .dead
        case .surplus where !hasOutstanding:
            break
        case .lost, .preamble, .betweenMessages, .unexpected, .firstLine, .fields, .chunkFraming, .trailers, .surplus:
            stateCutStatusLine()
            loseServer(frame)
        }
        server.position = end
    }

    /// Bytes that belong to the oldest outstanding requests are unknown: none of these was left without an answer.
    private mutating func loseServer(_ frame: FrameReference) {
        if server.inMessage, server.phase == .fields { server.fields.flush() }
        showResponseHead()
        var isFinal = false
        if server.inMessage {
            server.isCut = true
            changeResponse { $0.body.hasGap = true }
            isFinal = exchanges[server.exchange].response?.status.map { $0 >= 200 || $0 == 101 } ?? false
            if !isFinal { expectAgain(server.exchange) }
        } else if let index = awaitingFinal {
            expectAgain(index)
        }
        if hasOutstanding, !isFinal {
            // With more than one outstanding, which of them the hidden bytes answer cannot be told.
            let isAmbiguous = outstanding.count - outstandingStart > 1
            for index in outstanding[outstandingStart...] { markHidden(index, frame) }
            while isAmbiguous, hasOutstanding { dropOldestOutstanding() }
        }
        awaitingFinal = nil
        server.inMessage = false
        server.candidate.removeAll()
        server.emptyLine = nil
        server.excerptKind = nil
        server.phase = .lost
    }

    /// What was lost may have been a 1xx response, or its blank line: the final one may still be seen.
    private mutating func expectAgain(_ index: Int) {
        guard exchanges[index].request != nil else { return }
        if outstandingStart > 0 {
            outstandingStart -= 1
            outstanding[outstandingStart] = index
        } else {
            outstanding.insert(index, at: 0)
        }
    }

    mutating func markHidden(_ index: Int, _ frame: FrameReference) {
        guard exchanges[index].response == nil else { return }
        var response = ResponseFacts(start: server.position, firstFrame: frame)
        response.body.hasGap = true
        exchanges[index].response = response
    }

    // MARK: Messages cut by a gap

    /// States what of the request line lies before a gap. A message found by resynchronising becomes an exchange by it.
    private mutating func stateCutRequestLine(_ frame: FrameReference) {
        guard client.inMessage, client.phase == .firstLine else { return }
        let line = RequestLine(cut: client.line.content)
        if client.isProvisional {
            guard line.isReadable else { return }
            client.isProvisional = false
            openExchange(with: RequestFacts(start: client.candidateStart, firstFrame: client.candidateFrame ?? frame))
        }
        guard line.isReadable else { return }
        changeRequest {
            $0.method = line.method
            $0.target = line.target
            $0.version = line.version
        }
    }

    /// A status code with what delimits it is stated though the gap hides the reason.
    private mutating func stateCutStatusLine() {
        guard server.inMessage, server.phase == .firstLine else { return }
        let line = StatusLine(server.line.content)
        guard line.status != nil, line.fault == nil || line.fault == .missingReason else { return }
        changeResponse {
            $0.version = line.version
            $0.status = line.status
        }
    }

    /// Bytes that begin no message, behind the gap in a request's head: they are more of that request.
    mutating func prolongCutRequest(_ frame: FrameReference) {
        guard client.isCut, client.candidate.isEmpty else { return }
        changeRequest { $0.lastFrame = frame }
    }

    mutating func prolongCutResponse(_ frame: FrameReference) {
        guard server.isCut, server.candidate.isEmpty else { return }
        changeResponse { $0.lastFrame = frame }
    }

    mutating func endCutRequest(at end: Int64) {
        guard client.isCut else { return }
        client.isCut = false
        changeRequest { $0.end = $0.end ?? end }
    }

    /// A request that announced no body is over when it is answered.
    mutating func endBodylessCutRequest() {
        guard client.isCut, server.exchange == client.exchange,
            !client.fields.hasContentLength, !client.fields.hasTransferEncoding,
            let method = exchanges[client.exchange].request?.method, Self.bodylessMethods.contains(method)
        else { return }
        endCutRequest(at: client.position)
    }

    /// Methods whose content has no meaning (RFC 9110 §9.3).
    private static let bodylessMethods: Set<String> = ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "CONNECT"]

    /// Where the end of a response was hidden, the next message or an orderly close tells that there was one.
    mutating func endCutResponse() {
        guard server.isCut, let response = exchanges[server.exchange].response else { return }
        server.isCut = false
        guard let status = response.status, status >= 200 || status == 101 else { return }
        let end = server.position
        changeResponse {
            $0.end = $0.end ?? end
            $0.completion = .complete
        }
    }

    /// A 1xx response that was cut gives way to the final one.
    mutating func keepCutInterim() {
        guard let cut = exchanges[server.exchange].response, let status = cut.status,
            (100..<200).contains(status), status != 101
        else { return }
        exchanges[server.exchange].interimCount += 1
        guard exchanges[server.exchange].interim.count < 16 else { return }
        exchanges[server.exchange].interim.append(InterimResponse(status: status, frame: cut.firstFrame))
    }
}
