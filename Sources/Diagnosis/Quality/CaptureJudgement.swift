import Model

/// How far a capture can be trusted: one verdict, and a line for each thing that is wrong with it, with its figure and what to do.
///
/// The thresholds follow from what a finding rests on: about ten packets on two connections. Where one packet in `n` is missing or out
/// of place, one proof in `n / 10` is touched by it. One proof in a hundred is the least that is worth saying (`fair`), one in ten makes
/// the capture a bad witness (`poor`). docs/QUALITY.md tells all of it.
struct CaptureJudgement {
    private(set) var quality = CaptureQuality()
    private let facts: TrafficFacts
    private var counters: CaptureCounters { facts.counters }
    /// Connections of the capture, dissected or not.
    private let connections: Int

    /// One proof in a hundred, and one in ten.
    private static let fairShare = 1_000
    private static let poorShare = 100
    /// Time stamps of two interfaces lie this far apart at most where a capture is written in blocks, and reassembly waits as long.
    private static let interfaceSkew = Nanoseconds.milliseconds(1500)

    init(_ facts: TrafficFacts) {
        self.facts = facts
        connections = max(1, facts.background?.connections ?? facts.connections.count)
        count()
        judgeDrops()
        judgeMissedBytes()
        judgeSnapLength()
        judgeDirections()
        judgeBeginnings()
        judgeClock()
        judgeOrder()
        judgeDuplicates()
        judgeLimits()
    }

    private mutating func count() {
        quality.duplicatePackets = counters.duplicatePackets
        quality.snappedPackets = counters.snappedPackets
        quality.undecodedPackets = Int(
            clamping: counters.undecodedLinkTypes.values.reduce(Int64(0)) { $0.addingSaturating(Int64($1)) }
        )
        quality.droppedPackets = counters.losses.dropped
        quality.offloadSegments = counters.offloadSegments
        quality.backwardPackets = counters.timeRegressions
        quality.largestBackwardStep = counters.largestRegression
        quality.clockSteps = counters.clockStepCount
        quality.clockAdvances = counters.clockAdvances.count
        for connection in facts.connections {
            let missed = connection.fromClient.missedBytes.addingSaturating(connection.fromServer.missedBytes)
            quality.missedBytes = quality.missedBytes.addingSaturating(missed)
            quality.disorderedPackets += connection.fromClient.disordered + connection.fromServer.disordered
            if connection.isOneWay { quality.oneWayConnections += 1 }
            if connection.orientation != .handshake { quality.midstreamConnections += 1 }
            quality.cutHeads += connection.cutHeads
        }
        if let background = facts.background {
            quality.midstreamConnections = background.midstreamConnections
            quality.oneWayConnections = background.oneWayConnections
        }
    }

    // MARK: What is missing

    /// The kernel's buffer ran over, or the interface's: any packet may be among those.
    private mutating func judgeDrops() {
        let dropped = quality.droppedPackets
        guard dropped > 0 else { return }
        let all = Int64(counters.packets).addingSaturating(Int64(dropped))
        note(
            "\(Phrases.count(dropped, "packet")) (\(Self.percent(Int64(dropped), of: all))) dropped before the capture saw them: "
                + "give it a larger buffer (-B), a filter, or fewer bytes of each packet (-s)",
            by: Self.verdict(Int64(dropped), of: all)
        )
    }

    /// An acknowledgment proves that the bytes arrived: the capture lost them, not the network.
    private mutating func judgeMissedBytes() {
        let missed = quality.missedBytes
        guard missed > 0 else { return }
        let touched = facts.connections.count { $0.fromClient.missedBytes > 0 || $0.fromServer.missedBytes > 0 }
        let all = counters.wireBytes.addingSaturating(missed)
        let isLarge = missed.multipliedReportingOverflow(by: Int64(Self.poorShare))
        note(
            "\(Phrases.bytes(missed)) on \(Phrases.count(touched, "connection")) were acknowledged and are not in the capture, which lost "
                + "packets or sees one of several ways: give it a larger buffer (-B), and capture on every interface",
            by: isLarge.overflow || isLarge.partialValue >= all ? .poor : .fair
        )
    }

    /// Bodies may be cut without much harm, heads may not: no cause that lies in a head is seen any more.
    private mutating func judgeSnapLength() {
        let snapped = quality.snappedPackets
        guard snapped > 0 else { return }
        let touched = facts.connections.lazy.filter(\.isSnapped)
        let heads = touched.flatMap(\.exchanges).reduce(0) { $0 + $1.heads }
        let cut = touched.reduce(0) { $0 + $1.cutHeads }
        // Of so short a packet nothing may be left by which a head is known.
        let areUnread = touched.contains { $0.exchanges.isEmpty }
        let what =
            if cut > 0 {
                "\(cut) of \(Phrases.count(heads, "HTTP head")) on those connections incomplete"
            } else if areUnread {
                "what some connections carried was not recognised"
            } else {
                "no HTTP head among them"
            }
        note(
            "\(Phrases.count(snapped, "packet")) (\(Self.percent(Int64(snapped), of: Int64(counters.packets)))) cut short by the snap "
                + "length, \(what): capture with -s 0",
            by: cut * 10 >= max(1, heads) ? .poor : .fair
        )
    }

    private mutating func judgeDirections() {
        let oneWay = quality.oneWayConnections
        guard oneWay > 0 else { return }
        note(
            "\(oneWay) of \(Phrases.count(connections, "connection")) seen in one direction only: capture on the interface where the "
                + "other one passes, too (-i any), or let the mirror port copy both",
            by: oneWay > connections / 4 ? .poor : .fair
        )
    }

    /// A connection that was open at the start lacks its handshake and what was asked before. That is ordinary while others were seen
    /// whole, and while nothing was under way on it.
    private mutating func judgeBeginnings() {
        let open = quality.midstreamConnections
        guard open > 0 else { return }
        let begun = facts.connections.lazy.filter { $0.orientation != .handshake }.count { connection in
            connection.exchanges.first.map { $0.request == nil && $0.response != nil } ?? false
        }
        let exchanges = facts.connections.reduce(0) { $0 + $1.exchanges.count } + (facts.background?.exchanges ?? 0)
        guard begun > exchanges / Self.poorShare || open >= Self.fewest && open > connections / 2 else { return }
        note(
            "\(open) of \(Phrases.count(connections, "connection")) open when the capture began"
                + (begun > 0 ? ", \(begun) of them in the middle of an exchange" : "") + ": begin before the fault",
            by: .good
        )
    }

    // MARK: What is in the wrong place

    private mutating func judgeClock() {
        if quality.clockSteps > 0 {
            note(
                "time stamps run backwards on the same interface, \(Self.times(quality.clockSteps)), by up to "
                    + "\(Phrases.duration(quality.largestBackwardStep)): the clock was set, or files were joined out of order; waits across "
                    + "such a step are not to be trusted: slew the clock instead (chronyd without makestep)",
                by: .fair
            )
        }
        let advance = counters.clockAdvances.map(\.amount).max() ?? 0
        if quality.clockAdvances > 0 {
            note(
                "the clock was set forward, \(Self.times(quality.clockAdvances)), by up to \(Phrases.duration(advance)): nothing was captured "
                    + "meanwhile, and by the senders' own clocks (TCP timestamps) hardly any time passed; waits across it are not to be "
                    + "trusted: slew the clock instead (chronyd without makestep)",
                by: .fair
            )
        }
        let small = quality.backwardPackets - quality.clockSteps
        if small >= Self.fewest, small > counters.packets / Self.poorShare {
            note(
                "\(Phrases.count(small, "packet")) (\(Self.percent(Int64(small), of: Int64(counters.packets)))) with a time stamp before "
                    + "that of the packet before: several queues wrote at once; put them in order with reordercap",
                by: .fair
            )
        }
        if counters.largestStepBack - advance > Self.interfaceSkew,
            counters.largestStepBack > counters.largestRegression
        {
            note(
                "the interfaces of the capture are up to \(Phrases.duration(counters.largestStepBack)) apart in it: put the packets in "
                    + "order with reordercap",
                by: .fair
            )
        }
    }

    /// Fewer may be chance.
    private static let fewest = 5

    /// What a packet answers stands before it. Where that fails in the capture's own order, which of two packets came first proves nothing.
    private mutating func judgeOrder() {
        let wrong = quality.disorderedPackets
        let all = facts.connections.reduce(0) { $0 + $1.fromClient.packets + $1.fromServer.packets }
        guard wrong >= Self.fewest, wrong > all / Self.poorShare else { return }
        note(
            "\(wrong) of \(Phrases.count(all, "packet")) (\(Self.percent(Int64(wrong), of: Int64(all)))) stand behind what followed them: "
                + "capture where all packets take one queue, or one way",
            by: .fair
        )
    }

    /// Told from packets that were sent again, and counted once. They cost room, and no finding.
    private mutating func judgeDuplicates() {
        let duplicates = quality.duplicatePackets
        guard duplicates >= Self.fewest, duplicates > counters.packets / 10 else { return }
        note(
            "\(Phrases.count(duplicates, "packet")) (\(Self.percent(Int64(duplicates), of: Int64(counters.packets)))) captured more than "
                + "once and counted once, which harms no finding: name one interface in place of `any`, or mirror one direction of a port",
            by: .good
        )
    }

    // MARK: What was not looked at

    private mutating func judgeLimits() {
        if quality.undecodedPackets > 0 {
            let types = counters.undecodedLinkTypes.keys.map(\.rawValue).sorted().map(String.init)
            note(
                "\(Phrases.count(quality.undecodedPackets, "packet")) of link type \(types.joined(separator: ", ")) not decoded",
                by: quality.undecodedPackets > counters.packets / 2 ? .poor : .good
            )
        }
        if facts.droppedDNS > 0 {
            note("\(facts.droppedDNS) DNS messages were too many to keep: the first ones were looked at", by: .good)
        }
        let letGo = facts.connections.reduce(0) { $0 + $1.droppedExchanges }
        if letGo > 0 {
            note("\(letGo) exchanges of connections with very many were let go, for want of memory", by: .good)
        }
        guard let background = facts.background else { return }
        if background.givenUp > 0 {
            note(
                "\(Phrases.count(background.givenUp, "further failed or disturbed exchange")) not looked at, for want of memory: the counts of findings are at "
                    + "least what they say; raise --max-memory, or choose a part with a filter, which a live run takes too",
                by: .fair
            )
        }
        if background.forgottenConnections > 0 {
            note(
                "\(background.forgottenConnections) connections were let go before they were over, for want of memory",
                by: .good
            )
        }
    }

    // MARK: Words

    private mutating func note(_ line: String, by verdict: CaptureQuality.Verdict) {
        quality.notes.append(line)
        quality.verdict = max(quality.verdict, verdict)
    }

    private static func verdict(_ part: Int64, of all: Int64) -> CaptureQuality.Verdict {
        if part >= max(1, all / Int64(poorShare)) { return .poor }
        return part >= max(1, all / Int64(fairShare)) ? .fair : .good
    }

    static func percent(_ part: Int64, of all: Int64) -> String {
        let share = Double(part) / Double(max(1, all)) * 100
        if share >= 10 { return "\(Int(share.rounded())) %" }
        if share < 0.01 { return "less than 0.01 %" }
        return share >= 1
            ? "\(Phrases.fixed(Int64((share * 10).rounded()), unit: 10, digits: 1)) %"
            : "\(Phrases.fixed(Int64((share * 100).rounded()), unit: 100, digits: 2)) %"
    }

    private static func times(_ count: Int) -> String { count == 1 ? "once" : "\(count) times" }
}

extension ConnectionFacts {
    /// A SYN that nobody answers is a finding, not a hole in the capture.
    var isOneWay: Bool {
        min(fromClient.packets, fromServer.packets) == 0 && fromClient.payloadBytes + fromServer.payloadBytes > 0
    }

    var isSnapped: Bool { fromClient.snappedBytes > 0 || fromServer.snappedBytes > 0 }

    /// Heads with a gap that the capture made; one that the network made is a finding.
    var cutHeads: Int {
        guard isSnapped || fromClient.missedBytes > 0 || fromServer.missedBytes > 0 else { return 0 }
        return exchanges.reduce(0) { $0 + $1.cutHeads }
    }
}

extension HalfConnectionFacts {
    /// Packets in the wrong place: behind their acknowledgment, or behind what their sender sent later.
    var disordered: Int { max(acknowledgedEarly, outOfOrder) }
}

extension ExchangeFacts {
    /// Heads of which at least something was seen.
    var heads: Int { (request == nil ? 0 : 1) + (response == nil ? 0 : 1) }

    /// Those of them with a gap.
    fileprivate var cutHeads: Int {
        (request.map { $0.headEnd == nil && $0.body.hasGap } ?? false ? 1 : 0)
            + (response.map { $0.headEnd == nil && $0.body.hasGap } ?? false ? 1 : 0)
    }
}

extension BackgroundFacts {
    var exchanges: Int { servers.values.reduce(0) { $0 + $1.exchanges } }
}
