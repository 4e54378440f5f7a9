import Model

extension AttemptContext {
    /// The gateway ended the exchange, or its client got an error while nothing had ended. Envoy 1.40 answers 408 where a stream is
    /// idle, whoever it was that did not read or write (`stream_idle_timeout`, as run).
    var gatewayGaveUp: Bool {
        if let ending { return ending.direction == .fromClient }
        return client?.isFailed == true || client?.status == 408 && exchange?.response == nil
    }

    /// The gateway gave up a request that was never acknowledged. Its close may be held back behind the bytes that nobody
    /// acknowledges: then its next attempt tells, or so many repeats where the client's leg was not seen.
    func isAbandoned(_ repeats: [TCPEvent]) -> Bool {
        guard let request, let last = repeats.last else { return false }
        if gatewayGaveUp { return true }
        guard ending == nil else { return false }
        if let nextAttempt { return nextAttempt > repeats[0].frame.time }
        return client == nil && repeats.count >= 4 && last.frame.time - request.firstFrame.time >= .milliseconds(1500)
    }

    /// From the request's last byte to the gateway's close or the client's error.
    var waited: Nanoseconds? {
        guard let request else { return nil }
        if let ending, ending.direction == .fromClient { return ending.frame.time - request.lastFrame.time }
        return client?.end.map { $0 - request.lastFrame.time }
    }

    /// The gateway's FIN was repeated and never acknowledged: the path was dead, not the application slow.
    var isGatewayFinUnacknowledged: Bool {
        guard let fin = timeline.clientFin, ending?.direction == .fromClient, timeline.clientReset == nil else {
            return false
        }
        let heard = connection.fromServer.lastFrame.map { $0.number > fin.frame.number } ?? false
        return timeline.clientFins >= 2 && !heard
    }

    /// The gateway closed after it had got bytes beyond the hole, and its close acknowledges none behind the hole: what is missing the capture
    /// did not miss alone.
    var closedBeforeHole: Bool {
        guard let ending, ending.direction == .fromClient, let acknowledged = ending.acknowledgedOffset else {
            return false
        }
        let end = connection.fromServer.contiguousEnd
        return acknowledged <= end
            && connection.events.contains {
                $0.kind == .lostSegment && $0.isFromServer && $0.offset > end && $0.frame.number < ending.frame.number
            }
    }

    /// Segments of the response that the upstream sent again after the gateway had closed.
    var resendsAfterClose: [TCPEvent] {
        guard let ending, ending.direction == .fromClient else { return [] }
        return connection.events.filter {
            $0.isFromServer && $0.frame.number > ending.frame.number && $0.length > 0 && $0.isRepair
        }
    }
}

extension AttemptContext {
    /// What else ends in silence, and did not here.
    fileprivate var ruledOutOfSilence: [RuledOut] {
        var list: [RuledOut] = []
        if timeline.serverZeroWindows.isEmpty {
            list.append(RuledOut(.zeroWindowStall, "the upstream's window was open"))
        }
        if client != nil, clientLeft == nil {
            list.append(RuledOut(.clientAbort, "the client waited for its answer"))
        }
        if let reset = timeline.serverReset, let ending, reset.frame.number > ending.frame.number {
            list.append(RuledOut(.resetBeforeResponse, "the upstream's reset answers what the gateway had closed"))
        }
        return list
    }
}

/// The request repeats with back-off (0.2, 0.4, 0.8 s ... RFC 6298 §5.5) and is never acknowledged, on a connection
/// that was not idle before.
enum LossStallRequest: Detector {
    static let cause = Cause.lossStallRequest

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let request = attempt.request, attempt.stage == .nothing, !attempt.isRequestAcknowledged,
            attempt.timeline.synAcks.count < 2, attempt.timeline.serverZeroWindows.isEmpty,
            // One that comes after the request repeats an earlier one.
            attempt.timeline.synAcks.allSatisfy({ $0.frame.number < request.firstFrame.number }),
            // A connection of which only this is known may stand in the accept queue like its siblings.
            !attempt.isBeginningUnseen
                || attempt.port.waiting(at: request.firstFrame.time, except: attempt.connection.stream) == nil
        else { return nil }
        let repeats = attempt.retransmissions(.fromClient, from: request.start)
        guard repeats.count >= 2, let last = repeats.last else { return nil }
        guard attempt.isAbandoned(repeats) else { return nil }
        let idle = attempt.idleBefore.map { " after \(Phrases.duration($0)) without traffic" } ?? ""
        return Verdict(
            cause,
            confidence: attempt.idleBefore.map { $0 < .seconds(30) } ?? true ? .high : .medium,
            blame: .network,
            frames: attempt.requestFrames
                + repeats.prefix(3).map { attempt.again($0, "request again") }
                + (repeats.count > 3
                    ? [attempt.again(last, "request again, the last of \(repeats.count) repeats")] : [])
                + attempt.endingFrames,
            explanation: "The gateway sent the request\(idle) \(repeats.count + 1) times over "
                + "\(Phrases.duration(last.frame.time - request.firstFrame.time)), and \(attempt.upstream) never "
                + "acknowledged it"
                + (attempt.lossPlace(of: repeats).map { "; \($0)" }
                    ?? ": it was lost on the way, or its acknowledgments were") + ".",
            ruledOut: [
                RuledOut(.responseTimeout, "the request was never acknowledged, so the upstream never had it"),
                RuledOut(.zeroWindowStall, "the upstream's window was open"),
            ] + (attempt.isFirst ? [RuledOut(.idleStateExpired, "it was the first request of the connection")] : []),
            missing: attempt.isFirst
                ? ["a capture at the upstream: it would show whether the request or its ACK was lost"]
                : [
                    "whether the path had forgotten the connection (idle-state-expired): a new one that works, and which idle gaps survive"
                ]
        )
    }
}

/// Bytes of the response are on the way and do not arrive: segments repeat unacknowledged, a hole stays open, or
/// everything falls silent and the gateway's own FIN is not acknowledged either.
enum LossStallResponse: Detector {
    static let cause = Cause.lossStallResponse

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.request != nil,
            attempt.stage == .nothing || attempt.stage == .partialHead || attempt.stage == .partialBody,
            attempt.isRequestAcknowledged || attempt.response != nil
        else { return nil }
        let server = attempt.connection.fromServer
        let start = attempt.exchange?.response?.start ?? server.contiguousEnd
        let repeats = attempt.retransmissions(.fromServer, from: start)
        let unacknowledged = repeats.filter { $0.offset + Int64($0.length) > server.acknowledgedEnd }
        var frames = attempt.requestFrames + attempt.responseFrames
        let story: String
        if attempt.gatewayGaveUp, attempt.hasOpenHole {
            story =
                "the capture holds bytes beyond a hole of the response that never closed"
                + (attempt.closedBeforeHole
                    ? ", and the gateway had acknowledged nothing behind it when it closed: the missing ones were lost between "
                        + "\(attempt.upstream) and the point of capture" : "")
        } else if attempt.gatewayGaveUp, let leap = attempt.leap {
            frames.append(attempt.frame(leap, "the upstream's numbers have moved on"))
            story = "the upstream's sequence numbers moved past bytes that never arrived"
        } else if unacknowledged.count >= 2,
            attempt.ending != nil && (attempt.gatewayGaveUp || stalled(unacknowledged))
                || attempt.client == nil && attempt.ending == nil && !attempt.stalledRepeats.isEmpty
        {
            frames += unacknowledged.prefix(3).map { attempt.again($0, "response segment again") }
            story =
                "the upstream sent parts of the response \(unacknowledged.count + 1) times and the gateway never "
                + "acknowledged them" + (attempt.lossPlace(of: unacknowledged).map { "; \($0)" } ?? "")
        } else if attempt.gatewayGaveUp, !attempt.resendsAfterClose.isEmpty {
            frames += attempt.resendsAfterClose.prefix(2).map { attempt.again($0, "upstream resends after the close") }
            story = "the upstream went on resending after the gateway had closed"
        } else if attempt.gatewayGaveUp, attempt.isGatewayFinUnacknowledged {
            story = "the gateway's own FIN was repeated and never acknowledged either"
        } else {
            return nil
        }
        return Verdict(
            cause,
            confidence: .high,
            blame: .network,
            frames: frames + attempt.endingFrames,
            explanation: "The response from \(attempt.upstream) stalled for "
                + "\(attempt.silence.map(Phrases.duration) ?? "long"): \(story).",
            ruledOut: [
                RuledOut(
                    attempt.stage == .partialBody ? .bodyTimeout : .responseTimeout,
                    "the upstream was not silent by itself: \(story)"
                )
            ]
        )
    }

    /// Repeats over a second or more: a stall, not a repaired loss.
    private static func stalled(_ repeats: [TCPEvent]) -> Bool {
        guard let first = repeats.first, let last = repeats.last else { return false }
        return last.frame.time - first.frame.time >= .seconds(1)
    }
}

/// The upstream's window stays closed (RFC 9293 §3.8.6.1) and its ACKs of the probes say so, until the gateway gives up.
enum ZeroWindowStall: Detector {
    static let cause = Cause.zeroWindowStall

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let request = attempt.request, attempt.stage == .nothing, attempt.gatewayGaveUp,
            !attempt.isRequestAcknowledged || request.end == nil,
            let closed = attempt.timeline.serverZeroWindows.last,
            let first = attempt.timeline.serverZeroWindows.first,
            closed.frame.time - first.frame.time >= .milliseconds(200),
            attempt.ending.map({ $0.frame.time - closed.frame.time < .seconds(60) }) ?? true
        else { return nil }
        return Verdict(
            cause,
            blame: .upstream,
            frames: attempt.requestFrames
                + [attempt.frame(first, "window 0 from upstream"), attempt.frame(closed, "window still 0")]
                + attempt.endingFrames,
            explanation: "\(attempt.upstream) stopped reading the request: its window stayed at 0 for "
                + "\(Phrases.duration(closed.frame.time - first.frame.time)).",
            ruledOut: [
                RuledOut(.lossStallRequest, "the upstream answered the probes"),
                RuledOut(.responseTimeout, "the upstream never had the whole request: its window was closed"),
            ]
        )
    }
}

/// The request was acknowledged, nothing (or a part of the head) came, and the gateway closed at its timer.
enum ResponseTimeout: Detector {
    static let cause = Cause.responseTimeout
    /// No gateway is set to wait for less: what gives up sooner has another reason.
    static let shortestTimer = Nanoseconds.milliseconds(5)

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        // A gateway that gives up closes the connection. Where that is not to be seen, the upstream may have ended it as well.
        guard let request = attempt.request, attempt.stage == .nothing || attempt.stage == .partialHead,
            attempt.ending?.direction == .fromClient, let waited = attempt.waited, waited >= shortestTimer
        else { return nil }
        // Its client would have been told; a client that was not may have left before.
        if case .open? = attempt.client?.outcome { return nil }
        // Of a request that was still to be sent, the rest may have been what the gateway waited for, in vain.
        if attempt.mayBeSending(request) || attempt.client == nil && request.end == nil && !request.body.hasGap {
            return nil
        }
        // Without the client's side it may as well be a client that left, which does so at any time.
        let announced = attempt.announcedTimer
        let sinceDial = attempt.sinceDial(waited, request)
        // Most gateways' timers begin anew with each byte: after a part of the head, with its last one.
        let silence = attempt.silence ?? waited
        if attempt.client == nil,
            waited < .milliseconds(900)
                || announced.map({ sinceDial < $0 })
                    ?? ![waited, sinceDial, silence].contains(where: attempt.isRoundTimer)
        {
            return nil
        }
        let late = attempt.lateResponse
        let acknowledged = attempt.isRequestAcknowledged
        var missing: [String] = []
        if attempt.client == nil, announced == nil { missing.append("client leg: whether the client left first") }
        if !acknowledged { missing.append("an ACK of the request: it may never have arrived") }
        if late == nil { missing.append("whether the upstream would have answered: its own log") }
        // Seen from behind the narrow link this is all that there is, until the upstream sends something short.
        if late == nil, !attempt.sizes.passed(attempt.fullSize, .fromServer, since: Timestamp(nanoseconds: .min)) {
            missing.append(
                "an answer of this upstream in segments of full size: none came in this capture, so that "
                    + "pmtu-blackhole, long ones lost on the way, is not ruled out"
            )
        }
        let lateFrames = late.map {
            [EvidenceFrame($0.firstFrame, role: "late response from upstream", direction: .fromServer)]
        }
        return Verdict(
            cause,
            confidence: acknowledged && (attempt.client != nil || announced != nil) ? .high : .medium,
            blame: .upstream,
            frames: attempt.requestFrames + attempt.acknowledgedFrames + attempt.responseFrames + attempt.endingFrames
                + (lateFrames ?? []),
            explanation: "\(attempt.upstream) had the request and "
                + (attempt.stage == .partialHead ? "sent only a part of the response head" : "sent nothing")
                + "; the gateway gave up after \(Phrases.duration(waited))"
                + (announced.map { $0 <= sinceDial ? ", as it had announced with the request" : "" } ?? "")
                + (late.map {
                    ". The answer came \(Phrases.duration($0.firstFrame.time - request.lastFrame.time)) after the request, too late"
                }
                    ?? "") + ".",
            ruledOut: [
                RuledOut(.closedBeforeResponse, "the gateway closed first, not the upstream"),
                RuledOut(
                    .lossStallRequest,
                    acknowledged ? "the request was acknowledged" : "the request was not repeated"
                ),
            ] + attempt.ruledOutOfSilence,
            missing: missing
        )
    }
}

extension AttemptContext {
    /// The same as the request's timer has it, which runs on while the gateway connects.
    fileprivate func sinceDial(_ waited: Nanoseconds, _ request: RequestFacts) -> Nanoseconds {
        waited + (isFirst ? request.lastFrame.time - connection.first.time : 0)
    }

    /// The gateway closed when the timer that it had announced with the request was over.
    fileprivate var isAnnouncedTimerOver: Bool {
        guard let announced = announcedTimer, let request, let waited else { return false }
        return sinceDial(waited, request) >= announced
    }

    /// The route's timer, less what had passed of it, as Envoy (1.40, as run) tells the upstream with each try; 20 ms less
    /// for the accuracy of timers. Nil for other gateways, and where the route has none.
    fileprivate var announcedTimer: Nanoseconds? {
        guard kind == .envoy, let value = request?.field("x-envoy-expected-rq-timeout-ms").flatMap({ Int32($0) }),
            value > 20
        else { return nil }
        return .milliseconds(Int64(value) - 20)
    }
}

/// The body stopped, everything was acknowledged, and the gateway closed at its timer.
enum BodyTimeout: Detector {
    static let cause = Cause.bodyTimeout

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.stage == .partialBody, let ending = attempt.ending, ending.direction == .fromClient,
            let response = attempt.response, let silence = attempt.silence, silence >= ResponseTimeout.shortestTimer
        else { return nil }
        // Its client's connection would have been closed; a client that was not told may have left before.
        if case .open? = attempt.client?.outcome { return nil }
        // Of a client whose answer the capture does not show whole it is not known either that it got less.
        let isClientCut = attempt.client?.isFailed ?? false
        // The timer begins anew with each byte, or is the whole exchange's and was announced.
        if !isClientCut,
            silence < .milliseconds(900) || !(attempt.isRoundTimer(silence) || attempt.isAnnouncedTimerOver)
        {
            return nil
        }
        // An error at once, while bytes still come, is no timer's.
        if attempt.wasStoppedInBody { return nil }
        // A gateway whose client left or lags closes without a timer; only the client's leg tells.
        return Verdict(
            cause,
            confidence: attempt.client == nil ? .medium : .high,
            blame: .upstream,
            frames: attempt.requestFrames + attempt.responseFrames
                + [EvidenceFrame(response.lastFrame, role: "last bytes of the body", direction: .fromServer)]
                + attempt.endingFrames,
            explanation:
                "\(attempt.upstream) sent \(Phrases.bytes(response.body.seen)) of the body and then nothing for "
                + "\(Phrases.duration(silence)); the gateway gave up.",
            ruledOut: [
                RuledOut(.truncatedBodyFin, "the gateway closed first, not the upstream"),
                RuledOut(.lossStallResponse, "everything that was sent was acknowledged, and no hole is open"),
            ],
            missing: attempt.client == nil ? ["client leg: whether the client left first"] : []
        )
    }
}
