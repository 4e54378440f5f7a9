package import Reporting

/// What a ticket gets to read: the summary, the files, and what is not there.
package struct TicketComment: Sendable {
    /// How a system wants its text.
    package enum Markup: Sendable {
        case markdown, jira, adf, plain
        /// Redmine's Textile, in which everything else would be a list of exceptions.
        case preformatted
    }

    package static let findingLimit = 10

    package var marker: Marker
    private var blocks: [TicketDocument.Block]
    private var listing: [(name: String, text: String)]
    private var missing: [String]

    /// - Parameter report: that goes with the text and not as a file.
    package init(_ findings: Findings, files: [Upload], missing: [String], report: String? = nil) {
        blocks = Self.summary(findings)
        listing = files.map { file in
            (file.name, ": \(Numbers.bytes(Int64(file.bytes.count))), SHA-256 \(file.digest)")
        }
        self.missing = missing
        let identities = findings.findings.map(\.identity).sorted()
        marker = Marker(findings: [], content: [])
        marker = Marker(
            findings: identities.isEmpty ? ["nothing"] : identities,
            content: [PlainTicket.render(TicketDocument(blocks: allBlocks))] + [report].compactMap { $0 }
        )
    }

    private static func summary(_ findings: Findings) -> [TicketDocument.Block] {
        var blocks: [TicketDocument.Block] = [.paragraph([.strong("gwsniff"), .text(": \(findings.headline)")])]
        let shown = findings.findings.prefix(findingLimit)
        var items: [[TicketDocument.Inline]] = shown.map { finding in
            var line: [TicketDocument.Inline] = [.code(finding.cause), .text(": \(finding.title)")]
            let times = finding.isNearMiss ? "failed attempt" : "request"
            var facts = [Numbers.counted(finding.count, times) + (finding.isNearMiss ? ", hidden by a retry" : "")]
            if let upstream = finding.upstream { facts.append("upstream \(upstream)") }
            if let confidence = finding.confidence { facts.append("confidence \(confidence)") }
            if let blame = finding.blame, blame != "unknown" { facts.append("side: \(blame)") }
            line.append(.text(" (\(facts.joined(separator: "; ")))."))
            if let remedy = finding.remedy {
                let gateway = remedy.gateway.isEmpty ? "" : " (\(remedy.gateway))"
                line += [.text(" Change\(gateway): ")] + TicketDocument.Inline.guide(remedy.text)
            }
            return line
        }
        let hidden = findings.findings.count - shown.count
        if hidden > 0 { items.append([.text("and \(Numbers.counted(hidden, "more finding")), in the report")]) }
        if items.isEmpty { items.append([.text(findings.failed > 0 ? "no cause was found" : "nothing failed")]) }
        blocks.append(.list(items))
        if let quality = findings.quality { blocks.append(.paragraph([.text("Capture quality: \(quality).")])) }
        return blocks
    }

    private var allBlocks: [TicketDocument.Block] {
        var blocks = blocks
        if !listing.isEmpty {
            blocks.append(.list(listing.map { [.text("Attached: "), .code($0.name), .text($0.text)] }))
        }
        if !missing.isEmpty { blocks.append(.list(missing.map { [.text("Not attached: \($0)")] })) }
        return blocks
    }

    // MARK: Text

    /// - Parameters:
    ///   - links: of files, by name, in Markdown: where a system refers to files from the text only.
    ///   - report: in Markdown, behind the summary and folded, where there is room: for a system that takes no files.
    package func text(_ markup: Markup, links: [String: String] = [:], report: String? = nil) -> String {
        let document = TicketDocument(blocks: allBlocks)
        switch markup {
        case .markdown:
            var text = MarkdownReport.render(document)
            for (name, link) in links.sorted(by: { $0.key < $1.key }) {
                text = text.replacing("`\(name)`", with: link, maxReplacements: 1)
            }
            if let report { text += "\n<details><summary>The whole report</summary>\n\n\(report)\n</details>\n" }
            return text + "\n<!-- \(marker.text) -->"
        case .jira: return JiraReport.render(document) + "\n\(marker.text)"
        case .adf: return body(.adf).compact
        case .plain: return PlainTicket.render(document) + "\n\(marker.text)"
        case .preformatted:
            return "<pre>\n\(PlainTicket.render(document))\n\(marker.text)\n</pre>"
        }
    }

    /// As the member of a request.
    package func body(_ markup: Markup) -> JSONValue {
        guard case .adf = markup else { return .string(text(markup)) }
        return ADFReport.value(TicketDocument(blocks: allBlocks + [.paragraph([.text(marker.text)])]))
    }
}

/// Text without any markup, for systems that are told that it is plain and for those that look for markup all the same. What came off
/// the wire must be nothing but text to either: no link, no image, no macro, nobody called by name, no end of what is preformatted.
enum PlainTicket {
    static func render(_ document: TicketDocument) -> String {
        document.blocks.map { block in
            switch block {
            case .heading(_, let line), .paragraph(let line): written(line) + "\n"
            case .list(let items): items.map { "- \(written($0))\n" }.joined()
            case .preformatted(let lines): lines.map { safe($0) + "\n" }.joined()
            case .table(let heading, let rows):
                ([heading] + rows).map { $0.map(safe).joined(separator: "  ") + "\n" }.joined()
            }
        }.joined(separator: "\n")
    }

    private static func written(_ line: [TicketDocument.Inline]) -> String {
        line.map { part in
            switch part {
            case .text(let text), .strong(let text), .code(let text): safe(text)
            }
        }.joined()
    }

    private static func safe(_ text: String) -> String {
        let safe = SafeText.terminal(text)
        var result = ""
        for index in safe.indices {
            let rest = safe[index...].dropFirst().prefix(6).lowercased()
            switch safe[index] {
            // HTML, and Slack's way to call people and channels.
            case "<": result += "\u{2039}"
            case "@": result += "@ "
            // Redmine's {{macro}} and [[page]], and ServiceNow's [code]. A bracket alone may be that of an IPv6 address.
            case "{" where rest.hasPrefix("{"): result += "{ "
            case "[" where rest.hasPrefix("[") || rest.hasPrefix("code]") || rest.hasPrefix("/code]"): result += "[ "
            // A link of Markdown; Redmine's takes it with blanks between, too.
            case "(" where result.last { $0 != " " } == "]": result += "-("
            default: result.append(safe[index])
            }
        }
        return result
    }
}
