import Model

/// The causes of a handshake that came to no request, in the order of the catalogue.
enum TLSHandshake {
    static let detectors: [any Detector.Type] = [
        TLSToPlaintextUpstream.self, TLSProtocolVersion.self, TLSUnrecognizedName.self, TLSHandshakeFailure.self,
        TLSHandshakeReset.self, TLSHandshakeTimeout.self,
    ]

    /// Of a hello with fewer, the client's own list may be what nothing in common was found with: the libraries that gateways use offer more
    /// (OpenSSL 3.0 offers 31 or 30 in TLS 1.2, BoringSSL 17, Go 1.19 13).
    static let narrow = 8
}

extension AttemptContext {
    /// The handshake of a connection on which the gateway has sent nothing but its part of it; nil for all others.
    fileprivate var handshake: TLSFacts? {
        guard exchange == nil, case .tls(let facts) = connection.application, facts.clientHello != nil,
            facts.clientRecords == 0, connection.fromClient.missedBytes == 0, connection.fromServer.missedBytes == 0,
            !isServerSideMissed, clientMayHaveFailed
        else { return nil }
        return facts
    }

    fileprivate func helloFrames(_ facts: TLSFacts) -> [EvidenceFrame] {
        facts.clientHello.map { [EvidenceFrame($0, role: "ClientHello of the gateway", direction: .fromClient)] } ?? []
    }

    /// The alert of the upstream that ended the handshake (RFC 8446 §6.2).
    fileprivate func refusal(_ facts: TLSFacts) -> (code: UInt8, frame: EvidenceFrame)? {
        guard let alert = facts.alerts.first(where: { $0.level == 2 && $0.description != nil }),
            alert.direction == .fromServer, let code = alert.description
        else { return nil }
        return (code, EvidenceFrame(alert.frame, role: "alert \(code) of upstream", direction: .fromServer))
    }

    fileprivate func verdict(
        _ cause: Cause,
        _ facts: TLSFacts,
        variant: String? = nil,
        confidence: Confidence = .high,
        blame: Blame,
        _ frames: [EvidenceFrame],
        _ explanation: String,
        ruledOut: [RuledOut],
        missing: [String] = []
    ) -> Verdict {
        Verdict(
            cause,
            variant: variant,
            confidence: confidence,
            blame: blame,
            frames: helloFrames(facts) + frames + endingFrames,
            explanation: explanation,
            ruledOut: ruledOut,
            missing: missing
        )
    }
}

/// A ClientHello, answered by something that is no record of TLS (RFC 8446 §5.1), or not at all by a port that answers HTTP to others.
enum TLSToPlaintextUpstream: Detector {
    static let cause = Cause.tlsToPlaintextUpstream

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let facts = attempt.handshake, facts.serverHello == nil, facts.alerts.isEmpty else { return nil }
        let first = attempt.connection.fromServer.firstBytes
        let isOther = first.count >= 3 && !((20...24).contains(first[0]) && first[1] == 3)
        let story: String
        var frames: [EvidenceFrame] = []
        if isOther, let frame = attempt.connection.fromServer.firstDataFrame {
            frames = [EvidenceFrame(frame, role: "an answer that is not TLS", direction: .fromServer)]
            story = "answered with something that is not TLS"
        } else if first.isEmpty, let plain = attempt.conduct.answeredPlain, attempt.ending != nil {
            frames = [EvidenceFrame(plain, role: "the same port answers HTTP", direction: .fromServer)]
            story = "said nothing to it, and answers plain HTTP to others"
        } else {
            return nil
        }
        return attempt.verdict(
            cause,
            facts,
            confidence: isOther ? .high : .medium,
            blame: .gateway,
            frames,
            "The gateway began TLS with \(attempt.upstream), which \(story).",
            ruledOut: [
                RuledOut(.tlsHandshakeTimeout, isOther ? "an answer came" : "the port does not speak TLS"),
                RuledOut(.tlsHandshakeFailure, "no alert came"),
            ]
        )
    }
}

/// Alert 70: the offered versions and those that the upstream accepts do not meet (RFC 8446 §6.2).
enum TLSProtocolVersion: Detector {
    static let cause = Cause.tlsProtocolVersion

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let facts = attempt.handshake, let refusal = attempt.refusal(facts), refusal.code == 70 else {
            return nil
        }
        return attempt.verdict(
            cause,
            facts,
            blame: .gateway,
            [refusal.frame],
            "\(attempt.upstream) refused the gateway's ClientHello with alert 70 (protocol_version): it accepts no version "
                + "of TLS that the gateway offers.",
            ruledOut: [RuledOut(.tlsHandshakeFailure, "the alert names the version")]
        )
    }
}

/// Alert 112 (RFC 6066 §3), or 40 or 80 to a ClientHello without a server name: servers of several names have no certificate for none.
enum TLSUnrecognizedName: Detector {
    static let cause = Cause.tlsUnrecognizedName

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let facts = attempt.handshake, let refusal = attempt.refusal(facts) else { return nil }
        let isNameless = facts.serverName == nil
        let isNamed = refusal.code == 112
        guard isNamed || isNameless && [40, 80].contains(refusal.code) && facts.cipherSuites >= TLSHandshake.narrow
        else { return nil }
        return attempt.verdict(
            cause,
            facts,
            confidence: isNamed ? .high : .low,
            blame: .gateway,
            [refusal.frame],
            "The gateway asked \(attempt.upstream) for "
                + (facts.serverName.map { "the name \($0)" } ?? "no name (SNI)")
                + ", and was refused with alert \(refusal.code).",
            ruledOut: [RuledOut(.tlsProtocolVersion, "the alert is another")]
                + (isNamed ? [RuledOut(.tlsHandshakeFailure, "the alert names the name")] : []),
            missing: isNamed
                ? []
                : ["the upstream's log: tls-handshake-failure (no common cipher, group or signature) is not ruled out"]
        )
    }
}

/// Alerts 40, 47, 71 and 80: nothing in common that both sides would use (RFC 8446 §6.2).
enum TLSHandshakeFailure: Detector {
    static let cause = Cause.tlsHandshakeFailure

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let facts = attempt.handshake, let refusal = attempt.refusal(facts),
            [40, 47, 71, 80].contains(refusal.code)
        else { return nil }
        // 47 (illegal_parameter) and 80 (internal_error) are said of other faults of the upstream, too.
        let isNamed = [40, 71].contains(refusal.code)
        var missing: [String] = []
        if facts.serverHello != nil {
            missing.append("whether a client certificate was asked for: tls-client-cert-required is not ruled out")
        }
        if !isNamed {
            missing.append("the upstream's log: alert \(refusal.code) does not say what it could not accept")
        }
        return attempt.verdict(
            cause,
            facts,
            confidence: isNamed && facts.serverHello == nil ? .high : .medium,
            blame: .gateway,
            [refusal.frame],
            "\(attempt.upstream) refused the handshake with alert \(refusal.code): "
                + (isNamed ? "" : "most likely ") + "no cipher, group or signature that both sides accept.",
            ruledOut: [
                RuledOut(.tlsProtocolVersion, "the alert is another"), RuledOut(.tlsHandshakeReset, "an alert came"),
            ],
            missing: missing
        )
    }
}

/// FIN or RST of the upstream inside the handshake, and no alert.
enum TLSHandshakeReset: Detector {
    static let cause = Cause.tlsHandshakeReset

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let facts = attempt.handshake, facts.alerts.isEmpty, let ending = attempt.ending, ending.isFromServer,
            ending.isReset || attempt.timeline.serverFin?.acknowledgedOffset ?? 0 > 0
        else { return nil }
        let after = facts.clientHello.map { Phrases.duration(max(0, ending.frame.time - $0.time)) } ?? ""
        return attempt.verdict(
            cause,
            facts,
            variant: ending.isReset ? "reset" : "fin",
            blame: .upstream,
            [],
            "\(attempt.upstream) \(ending.isReset ? "reset" : "closed") the connection \(after) after the gateway's ClientHello, "
                + (facts.serverHello == nil ? "without a byte of TLS" : "in the midst of the handshake") + ".",
            ruledOut: [
                RuledOut(.tlsHandshakeFailure, "no alert came"),
                RuledOut(.tlsHandshakeTimeout, "the upstream ended it, not the gateway"),
            ],
            missing: ["whether a filter that looks at server names ended it in the upstream's name"]
        )
    }
}

/// The ClientHello was acknowledged, and nothing came until the gateway gave up.
enum TLSHandshakeTimeout: Detector {
    static let cause = Cause.tlsHandshakeTimeout

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let facts = attempt.handshake, facts.serverHello == nil, facts.alerts.isEmpty,
            let hello = facts.clientHello,
            attempt.connection.fromServer.payloadBytes == 0, let ending = attempt.ending,
            ending.direction == .fromClient, attempt.client?.isFailed == true,
            attempt.connection.fromClient.acknowledgedEnd >= attempt.connection.fromClient.highestEnd,
            ending.frame.time - hello.time >= .milliseconds(200)
        else { return nil }
        return attempt.verdict(
            cause,
            facts,
            confidence: .medium,
            blame: .upstream,
            [],
            "\(attempt.upstream) acknowledged the gateway's ClientHello and sent nothing; the gateway gave up after "
                + "\(Phrases.duration(ending.frame.time - hello.time)).",
            ruledOut: [
                RuledOut(.connectTimeout, "the connection was opened"),
                RuledOut(.tlsHandshakeReset, "the gateway ended it, not the upstream"),
            ],
            missing: [
                "whether the port speaks TLS at all: tls-to-plaintext-upstream, a server that waits for a line, is not ruled out"
            ]
        )
    }
}
