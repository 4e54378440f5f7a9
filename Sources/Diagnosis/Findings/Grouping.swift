import Model

/// Incidents of one cause at one upstream become one finding.
struct Grouping {
    private struct Key: Hashable {
        var cause: Cause
        var upstream: String?
        /// Where nothing was dialled, upstreams are told apart by their names.
        var upstreamName: String?
        var severity: Severity
    }

    /// How many occurrences a finding keeps besides the last.
    static let kept = 20

    static func findings(from incidents: [Incident]) -> [(finding: Finding, requests: Set<Int>)] {
        var groups: [Key: [Incident]] = [:]
        for incident in incidents {
            let key = Key(
                cause: incident.verdict.cause,
                upstream: incident.upstream,
                upstreamName: incident.upstream == nil ? incident.verdict.upstreamName : nil,
                severity: incident.severity
            )
            groups[key, default: []].append(incident)
        }
        var result = groups.map { key, members in
            (finding: finding(key, members), requests: Set(members.map(\.requestNumber)))
        }
        // The worst first; ties in time order, so that the report does not depend on hashing.
        result.sort { left, right in
            let (a, b) = (left.finding, right.finding)
            if a.severity != b.severity { return a.severity > b.severity }
            if (a.cause == .undetermined) != (b.cause == .undetermined) { return b.cause == .undetermined }
            if a.count != b.count { return a.count > b.count }
            return (a.first, a.cause.rawValue, a.upstream ?? "") < (b.first, b.cause.rawValue, b.upstream ?? "")
        }
        for index in result.indices { result[index].finding.id = "F\(index + 1)" }
        return result
    }

    private static func finding(_ key: Key, _ members: [Incident]) -> Finding {
        let sorted = members.sorted { $0.occurrence.time < $1.occurrence.time }
        let requests = Set(members.map(\.requestNumber)).count
        let attempts = members.reduce(0) { $0 + $1.attempts }
        var occurrences = sorted.prefix(kept).map(\.occurrence)
        if sorted.count > kept, let last = sorted.last { occurrences.append(last.occurrence) }
        let first = sorted.first?.occurrence.time ?? Timestamp(nanoseconds: 0)
        let last = sorted.last?.occurrence.time ?? first
        let kind = members.lazy.compactMap(\.kind).first
        let remedies = CauseGuides.guide(for: key.cause)?.remedies(inFront: kind?.rawValue) ?? []
        let streams = Set(members.compactMap(\.occurrence.stream)).sorted()
        return Finding(
            id: "",
            cause: key.cause,
            variant: commonVariant(members),
            title: key.cause.title(upstream: key.upstream),
            confidence: members.map(\.verdict.confidence).max() ?? .low,
            blame: members.first?.verdict.blame ?? .unknown,
            severity: key.severity,
            statusMismatch: StatusMismatch.remark(key.cause, members),
            gateway: members.lazy.compactMap(\.gateway).first,
            upstream: key.upstream,
            upstreamName: key.upstreamName ?? members.lazy.compactMap(\.verdict.upstreamName).first,
            count: key.severity == .nearMiss ? max(attempts, requests) : requests,
            attempts: attempts,
            first: first,
            last: last,
            occurrences: occurrences,
            pattern: Pattern.sentence(sorted),
            ruledOut: unique(members.flatMap(\.verdict.ruledOut)),
            missing: unique(members.flatMap(\.verdict.missing) + reservations(members)),
            remedies: remedies,
            displayFilter: filter(streams, members)
        )
    }

    /// One incident that the capture shows whole proves the cause, whatever it lacks of the others.
    private static func reservations(_ members: [Incident]) -> [String] {
        let best = members.map(\.verdict.confidence).max()
        let isProved = members.contains { $0.reservations.isEmpty && $0.verdict.confidence == best }
        return isProved ? [] : members.flatMap(\.reservations)
    }

    private static func commonVariant(_ members: [Incident]) -> String? {
        let variants = Set(members.map(\.verdict.variant))
        return variants.count == 1 ? members.first?.verdict.variant : nil
    }

    private static func unique<Value: Hashable>(_ values: [Value]) -> [Value] {
        var seen: Set<Value> = []
        return values.filter { seen.insert($0).inserted }.prefix(8).map { $0 }
    }

    /// Wireshark's filter for the connections (at most 20), or the frames where there is none.
    private static func filter(_ streams: [Int], _ members: [Incident]) -> String {
        if streams.count == 1, let only = streams.first { return "tcp.stream eq \(only)" }
        if !streams.isEmpty {
            return "tcp.stream in {\(streams.prefix(20).map(String.init).joined(separator: ", "))}"
        }
        let frames = Set(members.flatMap { $0.occurrence.frames.map(\.number) }).sorted().prefix(20)
        return "frame.number in {\(frames.map(String.init).joined(separator: ", "))}"
    }
}
