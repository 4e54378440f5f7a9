package import Model

/// `--format text`: for somebody with an outage. What failed first, the worst cause first, one screen for one cause.
package enum TextReport {
    package static func render(_ report: Report, options: TextOptions = TextOptions()) -> String {
        var page = TextPage(options: options)
        page.lines(Layout.wrap(Headline.text(report), width: options.columns), headlineInk(report))
        let failures = report.findings.filter { $0.severity == .failure }
        let nearMisses = report.findings.filter { $0.severity == .nearMiss }
        let notes = report.findings.filter { $0.severity == .note }
        for finding in failures { page.finding(finding, isFull: true) }
        page.unexplained(report)
        if !nearMisses.isEmpty {
            page.heading("Near misses: attempts that failed and that a retry hid")
            for finding in nearMisses { page.finding(finding, isFull: options.verbose) }
        }
        if !notes.isEmpty {
            page.heading("Notes: nothing failed by these")
            for finding in options.verbose ? notes[...] : notes.prefix(5) { page.note(finding) }
            if !options.verbose, notes.count > 5 { page.plain("    and \(notes.count - 5) more (-v shows them)") }
        }
        page.upstreams(report)
        page.capture(report)
        return page.text
    }

    /// One decided failure while a live run goes on, one line, without line end:
    /// "03:12:07.123  reset-before-response  10.0.3.7:8080  GET shop.example/cart  502 to the client".
    package static func live(_ occurrence: Occurrence, of finding: Finding, options: TextOptions) -> String {
        var rest = [finding.upstream ?? finding.upstreamName ?? "no upstream"]
        if let request = occurrence.request { rest.append(Phrases.request(request)) }
        if let client = occurrence.client { rest.append(Phrases.outcome(client)) }
        let cause = finding.cause.rawValue
        let ink: Ink = finding.severity == .failure ? .red : .yellow
        return CivilTime(occurrence.time).clock(digits: 3) + "  " + options.ink(cause, ink) + "  "
            + SafeText.terminal(rest.joined(separator: "  "), limit: 200)
    }

    private static func headlineInk(_ report: Report) -> Ink {
        if report.failedRequests > 0 || report.findings.contains(where: { $0.severity == .failure }) { return .red }
        return report.totalRequests > 0 ? .green : .yellow
    }
}

/// The page while it is written.
struct TextPage {
    private(set) var text = ""
    private let options: TextOptions
    private static let indent = 4
    private static let labelWidth = 12

    init(options: TextOptions) {
        self.options = options
    }

    mutating func plain(_ line: String) { text += line + "\n" }

    mutating func lines(_ lines: [String], _ ink: Ink? = nil) {
        for line in lines { plain(ink.map { options.ink(line, $0) } ?? line) }
    }

    mutating func heading(_ title: String) {
        plain("")
        plain(options.ink(title, .bold))
    }

    /// A label and its text; the label dim, the text from our own words or made safe here.
    mutating func labelled(_ label: String, _ value: String, ink: Ink? = nil) {
        let lines = Layout.labelled(
            label,
            SafeText.terminal(TargetMask.maskedText(value)),
            indent: TextPage.indent,
            labelWidth: TextPage.labelWidth,
            width: options.columns
        )
        for (index, line) in lines.enumerated() {
            let margin = index == 0 ? TextPage.indent + label.count : 0
            let body = String(line.dropFirst(margin))
            let head = String(repeating: " ", count: index == 0 ? TextPage.indent : 0)
            plain(head + (index == 0 ? options.ink(label, .dim) : "") + (ink.map { options.ink(body, $0) } ?? body))
        }
    }

    mutating func finding(_ finding: Finding, isFull: Bool) {
        plain("")
        let cause = finding.cause.rawValue + (finding.variant.map { " (\(SafeText.terminal($0, limit: 30)))" } ?? "")
        let standing = Phrases.standing(finding)
        let ink: Ink = finding.severity == .failure ? .red : .yellow
        let head = Layout.pad(finding.id, TextPage.indent)
        let used = head.count + cause.count + standing.count
        let left = options.ink(head, .bold) + options.ink(cause, ink)
        if used + 2 <= options.columns {
            plain(left + String(repeating: " ", count: options.columns - used) + options.ink(standing, .dim))
        } else {
            plain(left)
            plain(String(repeating: " ", count: TextPage.indent) + options.ink(standing, .dim))
        }
        let indent = String(repeating: " ", count: TextPage.indent)
        let width = options.columns - TextPage.indent
        lines(Layout.wrap(SafeText.terminal(finding.title), width: width).map { indent + $0 }, .bold)
        lines(Layout.wrap(SafeText.terminal(Phrases.extent(finding)), width: width).map { indent + $0 })
        if let pattern = finding.pattern { labelled("Pattern", pattern) }
        if let mismatch = finding.statusMismatch { labelled("Status", mismatch) }
        guard isFull else {
            labelled("Wireshark", clipped(finding.displayFilter))
            return
        }
        examples(finding)
        plain("")
        let ruledOut = options.verbose ? finding.ruledOut[...] : finding.ruledOut.prefix(3)
        for (index, item) in ruledOut.enumerated() {
            labelled(index == 0 ? "Ruled out" : "", "\(item.cause.rawValue): \(item.why)")
        }
        if !finding.missing.isEmpty { labelled("Missing", finding.missing.joined(separator: "; ")) }
        let remedies = options.verbose ? finding.remedies[...] : finding.remedies.prefix(3)
        for (index, remedy) in remedies.enumerated() {
            labelled(index == 0 ? "Change" : "", "\(remedy.gateway): \(remedy.text)", ink: index == 0 ? .green : nil)
        }
        if let general = Phrases.general(finding) { labelled("In general", general) }
        if !finding.displayFilter.isEmpty {
            // On one line, however long: it is there to be copied.
            plain(
                indent + options.ink(Layout.pad("Wireshark", TextPage.labelWidth), .dim)
                    + options.ink(clipped(finding.displayFilter), .cyan)
            )
        }
        if let evidence = finding.evidence { labelled("Evidence", "\(evidence.file): \(evidence.displayFilter)") }
    }

    private mutating func examples(_ finding: Finding) {
        guard let example = Phrases.example(finding) else { return }
        for occurrence in options.verbose ? finding.occurrences : [example] {
            plain("")
            var what: [String] = []
            if let request = occurrence.request {
                what.append(SafeText.terminal(Phrases.request(request), limit: options.columns))
            }
            if let client = occurrence.client { what.append(Phrases.outcome(client)) }
            let connection = Phrases.connection(occurrence)
            if !connection.isEmpty { what.append(connection) }
            labelled("Example", what.joined(separator: ", "))
            labelled("", occurrence.explanation)
            let ladder = Ladder(occurrence)
            let rows = ladder.lines(width: options.columns, indent: TextPage.indent, unicode: options.unicode)
            for (index, row) in rows.enumerated() { lines([row], index == 0 ? .dim : nil) }
        }
    }

    /// A filter of thousands of streams is of no use on a screen; the JSON report has it whole.
    private func clipped(_ filter: String) -> String {
        filter.count <= 400 || options.verbose ? filter : filter.prefix(380) + " ... (whole in --format json)"
    }

    mutating func note(_ finding: Finding) {
        labelled(
            finding.id,
            "\(finding.cause.rawValue): \(finding.title) (\(Numbers.counted(finding.attempts, "time")))"
        )
    }

    mutating func unexplained(_ report: Report) {
        let groups = Phrases.unexplained(report)
        guard !groups.isEmpty else { return }
        let count = groups.reduce(0) { $0 + $1.errors.count }
        heading("Undetermined: \(Numbers.counted(count, "failed request")) without a proven cause")
        for group in options.verbose ? groups[...] : groups.prefix(4) {
            labelled("\(Numbers.grouped(group.errors.count)) x", group.why)
            let shown = options.verbose ? group.errors[...] : group.errors.prefix(1)
            for error in shown {
                labelled("", (shown.count < group.errors.count ? "such as " : "") + Phrases.clientError(error))
            }
        }
        if !options.verbose, groups.count > 4 { plain("    and \(groups.count - 4) more reasons (-v shows them)") }
    }

    mutating func upstreams(_ report: Report) {
        guard !report.upstreams.isEmpty else { return }
        let (rows, hidden) = Phrases.upstreams(report, limit: options.verbose ? 100 : 6)
        plain("")
        let table = Layout.table(fitting(rows), indent: 0)
        for (index, row) in table.enumerated() { lines([row], index == 0 ? .dim : nil) }
        if hidden > 0 { plain("and \(Numbers.counted(hidden, "more upstream"))") }
    }

    /// The rows without the columns that a narrow terminal has no room for, the least telling first.
    private func fitting(_ rows: [[String]]) -> [[String]] {
        var rows = rows
        for name in ["resent", "resets", "conns", "connect p50 / p99", "exchanges"] {
            let width = Layout.table(rows, indent: 0).map(\.count).max() ?? 0
            guard width > options.columns, let column = rows.first?.firstIndex(of: name) else { continue }
            rows = rows.map { row in row.enumerated().filter { $0.offset != column }.map(\.element) }
        }
        return rows
    }

    mutating func capture(_ report: Report) {
        plain("")
        func line(_ label: String, _ value: String, _ ink: Ink?) {
            let wrapped = Layout.labelled(
                label,
                SafeText.terminal(value),
                indent: 0,
                labelWidth: 9,
                width: options.columns
            )
            lines(wrapped, ink)
        }
        if let roles = Phrases.roles(report.roles) { line("Gateway", roles, nil) }
        if let software = Phrases.software(report.roles) { line("Product", software, nil) }
        line("Capture", Phrases.capture(report), report.quality.verdict == .good ? nil : .yellow)
        let damage = Phrases.captureDamage(report)
        for entry in options.verbose ? damage[...] : damage.prefix(4) { line("", entry, nil) }
        if !options.verbose, damage.count > 4 { line("", "and \(damage.count - 4) more remarks (-v shows them)", nil) }
    }
}
