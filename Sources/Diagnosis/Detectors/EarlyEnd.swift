import Model

/// Handshake, then RST before the request could have been read, on the first request of the connection and without a
/// byte from the upstream: a layer-4 load balancer without target, a listener that was closed with the connection
/// still in its queue, a TCP wrapper.
enum ResetAfterAccept: Detector {
    static let cause = Cause.resetAfterAccept

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.isFirst, let reset = attempt.timeline.serverReset, !attempt.timeline.synAcks.isEmpty,
            attempt.connection.fromServer.payloadBytes == 0, attempt.ending?.isFromServer == true,
            attempt.ending?.isReset == true
        else { return nil }
        let origin = attempt.origin(reset)
        var after: Nanoseconds?
        if let request = attempt.request {
            let elapsed = reset.frame.time - request.firstFrame.time
            // Without a measured round trip nothing says how fast is too fast.
            guard attempt.roundTrip != nil, elapsed <= attempt.tooFast else { return nil }
            after = elapsed
        } else {
            // It acknowledges bytes: there was a request, and the capture missed it.
            let client = attempt.connection.fromClient
            guard client.highestEnd == 0, client.acknowledgedEnd <= 0, reset.acknowledgedOffset ?? 0 <= 0 else {
                return nil
            }
        }
        let when = after.map { "\(Phrases.duration($0)) after the request began" } ?? "before any request"
        return Verdict(
            cause,
            blame: .upstream,
            frames: (attempt.timeline.synAcks.first.map { [attempt.frame($0, "SYN, ACK")] } ?? [])
                + attempt.requestFrames + [attempt.frame(reset, "RST from upstream, \(when)")],
            explanation: "\(attempt.upstream) accepted the connection and reset it \(when): too early for the request "
                + "to have been read.",
            ruledOut: [
                RuledOut(.connectRefused, "the handshake was completed"),
                RuledOut(
                    .resetBeforeResponse,
                    after == nil
                        ? "no request had been sent"
                        : "the reset came within the handshake's round trip of the request"
                ),
                RuledOut(.staleKeepaliveReuse, "it was the first request of the connection"),
            ],
            missing: (origin.ownTexts.isEmpty ? attempt.missingOrigin(origin, .middleboxReset) : [])
                + (attempt.request == nil ? [] : attempt.finerPatterns)
        )
    }
}

/// A request on a reused connection that the upstream was closing (RFC 9112 §9.5: a persistent connection may be closed
/// at any time): its FIN does not acknowledge the request, or its RST came faster than the request could be read.
enum StaleKeepaliveReuse: Detector {
    static let cause = Cause.staleKeepaliveReuse

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard !attempt.isFirst, let request = attempt.request, attempt.response == nil, let ending = attempt.ending
        else { return nil }
        let idle = attempt.idleBefore.map { "after \(Phrases.duration($0)) of idleness" } ?? "on a reused connection"
        if let fin = attempt.timeline.serverFin, ending.isFromServer || ending.frame.number >= fin.frame.number,
            let acknowledged = fin.acknowledgedOffset, acknowledged <= request.start
        {
            let distance = fin.frame.time - request.firstFrame.time
            let order =
                distance >= 0
                ? "\(Phrases.duration(distance)) after the request was sent, without acknowledging it"
                : "\(Phrases.duration(request.firstFrame.time - fin.frame.time)) before the request was sent"
            return Verdict(
                cause,
                confidence: attempt.timeline.syns.isEmpty ? .medium : .high,
                blame: .gateway,
                frames: attempt.requestFrames
                    + [attempt.frame(fin, "FIN from upstream that does not acknowledge the request")]
                    + (attempt.timeline.serverReset.map { [attempt.frame($0, "RST from upstream to the late request")] }
                        ?? []),
                explanation: "The gateway reused a connection \(idle) while \(attempt.upstream) was closing it: the "
                    + "upstream's FIN came \(order).",
                ruledOut: [
                    RuledOut(.closedBeforeResponse, "the FIN acknowledges nothing of the request: it was never read"),
                    RuledOut(.resetBeforeResponse, "the upstream had closed before it saw the request"),
                ]
            )
        }
        guard let reset = attempt.timeline.serverReset, ending.isFromServer, ending.isReset else { return nil }
        let elapsed = reset.frame.time - request.firstFrame.time
        // Of a connection whose beginning was not captured it is not known that it had been used.
        guard elapsed <= attempt.tooFast, let idleness = attempt.idleBefore, idleness > attempt.tooFast,
            attempt.roundTrip != nil || attempt.timeline.syns.isEmpty
        else { return nil }
        return Verdict(
            cause,
            variant: "reset",
            confidence: .medium,
            blame: .gateway,
            frames: attempt.requestFrames
                + [attempt.frame(reset, "RST from upstream, \(Phrases.duration(elapsed)) after the request")],
            explanation: "The gateway reused a connection \(idle), and \(attempt.upstream) answered with a reset after "
                + "\(Phrases.duration(elapsed)): the connection was gone before the request came.",
            ruledOut: [RuledOut(.resetBeforeResponse, "the reset came too fast for the request to have been read")],
            missing: ["whether the upstream or something on the path had forgotten the connection"]
        )
    }
}

/// RST while the request's body is still being sent, and not a byte of response: a body limit, a filter, an abort.
enum ResetDuringUpload: Detector {
    static let cause = Cause.resetDuringUpload

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let request = attempt.request, request.headEnd != nil, request.end == nil, attempt.response == nil,
            let ending = attempt.ending, ending.isFromServer, ending.isReset, request.body.seen > 0,
            !request.body.hasGap
        else { return nil }
        return Verdict(
            cause,
            blame: .upstream,
            frames: attempt.requestFrames + attempt.endingFrames,
            explanation:
                "\(attempt.upstream) reset the connection after \(Phrases.bytes(request.body.seen)) of the request "
                + "body, before it was complete and without an answer.",
            ruledOut: [RuledOut(.resetBeforeResponse, "the request was still being sent")]
        )
    }
}

/// FIN that covers the whole request and not a byte of response: the application read it and closed. A killed process
/// that had read everything looks the same.
enum ClosedBeforeResponse: Detector {
    static let cause = Cause.closedBeforeResponse

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let request = attempt.request, attempt.stage == .nothing, let fin = attempt.timeline.serverFin,
            attempt.ending?.isFromServer == true, attempt.ending?.isReset == false
        else { return nil }
        let end = request.end ?? request.headEnd ?? request.start
        let covers = (fin.acknowledgedOffset ?? 0) >= end
        let elapsed = fin.frame.time - request.lastFrame.time
        let timer = roundTimer(elapsed)
        return Verdict(
            cause,
            variant: covers && timer != nil ? "worker-timeout" : nil,
            confidence: covers ? .high : .medium,
            blame: .upstream,
            frames: attempt.requestFrames + attempt.acknowledgedFrames + attempt.endingFrames,
            explanation: "\(attempt.upstream) "
                + (covers ? "read the whole request and closed" : "closed")
                + " the connection \(Phrases.duration(elapsed)) after it, without a byte of answer"
                + (timer.map { ": a timer of \($0) s of its own" } ?? "") + ".",
            ruledOut: [
                RuledOut(.responseTimeout, "the upstream closed first, not the gateway"),
                RuledOut(
                    .staleKeepaliveReuse,
                    covers ? "the FIN acknowledges the request" : "it was the first request of the connection"
                ),
                RuledOut(.resetBeforeResponse, "it ended with FIN, so the request had been read"),
            ],
            missing: ["why the application closed: its own log at that time"] + attempt.finerPatterns
        )
    }

    /// Whole seconds from 2 up, met at most 5 % and at most half a second late: an upstream's own limit (gunicorn 30 s, php-fpm
    /// `request_terminate_timeout`, unicorn 60 s).
    static func roundTimer(_ elapsed: Nanoseconds) -> Int64? {
        let seconds = elapsed / .seconds(1)
        guard seconds >= 2 else { return nil }
        return elapsed % .seconds(1) <= min(elapsed / 20, .milliseconds(500)) ? seconds : nil
    }
}

extension AttemptContext {
    /// A gap hides how long the request is, and it took more than one segment: the rest of it may not have been sent yet.
    func mayBeSending(_ request: RequestFacts) -> Bool {
        guard request.end == nil, request.body.hasGap, ["POST", "PUT", "PATCH"].contains(request.method) else {
            return false
        }
        return connection.fromClient.highestEnd - request.start
            > Int64(connection.fromClient.maximumSegmentSize ?? 1460)
    }
}

/// RST after the request, not a byte of response: the process was killed with unread input, closed with SO_LINGER 0,
/// or left bytes of the request unread (RFC 1122 §4.2.2.13).
enum ResetBeforeResponse: Detector {
    static let cause = Cause.resetBeforeResponse

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let request = attempt.request, attempt.stage == .nothing, let ending = attempt.ending,
            ending.isFromServer, ending.isReset,
            !attempt.mayBeSending(request)
        else { return nil }
        let origin = attempt.origin(ending)
        let after = attempt.sinceRequest(ending) ?? ""
        let own = origin.ownTexts.prefix(2).joined(separator: "; ")
        return Verdict(
            cause,
            confidence: attempt.roundTrip == nil ? .medium : .high,
            blame: .upstream,
            frames: attempt.requestFrames + attempt.acknowledgedFrames + attempt.endingFrames,
            explanation: "\(attempt.upstream) reset the connection \(after) after the request, without a byte of answer"
                + (own.isEmpty ? "" : "; \(own)") + ".",
            ruledOut: [
                RuledOut(.closedBeforeResponse, "it ended with RST, not with FIN"),
                RuledOut(.resetAfterAccept, "the reset came later than the handshake's round trip after the request"),
                RuledOut(.responseTimeout, "the upstream ended it, not the gateway"),
            ]
                + (attempt.isBeginningUnseen
                    ? []
                    : [
                        RuledOut(
                            .staleKeepaliveReuse,
                            attempt.isFirst
                                ? "it was the first request of the connection"
                                : "the reset came later than a connection that was gone would answer"
                        )
                    ])
                + (origin.isCompared ? [RuledOut(.middleboxReset, origin.ownTexts.joined(separator: "; "))] : []),
            missing: (origin.isCompared ? [] : attempt.missingOrigin(origin, .middleboxReset))
                + (attempt.isBeginningUnseen
                    ? [
                        "the beginning of the connection: stale-keepalive-reuse and reset-after-accept are not ruled out"
                    ]
                    : [])
        )
    }
}
