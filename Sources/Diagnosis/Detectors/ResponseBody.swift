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
        guard let response = attempt.response, let status = response.status, (502...504).contains(status),
            response.headEnd != nil, attempt.stage == .complete || attempt.stage == .partialBody
        else { return nil }
        if case .answered? = attempt.client?.outcome, attempt.client?.status == nil { return nil }
        let relayed = attempt.client?.status == status
        return Verdict(
            cause,
            variant: GatewayKind(response: response) == nil ? "application" : "gateway",
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
            ruledOut: [RuledOut(.responseTimeout, "a complete answer came")]
        )
    }
}

/// A chunk size line that is no hexadecimal number, or a chunk without its end (RFC 9112 §7.1).
enum BadChunkSize: Detector {
    static let cause = Cause.badChunkSize

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.stage == .brokenBody, let response = attempt.response else { return nil }
        let deviation = response.deviations.first { $0.kind == .invalidChunkSize || $0.kind == .missingChunkEnd }
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

/// A complete answer without a flaw that we see, and the gateway still made an error of its own: a policy, a module.
enum GatewayRejectedResponse: Detector {
    static let cause = Cause.gatewayRejectedResponse

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        // What was not captured may be what the gateway refused.
        guard attempt.stage == .complete, let response = attempt.response, let status = response.status, status < 500,
            !response.body.hasGap, response.headEnd != nil, let client = attempt.client, let end = client.end,
            response.lastFrame.time <= end,
            // Of a request that was still under way, the end may be what failed.
            attempt.request?.end != nil
        else { return nil }
        let clientStatus: Int
        switch client.outcome {
        case .error(let status): clientStatus = status
        case .answered(200) where isHAProxyPage(attempt.clientResponse) && !isHAProxyPage(response): clientStatus = 200
        default: return nil
        }
        return Verdict(
            cause,
            confidence: .medium,
            blame: .gateway,
            frames: attempt.requestFrames + attempt.responseFrames
                + [EvidenceFrame(response.lastFrame, role: "response complete", direction: .fromServer)],
            explanation:
                "\(attempt.upstream) answered \(status) completely and legally, and the gateway still answered "
                + "its client \(clientStatus)\(clientStatus == 200 ? " with a page of its own" : "").",
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
