import Model

/// What is worth knowing about an attempt that failed nobody: notes.
enum Remarks {
    static func examine(_ attempt: AttemptContext) -> [Verdict] {
        guard !isOver(attempt) else { return [] }
        if let verdict = ForeignConnection.mismatch(attempt), attempt.client != nil { return [verdict] }
        guard let response = attempt.response, let status = response.status else { return [] }
        let isPassedOn = attempt.client?.status == status
        if attempt.connection.hasProxyHeader, status == 400, attempt.conduct.acceptedProxyHeader == nil {
            return [ProxyProtocolMismatch.verdict(attempt, "answered 400")]
        }
        if attempt.isEarlyAnswer, status >= 400, isPassedOn { return [EarlyResponse.verdict(attempt, lost: false)] }
        // Without the client's leg, of those statuses that say it themselves.
        let isTooLarge = RequestTooLarge.refusals.contains(status)
        if isTooLarge && isPassedOn || attempt.client == nil && (status == 414 || status == 431),
            let size = RequestTooLarge.size(attempt),
            size > attempt.conduct.largestAnswered
        {
            return [RequestTooLarge.verdict(attempt, size, "answered \(status)")]
        }
        if status == 101, isPassedOn, response.deviations.contains(where: { $0.kind == .unexpectedSwitchingProtocols })
        {
            return [
                UnexpectedUpgrade.verdict(
                    attempt,
                    "not-asked",
                    "switched protocols (101) although nobody had asked for it, and the gateway passed that on"
                )
            ]
        }
        return accepted(attempt, response, isPassedOn: isPassedOn)
    }

    private static func isOver(_ attempt: AttemptContext) -> Bool { attempt.client?.isOver ?? false }

    /// Flaws of an answer that this gateway took all the same, and whose client got what the gateway read.
    private static func accepted(_ attempt: AttemptContext, _ response: ResponseFacts, isPassedOn: Bool) -> [Verdict] {
        guard let deviation = response.deviations.first(where: { cause(of: $0.kind) != nil }),
            let cause = cause(of: deviation.kind), isPassedOn || cause == .surplusBytes
        else { return [] }
        return [
            Verdict(
                cause,
                blame: .upstream,
                frames: attempt.requestFrames + attempt.responseFrames,
                explanation: "\(sentence(cause, attempt))\(attempt.excerpt(deviation)). This gateway took the answer; "
                    + "another one may refuse it."
            )
        ]
    }

    private static func cause(of kind: Deviation.Kind) -> Cause? {
        if ConflictingContentLength.kinds.contains(kind) { return .conflictingContentLength }
        if MalformedHeader.kinds.contains(kind) { return .malformedHeader }
        switch kind {
        case .surplusBytes: return .surplusBytes
        case .invalidVersion, .lowerCaseVersion, .invalidStatusCode: return .malformedStatusLine
        default: return nil
        }
    }

    private static func sentence(_ cause: Cause, _ attempt: AttemptContext) -> String {
        switch cause {
        case .conflictingContentLength:
            "The response head of \(attempt.upstream) contradicts itself about the length of its body"
        case .malformedHeader: "A field line in the response head of \(attempt.upstream) is malformed"
        case .surplusBytes: "\(attempt.upstream) sent bytes beyond the announced end of its answer"
        default: "The status line of \(attempt.upstream) is not well formed"
        }
    }
}
