import Model

/// What of a capture belongs to the findings of a report: connections, decisive frames, and when and where names and neighbours were
/// asked for.
struct EvidencePlan {
    /// A connection that an occurrence names.
    struct Leg {
        var span: ConnectionSpan
        /// Findings that name it, in report order; the first one's bounds it counts for.
        var findings: [Int]
        /// Of `findings`, those that lean on it without naming it.
        var context: Set<Int> = []
    }

    /// What a decisive frame shows.
    struct Mark {
        var finding: Int
        var text: String
    }

    /// Where a finding's names and neighbours are looked for.
    struct Surroundings {
        var times: [ClosedRange<Timestamp>] = []
        /// Ends that dial and are dialled.
        var addresses: Set<IPAddress> = []
        var peers: Set<IPAddress> = []
    }

    /// How long before an occurrence a name may have been asked for, and after it an error may come.
    private static let before: Nanoseconds = .seconds(30)
    private static let after: Nanoseconds = .seconds(5)

    var legs: [Leg] = []
    /// Legs by their ends, in the order in which they begin.
    private(set) var legsByEnds: [Ends: [Int]] = [:]
    var marks: [Int: [Mark]] = [:]
    private(set) var surroundings: [Surroundings] = []
    /// Findings by the addresses of their surroundings.
    private(set) var findingsByAddress: [IPAddress: [Int]] = [:]
    var findings: [Finding]

    /// - Parameter largestOccurrences: listed occurrences of a finding that are looked at; the first ones and the last.
    init(_ report: Report, largestOccurrences: Int = .max) {
        findings = report.findings
        var known: [Int: Int] = [:]
        func add(_ stream: Int, _ finding: Int, isContext: Bool = false) {
            guard let span = report.connections[stream] else { return }
            let leg = known[stream] ?? legs.count
            if leg == legs.count {
                known[stream] = leg
                legs.append(Leg(span: span, findings: []))
            }
            guard !legs[leg].findings.contains(finding) else { return }
            legs[leg].findings.append(finding)
            if isContext { legs[leg].context.insert(finding) }
        }
        for (index, finding) in findings.enumerated() {
            surroundings.append(Surroundings())
            if let gateway = finding.gateway { surroundings[index].addresses.insert(gateway) }
            if let upstream = finding.upstream.flatMap({ AddressPrefix($0) }) {
                surroundings[index].peers.insert(upstream.address)
            }
            for occurrence in Self.listed(finding, largestOccurrences) {
                for stream in [occurrence.stream, occurrence.client?.stream].compactMap({ $0 }) { add(stream, index) }
                mark(occurrence, of: finding, at: index)
                surround(occurrence, at: index)
            }
        }
        // Behind all that is named, so that no connection counts for the bounds of a finding that only leans on it.
        for (index, finding) in findings.enumerated() where largestOccurrences > 1 {
            for stream in finding.context { add(stream, index, isContext: true) }
        }
        for (index, leg) in legs.enumerated() {
            legsByEnds[Ends(leg.span.client, leg.span.server), default: []].append(index)
        }
        for ends in legsByEnds.keys { legsByEnds[ends]?.sort { legs[$0].span.first < legs[$1].span.first } }
        for (index, place) in surroundings.enumerated() {
            for address in place.addresses.union(place.peers) { findingsByAddress[address, default: []].append(index) }
        }
    }

    private static func listed(_ finding: Finding, _ limit: Int) -> [Occurrence] {
        guard finding.occurrences.count > limit else { return finding.occurrences }
        guard limit > 1 else { return Array(finding.occurrences.prefix(1)) }
        return Array(finding.occurrences.prefix(limit - 1)) + finding.occurrences.suffix(1)
    }

    private mutating func mark(_ occurrence: Occurrence, of finding: Finding, at index: Int) {
        let name = "\(finding.id) \(finding.cause.rawValue)"
        let request = occurrence.request.map { " (\($0.method) \($0.maskedTarget))" } ?? ""
        for frame in occurrence.frames {
            marks[frame.number, default: []].append(
                Mark(finding: index, text: "\(name): \(TargetMask.maskedText(frame.role))\(request)")
            )
        }
        guard let client = occurrence.client, let frame = client.frame,
            !occurrence.frames.contains(where: { $0.number == frame })
        else { return }
        let status = client.status.map { "\($0) to the client" } ?? "what the client got"
        marks[frame, default: []].append(Mark(finding: index, text: "\(name): \(status)\(request)"))
    }

    private mutating func surround(_ occurrence: Occurrence, at index: Int) {
        let times = occurrence.frames.map(\.time) + [occurrence.time]
        guard let first = times.min(), let last = times.max() else { return }
        surroundings[index].times.append(first - Self.before...last + Self.after)
        if let from = occurrence.from { surroundings[index].addresses.insert(from.address) }
        if let to = occurrence.to { surroundings[index].peers.insert(to.address) }
    }

    /// The leg that a packet between these ends belongs to.
    /// - Parameter opens: a SYN without ACK: behind the last known packet of a leg it begins another connection.
    func leg(between ends: Ends, frame: Int, opened: (Int) -> Bool) -> Int? {
        guard let candidates = legsByEnds[ends] else { return nil }
        guard let index = candidates.last(where: { legs[$0].span.first <= frame }) else { return nil }
        return frame > legs[index].span.last && opened(index) ? nil : index
    }

    /// Findings around whose occurrences something between these addresses happened.
    func findings(around time: Timestamp, _ addresses: [IPAddress], isName: Bool) -> [Int] {
        var found: Set<Int> = []
        for address in addresses {
            for index in findingsByAddress[address] ?? [] where !found.contains(index) {
                let place = surroundings[index]
                let isWanted = isName ? place.addresses.contains(address) : place.peers.contains(address)
                if isWanted, place.times.contains(where: { $0.contains(time) }) { found.insert(index) }
            }
        }
        return found.sorted()
    }
}

/// The two ends of a flow, whoever opened it.
struct Ends: Hashable {
    var low: Endpoint
    var high: Endpoint

    init(_ one: Endpoint, _ other: Endpoint) {
        (low, high) = one < other ? (one, other) : (other, one)
    }
}
