import Model
import TestSupport
import Testing

@testable import Reporting

@Suite("Ticket markups")
struct TicketTests {
    @Test("Jira wiki markup and ADF are as they were")
    func snapshots() throws {
        try expectSnapshot(JiraReport.render(Sample.everything()), "everything.jira")
        try expectSnapshot(ADFReport.render(Sample.outage()), "outage.adf.json")
    }

    @Test(
        "Every character that Jira's renderer gives a meaning is escaped as that renderer takes it",
        arguments: [
            ("*bold* _it_ -x- +y+", "\\*bold\\* \\_it\\_ \\-x\\- \\+y\\+"),
            ("{code}a{code}", "\\{code\\}a\\{code\\}"),
            ("[~admin] !x.png! |", "\\[\\~admin\\] \\!x.png\\! \\|"),
            ("a\\*b", "a&#92;\\*b"),
            ("&amp; &#42;", "&amp;amp; &amp;\\#42;"),
            ("http://x :D :) :P 10:80", "http&#58;//x &#58;D :\\) &#58;P 10:80"),
            ("\u{1b}[2J", "&#92;u\\{1b\\}\\[2J"),
        ]
    )
    func jiraEscapes(_ text: String, _ escaped: String) {
        #expect(JiraReport.escaped(text) == escaped)
    }

    @Test(
        "Nothing off the wire ends a block, begins a macro or a mention in Jira",
        arguments: HTMLTests.hostile + [
            "{noformat}{NoFormat:x}{html}<b>{html}", "[~admin]", "{color:red}x{color}", "\\\\{code}", "||a||", "h1. x",
        ]
    )
    func jiraHostile(_ text: String) throws {
        var report = HTMLTests.planted(text)
        for index in report.findings.indices { report.findings[index].remedies = [] }
        let lines = JiraReport.render(report).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count { $0 == "{noformat}" } == 2 * report.findings.count { $0.severity > .note })
        var isVerbatim = false
        for line in lines {
            if line == "{noformat}" {
                isVerbatim.toggle()
                continue
            }
            // What is left of braces without a backslash are the writer's own pairs around code.
            let bare = Self.withoutEscapes(line)
            if isVerbatim {
                #expect(!line.lowercased().contains("{noformat"))
            } else {
                #expect(!bare.replacing("{{", with: "").replacing("}}", with: "").contains { "{}[]!@~".contains($0) })
            }
        }
    }

    private static func withoutEscapes(_ line: Substring) -> String {
        var result = ""
        var rest = line
        while let character = rest.popFirst() {
            if character == "\\" { rest = rest.dropFirst() } else { result.append(character) }
        }
        return result
    }

    @Test(
        "ADF has only nodes that Jira takes, each with what it must have, and no empty text",
        arguments: HTMLTests.hostile + [""]
    )
    func adf(_ text: String) throws {
        let document = try JSONTree(parsing: ADFReport.render(HTMLTests.planted(text)))
        #expect(document["version"] == .number(1) && document["type"] == .string("doc"))
        #expect(Self.faults(document, in: nil) == [])
    }

    /// developer.atlassian.com/cloud/jira/platform/apis/document/structure: which node may hold which.
    private static let holds: [String: Set<String>] = [
        "doc": ["heading", "paragraph", "bulletList", "codeBlock", "table"],
        "heading": ["text"], "paragraph": ["text"], "codeBlock": ["text"], "bulletList": ["listItem"],
        "listItem": ["paragraph"], "table": ["tableRow"], "tableRow": ["tableHeader", "tableCell"],
        "tableHeader": ["paragraph"], "tableCell": ["paragraph"],
    ]

    private static func faults(_ node: JSONTree, in parent: String?) -> [String] {
        guard let type = node["type"]?.string else { return ["a node without type in \(parent ?? "nothing")"] }
        if let parent, holds[parent]?.contains(type) != true { return ["\(type) in \(parent)"] }
        if type == "text" {
            let marks = (node["marks"]?.items ?? []).compactMap { $0["type"]?.string }
            if node["text"]?.string?.isEmpty != false { return ["an empty text in \(parent ?? "nothing")"] }
            if !Set(marks).isSubset(of: ["strong", "code"]) || marks.count > 1 { return ["marks \(marks)"] }
            return parent == "codeBlock" && !marks.isEmpty ? ["marks in a code block"] : []
        }
        if type == "heading", !(1...6).contains(node["attrs"]?["level"]?.number ?? 0) { return ["a heading's level"] }
        guard case .array(let content)? = node["content"] else { return ["\(type) without content"] }
        if ["bulletList", "table", "tableRow", "listItem", "doc"].contains(type), content.isEmpty {
            return ["an empty \(type)"]
        }
        return content.flatMap { faults($0, in: type) }
    }
}
