import Model

/// What bytes of one direction did to the exchange that is read.
enum SieveOutcome: UInt8 {
    case going
    /// The head is not whole: keep the bytes.
    case partial
    /// The answer is complete.
    case answered
    /// The answer is complete and no good one.
    case refused
    case odd
    /// Not HTTP/1.
    case foreign
}

extension FlowState {
    /// In-order bytes of the client, the first of which has this sequence number. After `partial` they come again, with those that
    /// follow.
    /// - Parameter known: the head that they begin with, where it was read before.
    mutating func takeRequest(
        _ bytes: RawSpan,
        sequence: UInt32,
        at frame: Int,
        _ time: Int64,
        _ known: SieveHeads.ScanReference? = nil
    ) -> SieveOutcome {
        var bytes = bytes
        var known = known
        while true {
            switch requestPhase {
            case .lost:
                guard Orientation.sender(of: bytes) == .fromClient, !downward.hasHole else { return .going }
                requestPhase = .betweenMessages
                responsePhase = .betweenMessages
            case .betweenMessages, .head:
                if isAwaiting || willClose || downward.sawFIN {
                    // Whose exchange this is depends on what became of the one before: begun, and not understood.
                    if requestPhase != .head { begin(at: frame, time, sequence: sequence) }
                    return .odd
                }
                var scan = HeadScan()
                let outcome: HeadScan.Outcome
                if let read = known, !read.isResponse {
                    (scan, outcome) = (read.head, read.outcome)
                } else {
                    outcome = scan.request(bytes)
                }
                known = nil
                switch outcome {
                case .partial:
                    if exchanges == 0, Orientation.sender(of: bytes) == nil, bytes.byteCount >= 16 { return .foreign }
                    if requestPhase != .head { begin(at: frame, time, sequence: sequence) }
                    requestPhase = .head
                    return .partial
                case .unusual:
                    return exchanges == 0 && Orientation.sender(of: bytes) == nil ? .foreign : .odd
                case .complete(let end):
                    if requestPhase != .head { begin(at: frame, time, sequence: sequence) }
                    question = scan.question
                    tail = scan.tail
                    agent = scan.agent
                    requestIsHead = scan.isHead
                    willClose = scan.closes
                    isAwaiting = true
                    asked = time
                    status = 0
                    answered = .min
                    requestLeft = max(0, scan.contentLength)
                    if scan.isChunked {
                        chunk = ChunkSieve()
                        requestPhase = .chunks
                    } else {
                        requestPhase = requestLeft > 0 ? .body : .betweenMessages
                    }
                    if end == bytes.byteCount { return .going }
                    bytes = bytes.extracting(droppingFirst: end)
                }
            case .body:
                asked = time
                let count = min(requestLeft, Int64(bytes.byteCount))
                requestLeft -= count
                if requestLeft == 0 { requestPhase = .betweenMessages }
                // What follows at once is pipelined.
                return count == Int64(bytes.byteCount) ? .going : .odd
            case .chunks:
                asked = time
                var offset = 0
                switch chunk.take(bytes, &offset) {
                case .more: return .going
                case .end:
                    requestPhase = .betweenMessages
                    return offset == bytes.byteCount ? .going : .odd
                case .unusual: return .odd
                }
            case .untilClose, .ignored: return .going
            }
        }
    }

    /// In-order bytes of the server.
    /// - Parameter known: the head that they begin with, where it was read before.
    mutating func takeResponse(
        _ bytes: RawSpan,
        _ time: Int64,
        _ known: SieveHeads.ScanReference? = nil
    ) -> SieveOutcome {
        var bytes = bytes
        var known = known
        while true {
            switch responsePhase {
            case .lost, .ignored: return .going
            case .betweenMessages, .head:
                // An answer before its request is whole may be one to another.
                guard isAwaiting, requestPhase == .betweenMessages else { return exchanges == 0 ? .foreign : .odd }
                var scan = HeadScan()
                if responsePhase != .head { answered = time }
                let outcome: HeadScan.Outcome
                if let read = known, read.isResponse {
                    (scan, outcome) = (read.head, read.outcome)
                } else {
                    outcome = scan.response(bytes)
                }
                known = nil
                switch outcome {
                case .partial:
                    responsePhase = .head
                    return .partial
                case .unusual: return .odd
                case .complete(let end):
                    status = UInt16(truncatingIfNeeded: scan.status)
                    responseLength = scan.contentLength
                    willClose = willClose || scan.closes || scan.isHTTP10
                    bytes = bytes.extracting(droppingFirst: end)
                    if requestIsHead || scan.status == 204 || scan.status == 304 {
                        return endResponse(bytes.byteCount)
                    }
                    if scan.isChunked {
                        chunk = ChunkSieve()
                        responsePhase = .chunks
                    } else if scan.contentLength >= 0 {
                        responseLeft = scan.contentLength
                        responsePhase = .body
                        if responseLeft == 0 { return endResponse(bytes.byteCount) }
                    } else {
                        responsePhase = .untilClose
                    }
                    if bytes.byteCount == 0 { return .going }
                }
            case .body:
                let count = min(responseLeft, Int64(bytes.byteCount))
                responseLeft -= count
                return responseLeft == 0 ? endResponse(bytes.byteCount - Int(count)) : .going
            case .chunks:
                var offset = 0
                switch chunk.take(bytes, &offset) {
                case .more: return .going
                case .end: return endResponse(bytes.byteCount - offset)
                case .unusual: return .odd
                }
            case .untilClose: return .going
            }
        }
    }

    /// `surplus` bytes stand behind the end of the answer.
    private mutating func endResponse(_ surplus: Int) -> SieveOutcome {
        guard surplus == 0 else { return .odd }
        responsePhase = .betweenMessages
        isAwaiting = false
        return status >= 500 ? .refused : .answered
    }

    /// The server's orderly close ends a body without a length.
    mutating func endByClose() -> SieveOutcome { endResponse(0) }

    /// Bytes of the client that the capture does not have, or not yet: only a body may hide them.
    mutating func skipRequest(_ count: Int64, _ time: Int64) -> SieveOutcome {
        switch requestPhase {
        case .lost, .ignored: return .going
        case .body where count <= requestLeft:
            asked = time
            requestLeft -= count
            if requestLeft == 0 { requestPhase = .betweenMessages }
            return .going
        case .chunks where chunk.step == .data && count <= chunk.left:
            chunk.skip(count)
            return .going
        default: return .odd
        }
    }

    mutating func skipResponse(_ count: Int64) -> SieveOutcome {
        switch responsePhase {
        case .lost, .ignored, .untilClose: return .going
        case .body where count <= responseLeft:
            responseLeft -= count
            return responseLeft == 0 ? endResponse(0) : .going
        case .chunks where chunk.step == .data && count <= chunk.left:
            chunk.skip(count)
            return .going
        default: return .odd
        }
    }
}
