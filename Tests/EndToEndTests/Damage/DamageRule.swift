import Model

/// What damage may do to a verdict: move it along *falls back to*, make it `undetermined`, or take it away. Never name another
/// cause, never blame a request that had no finding.
struct DamageRule {
    private let name: String
    /// Causes of the undamaged capture by upstream connection, and by the client's connection and target.
    private var byConnection: [CapturedPacket.Ends: Set<Cause>] = [:]
    private var byClient: [CapturedPacket.Ends: [(target: String, cause: Cause)]] = [:]
    private var byUpstream: [String?: Set<Cause>] = [:]
    /// The report does not list every occurrence: then its upstream decides.
    private var isCut = false
    private var clientErrors: [CapturedPacket.Ends: Int] = [:]
    /// An application's own 5xx is no failure; whose it is cannot be told where its upstream's side is missing.
    private let serverErrors: [CapturedPacket.Ends: Int]

    init(_ undamaged: JudgedCapture, of name: String) {
        self.name = name
        serverErrors = undamaged.serverErrors
        for finding in undamaged.report.findings {
            byUpstream[finding.upstream, default: []].insert(finding.cause)
            if finding.occurrences.count < max(finding.attempts, finding.count) { isCut = true }
            for occurrence in finding.occurrences {
                if let ends = Self.ends(occurrence) { byConnection[ends, default: []].insert(finding.cause) }
                if let client = Self.client(occurrence, undamaged) {
                    byClient[client, default: []].append((occurrence.request?.target ?? "", finding.cause))
                }
            }
        }
        for error in undamaged.report.clientErrors {
            guard let ends = undamaged.ends(of: error.stream) else { continue }
            clientErrors[ends, default: 0] += 1
        }
    }

    /// What the damaged capture's report says that it must not; empty where the rule holds.
    func violations(_ damaged: JudgedCapture) -> [String] {
        var lines: [String] = []
        for finding in damaged.report.findings where finding.severity > .note {
            for occurrence in finding.occurrences {
                let known = causes(occurrence, finding, damaged)
                if known.isEmpty, finding.cause == .undetermined,
                    Self.client(occurrence, damaged).flatMap({ serverErrors[$0] }) != nil
                {
                    continue
                }
                if AcceptedDamage.covers(name, known, finding.cause) { continue }
                if known.isEmpty {
                    lines.append("new: \(Self.describe(finding, occurrence))")
                } else if !known.contains(where: { $0.mayBecome(finding.cause) }) {
                    let names = known.map(\.rawValue).sorted().joined(separator: ", ")
                    lines.append("sideways: \(names) became \(Self.describe(finding, occurrence))")
                }
            }
        }
        var errors: [CapturedPacket.Ends: Int] = [:]
        for error in damaged.report.clientErrors {
            guard let ends = damaged.ends(of: error.stream) else { continue }
            errors[ends, default: 0] += 1
        }
        for (client, count) in errors.sorted(by: { $0.key.source < $1.key.source })
        where count > max(clientErrors[client] ?? 0, serverErrors[client] ?? 0) {
            lines.append("\(count) client errors of \(client.source), there were \(clientErrors[client] ?? 0)")
        }
        return lines
    }

    /// The causes that the undamaged capture gave for the same attempt, else for the same request.
    private func causes(_ occurrence: Occurrence, _ finding: Finding, _ damaged: JudgedCapture) -> Set<Cause> {
        if let ends = Self.ends(occurrence), let causes = byConnection[ends] { return causes }
        var result: Set<Cause> = []
        if occurrence.from == nil {
            // A target may have lost its end.
            let target = occurrence.request?.target ?? ""
            let sameClient = Self.client(occurrence, damaged).flatMap { byClient[$0] } ?? []
            for known in sameClient where known.target.hasPrefix(target) { result.insert(known.cause) }
            if finding.upstream != nil || occurrence.request == nil {
                result.formUnion(byUpstream[finding.upstream] ?? [])
            }
        }
        if result.isEmpty, isCut { result = byUpstream[finding.upstream] ?? [] }
        return result
    }

    private static func ends(_ occurrence: Occurrence) -> CapturedPacket.Ends? {
        guard let from = occurrence.from, let to = occurrence.to else { return nil }
        return CapturedPacket.Ends(source: from, destination: to)
    }

    /// The client's connection.
    private static func client(_ occurrence: Occurrence, _ capture: JudgedCapture) -> CapturedPacket.Ends? {
        capture.ends(of: occurrence.client?.stream ?? (occurrence.from == nil ? occurrence.stream : nil))
    }

    private static func describe(_ finding: Finding, _ occurrence: Occurrence) -> String {
        let connection = occurrence.from.map { "\($0) to \(occurrence.to.map(\.description) ?? "nobody")" }
        return "\(finding.cause.rawValue) at \(finding.upstream ?? "no upstream") (\(finding.severity.rawValue), "
            + "\(connection ?? "no connection"), \(occurrence.request?.target ?? "no target"), frames "
            + "\(occurrence.frames.map(\.number)))"
    }
}

extension Cause {
    /// Along *falls back to*, over as many steps as it takes; or given up.
    func mayBecome(_ other: Cause) -> Bool {
        other == .undetermined || fallbacks.contains(other)
    }
}
