package import Model

/// `--format markdown`: the text report for a ticket. What came off the wire stands in code spans or is escaped.
package enum MarkdownReport {
    package static func render(_ report: Report) -> String {
        var text = "# gwsniff report\n\n**\(SafeText.markdown(Headline.text(report)))**\n"
        let sections: [(Severity, String)] = [
            (.failure, "Failures"), (.nearMiss, "Near misses: a retry hid them"),
        ]
        for (severity, title) in sections {
            let findings = report.findings.filter { $0.severity == severity }
            guard !findings.isEmpty else { continue }
            text += "\n## \(title)\n"
            for item in findings { text += finding(item) }
        }
        text += unexplained(report)
        let notes = report.findings.filter { $0.severity == .note }
        if !notes.isEmpty {
            text += "\n## Notes: nothing failed by these\n\n"
            for note in notes {
                let title = SafeText.markdown(note.title)
                text += "- \(note.id) `\(note.cause.rawValue)`: \(title) (\(Numbers.counted(note.attempts, "time")))\n"
            }
        }
        return text + upstreams(report) + capture(report)
    }

    private static func finding(_ finding: Finding) -> String {
        let variant = finding.variant.map { " (\(SafeText.markdown($0)))" } ?? ""
        var text = "\n### \(finding.id) `\(finding.cause.rawValue)`\(variant): \(SafeText.markdown(finding.title))\n\n"
        text += "\(SafeText.markdown(Phrases.standing(finding))). \(SafeText.markdown(Phrases.extent(finding))).\n\n"
        if let pattern = finding.pattern {
            text += "- **Pattern**: \(SafeText.markdown(TargetMask.maskedText(pattern)))\n"
        }
        if let mismatch = finding.statusMismatch { text += "- **Status**: \(SafeText.markdown(mismatch))\n" }
        for item in finding.ruledOut {
            text += "- **Ruled out** `\(item.cause.rawValue)`: \(SafeText.markdown(TargetMask.maskedText(item.why)))\n"
        }
        if !finding.missing.isEmpty {
            text +=
                "- **Missing**: \(finding.missing.map { SafeText.markdown(TargetMask.maskedText($0)) }.joined(separator: "; "))\n"
        }
        for remedy in finding.remedies {
            let fix = SafeText.markdownKeepingCode(remedy.text)
            text += "- **Change** (\(SafeText.markdown(remedy.gateway))): \(fix)\n"
        }
        if let general = Phrases.general(finding) { text += "- **In general**: \(general)\n" }
        if !finding.displayFilter.isEmpty {
            text += "- **Wireshark**: \(SafeText.codeSpan(finding.displayFilter))\n"
        }
        if let evidence = finding.evidence {
            text +=
                "- **Evidence**: \(SafeText.codeSpan(evidence.file)), there \(SafeText.codeSpan(evidence.displayFilter))\n"
        }
        return text + example(finding)
    }

    private static func example(_ finding: Finding) -> String {
        guard let example = Phrases.example(finding) else { return "" }
        var text = "\nExample"
        if let request = example.request { text += " \(SafeText.codeSpan(Phrases.request(request)))" }
        if let client = example.client { text += ", \(Phrases.outcome(client))" }
        let connection = Phrases.connection(example)
        if !connection.isEmpty { text += ", \(connection)" }
        text += ": \(SafeText.markdown(TargetMask.maskedText(example.explanation)))\n"
        let ladder = Ladder(example).lines(width: 100, indent: 0, unicode: true)
        guard !ladder.isEmpty else { return text }
        // No line of it begins with backticks: each begins with a number or a space.
        return text + "\n```text\n" + ladder.joined(separator: "\n") + "\n```\n"
    }

    private static func unexplained(_ report: Report) -> String {
        let groups = Phrases.unexplained(report)
        guard !groups.isEmpty else { return "" }
        var text = "\n## Undetermined\n\n"
        for group in groups {
            text += "- \(Numbers.grouped(group.errors.count)) x \(SafeText.markdown(group.why))"
            if let first = group.errors.first { text += ", such as \(SafeText.codeSpan(Phrases.clientError(first)))" }
            text += "\n"
        }
        return text
    }

    private static func upstreams(_ report: Report) -> String {
        guard !report.upstreams.isEmpty else { return "" }
        let (rows, hidden) = Phrases.upstreams(report, limit: 20)
        var text = "\n## Upstreams\n\n"
        for (index, row) in rows.enumerated() {
            text += "| \(row.map(SafeText.markdown).joined(separator: " | ")) |\n"
            if index == 0 { text += "|---|" + String(repeating: "---:|", count: row.count - 1) + "\n" }
        }
        return hidden > 0 ? text + "\nand \(Numbers.counted(hidden, "more upstream")).\n" : text
    }

    private static func capture(_ report: Report) -> String {
        var text = "\n## Capture\n\n"
        if let roles = Phrases.roles(report.roles) { text += "- Gateway: \(SafeText.markdown(roles))\n" }
        if let software = Phrases.software(report.roles) { text += "- Product: \(SafeText.markdown(software))\n" }
        text += "- Quality: \(SafeText.markdown(Phrases.capture(report)))\n"
        for source in report.sources {
            let link = source.linkTypes.map(\.displayName).joined(separator: ", ")
            let facts = [source.format, link, Numbers.counted(source.packets, "packet")].filter { !$0.isEmpty }
            text += "- \(SafeText.codeSpan(source.name)): \(SafeText.markdown(facts.joined(separator: ", ")))\n"
        }
        for entry in Phrases.captureDamage(report) { text += "- \(SafeText.markdown(entry))\n" }
        return text + "\ngwsniff \(gwsniffVersion)\n"
    }
}
