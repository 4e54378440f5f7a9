import Model

/// One finding: what happened, the packets that show it, what else it was not, what to change.
struct HTMLFinding {
    private let finding: Finding
    private let example: Occurrence?

    init(_ finding: Finding) {
        self.finding = finding
        example = Phrases.example(finding)
    }

    func markup() -> Markup {
        tag("article", ["id": finding.id, "class": "finding \(finding.severity.rawValue)", "aria-labelledby": titleID])
        {
            heading()
            if let example {
                tag("p", ["class": "explanation"]) { TargetMask.maskedText(example.explanation) }
                tag("p", ["class": "small"]) { about(example) }
                pictures(example)
            }
            tag("dl", ["class": "facts"]) {
                if let pattern = finding.pattern {
                    HTMLFinding.fact("Pattern", .text(TargetMask.maskedText(pattern)))
                }
                if let mismatch = finding.statusMismatch { HTMLFinding.fact("Status", .text(mismatch)) }
                if !finding.missing.isEmpty {
                    HTMLFinding.fact(
                        "Missing",
                        tag("ul") { for item in finding.missing { tag("li") { TargetMask.maskedText(item) } } }
                    )
                }
                if let general = Phrases.general(finding) { HTMLFinding.fact("In general", .text(general)) }
                if !finding.displayFilter.isEmpty { HTMLFinding.fact("Wireshark", filter()) }
                if let evidence = finding.evidence {
                    HTMLFinding.fact("Evidence", .text("\(evidence.file): \(evidence.displayFilter)"))
                }
            }
            ruledOut()
            remedies()
            occurrences()
        }
    }

    private var titleID: String { "\(finding.id)-title" }

    static func fact(_ name: String, _ value: Markup) -> Markup {
        tag("div") {
            tag("dt") { name }
            tag("dd") { value }
        }
    }

    static func name(_ severity: Severity) -> String {
        switch severity {
        case .failure: "failure"
        case .nearMiss: "near miss"
        case .note: "note"
        }
    }

    private func heading() -> Markup {
        tag("header") {
            tag("h4", ["id": titleID]) {
                tag("span", ["class": "id"]) { finding.id }
                " "
                finding.title
            }
            tag("p", ["class": "badges"]) {
                tag("code", ["class": "cause"]) { finding.cause.rawValue + (finding.variant.map { " (\($0))" } ?? "") }
                tag("span", ["class": "badge severity"]) { HTMLFinding.name(finding.severity) }
                tag("span", ["class": "badge"]) { "\(finding.confidence.rawValue) confidence" }
                tag("span", ["class": "badge"]) { Phrases.side(finding.blame) }
            }
            tag("p", ["class": "extent"]) { Phrases.extent(finding) }
        }
    }

    private func about(_ example: Occurrence) -> Markup {
        var rest: [String] = []
        if let client = example.client { rest.append(Phrases.outcome(client)) }
        let connection = Phrases.connection(example)
        if !connection.isEmpty { rest.append(connection) }
        return tag("span") {
            "Example: "
            if let request = example.request {
                tag("code") { Phrases.request(request) }
                if !rest.isEmpty { ", " }
            }
            rest.joined(separator: ", ")
        }
    }

    private func pictures(_ example: Occurrence) -> Markup {
        let ladder = LadderDrawing(example, id: "\(finding.id)-ladder").markup()
        guard ladder != .empty else { return .empty }
        let timeline = TimelineDrawing(example, id: "\(finding.id)-time").markup()
        let sequence = SequenceDrawing(example, id: "\(finding.id)-sequence").markup()
        let rows = LadderDrawing.byTime(Ladder(example, rowLimit: LadderDrawing.rowLimit).rows)
        return tag("div", ["class": "pictures"]) {
            tag("div") {
                tag("figure") {
                    tag("figcaption") { "The packets that decide" }
                    ladder
                }
                tag("details") {
                    tag("summary") { "The packets as a table" }
                    packets(rows)
                }
            }
            tag("div") {
                if timeline != .empty {
                    tag("figure") {
                        tag("figcaption") { "The same in time, true to scale" }
                        timeline
                    }
                }
                if let wait = LongestWait(rows), wait.standsOut { tag("p", ["class": "gap"]) { wait.sentence } }
                if sequence != .empty {
                    tag("figure") {
                        tag("figcaption") { "Bytes over time on the connection that decides" }
                        sequence
                    }
                }
            }
        }
    }

    private func packets(_ rows: [Ladder.Row]) -> Markup {
        .table(
            caption: "Packets that decide \(finding.id)",
            kind: "plain packets",
            heading: ["frame", "time (UTC)", "ms", "way", "what it is"],
            rows: rows.map { row in
                [
                    row.frame, row.time.map { CivilTime($0).clock(digits: 6) } ?? "", row.offset,
                    LadderDrawing.way(row.span), row.role,
                ].map(Markup.text)
            }
        )
    }

    private func filter() -> Markup {
        tag("span") {
            tag("code", ["class": "copy", "tabindex": "0", "title": "A click selects all of it"]) {
                finding.displayFilter
            }
        }
    }

    private func ruledOut() -> Markup {
        guard !finding.ruledOut.isEmpty else { return .empty }
        return tag("div") {
            tag("h5") { "Ruled out" }
            Markup.table(
                caption: "Causes that were ruled out for \(finding.id)",
                kind: "plain",
                heading: ["cause", "why not"],
                rows: finding.ruledOut.map {
                    [.element("code", [:], .text($0.cause.rawValue)), .text(TargetMask.maskedText($0.why))]
                }
            )
        }
    }

    private func remedies() -> Markup {
        guard !finding.remedies.isEmpty else { return .empty }
        return tag("div") {
            tag("h5") { "What to change" }
            Markup.table(
                caption: "Remedies for \(finding.id), the gateway in front first",
                kind: "plain remedies",
                heading: ["where", "change"],
                rows: finding.remedies.map { [.text($0.gateway), .keepingCode($0.text)] }
            )
        }
    }

    /// All that the report lists, where there is more than the example.
    private func occurrences() -> Markup {
        let listed = finding.occurrences
        guard listed.count > 1 else { return .empty }
        return tag("details") {
            tag("summary") { "\(Numbers.grouped(listed.count)) occurrences, the first ones and the last" }
            Markup.table(
                caption: "Occurrences of \(finding.id)",
                kind: "plain packets",
                heading: ["time (UTC)", "request", "client got", "connection", "frames"],
                rows: listed.map { occurrence in
                    [
                        CivilTime(occurrence.time).clock(digits: 3),
                        occurrence.request.map(Phrases.request) ?? "",
                        occurrence.client.map(Phrases.outcome) ?? "",
                        Phrases.connection(occurrence),
                        occurrence.frames.prefix(LadderDrawing.rowLimit).map { String($0.number) }
                            .joined(separator: ", "),
                    ].map(Markup.text)
                }
            )
        }
    }
}
