package import Model

/// One look at facts: what failed, and what each request came to.
///
/// Whoever captures for weeks looks at the same facts many times; `RunningTotals` counts each request once, by its first frame.
package struct Examination {
    let incidents: Incidents
    package let facts: TrafficFacts
    let options: DiagnosisOptions
    /// Incidents that the report is about.
    let selected: [Incident]
    /// By request number: those of clients first, then those whose client leg was not seen.
    private(set) var requests: [Counted] = []
    /// By attempt.
    private(set) var attempts: [Identity] = []
    /// First frames of requests that the background counts.
    let counted: Set<Int>
    /// First frames of requests that were counted for good before: there is nothing new of them.
    private var known: Set<Int> = []

    /// Which request or attempt, and when nothing about it can change any more.
    struct Identity {
        /// Its first frame.
        var frame: Int
        var settled: Timestamp
    }

    struct Counted {
        var identity: Identity
        /// Index into the join's requests; nil where the client leg was not seen.
        var request: Int?
        /// Between two gateways a request is both legs; the client's is the outermost.
        var isOutermost = false
        var isSelected = true
        /// The background counts it.
        var isCounted = false
    }

    /// What is open this long after its last packet is taken as it stands.
    private static let patience: Nanoseconds = .seconds(600)

    package init(_ facts: TrafficFacts, _ options: DiagnosisOptions) {
        let keys = MessageKeys(facts)
        let map = RoleMap.infer(from: facts, options: options, keys)
        let horizon = options.horizon ?? facts.counters.last ?? Timestamp(nanoseconds: .max)
        let incidents = Incidents(Join(facts, map, keys), horizon: horizon, isFinal: options.horizon == nil)
        self.facts = facts
        self.options = options
        self.incidents = incidents
        selected = incidents.all.filter { incident in
            // Where the client's request is known, it decides: what is shown and what is counted must be the same requests.
            if let request = incident.request { return incidents.isSelected(request, options.selection) }
            let asked = incident.occurrence.request
            return options.selection.matches(
                time: incident.occurrence.time,
                status: nil,
                target: asked?.target,
                id: asked?.id
            )
        }
        // What was asked is not known of what was counted in the background: no path chooses it.
        let isBlind = options.selection.pathGlob != nil || options.selection.requestID != nil
        counted = isBlind ? [] : facts.background?.counted ?? []
        identifyRequests()
        identifyAttempts()
        identifyUnseen()
    }

    private mutating func identifyRequests() {
        let join = incidents.join
        for (number, request) in join.requests.enumerated() {
            let connection = join.facts.connections[request.connection]
            let asked = join.request(of: request)
            var entry = Counted(
                identity: Identity(
                    frame: asked?.firstFrame.number ?? connection.first.number,
                    settled: request.end ?? connection.last.time + Self.patience
                ),
                request: number
            )
            entry.isOutermost =
                !join.map.isUpstreamLeg[request.connection] && !incidents.loops.members.contains(number)
            entry.isSelected = incidents.isSelected(request, options.selection)
            entry.isCounted = asked.map { counted.contains($0.firstFrame.number) } ?? false
            requests.append(entry)
        }
    }

    private mutating func identifyAttempts() {
        let join = incidents.join
        attempts = join.attempts.map { attempt in
            let connection = join.facts.connections[attempt.connection]
            let own = attempt.end ?? connection.last.time + Self.patience
            return Identity(
                frame: join.request(of: attempt)?.firstFrame.number ?? connection.first.number,
                // With the request that it was made for.
                settled: attempt.parent.map { max(own, requests[$0].identity.settled) } ?? own
            )
        }
        // A connect that goes on may turn out to be somebody else's, who waits for it: till then nothing is settled.
        for (index, attempt) in join.attempts.enumerated() where attempt.exchange == nil && attempt.end == nil {
            guard let parent = attempt.parent else { continue }
            requests[parent].identity.settled = max(requests[parent].identity.settled, attempts[index].settled)
        }
        // Nor is what was tried beside it: alone the request would look as if less had been tried.
        for (index, attempt) in join.attempts.enumerated() {
            guard let parent = attempt.parent else { continue }
            attempts[index].settled = max(attempts[index].settled, requests[parent].identity.settled)
        }
    }

    private mutating func identifyUnseen() {
        let first = incidents.join.requests.count
        let none = Identity(frame: .max, settled: Timestamp(nanoseconds: .min))
        var unseen = Array(repeating: none, count: max(0, incidents.unseenRequests))
        for (attempt, number) in incidents.unseenNumbers where unseen.indices.contains(number - first) {
            unseen[number - first].frame = min(unseen[number - first].frame, attempts[attempt].frame)
            unseen[number - first].settled = max(unseen[number - first].settled, attempts[attempt].settled)
        }
        // Names and neighbours that nobody answered.
        for incident in incidents.all where unseen.indices.contains(incident.requestNumber - first) {
            let place = incident.requestNumber - first
            guard unseen[place].frame == .max || incident.attempts == 0 else { continue }
            for frame in incident.occurrence.frames { unseen[place].frame = min(unseen[place].frame, frame.number) }
            unseen[place].settled = max(unseen[place].settled, incident.occurrence.time)
        }
        requests += unseen.map { Counted(identity: $0, request: nil) }
    }

    /// Whose request an incident is of.
    func identity(of incident: Incident) -> Identity {
        if requests.indices.contains(incident.requestNumber) { return requests[incident.requestNumber].identity }
        return Identity(
            frame: incident.occurrence.frames.first?.number ?? 0,
            settled: incident.occurrence.time
        )
    }

    /// First frames of connections whose facts are needed until a request is settled that is not by `time`, each with the time from which on
    /// they are: that of the exchange before, which tells how the connection stood.
    package func unsettledConnections(at time: Timestamp) -> [Int: Timestamp] {
        let join = incidents.join
        var result: [Int: Timestamp] = [:]
        func note(_ connection: Int, _ exchange: Int?, _ start: Timestamp) {
            let facts = facts.connections[connection]
            let before = exchange.flatMap { $0 > 0 ? facts.exchanges[$0 - 1].request?.firstFrame.time : nil }
            let since = min(start, before ?? start)
            result[facts.first.number] = min(result[facts.first.number] ?? since, since)
        }
        for (number, request) in join.requests.enumerated() where requests[number].identity.settled >= time {
            note(request.connection, request.exchange, request.start)
        }
        for (number, attempt) in join.attempts.enumerated() where attempts[number].settled >= time {
            note(attempt.connection, attempt.exchange, attempt.start)
        }
        return result
    }

    /// First frames of connections that tell of each upstream how it did of late: the last two failures and the last two answers before `time`, with
    /// the requests that they were made for. What comes after is judged beside them: whether a server was alive, and how it sends its resets.
    package func contextConnections(before time: Timestamp) -> Set<Int> {
        let join = incidents.join
        var counts: [Endpoint: (failed: Int, answered: Int)] = [:]
        var result: Set<Int> = []
        let past = join.attempts.indices.filter { attempts[$0].settled < time }
        for index in past.sorted(by: { attempts[$0].settled > attempts[$1].settled }) {
            let attempt = join.attempts[index]
            var count = counts[attempt.upstream] ?? (0, 0)
            switch attempt.outcome {
            case .failed: count.failed += 1
            case .answered: count.answered += 1
            case .open, .unused: continue
            }
            counts[attempt.upstream] = count
            guard attempt.verdict == nil ? count.answered <= 2 : count.failed <= 2 else { continue }
            result.insert(facts.connections[attempt.connection].first.number)
            if let parent = attempt.parent {
                result.insert(facts.connections[join.requests[parent].connection].first.number)
            }
            guard result.count < Self.largestContextCount else { break }
        }
        return result
    }

    private static let largestContextCount = 1_024

    /// When the requests and attempts were over that are.
    package var spanEnds: [Timestamp] {
        let last = options.horizon ?? facts.counters.last ?? Timestamp(nanoseconds: .max)
        return requests.map(\.identity.settled).filter { $0 <= last } + attempts.map(\.settled).filter { $0 <= last }
    }

    /// First frame, time of the last packet, and whether it was closed, of all connections.
    package var connections: [(first: Int, last: Timestamp, isClosed: Bool)] {
        facts.connections.map { ($0.first.number, $0.last.time, $0.isClosed) }
    }

    /// Times of the last packets of all connections.
    package var connectionEnds: [Timestamp] { facts.connections.map(\.last.time) }

    /// What was counted for good is not among the findings any more.
    package mutating func leaveOut(_ totals: RunningTotals) { known = totals.folded }

    /// Findings of these facts alone, with what is told of them as they happen.
    package var findings: [Finding] {
        var groups: [FindingKey: [Incident]] = [:]
        for incident in selected where !known.contains(identity(of: incident).frame) {
            groups[FindingKey(incident), default: []].append(incident)
        }
        return Grouping.findings(
            of: groups.reduce(into: [:]) { result, group in
                var tally = FindingTally(group.key)
                tally.add(group.value)
                result[group.key] = tally
            }
        ).map(\.finding)
    }
}
