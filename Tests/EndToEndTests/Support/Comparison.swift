import Model

/// What differs between a report and an expectation, one line each; empty where the report is right.
enum Comparison {
    static func differences(_ report: Report, _ expected: Expectation) -> [String] {
        guard expected.schema == "gwsniff.expected/1" else { return ["expected.json cannot be read"] }
        var lines: [String] = []
        var unmatched = report.findings
        for wanted in expected.findings {
            if let index = unmatched.firstIndex(where: { mismatches($0, wanted).isEmpty }) {
                unmatched.remove(at: index)
                continue
            }
            let same = unmatched.firstIndex { $0.cause.rawValue == wanted.cause && $0.upstream == wanted.upstream }
            if let same {
                let finding = unmatched.remove(at: same)
                lines.append("\(describe(wanted)): \(mismatches(finding, wanted).joined(separator: ", "))")
            } else {
                lines.append("missing: \(describe(wanted))")
            }
        }
        // Notes need no expectation: they failed nothing.
        lines += unmatched.filter { $0.severity > .note }.map { "not expected: \(describe($0))" }

        if let clientErrors = expected.clientErrors {
            let wanted = counts(clientErrors.map { ($0.status, $0.count) })
            let actual = counts(report.clientErrors.map { ($0.status, 1) })
            if wanted != actual { lines.append("client errors: \(describe(actual)), expected \(describe(wanted))") }
        }
        if let total = expected.requests?.total, report.totalRequests != total {
            lines.append("requests in all: \(report.totalRequests), expected \(total)")
        }
        if let failed = expected.requests?.failed, report.failedRequests != failed {
            lines.append("requests failed: \(report.failedRequests), expected \(failed)")
        }
        return lines
    }

    private static func mismatches(_ finding: Finding, _ wanted: Expectation.Finding) -> [String] {
        var lines: [String] = []
        func check(_ name: String, _ actual: String, _ expected: String?) {
            if let expected, actual != expected { lines.append("\(name) \(actual), expected \(expected)") }
        }
        check("cause", finding.cause.rawValue, wanted.cause)
        check("upstream", finding.upstream ?? "none", wanted.upstream ?? "none")
        check("count", "\(finding.count)", "\(wanted.count)")
        check("severity", finding.severity.rawValue, wanted.severity)
        check("attempts", "\(finding.attempts)", wanted.attempts.map { "\($0)" })
        check("variant", finding.variant ?? "none", wanted.variant)
        if let name = wanted.upstreamName { check("name", finding.upstreamName ?? "none", name) }
        check("blame", finding.blame.rawValue, wanted.blame)
        return lines
    }

    private static func describe(_ wanted: Expectation.Finding) -> String {
        "\(wanted.cause) at \(wanted.upstream ?? "no upstream"), \(wanted.severity ?? "any severity"), "
            + "count \(wanted.count)"
    }

    static func describe(_ finding: Finding) -> String {
        "\(finding.cause.rawValue) at \(finding.upstream ?? "no upstream"), \(finding.severity.rawValue), "
            + "count \(finding.count), attempts \(finding.attempts), blame \(finding.blame.rawValue)"
            + (finding.variant.map { ", variant \($0)" } ?? "")
    }

    private static func counts(_ pairs: [(Int?, Int)]) -> [Int?: Int] {
        pairs.reduce(into: [:]) { $0[$1.0, default: 0] += $1.1 }
    }

    private static func describe(_ counts: [Int?: Int]) -> String {
        let entries = counts.sorted { ($0.key ?? 0) < ($1.key ?? 0) }
        return "[" + entries.map { "\($0.value) × \($0.key.map(String.init) ?? "no status")" }.joined(separator: ", ")
            + "]"
    }
}
