package import Model

/// `--format markdown`: GitHub's and GitLab's (CommonMark with tables). What came off the wire stands in code spans or is
/// escaped.
package enum MarkdownReport {
    package static func render(_ report: Report) -> String {
        render(TicketDocument(report))
    }

    package static func render(_ document: TicketDocument) -> String {
        document.blocks.map(written).joined(separator: "\n")
    }

    private static func written(_ block: TicketDocument.Block) -> String {
        switch block {
        case .heading(let level, let line): String(repeating: "#", count: level) + " " + written(line) + "\n"
        case .paragraph(let line): written(line) + "\n"
        case .list(let items): items.map { "- \(written($0))\n" }.joined()
        // No line of it begins with backticks: each begins with a number or a space.
        case .preformatted(let lines): "```text\n" + lines.joined(separator: "\n") + "\n```\n"
        case .table(let heading, let rows):
            row(heading) + "|---|" + String(repeating: "---:|", count: max(0, heading.count - 1)) + "\n"
                + rows.map(row).joined()
        }
    }

    private static func row(_ cells: [String]) -> String {
        "| \(cells.map(SafeText.markdown).joined(separator: " | ")) |\n"
    }

    private static func written(_ line: [TicketDocument.Inline]) -> String {
        line.map { part in
            switch part {
            case .text(let text): SafeText.markdown(text)
            case .strong(let text): "**\(SafeText.markdown(text))**"
            case .code(let text): SafeText.codeSpan(text)
            }
        }.joined()
    }
}
