import Model
import TestSupport
import Testing

@testable import Reporting

/// A finding reads the same, whoever reads it: each format is read back to plain text and searched for what each finding says.
@Suite("The same in all formats")
struct SameInAllFormatsTests {
    /// A format, and what a reader of it sees, without markup.
    struct Format: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var read: @Sendable (Report) throws -> String
    }

    static let formats: [Format] = [
        Format(testDescription: "text") { report in
            TextReport.render(report, options: TextOptions(width: 120, verbose: true))
        },
        Format(testDescription: "markdown") { Self.withoutMarkdown(MarkdownReport.render($0)) },
        Format(testDescription: "jira") { Self.withoutJira(JiraReport.render($0)) },
        Format(testDescription: "adf") { Self.texts(try JSONTree(parsing: ADFReport.render($0))).joined() },
        Format(testDescription: "html") { try MarkupReader(HTMLReport.render($0)).text },
        Format(testDescription: "json") {
            Self.strings(try JSONTree(parsing: JSONReport.render($0))).joined(separator: " ")
        },
        Format(testDescription: "ndjson") { report in
            try NDJSONReport.render(report).split(separator: "\n")
                .flatMap { Self.strings(try JSONTree(parsing: String($0))) }.joined(separator: " ")
        },
        Format(testDescription: "sarif") { report in
            Self.strings(try JSONTree(parsing: SARIFReport.render(report))).joined(separator: " ")
        },
    ]

    /// Words without what lays them out: line ends, indents, the backticks of guides.
    private static func plain(_ text: String) -> String {
        text.split { $0 == " " || $0 == "\n" }.joined().filter { $0 != "`" }
    }

    @Test("Title, count, explanation and remedies of each finding are in each format", arguments: formats)
    func same(_ format: Format) throws {
        var report = Sample.everything()
        report.findings[1].occurrences[0].explanation =
            "[2001:db8::7]:8080 answered the SYN with RST; a|b {c} <d> *e* _f_."
        report.findings[1].remedies.append(Remedy("upstream", "`listen()` on 0.0.0.0, not on [::1]: a*b_c"))
        let text = Self.plain(try format.read(report))
        for finding in report.findings {
            #expect(text.contains(Self.plain(finding.title)), "title of \(finding.id)")
            #expect(text.contains(finding.cause.rawValue))
            guard finding.severity > .note else { continue }
            #expect(text.contains(Self.plain(finding.occurrences[0].explanation)), "explanation of \(finding.id)")
            for remedy in finding.remedies {
                #expect(text.contains(Self.plain(remedy.text)), "remedy for \(remedy.gateway) of \(finding.id)")
            }
            #expect(text.contains(Self.plain(finding.displayFilter)))
            for item in finding.ruledOut { #expect(text.contains(Self.plain(item.why))) }
            for item in finding.missing { #expect(text.contains(Self.plain(item))) }
        }
    }

    @Test(
        "The counts of a finding are numbers where the format has numbers, and words with them elsewhere",
        arguments: formats
    )
    func counts(_ format: Format) throws {
        let text = Self.plain(try format.read(Sample.outage()))
        let isData = ["json", "ndjson"].contains(format.testDescription)
        #expect(text.contains(isData ? "36" : "36requestsin37attempts"))
    }

    @Test("No format shows a query value", arguments: formats)
    func masked(_ format: Format) throws {
        let text = try format.read(Sample.everything())
        #expect(!text.contains("private") && !text.contains("secret"))
    }

    private static func strings(_ tree: JSONTree) -> [String] {
        switch tree {
        case .string(let text): [text]
        case .number(let number): [String(Int(number))]
        case .array(let items): items.flatMap(strings)
        case .object(let members): members.sorted { $0.key < $1.key }.flatMap { strings($0.value) }
        case .null, .bool: []
        }
    }

    /// Of an ADF document, in order.
    private static func texts(_ node: JSONTree) -> [String] {
        node["text"]?.string.map { [$0] } ?? (node["content"]?.items ?? []).flatMap(texts)
    }

    /// CommonMark's escapes and character references taken back, and the marks of strong text left out.
    static func withoutMarkdown(_ text: String) -> String {
        var result = ""
        var rest = Substring(text)
        while let character = rest.popFirst() {
            if character == "\\", let next = rest.first, next.isPunctuation || next.isSymbol {
                result.append(rest.removeFirst())
            } else if character == "*", rest.first == "*" {
                rest = rest.dropFirst()
            } else {
                result.append(character)
            }
        }
        return references(result)
    }

    static func withoutJira(_ text: String) -> String {
        var result = ""
        var rest = Substring(text)
        while let character = rest.popFirst() {
            if character == "\\", let next = rest.first, next != "u" {
                result.append(rest.removeFirst())
            } else if !"{}".contains(character) {
                result.append(character)
            }
        }
        return references(result)
    }

    private static func references(_ text: String) -> String {
        [("&lt;", "<"), ("&gt;", ">"), ("&#64;", "@"), ("&#92;", "\\"), ("&#58;", ":"), ("&amp;", "&")].reduce(text) {
            $0.replacing($1.0, with: $1.1)
        }
    }
}
