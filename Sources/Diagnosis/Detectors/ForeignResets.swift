import Model

extension AttemptContext {
    /// "Its hop limit is 64, and ...; it allows ...": what tells that somebody else sent the reset.
    func foreignStory(_ origin: ResetOrigin) -> String {
        origin.foreignTexts.joined(separator: "; ")
    }

    func foreignConfidence(_ origin: ResetOrigin) -> Confidence { origin.isCertain ? .high : .medium }

    /// The reset that ended the exchange and that the endpoint which it names did not send. A device that resets both peers may show its
    /// reset towards the upstream first.
    var foreignEnding: (reset: TCPEvent, origin: ResetOrigin)? {
        guard let ending, ending.isReset else { return nil }
        let twins = [ending, timeline.serverReset, timeline.clientReset].compactMap { $0 }.filter {
            distance($0.frame.time - ending.frame.time) <= .milliseconds(1)
        }
        for reset in twins {
            let origin = origin(reset)
            if origin.isForeign { return (reset, origin) }
        }
        return nil
    }
}

/// SYN answered by a reset that the host it names did not send: its hop count, timing or form differ from that host's other packets, or
/// the host's own SYN-ACK follows. nftables and iptables `reject with tcp reset` on a router do that.
enum HandshakeResetByFirewall: Detector {
    static let cause = Cause.handshakeResetByFirewall

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        let timeline = attempt.timeline
        guard let reset = timeline.serverReset, reset.flags.contains(.ack), timeline.handshakeAck == nil,
            let syn = timeline.syns.last(where: { $0.frame.number < reset.frame.number }),
            timeline.synAcks.allSatisfy({ $0.frame.number > reset.frame.number }),
            attempt.connection.fromServer.payloadBytes == 0,
            // The client had more to say than its SYN, and the reset answers that: the capture missed the SYN-ACK.
            !timeline.synAcks.isEmpty || timeline.mayRefuse(reset, attempt.connection),
            reset.acknowledgedOffset ?? 0 <= 0
        else { return nil }
        let origin = attempt.origin(reset)
        guard origin.isForeign else { return nil }
        let time = Phrases.duration(reset.frame.time - syn.frame.time)
        return Verdict(
            cause,
            confidence: attempt.foreignConfidence(origin),
            blame: .firewall,
            frames: [
                attempt.frame(syn, "SYN"), attempt.frame(reset, "RST in the upstream's name, \(time) after the SYN"),
            ] + origin.frames,
            explanation: "The SYN to \(attempt.upstream) was answered by a reset after \(time) that this host did not "
                + "send: \(attempt.foreignStory(origin)).",
            ruledOut: [
                RuledOut(.connectRefused, "the reset is unlike that host's own packets"),
                RuledOut(.icmpPortUnreachable, "the refusal is a TCP reset, not an ICMP error"),
            ]
        )
    }
}

/// A reset on an established connection that the endpoint did not send.
enum MiddleboxReset: Detector {
    static let cause = Cause.middleboxReset

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard attempt.stage == .nothing || attempt.stage == .partialHead || attempt.stage == .partialBody,
            attempt.timeline.isEstablished(attempt.connection), let (reset, origin) = attempt.foreignEnding
        else { return nil }
        let whose = reset.isFromServer ? attempt.upstream : "the gateway"
        let after = attempt.sinceRequest(reset).map { " \($0) after the request" } ?? ""
        let coarser: Cause = attempt.stage == .partialBody ? .truncatedBodyReset : .resetBeforeResponse
        return Verdict(
            cause,
            confidence: attempt.foreignConfidence(origin),
            blame: .firewall,
            frames: attempt.requestFrames + attempt.acknowledgedFrames + attempt.responseFrames
                + [
                    attempt.frame(
                        reset,
                        "RST in the name of \(reset.isFromServer ? "the upstream" : "the gateway")\(after)"
                    )
                ]
                + origin.frames,
            explanation: "A device on the path reset the connection in the name of \(whose)\(after): "
                + "\(attempt.foreignStory(origin)).",
            ruledOut: [RuledOut(coarser, "the reset is unlike the packets of the end that it names")],
            missing: origin.ownTexts.isEmpty
                ? [] : ["a capture on the other side of the device: against it speaks that \(origin.ownTexts[0])"]
        )
    }
}
