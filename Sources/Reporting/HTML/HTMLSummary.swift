import Model

/// The top of the page, to be understood without knowing packets, and the list of what follows.
enum HTMLSummary {
    static func markup(_ report: Report) -> Markup {
        let failures = report.findings.filter { $0.severity == .failure }
        // The first of equals: findings come worst first.
        guard let worst = failures.max(by: { $0.count < $1.count }) else { return .empty }
        let first = failures.map(\.first).min() ?? worst.first
        let last = failures.map(\.last).max() ?? worst.last
        let others = failures.count - 1
        return tag("section", ["class": "summary", "aria-labelledby": "summary-title"]) {
            tag("h2", ["id": "summary-title"]) { "In short" }
            tag("dl") {
                card("What failed", worst.title + ".", others > 0 ? more(others) : nil)
                card("Since when", Phrases.period(first, last), captured(report))
                card("How many", extent(report, worst), reach(worst, others))
                card("Whose side", Phrases.responsibility(worst), "\(worst.confidence.rawValue) confidence")
                tag("div", ["class": "card action"]) {
                    tag("dt") { "What to do" }
                    tag("dd") { action(worst) }
                }
            }
        }
    }

    private static func card(_ name: String, _ text: String, _ small: String?) -> Markup {
        tag("div", ["class": "card"]) {
            tag("dt") { name }
            tag("dd") {
                text
                if let small { tag("span", ["class": "small"]) { small } }
            }
        }
    }

    private static func more(_ others: Int) -> String {
        "The most frequent cause; \(Numbers.counted(others, "other")) below."
    }

    private static func captured(_ report: Report) -> String? {
        guard let first = report.firstPacket, let last = report.lastPacket else { return nil }
        return "Captured: \(Phrases.period(first, last))"
    }

    private static func extent(_ report: Report, _ worst: Finding) -> String {
        let failed = max(report.failedRequests, worst.count)
        let total = max(report.totalRequests, failed)
        let noun = report.countsClientRequests ? "request" : "upstream request"
        let least = report.notLookedAt > 0 ? "at least " : ""
        return
            "\(least)\(Numbers.grouped(failed)) of \(Numbers.counted(total, noun)) (\(Numbers.share(failed, of: total)))"
    }

    private static func reach(_ worst: Finding, _ others: Int) -> String? {
        others > 0 ? "\(Numbers.grouped(worst.count)) by this cause" : nil
    }

    private static func action(_ finding: Finding) -> Markup {
        guard let remedy = finding.remedies.first else {
            return .text("See finding \(finding.id).")
        }
        return tag("span") {
            tag("b") { remedy.gateway }
            ": "
            Markup.keepingCode(remedy.text)
            tag("span", ["class": "small"]) {
                tag("a", ["href": "#\(finding.id)"]) { "Evidence and alternatives: \(finding.id)" }
            }
        }
    }

    /// One line a finding; nothing where there is but one.
    static func index(_ report: Report) -> Markup {
        guard report.findings.count > 1 else { return .empty }
        return .table(
            caption: "All findings, the worst first",
            kind: "plain index",
            heading: ["finding", "cause", "upstream", "severity", "requests", "confidence", "side"],
            rows: report.findings.map { finding in
                [
                    tag("a", ["href": "#\(finding.id)"]) { finding.id },
                    .element("code", [:], .text(finding.cause.rawValue)),
                    .text(finding.upstream ?? finding.upstreamName ?? "-"),
                    .text(HTMLFinding.name(finding.severity)),
                    .text(Numbers.grouped(finding.severity == .failure ? finding.count : finding.attempts)),
                    .text(finding.confidence.rawValue),
                    .text(finding.blame.rawValue),
                ]
            }
        )
    }
}
