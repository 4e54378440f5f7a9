import Model

/// SYN answered by RST+ACK (RFC 9293 §3.10.7.1: no listener). A packet filter can forge the same.
enum ConnectRefused: Detector {
    static let cause = Cause.connectRefused

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        let timeline = attempt.timeline
        guard let syn = timeline.syns.last, timeline.synAcks.isEmpty, let reset = timeline.serverReset,
            attempt.connection.fromServer.payloadBytes == 0, reset.flags.contains(.ack),
            // A reset of an open connection has a sequence number, and its client has sent more than SYNs, and resets to what an older
            // connection of the same ports had to say (RFC 9293 §3.10.7.3): then the capture missed the SYN-ACK.
            reset.sequence == 0,
            attempt.connection.fromClient.packets <= timeline.syns.count + timeline.challengeAcks.count
        else { return nil }
        // Only a packet of that host known to be its own tells its reset from a filter's.
        let origin = attempt.origin(reset)
        let isItsOwn = origin.isCompared
        let time = Phrases.duration(reset.frame.time - syn.frame.time)
        return Verdict(
            cause,
            confidence: isItsOwn ? .high : .medium,
            blame: .upstream,
            frames: [
                attempt.frame(syn, "SYN"), attempt.frame(reset, "RST, ACK from upstream, \(time) after the SYN"),
            ],
            explanation:
                "\(attempt.upstream) answered the SYN with a reset after \(time): nothing listens on that port.",
            ruledOut: [
                RuledOut(.connectTimeout, "the SYN was answered"),
                RuledOut(.icmpPortUnreachable, "the refusal is a TCP reset, not an ICMP error"),
            ] + (isItsOwn ? [RuledOut(.handshakeResetByFirewall, origin.ownTexts.joined(separator: "; "))] : []),
            missing: attempt.missingOrigin(origin, .handshakeResetByFirewall)
        )
    }
}
