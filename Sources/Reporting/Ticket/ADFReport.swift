package import Model

/// `--format adf`: the Atlassian Document Format, version 1, as Jira Cloud's REST interface, version 3, takes comments and
/// descriptions. Text is text there: nothing in it can become markup.
package enum ADFReport {
    package static func render(_ report: Report) -> String {
        value(report).pretty + "\n"
    }

    package static func value(_ report: Report) -> JSONValue {
        value(TicketDocument(report))
    }

    package static func value(_ document: TicketDocument) -> JSONValue {
        .object([
            .init("version", .count(1)),
            .init("type", .string("doc")),
            .init("content", .array(document.blocks.map(node))),
        ])
    }

    private static func node(_ block: TicketDocument.Block) -> JSONValue {
        switch block {
        case .heading(let level, let line):
            node("heading", inline(line), attributes: [.init("level", .count(level))])
        case .paragraph(let line): node("paragraph", inline(line))
        case .list(let items): node("bulletList", items.map { node("listItem", [node("paragraph", inline($0))]) })
        case .preformatted(let lines):
            node(
                "codeBlock",
                [text(lines.joined(separator: "\n"), keepingLines: true)].compactMap { $0 },
                attributes: [.init("language", .string("text"))]
            )
        case .table(let heading, let rows):
            node("table", [row(heading, "tableHeader")] + rows.map { row($0, "tableCell") })
        }
    }

    private static func row(_ cells: [String], _ kind: String) -> JSONValue {
        node("tableRow", cells.map { node(kind, [node("paragraph", inline([.text($0)]))]) })
    }

    private static func node(
        _ type: String,
        _ content: [JSONValue],
        attributes: [JSONValue.Member] = []
    ) -> JSONValue {
        var members: [JSONValue.Member] = [.init("type", .string(type))]
        if !attributes.isEmpty { members.append(.init("attrs", .object(attributes))) }
        members.append(.init("content", .array(content)))
        return .object(members)
    }

    private static func inline(_ line: [TicketDocument.Inline]) -> [JSONValue] {
        line.compactMap { part in
            switch part {
            case .text(let string): text(string)
            case .strong(let string): text(string, mark: "strong")
            case .code(let string): text(string, mark: "code")
            }
        }
    }

    /// Nil for an empty text, which the format does not allow.
    private static func text(_ string: String, mark: String? = nil, keepingLines: Bool = false) -> JSONValue? {
        guard !string.isEmpty else { return nil }
        // The lines of a ladder are safe already, and the line feeds between them are its own.
        var members: [JSONValue.Member] = [
            .init("type", .string("text")), .init("text", .string(keepingLines ? string : SafeText.terminal(string))),
        ]
        if let mark { members.append(.init("marks", .array([.object([.init("type", .string(mark))])]))) }
        return .object(members)
    }
}
