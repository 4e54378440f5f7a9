import Model

/// Interim answers (RFC 9110 §15.2) that the request did not ask for and the gateway took for the final one (nginx 1.22, as run), or more
/// than it takes (httpd 10, Go 5), or none final after them; or a 100 that was asked for and never came.
enum InterimResponseTrouble: Detector {
    static let cause = Cause.interimResponse

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let request = attempt.request, let exchange = attempt.exchange else { return nil }
        let count = exchange.interimCount
        guard count > 0 else { return continueNever(attempt, request) }
        let isUnasked = !request.expectsContinue || count > 1 || exchange.interim.contains { $0.status != 100 }
        guard isUnasked else { return nil }
        // The final answer counts where it came in time.
        if attempt.response == nil {
            guard attempt.stage == .nothing, attempt.ending != nil || attempt.gatewayGaveUp else { return nil }
            if count > 5, let last = exchange.interim.last, isPrompt(attempt, after: last.frame.time) {
                return verdict(attempt, "too-many", "more than the gateway takes")
            }
            // An answer that came too late is the timer's.
            guard exchange.response == nil else { return nil }
            return verdict(attempt, "none-final", "and no final answer after \(count == 1 ? "it" : "them")")
        }
        // A flaw in the final answer is reason enough to refuse it.
        guard let client = attempt.client, client.isFailed, attempt.stage == .complete,
            let response = attempt.response, response.deviations.isEmpty, response.status != client.status,
            response.headBytes < HeaderTooLarge.smallestLimit, response.status ?? 500 < 500
        else { return nil }
        let isMany = count > 5
        return verdict(
            attempt,
            isMany ? "too-many" : "taken-for-final",
            isMany ? "more than the gateway takes" : "which the gateway took for the final answer"
        )
    }

    /// The gateway closed at once, for what it had just read.
    private static func isPrompt(_ attempt: AttemptContext, after time: Timestamp) -> Bool {
        guard let ending = attempt.ending, ending.direction == .fromClient else { return false }
        return ending.frame.time - time < .milliseconds(200)
    }

    private static func verdict(_ attempt: AttemptContext, _ variant: String, _ story: String) -> Verdict {
        let interim = attempt.exchange?.interim ?? []
        let names = interim.prefix(4).map { "\($0.status)" }.joined(separator: ", ")
        return Verdict(
            cause,
            variant: variant,
            blame: .upstream,
            frames: attempt.requestFrames
                + interim.prefix(4).map {
                    EvidenceFrame($0.frame, role: "interim \($0.status)", direction: .fromServer)
                }
                + attempt.responseFrames + attempt.endingFrames,
            explanation:
                "\(attempt.upstream) sent \(Phrases.count(attempt.exchange?.interimCount ?? 0, "interim answer")) "
                + "(\(names)) that nobody had asked for, \(story).",
            ruledOut: [
                RuledOut(.closedBeforeResponse, "interim answers came"),
                RuledOut(.responseTimeout, "the upstream was not silent"),
            ]
        )
    }

    /// RFC 9110 §10.1.1: a server that gets `Expect: 100-continue` answers 100 or a final status; here the body waits for it.
    private static func continueNever(_ attempt: AttemptContext, _ request: RequestFacts) -> Verdict? {
        guard request.expectsContinue, request.end == nil, request.body.seen == 0, !request.body.hasGap,
            attempt.stage == .nothing, attempt.gatewayGaveUp, attempt.isRequestAcknowledged
        else { return nil }
        return Verdict(
            cause,
            variant: "continue-never",
            confidence: .medium,
            blame: .upstream,
            frames: attempt.requestFrames + attempt.acknowledgedFrames + attempt.endingFrames,
            explanation:
                "The request asked \(attempt.upstream) for a 100 before it sends its body, and neither that nor a "
                + "final answer came.",
            ruledOut: [RuledOut(.responseTimeout, "the body was never sent: it waited for the 100")],
            missing: ["whether the upstream would have answered once it had the body"]
        )
    }
}

/// 101 that nobody asked for (RFC 9110 §15.2.2), or an Upgrade that was asked for and not given, and the gateway made an error of it.
/// HAProxy 2.6 and httpd 2.4 answer 502, Caddy 2.6 an empty 200; nginx 1.22 and Envoy 1.40 pass the 101 on (as run).
enum UnexpectedUpgrade: Detector {
    static let cause = Cause.unexpectedUpgrade

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let request = attempt.request, let response = attempt.response, let status = response.status else {
            return nil
        }
        if status == 101, response.deviations.contains(where: { $0.kind == .unexpectedSwitchingProtocols }),
            attempt.gatewayRejected || isReplaced(attempt.client)
        {
            return verdict(attempt, "not-asked", "switched protocols (101) although the request had asked for none")
        }
        guard attempt.gatewayRejected, let asked = request.upgrade, (200..<500).contains(status),
            attempt.stage == .complete,
            response.deviations.isEmpty, case .error? = attempt.client?.outcome
        else { return nil }
        return verdict(attempt, "refused", "answered \(status) to a request for \(asked)")
    }

    /// The client got another status than the 101: an answer that nobody gave.
    private static func isReplaced(_ client: ClientRequest?) -> Bool {
        guard case .answered(let status)? = client?.outcome else { return false }
        return status != 101
    }

    static func verdict(_ attempt: AttemptContext, _ variant: String, _ story: String) -> Verdict {
        Verdict(
            cause,
            variant: variant,
            blame: variant == "refused" ? .gateway : .upstream,
            frames: attempt.requestFrames + attempt.responseFrames + attempt.endingFrames,
            explanation: "\(attempt.upstream) \(story).",
            ruledOut: [RuledOut(.gatewayRejectedResponse, "the answer does not fit the request")]
        )
    }
}

/// More field lines than the gateway takes: HAProxy 2.6 100 besides the start line (`tune.http.maxhdr` 101), Envoy 100
/// (`max_headers_count`).
enum TooManyHeaders: Detector {
    static let cause = Cause.tooManyHeaders
    static let smallestLimit = 100

    /// Without the client's leg: a gateway that is known to count closed on the number that it does not take by default.
    private static func closedAtOnce(_ attempt: AttemptContext, _ response: ResponseFacts) -> Bool {
        guard attempt.client == nil, attempt.kind == .envoy || attempt.kind == .haproxy,
            response.fieldCount > smallestLimit, let ending = attempt.ending, ending.direction == .fromClient
        else { return false }
        return ending.frame.time - (response.headFrame ?? response.lastFrame).time < .milliseconds(200)
    }

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let response = attempt.exchange?.response, response.fieldCount >= smallestLimit, response.status != nil,
            attempt.stage != .notHTTP, attempt.stage != .invalidStatusLine,
            attempt.gatewayRejected || closedAtOnce(attempt, response),
            attempt.ending?.isFromServer != true || response.completion != .incompleteHead,
            attempt.silence ?? 0 <= .milliseconds(500)
        else { return nil }
        // What those gateways that count have room for in bytes; nginx and httpd do not count.
        let room: Int64
        switch attempt.kind {
        case .nginx, .apache, .caddy, .traefik: return nil
        case .envoy: room = 60 * 1024
        case .haproxy: room = 15 * 1024
        default: room = HeaderTooLarge.smallestLimit
        }
        guard response.headBytes <= room,
            !response.deviations.contains(where: { MalformedHeader.kinds.contains($0.kind) })
        else { return nil }
        return Verdict(
            cause,
            confidence: attempt.kind == nil || attempt.client == nil ? .medium : .high,
            blame: .gateway,
            frames: attempt.requestFrames + attempt.responseFrames + attempt.endingFrames,
            explanation: "The response head of \(attempt.upstream) has \(response.fieldCount) field lines in "
                + "\(Phrases.bytes(response.headBytes)), and the gateway refused it.",
            ruledOut: [
                RuledOut(.headerTooLarge, "\(Phrases.bytes(response.headBytes)) are within the gateway's limit"),
                RuledOut(.malformedHeader, "every field line is well formed"),
            ]
        )
    }
}

/// Bytes after the announced end of an answer that the gateway took for the next one (RFC 9112 §11.2).
enum SurplusBytes: Detector {
    static let cause = Cause.surplusBytes

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard !attempt.isFirst, let request = attempt.request, let response = attempt.response,
            attempt.stage == .notHTTP || attempt.stage == .invalidStatusLine, attempt.clientMayHaveFailed
        else { return nil }
        let surplus = attempt.previousResponse?.deviations.first { $0.kind == .surplusBytes }
        // Nothing comes back in less than the path's round trip.
        let elapsed = response.firstFrame.time - request.firstFrame.time
        let isTooFast = attempt.roundTrip.map { $0 >= .milliseconds(1) && elapsed < $0 * 3 / 4 } ?? false
        guard surplus != nil || isTooFast else { return nil }
        let why =
            surplus != nil
            ? "the answer before had brought bytes beyond its end"
            : "they came \(Phrases.duration(elapsed)) after the request, faster than the path's round trip"
        return Verdict(
            cause,
            confidence: surplus != nil ? .medium : .high,
            blame: .upstream,
            frames: attempt.requestFrames
                + [EvidenceFrame(response.firstFrame, role: "bytes that belong to no answer", direction: .fromServer)]
                + attempt.endingFrames,
            explanation:
                "The gateway took \"\(response.firstLine)\" from \(attempt.upstream) for the answer, and it belongs "
                + "to the one before: \(why).",
            ruledOut: [RuledOut(.malformedStatusLine, why)]
        )
    }
}
