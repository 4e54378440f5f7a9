import Model

/// ICMP errors that end a connection attempt: Linux turns them into the errno of connect() while no handshake is done.
extension AttemptContext {
    /// The first ICMP error quoting this attempt's SYN; nil once the handshake was done (then it is a soft error only,
    /// RFC 1122 §4.2.3.9).
    func connectError(where matches: (ICMPErrorFacts) -> Bool) -> ICMPErrorFacts? {
        guard timeline.synAcks.isEmpty, connection.fromServer.payloadBytes == 0 else { return nil }
        return connection.icmpErrors.first { $0.quotedSource == connection.client && matches($0) }
    }

    func icmpFrames(_ error: ICMPErrorFacts, _ name: String) -> [EvidenceFrame] {
        let syn = timeline.syns.last { $0.frame.number < error.frame.number } ?? timeline.syns.first
        return (syn.map { [frame($0, "SYN")] } ?? [])
            + [EvidenceFrame(error.frame, role: "ICMP \(name) from \(error.sender)", direction: .fromServer)]
    }
}

/// ICMP 3/3 (v6 1/4) quoting a SYN: the default of nft and iptables `reject`. No TCP endpoint answers a SYN so
/// (RFC 9293 §3.10.7.1 wants a reset), hence a filter.
enum ICMPPortUnreachable: Detector {
    static let cause = Cause.icmpPortUnreachable

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard
            let error = attempt.connectError(where: {
                $0.isIPv6 ? $0.type == 1 && $0.code == 4 : $0.type == 3 && $0.code == 3
            })
        else { return nil }
        return Verdict(
            cause,
            blame: .firewall,
            frames: attempt.icmpFrames(error, "port unreachable"),
            explanation: "\(error.sender) rejected the SYN to \(attempt.upstream) with ICMP port unreachable: a packet "
                + "filter's reject. The gateway's log says \"connection refused\" all the same.",
            ruledOut: [RuledOut(.connectRefused, "the answer is an ICMP error; a closed port answers with a TCP reset")]
        )
    }
}

/// ICMP 3/9, 3/10, 3/13 (v6 1/1, 1/5, 1/6): administratively prohibited (RFC 1812 §5.2.7.1, RFC 4443 §3.1).
enum ICMPAdminProhibited: Detector {
    static let cause = Cause.icmpAdminProhibited

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard
            let error = attempt.connectError(where: {
                $0.isIPv6
                    ? $0.type == 1 && [1, 5, 6].contains($0.code) : $0.type == 3 && [9, 10, 13].contains($0.code)
            })
        else { return nil }
        return Verdict(
            cause,
            blame: .firewall,
            frames: attempt.icmpFrames(error, "administratively prohibited"),
            explanation:
                "\(error.sender) refused to pass the SYN to \(attempt.upstream) (ICMP type \(error.type), code "
                + "\(error.code), administratively prohibited). The gateway's log may say \"no route to host\".",
            ruledOut: [
                RuledOut(.hostUnreachable, "the code says prohibited, not unreachable: routing works, a filter refuses")
            ]
        )
    }
}

/// ICMP host or net unreachable, from a router that has no way or gets no answer to its own ARP.
enum HostUnreachable: Detector {
    static let cause = Cause.hostUnreachable

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard
            let error = attempt.connectError(where: {
                $0.isIPv6
                    ? $0.type == 1 && [0, 2, 3].contains($0.code)
                    : $0.type == 3 && [0, 1, 5, 6, 7, 8, 11, 12].contains($0.code)
            })
        else { return nil }
        return Verdict(
            cause,
            variant: "icmp",
            blame: .network,
            frames: attempt.icmpFrames(error, "unreachable"),
            explanation: "\(error.sender) has no way to \(attempt.connection.server.address) (ICMP type \(error.type), "
                + "code \(error.code)).",
            ruledOut: [RuledOut(.icmpAdminProhibited, "the code says unreachable, not prohibited")]
        )
    }
}
