import Model

extension AttemptContext {
    var bodyProgress: String {
        guard let response else { return "" }
        if case .contentLength(let length) = response.body.framing {
            return "\(response.body.seen) of \(Phrases.bytes(length)) of the body"
        }
        return "\(Phrases.bytes(response.body.seen)) of a body that had not ended"
    }
}

/// The upstream itself answered 502, 503 or 504 (RFC 9110 §15.6.3 to 15.6.5).
enum UpstreamErrorResponse: Detector {
    static let cause = Cause.upstreamErrorResponse

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let response = attempt.response, let status = response.status, (502...504).contains(status) else {
            return nil
        }
        let isRead = response.headEnd != nil && (attempt.stage == .complete || attempt.stage == .partialBody)
        // The snap length may leave no more than the status line: then it must be known otherwise that a gateway asked, for the page by which a
        // gateway's own error is told was cut away, too.
        let isCut =
            response.headEnd == nil && (attempt.stage == .unseen || attempt.stage == .complete)
            && (attempt.client != nil || attempt.request?.looksForwarded ?? false)
        guard isRead || isCut else { return nil }
        if case .answered? = attempt.client?.outcome, attempt.client?.status == nil { return nil }
        let relayed = attempt.client?.status == status
        return Verdict(
            cause,
            variant: isCut ? nil : GatewayKind(response: response) == nil ? "application" : "gateway",
            confidence: isCut ? .medium : .high,
            blame: .upstream,
            frames: attempt.requestFrames
                + [
                    EvidenceFrame(
                        response.headFrame ?? response.firstFrame,
                        role: "status \(status) from upstream",
                        direction: .fromServer
                    )
                ],
            explanation: "\(attempt.upstream) answered \(status) itself"
                + (response.firstLine.isEmpty ? "" : " (\"\(response.firstLine)\")")
                + (relayed ? "; the gateway passed it on." : "."),
            ruledOut: [RuledOut(.responseTimeout, isCut ? "an answer came" : "a complete answer came")],
            missing: isCut ? ["the rest of the answer, which was not captured: who made it"] : []
        )
    }
}

/// A chunk size line that is no hexadecimal number, or a chunk without its end (RFC 9112 §7.1); lines of chunks that end in LF alone where the
/// gateway refused them (Envoy 1.40, as run).
enum BadChunkSize: Detector {
    static let cause = Cause.badChunkSize

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let response = attempt.response else { return nil }
        let bareLine = response.deviations.first { $0.kind == .bareLineFeed && $0.offset >= response.headEnd ?? .max }
        let isRefused =
            bareLine != nil && attempt.client != nil && attempt.gatewayRejected
            && (attempt.stage == .complete || attempt.stage == .partialBody)
        guard attempt.stage == .brokenBody || isRefused else { return nil }
        let deviation =
            response.deviations.first { $0.kind == .invalidChunkSize || $0.kind == .missingChunkEnd } ?? bareLine
        return Verdict(
            cause,
            blame: .upstream,
            frames: attempt.requestFrames + attempt.responseFrames + attempt.endingFrames,
            explanation: "The chunked body of \(attempt.upstream) breaks after \(Phrases.bytes(response.body.seen))"
                + (deviation.map { attempt.excerpt($0) } ?? "") + ".",
            ruledOut: [RuledOut(.truncatedBodyFin, "the chunk framing is broken before the end of the stream")]
        )
    }
}

/// FIN before the announced end of the body (RFC 9112 §8).
enum TruncatedBodyFin: Detector {
    static let cause = Cause.truncatedBodyFin

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.stage == .partialBody, let ending = attempt.ending, ending.isFromServer, !ending.isReset
        else { return nil }
        return Verdict(
            cause,
            blame: .upstream,
            frames: attempt.requestFrames + attempt.responseFrames + attempt.endingFrames,
            explanation: "\(attempt.upstream) closed the connection after \(attempt.bodyProgress).",
            ruledOut: [
                RuledOut(.bodyTimeout, "the upstream closed first, not the gateway"),
                RuledOut(.truncatedBodyReset, "it ended with FIN"),
            ]
        )
    }
}

/// RST before the end of the body.
enum TruncatedBodyReset: Detector {
    static let cause = Cause.truncatedBodyReset

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.stage == .partialBody, let ending = attempt.ending, ending.isFromServer, ending.isReset
        else { return nil }
        return Verdict(
            cause,
            blame: .upstream,
            frames: attempt.requestFrames + attempt.responseFrames + attempt.endingFrames,
            explanation: "\(attempt.upstream) reset the connection after \(attempt.bodyProgress).",
            ruledOut: attempt.ruledOutMiddlebox(ending) + [
                RuledOut(.bodyTimeout, "the upstream ended it, not the gateway"),
                RuledOut(.truncatedBodyFin, "it ended with RST"),
            ]
        )
    }
}

extension AttemptContext {
    /// The gateway closed while bytes of the body still came, and its client has an error of the gateway's making at the same moment:
    /// what a limit of the gateway does (Envoy 1.40, `per_connection_buffer_limit_bytes` under a filter that buffers, as run), not a timer.
    var wasStoppedInBody: Bool {
        guard stage == .partialBody, let ending, ending.direction == .fromClient, let silence,
            silence < .milliseconds(200), case .error(let status)? = client?.outcome, status != response?.status
        else { return false }
        return true
    }
}

/// A complete answer without a flaw that we see, or one that the gateway stopped in its midst, and the gateway still made an error of its own
/// or closed its client's connection without a byte: a policy, a module, a limit.
enum GatewayRejectedResponse: Detector {
    static let cause = Cause.gatewayRejectedResponse

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        // What was not captured may be what the gateway refused; of a request still under way, the end may be what failed.
        guard let response = attempt.response, let status = response.status, status < 500, !response.body.hasGap,
            !attempt.hasHiddenStart,
            response.headEnd != nil, let client = attempt.client, let end = client.end, attempt.request?.end != nil
        else { return nil }
        let isStopped = attempt.wasStoppedInBody && response.deviations.isEmpty
        guard isStopped || attempt.stage == .complete && response.lastFrame.time <= end else { return nil }
        let reaction: String
        switch client.outcome {
        case .error(let status): reaction = "answered its client \(status)"
        case .answered(200) where isHAProxyPage(attempt.clientResponse) && !isHAProxyPage(response):
            reaction = "answered its client 200 with a page of its own"
        // httpd 2.4 where a filter of its output fails (mod_substitute, `SubstituteMaxLineLength`), as run.
        case .noAnswer where !attempt.clientAnswerMayBeMissed:
            reaction = "closed its client's connection without a byte"
        default: return nil
        }
        return Verdict(
            cause,
            confidence: .medium,
            blame: .gateway,
            frames: attempt.requestFrames + attempt.responseFrames
                + (isStopped
                    ? attempt.endingFrames
                    : [EvidenceFrame(response.lastFrame, role: "response complete", direction: .fromServer)]),
            explanation:
                "\(attempt.upstream) answered \(status) "
                + (isStopped
                    ? "legally; the gateway stopped it after \(Phrases.bytes(response.body.seen)) of the body and "
                    : "completely and legally, and the gateway still ") + "\(reaction).",
            ruledOut: [
                RuledOut(.malformedHeader, "every field line is well formed"),
                RuledOut(.upstreamErrorResponse, "the upstream's status was \(status)"),
            ],
            missing: ["the gateway's log: which rule or module refused the response"]
        )
    }

    /// HAProxy 2.6 with `option checkcache`, as run: it refuses the answer and sends its own page for the answer's status, which is 200.
    private static func isHAProxyPage(_ response: ResponseFacts?) -> Bool {
        guard let response, response.body.seen == Int64(page.utf8.count), response.completion == .complete else {
            return false
        }
        // As `MessageBody.digest`.
        let digest = page.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
        return response.body.digest == digest
    }

    private static let page = "<html><body><h1>200 OK</h1>\nService ready.\n</body></html>\n"
}
