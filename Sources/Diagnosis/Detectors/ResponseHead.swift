import Model

extension AttemptContext {
    /// The gateway did not use this response: it told its client so, or (client leg unseen) it closed first, at once.
    var gatewayRejected: Bool {
        if let client {
            switch client.outcome {
            case .error(let status): return status != exchange?.response?.status
            case .noAnswer, .garbage, .cut: return true
            case .answered, .aborted, .crossedClose, .open: return false
            }
        }
        guard let ending, let response else { return false }
        if habit.resetIsUnusual, let reset = timeline.clientReset { return isPrompt(reset, after: response) }
        // A gateway that closes first on a complete response may just not want the connection any more.
        guard ending.direction == .fromClient,
            ending.isReset || stage != .complete || habit.closingFirstIsUnusual
        else { return false }
        return isPrompt(ending, after: response)
    }

    private func isPrompt(_ ending: TCPEvent, after response: ResponseFacts) -> Bool {
        return ending.frame.time - response.firstFrame.time < .milliseconds(200)
            || ending.frame.time - response.lastFrame.time < .milliseconds(50)
    }

    func excerpt(_ deviation: Deviation) -> String {
        deviation.excerpt.map { " (\"\($0)\")" } ?? ""
    }
}

/// The upstream's first bytes belong to another protocol that is recognised.
enum NonHTTPBanner: Detector {
    static let cause = Cause.nonHTTPBanner

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let response = attempt.response, attempt.stage == .notHTTP || attempt.stage == .partialHead,
            response.status == nil, let name = response.recognised
        else { return nil }
        switch name {
        case .tls:
            return Verdict(
                .plaintextToTLSUpstream,
                blame: .gateway,
                frames: attempt.requestFrames + attempt.responseFrames,
                explanation:
                    "\(attempt.upstream) answered the plaintext request with a TLS record: the port speaks TLS.",
                ruledOut: [RuledOut(.malformedStatusLine, "the bytes are a TLS record")]
            )
        case .http2, .fastcgi, .uwsgi, .ajp:
            return Verdict(
                .applicationProtocolMismatch,
                variant: name.rawValue,
                blame: .gateway,
                frames: attempt.requestFrames + attempt.responseFrames,
                explanation: "\(attempt.upstream) answered the HTTP/1 request in \(name.rawValue).",
                ruledOut: [RuledOut(.malformedStatusLine, "the bytes are \(name.rawValue)")]
            )
        default:
            return Verdict(
                cause,
                variant: name.rawValue,
                blame: .gateway,
                frames: attempt.requestFrames
                    + [
                        EvidenceFrame(
                            response.firstFrame,
                            role: "\(name.rawValue) from upstream",
                            direction: .fromServer
                        )
                    ],
                explanation:
                    "\(attempt.upstream) speaks \(name.rawValue), not HTTP: it sent \"\(response.firstLine)\".",
                ruledOut: [RuledOut(.malformedStatusLine, "the first bytes are those of \(name.rawValue)")]
            )
        }
    }
}

/// The upstream's first bytes are no valid status line (RFC 9112 §4) and no other protocol that is recognised.
/// nginx passes them on as HTTP/0.9, HAProxy, Envoy and Caddy answer 502.
enum MalformedStatusLine: Detector {
    static let cause = Cause.malformedStatusLine

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let response = attempt.response, !attempt.mayHoldRemains else { return nil }
        let isBroken = attempt.stage == .notHTTP || attempt.stage == .invalidStatusLine
        // It may belong to the answer before, or answer a header that the port does not expect.
        if isBroken, SurplusBytes.reason(attempt) != nil || mayBeSurplus(attempt) { return nil }
        if attempt.connection.hasProxyHeader, attempt.conduct.acceptedProxyHeader == nil { return nil }
        // What we can still read is a failure only where the gateway refused it.
        let deviation = response.deviations.first {
            [.notHTTP, .invalidVersion, .lowerCaseVersion, .invalidStatusCode, .leadingEmptyLine].contains($0.kind)
        }
        guard isBroken || deviation.map({ isRefused($0, attempt) }) ?? false else { return nil }
        if let client = attempt.client, case .answered = client.outcome, !isBroken { return nil }
        return Verdict(
            cause,
            blame: .upstream,
            frames: attempt.requestFrames
                + [EvidenceFrame(response.firstFrame, role: "no status line", direction: .fromServer)]
                + attempt.endingFrames,
            explanation:
                "\(attempt.upstream) began its answer with \"\(response.firstLine)\", which is no valid status line.",
            ruledOut: [RuledOut(.nonHTTPBanner, "the bytes are no other protocol that is recognised")]
        )
    }

    /// On a reused connection whose round trip the capture does not show: too early an answer looks the same.
    private static func mayBeSurplus(_ attempt: AttemptContext) -> Bool {
        attempt.previousResponse != nil && attempt.leastRoundTrip == nil && !attempt.timeline.syns.isEmpty
    }

    private static func isRefused(_ deviation: Deviation, _ attempt: AttemptContext) -> Bool {
        guard attempt.client == nil else { return attempt.gatewayRejected }
        return attempt.kind?.profile.rejects(deviation.kind) ?? false
    }
}

/// The head passed the gateway's limit and the gateway stopped reading: nginx 4 or 8 KiB (`proxy_buffer_size`), HAProxy 15 or
/// 16 KiB (`tune.bufsize` less `tune.maxrewrite`), Apache 8 KiB a line, Envoy 60 to 80 KiB.
enum HeaderTooLarge: Detector {
    static let cause = Cause.headerTooLarge
    /// The smallest limit in use: a memory page (nginx on x86-64).
    static let smallestLimit: Int64 = 4000

    /// Without the client's leg the gateway's default limit decides, unless it went on with the connection.
    private static func passesUsualLimit(_ response: ResponseFacts, _ attempt: AttemptContext) -> Bool {
        attempt.client == nil && attempt.ending != nil && attempt.kind?.profile.refusesHead(of: response) ?? false
    }

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let response = attempt.exchange?.response, response.headBytes >= smallestLimit,
            response.status != nil || attempt.connection.isFastCGI, attempt.stage != .notHTTP,
            attempt.stage != .invalidStatusLine,
            attempt.gatewayRejected || passesUsualLimit(response, attempt)
        else { return nil }
        // A violation that stands before the limit is what the gateway met first.
        if let first = response.deviations.map({ $0.offset - response.start }).min(), first < smallestLimit {
            return nil
        }
        if let ending = attempt.ending, ending.isFromServer, response.completion == .incompleteHead { return nil }
        // Silence before the gateway's close is a timer, not a limit.
        if let silence = attempt.silence, silence > .milliseconds(500) { return nil }
        return Verdict(
            cause,
            confidence: attempt.client == nil ? .medium : .high,
            blame: .gateway,
            frames: attempt.requestFrames + attempt.responseFrames + attempt.endingFrames,
            explanation: "The response head of \(attempt.upstream) is \(response.headEnd == nil ? "more than " : "")"
                + "\(Phrases.bytes(response.headBytes)) long, and the gateway stopped reading it.",
            ruledOut: [
                RuledOut(.malformedHeader, "no field line before the limit is malformed"),
                RuledOut(.closedMidHead, "the gateway ended the exchange, not the upstream"),
                RuledOut(.resetMidHead, "the gateway ended the exchange, not the upstream"),
            ]
        )
    }
}

/// Content-Length twice, differing, unreadable, or together with Transfer-Encoding (RFC 9112 §6.3), and the gateway refused.
enum ConflictingContentLength: Detector {
    static let cause = Cause.conflictingContentLength
    static let kinds: Set<Deviation.Kind> = [
        .duplicateContentLength, .conflictingContentLength, .invalidContentLength, .contentLengthAndTransferEncoding,
        .unknownTransferEncoding, .transferEncodingInHTTP10,
    ]

    /// Transfer codings that are known and not `chunked` alone: legal (RFC 9112 §7), and refused by Caddy 2.6 and Envoy 1.40 (as run), which
    /// could not tell where the body ends.
    private static func coding(_ response: ResponseFacts) -> Deviation? {
        guard let value = response.field("transfer-encoding")?.lowercased(), value != "chunked", value != "identity"
        else {
            return nil
        }
        return Deviation(kind: .unknownTransferEncoding, offset: response.start, excerpt: value)
    }

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let response = attempt.response, response.headEnd != nil,
            let deviation = response.deviations.first(where: { kinds.contains($0.kind) }) ?? coding(response),
            attempt.gatewayRejected && (attempt.ending?.isFromServer != true || attempt.client != nil)
                || attempt.client == nil && attempt.kind?.profile.rejects(deviation.kind) ?? false,
            !response.deviations.contains(where: { MalformedHeader.kinds.contains($0.kind) })
        else { return nil }
        return Verdict(
            cause,
            confidence: .medium,
            blame: .upstream,
            frames: attempt.requestFrames + attempt.responseFrames + attempt.endingFrames,
            explanation: "The response head of \(attempt.upstream) contradicts itself about the length of its body"
                + "\(attempt.excerpt(deviation)), and the gateway refused it.",
            ruledOut: [RuledOut(.malformedHeader, "every field line is well formed")]
        )
    }
}

/// A field line that RFC 9112 §5 does not allow and this gateway refused: no colon, a space or control in the name, NUL.
enum MalformedHeader: Detector {
    static let cause = Cause.malformedHeader
    static let kinds: Set<Deviation.Kind> = [
        .missingColon, .emptyFieldName, .spaceBeforeColon, .invalidNameByte, .controlInValue, .nulInValue,
        .bareCarriageReturn, .obsoleteFolding,
    ]

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let response = attempt.response,
            let deviation = response.deviations.first(where: { kinds.contains($0.kind) }),
            attempt.gatewayRejected
                || attempt.client == nil && attempt.kind?.profile.rejects(deviation.kind) ?? false
        else { return nil }
        return Verdict(
            cause,
            confidence: attempt.client == nil ? .medium : .high,
            blame: .upstream,
            frames: attempt.requestFrames
                + [EvidenceFrame(response.firstFrame, role: "malformed field line", direction: .fromServer)]
                + attempt.endingFrames,
            explanation: "A field line in the response head of \(attempt.upstream) is malformed"
                + "\(attempt.excerpt(deviation)), and the gateway refused the response.",
            ruledOut: [
                RuledOut(.malformedStatusLine, "the status line is valid"),
                RuledOut(.headerTooLarge, "the malformed line stands before the gateway's limit"),
            ]
        )
    }
}

/// FIN inside the response head.
enum ClosedMidHead: Detector {
    static let cause = Cause.closedMidHead

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.stage == .partialHead, let ending = attempt.ending, ending.isFromServer, !ending.isReset,
            let response = attempt.response, !response.body.hasGap
        else { return nil }
        return Verdict(
            cause,
            blame: .upstream,
            frames: attempt.requestFrames + attempt.responseFrames + attempt.endingFrames,
            explanation: "\(attempt.upstream) closed the connection after \(Phrases.bytes(response.headBytes)) of the "
                + "response head, before its blank line.",
            ruledOut: [
                RuledOut(.closedBeforeResponse, "\(Phrases.bytes(response.headBytes)) of the head had come"),
                RuledOut(.resetMidHead, "it ended with FIN"),
            ]
        )
    }
}

/// RST inside the response head.
enum ResetMidHead: Detector {
    static let cause = Cause.resetMidHead

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.stage == .partialHead, let ending = attempt.ending, ending.isFromServer, ending.isReset,
            let response = attempt.response, !response.body.hasGap
        else { return nil }
        return Verdict(
            cause,
            blame: .upstream,
            frames: attempt.requestFrames + attempt.responseFrames + attempt.endingFrames,
            explanation: "\(attempt.upstream) reset the connection after \(Phrases.bytes(response.headBytes)) of the "
                + "response head, before its blank line.",
            ruledOut: [
                RuledOut(.resetBeforeResponse, "\(Phrases.bytes(response.headBytes)) of the head had come"),
                RuledOut(.closedMidHead, "it ended with RST"),
                RuledOut(.headerTooLarge, "the upstream ended the exchange, not the gateway"),
            ]
        )
    }
}
