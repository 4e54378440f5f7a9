import Model

/// Findings in the order of a report.
enum Grouping {
    /// The worst first; ties in time order, so that the report does not depend on hashing.
    static func findings(of groups: [FindingKey: FindingTally]) -> [(key: FindingKey, finding: Finding)] {
        var result = groups.map { (key: $0.key, finding: $0.value.finding) }
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
}
