import Model

extension ConnectionFacts {
    /// Its exchanges were asked in FastCGI.
    var isFastCGI: Bool {
        guard case .other(.fastcgi) = application else { return false }
        return !exchanges.isEmpty
    }
}

/// A FastCGI application that ended the request or the connection before a response head: the process died or was killed (php-fpm
/// `request_terminate_timeout`, out of memory, a signal), or the script wrote nothing but errors.
enum FastCGIEmptyResponse: Detector {
    static let cause = Cause.fastcgiEmptyResponse

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.connection.isFastCGI, let request = attempt.request,
            attempt.stage == .nothing || attempt.stage == .partialHead
        else { return nil }
        if let end = attempt.exchange?.emptyEnd { return written(attempt, end) }
        guard attempt.stage == .nothing, let ending = attempt.ending, ending.isFromServer, !isStale(attempt, ending)
        else { return nil }
        let elapsed = ending.frame.time - request.lastFrame.time
        let timer = ClosedBeforeResponse.roundTimer(elapsed)
        return Verdict(
            cause,
            variant: timer != nil ? "worker-timeout" : ending.isReset ? "reset" : "closed",
            blame: .upstream,
            frames: attempt.requestFrames + attempt.acknowledgedFrames + attempt.endingFrames,
            explanation: "\(attempt.upstream) \(ending.isReset ? "reset" : "closed") the FastCGI connection "
                + "\(Phrases.duration(elapsed)) after the request, without a record of answer"
                + (timer.map { ": a timer of \($0) s of its own" } ?? ", as where the worker dies or is killed") + ".",
            ruledOut: [
                RuledOut(.responseTimeout, "the upstream ended it, not the gateway"),
                RuledOut(
                    .staleKeepaliveReuse,
                    attempt.isFirst
                        ? "it was the first request of the connection" : "the connection was open when the request came"
                ),
            ],
            missing: ["the log of the application server: which signal or limit ended the worker"]
        )
    }

    private static func written(_ attempt: AttemptContext, _ end: FrameReference) -> Verdict? {
        guard attempt.clientMayHaveFailed else { return nil }
        return Verdict(
            cause,
            variant: "stderr-only",
            blame: .upstream,
            frames: attempt.requestFrames
                + [EvidenceFrame(end, role: "end of the request, without a response head", direction: .fromServer)],
            explanation: "\(attempt.upstream) ended the FastCGI request in order, and had written no response head.",
            ruledOut: [RuledOut(.closedBeforeResponse, "the application ended the request itself")],
            missing: ["what the application wrote to its error log"]
        )
    }

    /// The connection was gone before the request came: that is the reuse's fault.
    private static func isStale(_ attempt: AttemptContext, _ ending: TCPEvent) -> Bool {
        guard !attempt.isFirst, let request = attempt.request else { return false }
        if let fin = attempt.timeline.serverFin, let acknowledged = fin.acknowledgedOffset {
            return acknowledged <= request.start
        }
        guard let idle = attempt.idleBefore else { return false }
        return ending.isReset && idle > attempt.tooFast
            && ending.frame.time - request.firstFrame.time <= attempt.tooFast
    }
}
