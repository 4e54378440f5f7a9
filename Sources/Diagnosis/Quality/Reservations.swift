import Model

/// What is wrong with the capture just where a verdict rests on it: that lowers its confidence, and says what was missing. Damage
/// elsewhere, or of another kind, does neither.
///
/// The detectors already refuse to conclude from a hole that they see (`Coverage`, `Doubts`); this is for what they cannot see.
struct Reservations {
    private let join: Join
    /// Losses that leave one proof in a hundred incomplete, and more: see `CaptureJudgement`.
    private let losses: [CaptureLoss]
    private let steps: [ClockStep]
    private let leavesStepsOut: Bool
    private let advances: [ClockAdvance]

    private static let leastShare = 1_000

    init(_ join: Join) {
        self.join = join
        let counters = join.facts.counters
        losses = counters.losses.filter { loss in
            loss.dropped >= 1 + Int(clamping: Int64(loss.captured).addingSaturating(Int64(loss.dropped)))
                / Self.leastShare
        }
        steps = counters.clockSteps.sorted { $0.frame.number < $1.frame.number }
        leavesStepsOut = counters.clockStepCount > steps.count
        advances = counters.clockAdvances
    }

    /// What the capture lacks for this incident's verdict; empty where nothing that could change it.
    func reservations(_ incident: Incident) -> [String] {
        let reliance = Reliance(incident.verdict.cause)
        guard !reliance.isEmpty else { return [] }
        let connection = incident.connection.map { join.facts.connections[$0] }
        let client = incident.request.map { join.facts.connections[$0.connection] }
        let frames = incident.verdict.frames
        let end = max(incident.occurrence.time, frames.map(\.time).max() ?? incident.occurrence.time)
        let start = min(incident.start ?? end, frames.map(\.time).min() ?? end)
        var lines: [String] = []
        if reliance.contains(.silence) {
            if losses.contains(where: { $0.touches(start, end) }) {
                lines.append(
                    "packets of this time that were dropped before the capture: what seems not to have come may be among them"
                )
            }
            if let connection, Self.hasGap(connection, from: start, to: end) {
                lines.append("bytes of the upstream connection that the capture missed at this time")
            }
            if let connection, connection.isOneWay {
                lines.append("one direction of the connection: the capture has the other one only")
            }
        }
        if reliance.contains(.content), let connection, let exchange = incident.exchange,
            connection.exchanges[exchange].response?.body.hasGap ?? false
        {
            lines.append(
                connection.fromServer.snappedBytes > 0
                    ? "the bytes of the response that the snap length cut off: capture with -s 0"
                    : "bytes of the response that the capture missed"
            )
        }
        if reliance.contains(.order) {
            if isAcrossStep(incident, [connection, client].compactMap { $0 }) {
                lines.append(
                    "a clock that runs on: it was set between these packets, and their order and distance are not known"
                )
            }
            if let connection, connection.fromClient.acknowledgedEarly + connection.fromServer.acknowledgedEarly > 0 {
                lines.append("the order of the packets: on this connection some stand behind their own acknowledgment")
            }
        }
        if reliance.contains(.silence) || reliance.contains(.order), let advance = advance(across: incident) {
            lines.append(
                "a clock that runs on: it was set forward between these packets, by \(Phrases.duration(advance.amount)) at most, and how long "
                    + "anything took there is not known"
            )
        }
        if reliance.contains(.beginning), incident.exchange ?? 0 == 0, let connection,
            connection.orientation != .handshake
        {
            lines.append("what the connection had carried before the capture began")
        }
        return lines
    }

    /// The server's bytes are missing between two moments.
    private static func hasGap(_ connection: ConnectionFacts, from start: Timestamp, to end: Timestamp) -> Bool {
        guard connection.fromServer.missedBytes > 0 else { return false }
        // What was too much to keep may have been any of it.
        return connection.droppedEvents > 0
            || connection.events.contains { event in
                event.kind == .ackLostSegment && event.direction == .fromClient && event.frame.time >= start
                    && event.frame.time <= end
            }
    }

    /// The clock was set forward between the first and the last packet of the proof.
    private func advance(across incident: Incident) -> ClockAdvance? {
        guard !advances.isEmpty, let (first, last) = span(of: incident) else { return nil }
        let next = advances.partitionPoint { $0.frame.number > first }
        guard next < advances.count else { return nil }
        // What came of it, too: how soon the client was answered tells what it was answered for.
        let isBefore = advances[next].frame.number > last
        if isBefore, incident.request?.end.map({ $0 < advances[next].frame.time }) ?? true { return nil }
        return advances[next]
    }

    /// Frame numbers of the first and the last packet of the proof, the request's beginning with them.
    private func span(of incident: Incident) -> (first: Int, last: Int)? {
        var numbers = incident.verdict.frames.map(\.number)
        if let request = incident.request.flatMap({ join.request(of: $0) }) {
            numbers.append(request.firstFrame.number)
        }
        guard let first = numbers.min(), let last = numbers.max() else { return nil }
        return (first, last)
    }

    /// The clock of an interface that saw one of the connections ran backwards between the first and the last packet of the proof.
    private func isAcrossStep(_ incident: Incident, _ connections: [ConnectionFacts]) -> Bool {
        guard !steps.isEmpty, let (first, last) = span(of: incident) else { return false }
        let next = steps.partitionPoint { $0.frame.number > first }
        let interfaces = Set(connections.flatMap(\.interfaces))
        if leavesStepsOut, let known = steps.last, last > known.frame.number { return true }
        return steps[next...].prefix { $0.frame.number <= last }
            .contains { interfaces.isEmpty || interfaces.contains($0.interface) }
    }
}

extension Reservations {
    /// What other connections did is looked for no further back.
    private static let neighbourhood: Nanoseconds = .seconds(10)

    /// The clock was set forward meanwhile, and the verdict rests on how long a wait was, or on what happened during it.
    private func isTimedByAdvance(_ incident: Incident) -> Bool {
        let reliance = Reliance(incident.verdict.cause)
        // How a connection that was idle for long ended is plain without the length of it.
        guard reliance.contains(.simultaneity) || reliance.contains(.order) && !reliance.contains(.beginning) else {
            return false
        }
        if advance(across: incident) != nil { return true }
        guard reliance.contains(.simultaneity) else { return false }
        let time = incident.start ?? incident.occurrence.time
        return advances.contains { $0.frame.time <= time && time - $0.frame.time <= Self.neighbourhood }
    }

    /// Packet time has two moments for one here: whatever was told from what happened at the same time may belong to the other one.
    func isFolded(_ incident: Incident) -> Bool {
        if isTimedByAdvance(incident) { return true }
        guard !steps.isEmpty, Reliance(incident.verdict.cause).contains(.simultaneity) else { return false }
        if leavesStepsOut { return true }
        var times = incident.verdict.frames.map(\.time)
        times.append(incident.occurrence.time)
        if let start = incident.start { times.append(start) }
        if let request = incident.request {
            times.append(request.start)
            if let end = request.end { times.append(end) }
        }
        guard let first = times.min(), let last = times.max() else { return false }
        // No more than `CaptureCounters.largestClockStepCount`.
        return steps.contains { $0.frame.time - Join.slack <= last && first <= $0.latest + Join.slack }
    }
}

extension Incidents {
    /// Where the capture is damaged in what a verdict rests on, it is not more than likely.
    mutating func reserve() {
        let reservations = Reservations(join)
        for index in all.indices {
            if reservations.isFolded(all[index]) {
                all[index].verdict.giveUp(
                    missing:
                        "a clock that runs on: it was set at this time, and what belongs to this request cannot be told by time"
                )
                continue
            }
            let lines = reservations.reservations(all[index])
            guard !lines.isEmpty else { continue }
            all[index].reservations = lines
            all[index].verdict.confidence = min(all[index].verdict.confidence, .medium)
        }
    }
}
