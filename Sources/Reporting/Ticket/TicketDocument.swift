package import Model

/// The report as a ticket has it: headings, paragraphs, lists, one kind of table. What a markup looks like, and how text
/// that came off the wire is kept from being markup, is the writers' business; what is said is said here, once.
package struct TicketDocument: Sendable {
    package enum Inline: Sendable, Equatable {
        case text(String)
        case strong(String)
        case code(String)

        /// Text of our own guides, in which code stands between single backticks.
        package static func guide(_ text: String) -> [Inline] {
            let parts = text.split(separator: "`", omittingEmptySubsequences: false)
            guard parts.count % 2 == 1 else { return [.text(text)] }
            return parts.enumerated().compactMap { index, part in
                if index % 2 == 1 { return .code(String(part)) }
                return part.isEmpty ? nil : .text(String(part))
            }
        }
    }

    package enum Block: Sendable, Equatable {
        /// Level 1 to 3.
        case heading(Int, [Inline])
        case paragraph([Inline])
        case list([[Inline]])
        case preformatted([String])
        /// The heading's cells and the rows'; all cells but the first of a row are numbers.
        case table([String], [[String]])
    }

    package private(set) var blocks: [Block] = []

    package init(blocks: [Block]) {
        self.blocks = blocks
    }

    package init(_ report: Report) {
        blocks = [.heading(1, [.text("gwsniff report")]), .paragraph([.strong(Headline.text(report))])]
        let sections: [(Severity, String)] = [
            (.failure, "Failures"), (.nearMiss, "Near misses: a retry hid them"),
        ]
        for (severity, title) in sections {
            let findings = report.findings.filter { $0.severity == severity }
            guard !findings.isEmpty else { continue }
            blocks.append(.heading(2, [.text(title)]))
            for finding in findings { add(finding) }
        }
        addUnexplained(report)
        let notes = report.findings.filter { $0.severity == .note }
        if !notes.isEmpty {
            blocks.append(.heading(2, [.text("Notes: nothing failed by these")]))
            blocks.append(
                .list(
                    notes.map { note in
                        let times = Numbers.counted(note.attempts, "time")
                        return [
                            .text("\(note.id) "), .code(note.cause.rawValue), .text(": \(note.title) (\(times))"),
                        ]
                    }
                )
            )
        }
        addUpstreams(report)
        addCapture(report)
    }

    private mutating func add(_ finding: Finding) {
        let variant = finding.variant.map { " (\($0))" } ?? ""
        blocks.append(
            .heading(
                3,
                [.text("\(finding.id) "), .code(finding.cause.rawValue), .text("\(variant): \(finding.title)")]
            )
        )
        blocks.append(.paragraph([.text("\(Phrases.standing(finding)). \(Phrases.extent(finding)).")]))
        var facts: [[Inline]] = []
        func fact(_ name: String, _ rest: [Inline]) { facts.append([.strong(name)] + rest) }
        if let pattern = finding.pattern { fact("Pattern", [.text(": \(TargetMask.maskedText(pattern))")]) }
        if let mismatch = finding.statusMismatch { fact("Status", [.text(": \(mismatch)")]) }
        for item in finding.ruledOut {
            fact(
                "Ruled out",
                [.text(" "), .code(item.cause.rawValue), .text(": \(TargetMask.maskedText(item.why))")]
            )
        }
        if !finding.missing.isEmpty {
            fact("Missing", [.text(": \(finding.missing.map(TargetMask.maskedText).joined(separator: "; "))")])
        }
        for remedy in finding.remedies {
            fact("Change", [.text(" (\(remedy.gateway)): ")] + Inline.guide(remedy.text))
        }
        if let general = Phrases.general(finding) { fact("In general", [.text(": \(general)")]) }
        if !finding.displayFilter.isEmpty { fact("Wireshark", [.text(": "), .code(finding.displayFilter)]) }
        if let evidence = finding.evidence {
            fact("Evidence", [.text(": "), .code(evidence.file), .text(", there "), .code(evidence.displayFilter)])
        }
        if !facts.isEmpty { blocks.append(.list(facts)) }
        addExample(finding)
    }

    private mutating func addExample(_ finding: Finding) {
        guard let example = Phrases.example(finding) else { return }
        var line: [Inline] = [.text("Example")]
        if let request = example.request { line += [.text(" "), .code(Phrases.request(request))] }
        var rest = ""
        if let client = example.client { rest += ", \(Phrases.outcome(client))" }
        let connection = Phrases.connection(example)
        if !connection.isEmpty { rest += ", \(connection)" }
        line.append(.text("\(rest): \(TargetMask.maskedText(example.explanation))"))
        blocks.append(.paragraph(line))
        let ladder = Ladder(example).lines(width: 100, indent: 0, unicode: true)
        if !ladder.isEmpty { blocks.append(.preformatted(ladder)) }
    }

    private mutating func addUnexplained(_ report: Report) {
        let groups = Phrases.unexplained(report)
        guard !groups.isEmpty else { return }
        blocks.append(.heading(2, [.text("Undetermined")]))
        blocks.append(
            .list(
                groups.map { group in
                    var line: [Inline] = [.text("\(Numbers.grouped(group.errors.count)) x \(group.why)")]
                    if let first = group.errors.first {
                        line += [.text(", such as "), .code(Phrases.clientError(first))]
                    }
                    return line
                }
            )
        )
    }

    private mutating func addUpstreams(_ report: Report) {
        guard !report.upstreams.isEmpty else { return }
        let (rows, hidden) = Phrases.upstreams(report, limit: 20)
        blocks.append(.heading(2, [.text("Upstreams")]))
        blocks.append(.table(rows.first ?? [], Array(rows.dropFirst())))
        if hidden > 0 {
            blocks.append(.paragraph([.text("and \(Numbers.counted(hidden, "more upstream")).")]))
        }
    }

    private mutating func addCapture(_ report: Report) {
        blocks.append(.heading(2, [.text("Capture")]))
        var facts: [[Inline]] = []
        if let roles = Phrases.roles(report.roles) { facts.append([.text("Gateway: \(roles)")]) }
        if let software = Phrases.software(report.roles) { facts.append([.text("Product: \(software)")]) }
        facts.append([.text("Quality: \(Phrases.capture(report))")])
        for source in report.sources {
            let link = source.linkTypes.map(\.displayName).joined(separator: ", ")
            let words = [source.format, link, Numbers.counted(source.packets, "packet")].filter { !$0.isEmpty }
            facts.append([.code(source.name), .text(": \(words.joined(separator: ", "))")])
        }
        for entry in Phrases.captureDamage(report) { facts.append([.text(entry)]) }
        blocks.append(.list(facts))
        blocks.append(.paragraph([.text("gwsniff \(gwsniffVersion)")]))
    }
}
