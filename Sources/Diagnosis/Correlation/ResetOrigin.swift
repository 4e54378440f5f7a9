import Model

/// Whether the endpoint whose address a reset bears sent it, or something between: each sign that speaks for or against.
///
/// Like is compared with like. An abort of a live socket (close with unread data, SO_LINGER 0, a killed process) carries the ACK flag, the
/// exact next sequence number and, on Linux, the timestamp option (118 of 118 seen; its absence says nothing on another system). An answer where no socket is has none of them: window 0,
/// no options, identification 0, the number that the packet acknowledged; and it comes only as an answer (RFC 9293 §3.10.7.1).
struct ResetOrigin {
    struct Sign {
        enum Side { case endpoint, between }
        var side: Side
        /// Suffices by itself.
        var isDecisive: Bool
        var text: String
        /// The packet that shows it.
        var frame: EvidenceFrame?
    }

    private(set) var signs: [Sign] = []

    /// Something between sent it: one decisive sign, or two of the others and none that shows the endpoint's own socket.
    var isForeign: Bool {
        let foreign = signs.filter { $0.side == .between }
        if foreign.contains(where: \.isDecisive) { return true }
        return foreign.count >= 2 && !signs.contains { $0.side == .endpoint && $0.isDecisive }
    }

    /// There was another packet of that host, and nothing tells the reset from it.
    var isCompared: Bool { signs.contains { $0.side == .endpoint } && !signs.contains { $0.side == .between } }

    var isCertain: Bool { signs.filter { $0.side == .between }.count >= 2 }

    var foreignTexts: [String] { signs.filter { $0.side == .between }.map(\.text) }
    var ownTexts: [String] { signs.filter { $0.side == .endpoint }.map(\.text) }

    /// Packets of its alleged sender that contradict it.
    var frames: [EvidenceFrame] { signs.compactMap(\.frame).prefix(2).map { $0 } }

    private mutating func add(
        _ side: Sign.Side,
        _ text: String,
        isDecisive: Bool = false,
        frame: EvidenceFrame? = nil
    ) {
        signs.append(Sign(side: side, isDecisive: isDecisive, text: text, frame: frame))
    }

    init(_ reset: TCPEvent, on connection: ConnectionFacts, _ timeline: ConnectionTimeline, _ hosts: HostProfiles) {
        let sender = connection.sender(reset.direction).address
        let host = hosts[sender]
        let facts = connection.resets.first { $0.event.frame == reset.frame && $0.event.direction == reset.direction }
        judgeHopLimit(reset, host, hosts)
        if let wentOn = facts?.wentOn {
            let after = Phrases.duration(max(0, wentOn.time - reset.frame.time))
            add(
                .between,
                "its sender went on \(after) later as if nothing had happened",
                isDecisive: true,
                frame: EvidenceFrame(wentOn, role: "its sender goes on", direction: reset.direction)
            )
        }
        judgeFragments(reset, host)
        if timeline.mayRefuse(reset, connection) {
            judgeRefusal(reset, timeline, host)
        } else if reset.flags.contains(.ack) {
            judgeAbort(reset, connection, facts, host)
        } else {
            judgeStateless(reset, connection, timeline, facts, host)
        }
        judgeTwin(reset, connection, timeline, host)
        judgeICMP(reset, connection)
    }

    private mutating func judgeHopLimit(_ reset: TCPEvent, _ host: HostProfile, _ hosts: HostProfiles) {
        switch hosts.isOwnHopLimit(reset.hopLimit, of: host) {
        case true?: add(.endpoint, "its hop limit, \(reset.hopLimit), is that of the host's other packets")
        case false?:
            let usual = host.hopLimits.values.prefix(4).map(String.init).joined(separator: ", ")
            add(
                .between,
                "its hop limit is \(reset.hopLimit), and the host's other packets have \(usual)",
                isDecisive: true
            )
        case nil: break
        }
    }

    private mutating func judgeFragments(_ reset: TCPEvent, _ host: HostProfile) {
        guard reset.forbidsFragments == false, host.forbidsFragments else { return }
        add(.between, "it allows fragmentation, which no other packet of the host does")
    }

    /// RFC 9293 §3.10.7.1: sequence number 0, acknowledging the SYN.
    private mutating func judgeRefusal(_ reset: TCPEvent, _ timeline: ConnectionTimeline, _ host: HostProfile) {
        if reset.sequence != 0 { add(.between, "its sequence number is not 0, as a closed port's is") }
        judgeStatelessForm(reset, host)
        guard let syn = timeline.syns.last(where: { $0.frame.number < reset.frame.number }) else { return }
        let elapsed = max(0, reset.frame.time - syn.frame.time)
        // Two samples: the first handshake may have waited for address resolution.
        guard host.openings >= 2, host.shortestOpening >= .milliseconds(2) else { return }
        let usual = "the host takes \(Phrases.duration(host.shortestOpening)) and more to answer a SYN"
        if elapsed < host.shortestOpening / 3 {
            add(.between, "it came after \(Phrases.duration(elapsed)), and \(usual)", isDecisive: true)
        } else {
            add(.endpoint, "it came after \(Phrases.duration(elapsed)); \(usual)")
        }
    }

    private mutating func judgeStatelessForm(_ reset: TCPEvent, _ host: HostProfile) {
        if reset.window != 0 {
            add(.between, "it offers a window of \(reset.window), which a reset without socket does not")
        }
        if let identification = reset.identification, identification != 0, host.numbersNothingStateless {
            add(.between, "its IP identification is \(identification), where the host's answers without socket have 0")
        }
    }

    private mutating func judgeAbort(
        _ reset: TCPEvent,
        _ connection: ConnectionFacts,
        _ facts: ResetFacts?,
        _ host: HostProfile
    ) {
        if connection.fromClient.usesTimestamps, connection.fromServer.usesTimestamps {
            if reset.hasTimestampOption {
                add(.endpoint, "it carries the timestamp option, as the abort of a live socket does", isDecisive: true)
            } else if host.abortsWithTimestamps {
                add(
                    .between,
                    "it acknowledges like a live socket and lacks the timestamp option, which this host's aborts carry",
                    isDecisive: true
                )
            }
        }
        guard let facts else { return }
        if reset.offset < facts.sentEnd {
            add(
                .between,
                "its sequence number lies \(Phrases.bytes(facts.sentEnd - reset.offset)) behind the last one sent"
            )
        } else if reset.offset == facts.sentEnd {
            add(.endpoint, "its sequence number is exact")
        }
        if let now = reset.identification, now != 0, let before = facts.previousIdentification, before != 0 {
            let step = now &- before
            if step < 256 {
                add(.endpoint, "its IP identification follows on the packet before (\(before), \(now))")
            } else if host.numbersInSequence {
                add(.between, "its IP identification, \(now), does not follow on the packet before, \(before)")
            }
        }
        let sent = connection[reset.direction.reversed]
        let unread = sent.highestEnd &- (reset.acknowledgedOffset ?? sent.highestEnd)
        if unread > 0 { add(.endpoint, "\(Phrases.bytes(unread)) sent to it were still to be read") }
    }

    private mutating func judgeStateless(
        _ reset: TCPEvent,
        _ connection: ConnectionFacts,
        _ timeline: ConnectionTimeline,
        _ facts: ResetFacts?,
        _ host: HostProfile
    ) {
        judgeStatelessForm(reset, host)
        guard timeline.handshakeAck != nil, let answered = facts?.answered else { return }
        let elapsed = reset.frame.time - answered.time
        let roundTrip = timeline.roundTrip ?? 0
        if elapsed > roundTrip.addingSaturating(roundTrip).addingSaturating(.milliseconds(200)) {
            add(
                .between,
                "it has the form of an answer where no socket is, and nothing had been sent to it for "
                    + Phrases.duration(elapsed),
                isDecisive: true
            )
        }
    }

    /// Resets towards both peers at one instant, neither from a live socket: at least one of them answers nothing.
    private mutating func judgeTwin(
        _ reset: TCPEvent,
        _ connection: ConnectionFacts,
        _ timeline: ConnectionTimeline,
        _ host: HostProfile
    ) {
        guard let other = reset.isFromServer ? timeline.clientReset : timeline.serverReset,
            distance(other.frame.time - reset.frame.time) <= .milliseconds(1),
            timeline.serverFin == nil, timeline.clientFin == nil
        else { return }
        let hasTimestamps =
            connection.fromClient.usesTimestamps && connection.fromServer.usesTimestamps && host.abortsWithTimestamps
        let isLive = reset.hasTimestampOption || other.hasTimestampOption
        guard !isLive else { return }
        add(
            .between,
            "both peers were reset within \(Phrases.duration(distance(other.frame.time - reset.frame.time)))",
            isDecisive: hasTimestamps,
            frame: EvidenceFrame(other.frame, role: "RST to the other peer", direction: other.direction)
        )
    }

    private mutating func judgeICMP(_ reset: TCPEvent, _ connection: ConnectionFacts) {
        let filters: [UInt8] = [9, 10, 13]
        let error = connection.icmpErrors.first {
            distance($0.frame.time - reset.frame.time) <= .seconds(1)
                && ($0.isIPv6
                    ? $0.type == 1 && [1, 5, 6].contains($0.code) : $0.type == 3 && filters.contains($0.code))
        }
        guard let error else { return }
        add(
            .between,
            "beside it \(error.sender) says by ICMP that a filter prohibits this traffic",
            frame: EvidenceFrame(error.frame, role: "ICMP prohibited from \(error.sender)", direction: nil)
        )
    }
}
