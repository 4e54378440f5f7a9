package import Model

/// `--format jira`: the wiki markup of Jira Data Center and of version 2 of Jira's REST interface.
package enum JiraReport {
    package static func render(_ report: Report) -> String {
        render(TicketDocument(report))
    }

    package static func render(_ document: TicketDocument) -> String {
        document.blocks.map(written).joined(separator: "\n")
    }

    private static func written(_ block: TicketDocument.Block) -> String {
        switch block {
        case .heading(let level, let line): "h\(level). \(written(line))\n"
        case .paragraph(let line): written(line) + "\n"
        case .list(let items): items.map { "* \(written($0))\n" }.joined()
        case .preformatted(let lines): "{noformat}\n" + lines.map(verbatim).joined(separator: "\n") + "\n{noformat}\n"
        case .table(let heading, let rows):
            "|| \(heading.map(escaped).joined(separator: " || ")) ||\n"
                + rows.map { "| \($0.map(escaped).joined(separator: " | ")) |\n" }.joined()
        }
    }

    private static func written(_ line: [TicketDocument.Inline]) -> String {
        line.map { part in
            switch part {
            case .text(let text): escaped(text)
            case .strong(let text): "*\(escaped(text))*"
            // Inside it markup is markup: it has to be escaped as elsewhere.
            case .code(let text): "{{\(escaped(text))}}"
            }
        }.joined()
    }

    /// Nothing has a meaning in it but its own end, which a space makes none.
    private static func verbatim(_ line: String) -> String {
        let mark = "{noformat"
        var result = ""
        var rest = Substring(line)
        while let brace = rest.firstIndex(of: "{") {
            let isEnd = rest[brace...].prefix(mark.count).lowercased() == mark
            result += rest[...brace] + (isEnd ? " " : "")
            rest = rest[brace...].dropFirst()
        }
        return result + rest
    }

    /// A backslash works before the characters that `BackslashEscapeRendererComponent` of Atlassian's renderer lists. Itself
    /// it cannot be escaped, two of them being a line break, so that it is written as a character reference, which the
    /// renderer lets through; and so an ampersand must not begin one. A colon would make a link of what follows, or a face.
    static func escaped(_ text: String) -> String {
        let scalars = Array(SafeText.terminal(text).unicodeScalars)
        var result = ""
        for (index, scalar) in scalars.enumerated() {
            switch scalar {
            case "-", "#", "*", "_", "+", "?", "^", "~", "|", "%", "{", "}", "[", "]", "(", ")", "!", "@":
                result += "\\"
                result.unicodeScalars.append(scalar)
            case "\\": result += "&#92;"
            case "&": result += "&amp;"
            case ":" where index + 1 < scalars.count && "/DPp".unicodeScalars.contains(scalars[index + 1]):
                result += "&#58;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
