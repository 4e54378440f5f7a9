import Foundation
import Model
import TestSupport
import Testing

@testable import Reporting

@Suite struct SchemaTests {
    private static func schema() throws -> JSONTree {
        let file = packageRoot.appending(path: "docs/schema/gwsniff.report-1.schema.json")
        return try JSONTree(parsing: String(contentsOf: file, encoding: .utf8))
    }

    private static let reports = [Report(), Sample.clean(), Sample.outage(), Sample.everything()]

    @Test("Rendered reports, pretty and as the last line of ndjson, are valid by the published schema")
    func valid() throws {
        let schema = JSONSchema(try Self.schema())
        for report in Self.reports {
            #expect(schema.violations(in: try JSONTree(parsing: JSONReport.render(report))) == [])
            #expect(schema.violations(in: try JSONTree(parsing: NDJSONReport.summary(report))) == [])
        }
    }

    @Test("The schema and its check bite: each spoiled report is refused")
    func bites() throws {
        let schema = JSONSchema(try Self.schema())
        let good = JSONReport.render(Sample.everything())
        let spoilers = [
            ("\"gwsniff.report/1\"", "\"gwsniff.report/2\""),
            ("\"cause\": \"reset-before-response\"", "\"cause\": \"gremlins\""),
            ("\"count\": 36", "\"count\": -36"),
            ("\"count\": 36", "\"count\": 3.5"),
            ("\"count\": 36", "\"count\": \"36\""),
            ("\"count\": 36,", ""),
            ("\"count\": 36", "\"count\": 36, \"surprise\": 1"),
            ("\"confidence\": \"high\"", "\"confidence\": \"certain\""),
            ("\"first\": \"2026-11-22T03:12:07.124776678Z\"", "\"first\": \"yesterday\""),
            ("\"endpoint\": \"10.0.3.7:8080\"", "\"endpoint\": \"10.0.3.7\""),
            ("\"status\": 502", "\"status\": 5020"),
        ]
        for (old, new) in spoilers {
            let spoiled = good.replacingOccurrences(of: old, with: new)
            #expect(spoiled != good, "\(old) is not in the report")
            #expect(schema.violations(in: try JSONTree(parsing: spoiled)) != [], "\(new) passed")
        }
    }

    @Test("The schema lists exactly the causes of the catalogue")
    func causes() throws {
        let listed = try Self.schema()["$defs"]?["cause"]?["enum"]?.items.compactMap(\.string)
        #expect(listed == Cause.allCases.map(\.rawValue))
    }

    @Test("A keyword that the check does not know is an error, not a pass")
    func unknownKeyword() throws {
        let schema = JSONSchema(try JSONTree(parsing: #"{"type":"integer","exclusiveMinimum":3}"#))
        #expect(schema.violations(in: .number(5)) != [])
    }

    @Test("Any text survives the way through JSON, and no control or invisible character is written bare")
    func strings() throws {
        let text =
            "quote \" backslash \\ nul \u{0} esc \u{1b}[2J del \u{7f} csi \u{9b} bidi \u{202e} tag \u{e0041} é 語 😀\n\r\t"
        for written in [JSONValue.string(text).compact, JSONValue.array([.string(text)]).pretty] {
            #expect(!written.unicodeScalars.contains { SafeText.isUnsafe($0) })
        }
        #expect(try JSONTree(parsing: JSONValue.string(text).compact) == .string(text))
    }

    @Test("NDJSON has one object a line, its type first, and the whole report last")
    func ndjson() throws {
        let report = Sample.everything()
        let lines = NDJSONReport.render(report).split(separator: "\n")
        #expect(lines.count == report.findings.count + 1)
        #expect(lines.allSatisfy { $0.hasPrefix(#"{"type":""#) })
        #expect(
            try lines.map { try JSONTree(parsing: String($0))["type"]?.string } == [
                "finding", "finding", "finding", "report",
            ]
        )
        let finding = Sample.resetFinding()
        let line = NDJSONReport.occurrence(finding.occurrences[0], of: finding)
        #expect(try JSONTree(parsing: line)["occurrence"]?["client"]?["status"] == .number(502))
        #expect(!line.contains("\n"))
    }
}
