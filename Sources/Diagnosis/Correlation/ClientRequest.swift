import Model

/// One request of a client to a gateway, and what the client got.
struct ClientRequest {
    var connection: Int
    var exchange: Int
    var start: Timestamp
    /// Last byte of the answer, or the close that took its place; nil while it is open.
    var end: Timestamp?
    var gateway: Endpoint
    var client: Endpoint
    var outcome: Outcome
    /// Indices into the join's attempts, in time order.
    var attempts: [Int] = []
    /// The client stopped sending or reading, and the gateway closed or answered 408 after waiting for it.
    var slowness: Slowness?

    struct Slowness {
        enum Kind: String {
            case sending, reading
        }
        var kind: Kind
        /// The last packet of the client's side that moved anything.
        var last: FrameReference
        /// How long the gateway waited after it.
        var waited: Nanoseconds
    }

    enum Outcome {
        /// A complete answer that is no gateway error.
        case answered(status: Int)
        /// A 5xx that the gateway made itself or passed on.
        case error(status: Int)
        /// The gateway closed without a byte of answer.
        case noAnswer
        /// What came is no HTTP.
        case garbage
        /// A status came, and the body ended early or broken.
        case cut(status: Int)
        /// The client closed first; the status if one had come.
        case aborted(at: FrameReference, status: Int?)
        /// The gateway's close of an idle connection crossed the request.
        case crossedClose
        case open
    }

    /// The client got less than it asked for, and it was not its own doing.
    var isFailed: Bool {
        switch outcome {
        case .error, .noAnswer, .garbage, .cut: true
        case .answered, .aborted, .crossedClose, .open: false
        }
    }

    /// It failed, or its client left: the attempts for it need not have come to anything.
    var isOver: Bool {
        if case .aborted = outcome { return true }
        return isFailed
    }

    var status: Int? {
        switch outcome {
        case .answered(let status), .error(let status), .cut(let status): status
        case .aborted(_, let status): status
        case .noAnswer, .garbage, .crossedClose, .open: nil
        }
    }
}

extension ClientRequest {
    /// Reads the outcome off the client's connection; nil where the exchange holds no request. `unclaimed` is the last answer of the
    /// connection that belongs to no request.
    init?(
        connection index: Int,
        exchange position: Int,
        of facts: ConnectionFacts,
        timeline: ConnectionTimeline,
        isLast: Bool,
        isMisjoined: Bool = false,
        unclaimed: FrameReference? = nil,
        captureStart: Timestamp?
    ) {
        let exchange = facts.exchanges[position]
        // An answer whose request came before the capture began.
        if exchange.request == nil {
            guard facts.orientation != .handshake, position == 0, let response = exchange.response,
                let status = response.status, response.completion == .complete
            else { return nil }
            connection = index
            self.exchange = position
            start = captureStart ?? facts.first.time
            end = response.lastFrame.time
            gateway = facts.server
            client = facts.client
            outcome = status >= 500 ? .error(status: status) : .answered(status: status)
            return
        }
        // A head that the snap length cut is enough where it names the request.
        guard let request = exchange.request, !request.method.isEmpty,
            request.headEnd != nil || request.body.hasGap || exchange.response?.status == 408
        else { return nil }
        connection = index
        self.exchange = position
        start = request.firstFrame.time
        gateway = facts.server
        client = facts.client
        let previousEnd = facts.exchanges[..<position].last { $0.response != nil }?.response?.end ?? 0
        if let response = exchange.response, response.firstFrame.number < request.firstFrame.number,
            response.firstFrame.time < request.firstFrame.time
        {
            // It answers a request that the capture missed, and so may all that follow.
            (outcome, end) = (.open, nil)
        } else if exchange.response == nil, let unclaimed, unclaimed.number > request.firstFrame.number {
            // Where the capture missed packets, an answer to no request that is known may be this one's.
            (outcome, end) = (.open, nil)
        } else if isMisjoined || facts.fromServer.packets == 0 {
            // Of a connection that carries a request the capture has one direction only: nothing is known of its answer.
            (outcome, end) = (.open, nil)
        } else if exchange.response == nil, facts.hasUnseenResponse(after: previousEnd) {
            (outcome, end) = (.open, nil)
        } else {
            (outcome, end) = Self.outcome(
                of: exchange,
                request,
                timeline: isLast ? timeline : nil,
                taken: facts.fromServer.acknowledgedEnd
            )
        }
        if isLast { slowness = slowness(exchange, request, facts, timeline) }
    }

    /// Whether the gateway ended the exchange because it waited for its client: for a body that stopped coming (RFC 9110 §15.5.9), or
    /// for a window (RFC 9293 §3.8.6) that stayed closed.
    private func slowness(
        _ exchange: ExchangeFacts,
        _ request: RequestFacts,
        _ facts: ConnectionFacts,
        _ timeline: ConnectionTimeline
    ) -> Slowness? {
        guard let end else { return nil }
        if case .aborted = outcome { return nil }
        let ending = timeline.endings.first(where: \.isFromServer)
        guard ending != nil || status == 408 else { return nil }
        let isWhole = facts.fromClient.missedBytes == 0 && !request.body.hasGap
        // A client may go on after the gateway has closed: only what the close acknowledged had come in time.
        let isIncomplete = request.end.map { (ending?.acknowledgedOffset ?? .max) < $0 } ?? true
        // Caddy 2.6 (`timeouts`) answers neither 408 nor an error: an empty 200, and closes.
        let isEmptyAnswer = exchange.response.map { isEmpty($0, before: ending) } ?? false
        if isIncomplete, isWhole, exchange.response == nil || status == 408 || isEmptyAnswer {
            let progress = [facts.fromClient.lastDataFrame, request.lastFrame, request.headFrame, request.firstFrame]
            guard let last = progress.lazy.compactMap({ $0 }).first(where: { $0.time <= end }) else { return nil }
            // A client that is told to wait (window 0, RFC 9293 §3.8.6) is not slow: the gateway does not read.
            let isHeldBack = facts.events.contains {
                $0.isFromServer && ($0.kind == .zeroWindow || $0.kind == .zeroWindowProbeAck)
                    && $0.frame.number > last.number && $0.frame.time <= end
            }
            guard !isHeldBack else { return nil }
            let waited = end - last.time
            return waited >= Self.patience ? Slowness(kind: .sending, last: last, waited: waited) : nil
        }
        guard let ending, request.end != nil, case .cut = outcome else { return nil }
        let closed = facts.events.filter {
            $0.direction == .fromClient && $0.frame.number < ending.frame.number
                && ($0.kind == .zeroWindow || $0.kind == .zeroWindowProbeAck)
        }
        // What stands in the gateway's socket still goes out once the window opens, after the gateway gave up.
        guard let first = closed.first, let last = closed.last, last.frame.time - first.frame.time >= Self.patience
        else { return nil }
        return Slowness(kind: .reading, last: first.frame, waited: last.frame.time - first.frame.time)
    }

    private func isEmpty(_ response: ResponseFacts, before ending: TCPEvent?) -> Bool {
        guard let ending, response.completion == .complete, response.status == 200, response.body.seen == 0 else {
            return false
        }
        let gap = ending.frame.time - response.lastFrame.time
        return gap >= 0 && gap <= .milliseconds(50)
    }

    /// No gateway's timer for its clients is shorter than a second; less for timers that run early.
    private static let patience = Nanoseconds.milliseconds(900)

    /// The status that the client got is one that an upstream sent.
    func isRelayed(in join: Join) -> Bool {
        attempts.contains { join.response(of: join.attempts[$0])?.status == status && status != nil }
    }

    /// `timeline` only where nothing followed on the connection: else its end says nothing about this exchange. `taken` is what the
    /// client acknowledged of the gateway's bytes.
    private static func outcome(
        of exchange: ExchangeFacts,
        _ request: RequestFacts,
        timeline: ConnectionTimeline?,
        taken: Int64
    ) -> (Outcome, Timestamp?) {
        // Whoever closed first decided; a FIN of the client that was still answered is a half-close (RFC 9293 §3.6).
        let endings = timeline?.endings ?? []
        let ending = endings.first { $0.isFromServer || $0.isReset } ?? endings.first
        let clientLeft = endings.first { !$0.isFromServer }
        guard let response = exchange.response else {
            guard let ending else { return (.open, nil) }
            // The client's close came first, or nothing but its close was seen.
            if let left = clientLeft, left.frame.number >= request.firstFrame.number,
                endings.first?.direction == .fromClient
            {
                return (.aborted(at: left.frame, status: nil), left.frame.time)
            }
            let acknowledged = ending.acknowledgedOffset ?? Int64.max
            if ending.isFromServer, !ending.isReset, acknowledged <= request.start, request.start > 0 {
                return (.crossedClose, ending.frame.time)
            }
            return (.noAnswer, ending.frame.time)
        }
        // An answer was there, and the capture missed even its first line.
        if response.completion == .incompleteHead, response.body.hasGap, response.status == nil { return (.open, nil) }
        let status = response.status ?? 0
        let last = response.lastFrame.time
        // The client's close came before the answer, and it refused the answer or was told so: nothing was delivered. The
        // answer need be no error: Caddy 2.6 writes an empty 200 to a client that left.
        if let first = endings.first, !first.isFromServer,
            first.frame.number <= response.firstFrame.number || first.acknowledgedOffset ?? .max <= response.start,
            timeline?.clientReset != nil || first.isReset || isAnswer(response, to: first, after: request)
        {
            return (.aborted(at: first.frame, status: nil), first.frame.time)
        }
        // A reset one number beyond the request tells of a FIN before it that the capture missed: it left before this answer, or it would have
        // acknowledged it.
        if let reset = timeline?.clientReset, timeline?.clientFin == nil, status >= 400 || taken <= response.start,
            let sent = request.end, reset.offset > sent
        {
            return (.aborted(at: reset.frame, status: nil), reset.frame.time)
        }
        switch response.completion {
        case .incompleteHead where response.body.hasGap:
            guard response.status != nil else { return (.open, nil) }
            return (status >= 500 ? .error(status: status) : .answered(status: status), last)
        case .notHTTP, .invalidStatusLine:
            return (.garbage, last)
        case .complete,
            .incompleteBody where response.isEnded(by: ending):
            return (status >= 500 ? .error(status: status) : .answered(status: status), last)
        case .brokenBody where response.body.hasGap,
            .incompleteBody where response.body.hasGap && !response.isProvablyShort(at: ending):
            // The capture missed bytes of it: nothing is known of the rest.
            return (status >= 500 ? .error(status: status) : .answered(status: status), last)
        case .brokenBody:
            return (.cut(status: status), last)
        case .incompleteHead, .incompleteBody:
            guard let ending else { return (.open, nil) }
            if let left = clientLeft, endings.first?.direction == .fromClient {
                return (.aborted(at: left.frame, status: response.status), left.frame.time)
            }
            if status >= 500 { return (.error(status: status), ending.frame.time) }
            return (response.status == nil ? .noAnswer : .cut(status: status), ending.frame.time)
        }
    }
}

extension ClientRequest {
    /// The gateway had waited long, and answered as soon as its client had closed: that is what it answered.
    private static func isAnswer(_ response: ResponseFacts, to close: TCPEvent, after request: RequestFacts) -> Bool {
        let reaction = response.firstFrame.time - close.frame.time
        return reaction >= 0 && reaction <= .milliseconds(2)
            && close.frame.time - request.lastFrame.time >= max(.milliseconds(50), 100 * reaction)
    }
}

extension ResponseFacts {
    /// The end of the stream is the end of such a body (RFC 9112 §6.3), also where only its acknowledgment was captured.
    func isEnded(by ending: TCPEvent?) -> Bool {
        guard completion == .incompleteBody, let ending, ending.isFromServer, !ending.isReset else { return false }
        return body.framing == .untilClose || body.framing == .invalid
    }

    /// The capture missed bytes of a body whose end shows in its bytes only.
    var mayHaveEndedUnseen: Bool {
        guard completion == .incompleteBody, body.hasGap else { return false }
        if case .contentLength = body.framing { return false }
        return true
    }

    /// The close stands before the end that Content-Length announces, whatever of the body the capture holds.
    func isProvablyShort(at ending: TCPEvent?) -> Bool {
        guard let ending, ending.isFromServer, case .contentLength(let length) = body.framing, let headEnd else {
            return false
        }
        return ending.offset - headEnd < length
    }
}

extension ConnectionFacts {
    /// The server sent bytes after `offset` that the capture does not show.
    func hasUnseenResponse(after offset: Int64) -> Bool {
        let fin = events.first { $0.isFromServer && $0.kind == .fin }
        // An acknowledged FIN takes a number of its own.
        // A reset tells what its sender had, though it acknowledges nothing.
        let told = events.lazy.filter { $0.kind == .rst && $0.direction == .fromClient && $0.flags.contains(.ack) }
            .compactMap(\.acknowledgedOffset).max()
        let acknowledged = max(fromServer.acknowledgedEnd, told ?? 0) - (fin == nil ? 1 : 0)
        return max(fin?.offset ?? 0, acknowledged) > max(offset, fromServer.highestEnd - fromServer.missedBytes)
    }
}
