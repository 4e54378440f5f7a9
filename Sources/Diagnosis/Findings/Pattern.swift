import Model

/// What the occurrences of a finding have in common.
enum Pattern {
    /// Nil where there is nothing to say about a single one.
    static func sentence(_ incidents: [Incident]) -> String? {
        guard incidents.count > 1 else { return nil }
        var parts: [String] = []
        let targets = Set(
            incidents.compactMap { $0.occurrence.request.map { "\($0.method) \(TargetRelation.path($0.target))" } }
        )
        if targets.count == 1, let only = targets.first {
            parts.append("all for \(only)")
        } else if targets.count > 1 {
            parts.append("over \(targets.count) different requests")
        }
        let clients = Set(incidents.compactMap { $0.request?.client.address })
        if clients.count == 1, let only = clients.first {
            parts.append("all from client \(only)")
        } else if clients.count > 1 {
            parts.append("from \(clients.count) clients")
        }
        if let first = incidents.first?.occurrence.time, let last = incidents.last?.occurrence.time, last > first {
            parts.append("within \(Phrases.duration(last - first))")
        }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }
}
