import Model

extension AttemptContext {
    /// The upstream's answer began before the request was complete (RFC 9112 §9.5 and RFC 9110 §15.5.14 allow it).
    var isEarlyAnswer: Bool {
        guard let request, let response = exchange?.response, response.headEnd != nil, let status = response.status,
            status >= 200, status != 101, !request.body.hasGap, request.headEnd != nil
        else { return false }
        guard request.end != nil else { return true }
        return response.firstFrame.number < request.lastFrame.number && request.body.framing != .none
            && response.firstFrame.time < request.lastFrame.time
    }
}

/// A complete head while the request's body was still being sent, then RST because of the bytes that nobody reads (RFC 9112 §9.6): the
/// gateway that met the RST first has lost the answer. nginx 1.22 and HAProxy 2.6 mostly relay it, httpd 2.4 answers 502 (as run).
enum EarlyResponse: Detector {
    static let cause = Cause.earlyResponse

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.isEarlyAnswer, let client = attempt.client, attempt.timeline.serverReset != nil,
            attempt.exchange?.response?.status != client.status, client.isFailed
        else { return nil }
        return verdict(attempt, lost: true)
    }

    static func verdict(_ attempt: AttemptContext, lost: Bool) -> Verdict {
        let status = attempt.exchange?.response?.status ?? 0
        let reset = attempt.timeline.serverReset
        return Verdict(
            cause,
            variant: "\(status)",
            blame: .upstream,
            frames: attempt.requestFrames
                + (attempt.exchange?.response.map {
                    [
                        EvidenceFrame(
                            $0.firstFrame,
                            role: "answer \(status) before the request's end",
                            direction: .fromServer
                        )
                    ]
                } ?? []) + (reset.map { [attempt.frame($0, "RST from upstream")] } ?? []),
            explanation:
                "\(attempt.upstream) answered \(status) after \(Phrases.bytes(attempt.request?.body.seen ?? 0)) of the "
                + "request body"
                + (reset == nil ? "" : " and reset the connection because of the rest")
                + (lost ? "; the gateway lost the answer." : "; the client got that answer."),
            ruledOut: [RuledOut(.resetDuringUpload, "a complete response head came before the reset")]
        )
    }
}

/// The request's head passes a limit of the upstream (uWSGI 4096 bytes, gunicorn 8190 a field, Tomcat and httpd 8 KiB, nginx 32 KiB, Node
/// 16 KiB), which then ends the connection, or answers 400, 414 or 431 (RFC 9110 §15.5.15, RFC 6585 §5) and the gateway makes an error of it.
enum RequestTooLarge: Detector {
    static let cause = Cause.requestTooLarge
    /// The smallest limit in common use (uWSGI's `buffer-size`).
    static let smallestLimit: Int64 = 4000
    static let refusals: Set<Int> = [400, 414, 431]

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard !attempt.connection.speaksForeign, let size = size(attempt), size > attempt.conduct.largestAnswered,
            attempt.clientFailed
        else { return nil }
        let story: String
        switch attempt.stage {
        case .nothing:
            // What ends small requests too, ends large ones for the same reason.
            guard let ending = attempt.ending, ending.isFromServer, let request = attempt.request,
                attempt.exchange?.interimCount == 0, attempt.conduct.smallestRefused >= smallestLimit,
                !request.body.hasGap, ending.frame.time - request.firstFrame.time <= .seconds(1),
                attempt.isFirst || ending.acknowledgedOffset ?? 0 > request.start
            else { return nil }
            story = "ended the connection without a byte"
        case .complete, .partialBody:
            guard let status = attempt.response?.status, refusals.contains(status), attempt.client != nil else {
                return nil
            }
            story = "answered \(status), of which the gateway made an error"
        default: return nil
        }
        return verdict(attempt, size, story)
    }

    /// Bytes of the request's head, as far as it was sent; nil below every limit.
    static func size(_ attempt: AttemptContext) -> Int64? {
        guard let request = attempt.request else { return nil }
        let size = (request.headEnd ?? attempt.connection.fromClient.highestEnd) - request.start
        return size >= smallestLimit ? size : nil
    }

    static func verdict(_ attempt: AttemptContext, _ size: Int64, _ story: String) -> Verdict {
        let largest = attempt.conduct.largestAnswered
        return Verdict(
            cause,
            confidence: largest > 0 ? .high : .medium,
            blame: .upstream,
            frames: attempt.requestFrames + attempt.responseFrames + attempt.endingFrames,
            explanation: "The head of the request has \(Phrases.bytes(size)), and \(attempt.upstream) \(story)"
                + (largest > 0 ? "; the largest one that it answered had \(Phrases.bytes(largest))" : "") + ".",
            ruledOut: [
                RuledOut(.closedBeforeResponse, "only requests with a large head ended so"),
                RuledOut(.resetBeforeResponse, "only requests with a large head ended so"),
            ],
            missing: largest > 0 ? [] : ["a request with a smaller head that the same port answers"]
        )
    }
}

/// The client stopped sending its request or reading its answer, and the gateway gave up on it (RFC 9110 §15.5.9; nginx 1.22 closes
/// without a byte and logs 408, HAProxy 2.6 answers 408, as run).
enum ClientSlow: Detector {
    static let cause = Cause.clientSlow

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let client = attempt.client, let slowness = client.slowness, attempt.stage != .complete else {
            return nil
        }
        if let status = client.status, attempt.response?.status == status, slowness.kind == .sending { return nil }
        // Where the upstream's window stayed closed it was the upstream that did not read.
        if slowness.kind == .sending, let closed = attempt.timeline.serverZeroWindows.last?.frame,
            closed.time - slowness.last.time >= .milliseconds(200)
        {
            return nil
        }
        // An upstream that ended the exchange first did not wait for the client.
        if let ending = attempt.ending, ending.isFromServer, let end = client.end,
            slowness.kind == .reading || end - ending.frame.time >= .milliseconds(50)
        {
            return nil
        }
        return verdict(slowness, frames: attempt.requestFrames + attempt.endingFrames)
    }

    static func verdict(_ slowness: ClientRequest.Slowness, frames: [EvidenceFrame]) -> Verdict {
        let isSending = slowness.kind == .sending
        return Verdict(
            cause,
            variant: slowness.kind.rawValue,
            blame: .client,
            frames: frames + [
                EvidenceFrame(
                    slowness.last,
                    role: isSending ? "last bytes of the client's request" : "the client's window closes",
                    direction: nil
                )
            ],
            explanation:
                "The client stopped \(isSending ? "sending its request" : "reading its answer"), and the gateway gave "
                + "up on it after \(Phrases.duration(slowness.waited)).",
            ruledOut: [
                RuledOut(.clientAbort, "the gateway closed first, not the client"),
                RuledOut(
                    isSending ? .responseTimeout : .bodyTimeout,
                    isSending
                        ? "the upstream did not have the whole request"
                        : "the upstream's bytes were not what was missing"
                ),
            ]
        )
    }
}
