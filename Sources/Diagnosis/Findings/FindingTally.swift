import Model

/// What makes one finding: a cause at an upstream.
struct FindingKey: Hashable {
    var cause: Cause
    var upstream: String?
    /// Where nothing was dialled, upstreams are told apart by their names.
    var upstreamName: String?
    var severity: Severity

    init(_ incident: Incident) {
        cause = incident.verdict.cause
        upstream = incident.upstream
        upstreamName = incident.upstream == nil ? incident.verdict.upstreamName : nil
        severity = incident.severity
    }
}

/// A finding in the making: incidents go in one after the other, and what stays is bounded.
struct FindingTally {
    /// How many occurrences a finding keeps besides the last.
    static let kept = 20
    /// Values of which more are counted than shown.
    private static let largestSetCount = 1 << 16

    private enum Variant {
        case none
        case all(String?)
        case mixed
    }

    private let key: FindingKey
    private var requests = 0
    private var attempts = 0
    private var incidents = 0
    private var occurrences: [Occurrence] = []
    private var last: Occurrence?
    private var variant = Variant.none
    private var confidence = Confidence.low
    private var blame = Blame.unknown
    private var mismatch: String?
    private var gateway: IPAddress?
    private var upstreamName: String?
    private var kind: GatewayKind?
    private var ruledOut: [RuledOut] = []
    private(set) var missing: [String] = []
    /// What the capture lacks of every incident so far, and how sure the surest is of which it lacks nothing.
    private var reservations: [String] = []
    private var proved: Confidence?
    private var targets: Set<String> = []
    private var clients: Set<IPAddress> = []
    private var streams = Smallest()
    private var frames = Smallest()

    init(_ key: FindingKey) {
        self.key = key
    }

    /// - Parameter members: in the order of their time; requests of earlier calls are others.
    mutating func add(_ members: [Incident]) {
        requests += Set(members.map(\.requestNumber)).count
        for incident in members { add(incident) }
    }

    private mutating func add(_ incident: Incident) {
        let occurrence = incident.occurrence
        let verdict = incident.verdict
        if incidents == 0 { blame = verdict.blame }
        incidents += 1
        attempts += incident.attempts
        switch variant {
        case .none: variant = .all(verdict.variant)
        case .all(let known): if known != verdict.variant { variant = .mixed }
        case .mixed: break
        }
        confidence = max(confidence, verdict.confidence)
        if mismatch == nil { mismatch = StatusMismatch.remark(key.cause, incident) }
        if gateway == nil { gateway = incident.gateway }
        if upstreamName == nil { upstreamName = verdict.upstreamName }
        if kind == nil { kind = incident.kind }
        for entry in verdict.ruledOut where ruledOut.count < 8 && !ruledOut.contains(entry) { ruledOut.append(entry) }
        for entry in verdict.missing where missing.count < 8 && !missing.contains(entry) { missing.append(entry) }
        if incident.reservations.isEmpty { proved = max(proved ?? verdict.confidence, verdict.confidence) }
        for entry in incident.reservations where reservations.count < 8 && !reservations.contains(entry) {
            reservations.append(entry)
        }
        if let request = occurrence.request, targets.count < Self.largestSetCount {
            targets.insert("\(request.method) \(TargetRelation.path(request.target))")
        }
        if let client = incident.request?.client.address, clients.count < Self.largestSetCount {
            clients.insert(client)
        }
        if let stream = occurrence.stream { streams.insert(stream) }
        for frame in occurrence.frames { frames.insert(frame.number) }
        insert(occurrence)
    }

    private mutating func insert(_ occurrence: Occurrence) {
        if last.map({ $0.time <= occurrence.time }) ?? true { last = occurrence }
        let place = occurrences.lastIndex { $0.time <= occurrence.time }.map { $0 + 1 } ?? 0
        guard place < Self.kept else { return }
        occurrences.insert(occurrence, at: place)
        if occurrences.count > Self.kept { occurrences.removeLast() }
    }

    /// The finding as it stands, without its number.
    var finding: Finding {
        var shown = occurrences
        if incidents > Self.kept, let last { shown.append(last) }
        let first = occurrences.first?.time ?? Timestamp(nanoseconds: 0)
        return Finding(
            id: "",
            cause: key.cause,
            variant: commonVariant,
            title: key.cause.title(upstream: key.upstream),
            confidence: confidence,
            blame: blame,
            severity: key.severity,
            statusMismatch: mismatch,
            gateway: gateway,
            upstream: key.upstream,
            upstreamName: key.upstreamName ?? upstreamName,
            count: key.severity == .nearMiss ? max(attempts, requests) : requests,
            attempts: attempts,
            first: first,
            last: last?.time ?? first,
            occurrences: shown,
            pattern: pattern,
            ruledOut: ruledOut,
            missing: allMissing,
            remedies: CauseGuides.guide(for: key.cause)?.remedies(inFront: kind?.rawValue) ?? [],
            displayFilter: filter
        )
    }

    /// One incident that the capture shows whole proves the cause, whatever it lacks of the others.
    private var allMissing: [String] {
        guard proved != confidence else { return missing }
        return Array((missing + reservations.filter { !missing.contains($0) }).prefix(8))
    }

    private var commonVariant: String? {
        if case .all(let variant) = variant { return variant }
        return nil
    }

    /// What the occurrences have in common; nil where there is nothing to say about a single one.
    private var pattern: String? {
        guard incidents > 1 else { return nil }
        var parts: [String] = []
        if targets.count == 1, let only = targets.first {
            parts.append("all for \(only)")
        } else if targets.count > 1 {
            parts.append("over \(targets.count) different requests")
        }
        if clients.count == 1, let only = clients.first {
            parts.append("all from client \(only)")
        } else if clients.count > 1 {
            parts.append("from \(clients.count) clients")
        }
        if let first = occurrences.first?.time, let last = last?.time, last > first {
            parts.append("within \(Phrases.duration(last - first))")
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// Wireshark's filter for the connections (at most 20), or the frames where there is none.
    private var filter: String {
        if streams.values.count == 1, let only = streams.values.first { return "tcp.stream eq \(only)" }
        if !streams.values.isEmpty {
            return "tcp.stream in {\(streams.values.map(String.init).joined(separator: ", "))}"
        }
        return "frame.number in {\(frames.values.map(String.init).joined(separator: ", "))}"
    }

    /// The twenty smallest of many numbers, each once, in ascending order.
    private struct Smallest {
        private(set) var values: [Int] = []

        mutating func insert(_ value: Int) {
            let place = values.partitionPoint { $0 >= value }
            guard place < 20, place == values.count || values[place] != value else { return }
            values.insert(value, at: place)
            if values.count > 20 { values.removeLast() }
        }
    }
}
