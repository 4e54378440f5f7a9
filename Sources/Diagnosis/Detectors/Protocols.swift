import Model

extension AttemptContext {
    /// What a port that answered nobody may be, besides broken: these causes end a connection in the same way.
    var finerPatterns: [String] {
        guard isFirst, conduct.answeredPlain == nil, !connection.speaksForeign else { return [] }
        if connection.hasProxyHeader {
            guard conduct.acceptedProxyHeader == nil else { return [] }
            return [
                "a request without a PROXY header to this port: proxy-protocol-mismatch (it does not expect the header "
                    + "with which the gateway began) is not ruled out"
            ]
        }
        return [
            "an answer of this port to anybody: proxy-protocol-mismatch (it waits for a PROXY header) and "
                + "application-protocol-mismatch (it speaks another protocol) are not ruled out"
        ]
    }
}

/// A PROXY protocol header (haproxy.org/download/2.6/doc/proxy-protocol.txt) that the upstream does not expect, or one that it waits for.
/// A pattern of the whole port: it shows on every connection.
enum ProxyProtocolMismatch: Detector {
    static let cause = Cause.proxyProtocolMismatch
    /// As many requests without an answer make a pattern of a port that nobody gets an answer from.
    static let pattern = 3

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        attempt.connection.hasProxyHeader ? unwanted(attempt) : absent(attempt)
    }

    /// Servers that do not know the header take it for a request line: nginx and Node answer 400, Python's http.server a page without
    /// a head, others close.
    private static func unwanted(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.conduct.acceptedProxyHeader == nil, attempt.clientMayHaveFailed else { return nil }
        let story: String
        switch attempt.stage {
        case .notHTTP, .invalidStatusLine:
            story = "began its answer with \"\(attempt.response?.firstLine ?? "")\""
        case .complete, .partialBody:
            guard attempt.response?.status == 400, attempt.client != nil else { return nil }
            story = "answered 400"
        case .nothing:
            guard attempt.ending?.isFromServer == true, attempt.exchange?.interimCount == 0 else { return nil }
            let conduct = attempt.conduct
            let isPattern =
                conduct.proxiedRefusals >= pattern && conduct.proxiedRefusals == conduct.proxiedRequests
                && conduct.refusedProxied.count >= 2
            guard conduct.answeredPlain != nil || isPattern else { return nil }
            story =
                "closed without an answer"
                + (isPattern ? ", as it did with all \(conduct.proxiedRequests) requests of this capture" : "")
        default: return nil
        }
        return verdict(attempt, story)
    }

    /// Also where the client got the upstream's 400.
    static func verdict(_ attempt: AttemptContext, _ story: String) -> Verdict {
        let plain = attempt.conduct.answeredPlain
        return Verdict(
            cause,
            variant: "sent-not-wanted",
            confidence: plain != nil ? .high : .medium,
            blame: .gateway,
            frames: attempt.requestFrames + attempt.responseFrames
                + (plain.map { [EvidenceFrame($0, role: "answer without a PROXY header", direction: .fromServer)] }
                    ?? [])
                + attempt.endingFrames,
            explanation:
                "The gateway began with a PROXY protocol header, and \(attempt.upstream) \(story): it does not "
                + "expect the header.",
            ruledOut: [
                RuledOut(.malformedStatusLine, "no request with a PROXY header got a proper answer from this port"),
                RuledOut(.closedBeforeResponse, "the same holds for every request with a PROXY header to this port"),
            ],
            missing: plain == nil ? ["a request without a PROXY header to the same port, for comparison"] : []
        )
    }

    /// Servers that wait for the header close or reset on anything else (nginx 1.22 FIN, HAProxy 2.6 RST, as run).
    private static func absent(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.isFirst, attempt.stage == .nothing, attempt.conduct.answeredPlain == nil,
            attempt.conduct.answeredForeign == nil, attempt.exchange?.interimCount == 0,
            let request = attempt.request, let ending = attempt.ending, ending.isFromServer,
            PortConduct.isPrompt(ending, after: request, attempt.timeline)
        else { return nil }
        let conduct = attempt.conduct
        // A FIN: the server has read on, and a load balancer without target resets (see ResetAfterAccept).
        let isPattern =
            conduct.promptCloses >= pattern && conduct.promptCloses == conduct.plainRequests && conduct.promptFins >= 2
            && (!ending.isReset || PortConduct.mayBeUnread(request)) && conduct.promptlyClosed.count >= 2
        guard conduct.acceptedProxyHeader != nil || isPattern else { return nil }
        let after = Phrases.duration(max(0, ending.frame.time - request.lastFrame.time))
        let comparison =
            conduct.acceptedProxyHeader != nil
            ? "while it answers connections that begin with a PROXY header"
            : "as it did with all \(conduct.plainRequests) requests of this capture"
        return Verdict(
            cause,
            variant: "wanted-not-sent",
            confidence: conduct.acceptedProxyHeader != nil ? .high : .medium,
            blame: .gateway,
            frames: attempt.requestFrames + attempt.endingFrames
                + (conduct.acceptedProxyHeader.map {
                    [EvidenceFrame($0, role: "answer to a connection with a PROXY header", direction: .fromServer)]
                } ?? []),
            explanation:
                "\(attempt.upstream) ended the connection \(after) after the request without a byte, \(comparison): "
                + "it waits for a PROXY protocol header.",
            ruledOut: [
                RuledOut(.closedBeforeResponse, "every request to this port ended so, at once"),
                RuledOut(.resetAfterAccept, "the port works for others, or reads before it closes"),
            ],
            missing: conduct.acceptedProxyHeader == nil
                ? ["the configuration of the port: an application that dies of every request looks the same"] : []
        )
    }
}

/// HTTP/1 to a port that speaks FastCGI, uwsgi, AJP or HTTP/2 only. php-fpm resets, uWSGI closes, neither with a byte: told by somebody whom
/// the same port answers in its own protocol. What answers by bytes of its own is NonHTTPBanner's.
enum ApplicationProtocolMismatch: Detector {
    static let cause = Cause.applicationProtocolMismatch

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        if attempt.connection.speaksForeign { return ForeignConnection.examine(attempt) }
        guard attempt.request != nil, attempt.stage == .nothing, attempt.conduct.answeredPlain == nil,
            let foreign = attempt.conduct.answeredForeign,
            attempt.ending?.isFromServer == true
        else { return nil }
        let name = foreign.name.rawValue
        return Verdict(
            cause,
            variant: name,
            blame: .gateway,
            frames: attempt.requestFrames + attempt.endingFrames
                + [
                    EvidenceFrame(
                        foreign.frame,
                        role: "answer in \(name) on another connection",
                        direction: .fromServer
                    )
                ],
            explanation:
                "The gateway sent HTTP/1 to \(attempt.upstream), which ended the connection without a byte; the "
                + "same port answers \(name).",
            ruledOut: [
                RuledOut(.resetBeforeResponse, "the port answers in \(name), and no HTTP request got an answer"),
                RuledOut(.closedBeforeResponse, "the port answers in \(name), and no HTTP request got an answer"),
            ]
        )
    }
}

/// A connection on which the gateway spoke FastCGI, uwsgi, AJP or HTTP/2, and the upstream speaks HTTP/1. nginx calls a 400 in HTTP
/// "unsupported FastCGI protocol version: 72" or "too large http2 frame: 4740180" (1.22 as run); in uwsgi it is a valid answer.
enum ForeignConnection: Detector {
    static let cause = Cause.applicationProtocolMismatch

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.clientFailed else { return nil }
        return mismatch(attempt)
    }

    static func mismatch(_ attempt: AttemptContext) -> Verdict? {
        let connection = attempt.connection
        guard attempt.exchange?.response == nil, connection.speaksForeign,
            case .other(let name) = connection.application
        else {
            return nil
        }
        var frames: [EvidenceFrame] = []
        if let first = connection.fromClient.firstDataFrame {
            frames.append(EvidenceFrame(first, role: "\(name.rawValue) from the gateway", direction: .fromClient))
        }
        let story: String
        let answersHTTP = connection.answersInHTTP(to: name)
        if answersHTTP, let answer = connection.fromServer.firstDataFrame {
            frames.append(EvidenceFrame(answer, role: "HTTP/1 from upstream", direction: .fromServer))
            story = "answered in HTTP/1"
        } else if connection.fromServer.payloadBytes == 0, attempt.ending != nil,
            attempt.conduct.answeredForeign == nil,
            let plain = attempt.conduct.answeredPlain
        {
            frames.append(EvidenceFrame(plain, role: "the same port answers HTTP/1", direction: .fromServer))
            story = "sent nothing; the same port answers HTTP/1"
        } else {
            return nil
        }
        return Verdict(
            cause,
            variant: "\(name.rawValue)-to-http",
            confidence: answersHTTP ? .high : .medium,
            blame: .gateway,
            frames: frames + attempt.endingFrames,
            explanation: "The gateway spoke \(name.rawValue) to \(attempt.upstream), which \(story).",
            ruledOut: [RuledOut(.nonHTTPBanner, "the gateway's own bytes are \(name.rawValue)")]
        )
    }
}
