import Foundation
import Model
import TestSupport
import Testing

@testable import Reporting

@Suite("Comparing two reports")
struct DiffTests {
    private static func file(_ report: Report, _ name: String = "a.json") throws -> ReportFile {
        try ReportFile(name: name, bytes: Array(JSONReport.render(report).utf8))
    }

    private static func diff(_ before: Report, _ after: Report) throws -> ReportDiff {
        ReportDiff(try file(before, "before.json"), try file(after, "after.json"))
    }

    private static func changed(_ change: (inout Report) -> Void) -> Report {
        var report = Sample.everything()
        change(&report)
        return report
    }

    @Test("A report and itself: nothing new, gone, better or worse")
    func itself() throws {
        let diff = try Self.diff(Sample.everything(), Sample.everything())
        #expect(diff.causes.map(\.change) == [.same, .same])
        #expect(diff.upstreams.allSatisfy { $0.change == .same && $0.speed == .same })
        #expect(diff.whole.change == .same && !diff.isWorse)
        #expect(
            DiffReport.text(diff).hasPrefix("37 of 12,410 requests failed before (0.3 %), 37 of 12,410 requests failed")
        )
    }

    @Test("What only one report has is new or gone, by cause and upstream")
    func newAndGone() throws {
        let moved = Self.changed { $0.findings[0].upstream = "10.0.3.8:8080" }
        let diff = try Self.diff(Sample.everything(), moved)
        let failures = diff.causes.filter { !$0.isNearMiss }
        #expect(failures.map(\.change) == [.new, .gone])
        #expect(failures.map(\.upstream) == ["10.0.3.8:8080", "10.0.3.7:8080"])
        #expect(failures.allSatisfy { $0.isCertain } && diff.isWorse)
        #expect(try !Self.diff(Sample.outage(), Sample.clean()).isWorse)
        #expect(try Self.diff(Sample.outage(), Sample.clean()).causes.map(\.change) == [.gone])
    }

    @Test("Rates decide, not counts: the same count of half the requests is worse")
    func rates() throws {
        let half = Self.changed { $0.totalRequests = 6_205 }
        let diff = try Self.diff(Sample.everything(), half)
        #expect(diff.causes[0].change == .worse && diff.causes[0].isCertain)
        let twice = Self.changed { report in
            report.totalRequests *= 2
            report.findings[0].count *= 2
            report.failedRequests *= 2
        }
        #expect(try Self.diff(Sample.everything(), twice).causes[0].change == .same)
    }

    @Test("A difference that chance may give is about the same, and what few requests might miss is gone?")
    func chance() throws {
        let little = Self.changed { $0.findings[0].count = 38 }
        let diff = try Self.diff(Sample.everything(), little)
        #expect(diff.causes[0].change == .worse && !diff.causes[0].isCertain && !diff.isWorse)
        #expect(DiffReport.text(diff).contains("about the same"))
        var few = Sample.clean()
        few.totalRequests = 20
        let gone = try Self.diff(Sample.outage(), few)
        #expect(gone.causes.map(\.change) == [.gone] && !gone.causes[0].isCertain)
        #expect(DiffReport.text(gone).contains("gone?"))
    }

    @Test("Near misses are compared and fail nobody's build; notes are not")
    func severities() throws {
        let diff = try Self.diff(Sample.clean(), Self.changed { $0.findings.removeFirst() })
        #expect(diff.causes.map(\.isNearMiss) == [true] && diff.causes[0].change == .new)
        #expect(!diff.causes.contains { $0.cause == "surplus-bytes" })
    }

    @Test("An upstream is slower from half as much again and a millisecond on")
    func speed() throws {
        func report(_ median: Nanoseconds) -> Report {
            Self.changed { $0.upstreams[0].firstByteTime = DurationSummary([median]) }
        }
        for (before, after, speed) in [
            (10_000_000, 15_000_000, ReportDiff.Change.worse), (15_000_000, 10_000_000, .better),
            (10_000_000, 14_000_000, .same), (100_000, 900_000, .same),
        ] {
            #expect(try Self.diff(report(Nanoseconds(before)), report(Nanoseconds(after))).upstreams[0].speed == speed)
        }
    }

    @Test("What is said of a capture that proves less is said here too")
    func warnings() throws {
        let poor = Self.changed { $0.quality.verdict = .poor }
        #expect(
            DiffReport.warnings(try Self.diff(poor, Sample.everything())).contains { $0.contains("before was poor") }
        )
        #expect(DiffReport.warnings(try Self.diff(Sample.clean(), Report())).contains { $0.contains("no requests") })
        let overlap = DiffReport.warnings(try Self.diff(Sample.clean(), Sample.clean()))
        #expect(overlap.contains { $0.contains("does not begin behind the end") })
    }

    @Test("The comparison is valid by its schema and as it was")
    func schema() throws {
        let file = packageRoot.appending(path: "docs/schema/gwsniff.diff-1.schema.json")
        let schema = JSONSchema(try JSONTree(parsing: String(contentsOf: file, encoding: .utf8)))
        let reports = [Report(), Sample.clean(), Sample.outage(), Sample.everything()]
        for before in reports {
            for after in reports {
                #expect(
                    schema.violations(in: try JSONTree(parsing: DiffReport.json(try Self.diff(before, after)))) == []
                )
            }
        }
        let bare = try ReportFile(name: "old", bytes: Array(Self.oldest.utf8))
        let old = DiffReport.json(ReportDiff(bare, bare))
        #expect(schema.violations(in: try JSONTree(parsing: old)) == [])
        #expect(schema.violations(in: try JSONTree(parsing: old.replacing("\"same\"", with: "\"meh\""))) != [])
        let worse = Self.changed { report in
            report.findings[0].count = 180
            report.failedRequests = 181
            report.firstPacket = Sample.start + .seconds(3_600)
        }
        let diff = try Self.diff(Sample.outage(), worse)
        try expectSnapshot(DiffReport.text(diff), "diff.txt")
    }

    private static let oldest = #"""
        {"schema":"gwsniff.report/1","findings":[{"cause":"dns-failure","count":2},{"cause":"future-cause","upstream":null,
        "severity":"failure","count":1,"later":{"a":[1.5e3,-0]}}],"upstreams":[{"endpoint":"10.0.0.1:80"}]}
        """#

    @Test("A report of an older minor version, and one with members and causes to come, are compared by what they have")
    func otherVersions() throws {
        let old = try ReportFile(name: "old.json", bytes: Array(Self.oldest.utf8))
        #expect(old.findings.map(\.cause) == ["dns-failure", "future-cause"] && old.requests == nil)
        let diff = ReportDiff(old, try Self.file(Sample.outage()))
        #expect(Set(diff.causes.map(\.change)) == [.new, .gone])
        #expect(DiffReport.text(diff).contains("counts are compared, not rates"))
    }

    @Test("NDJSON is read by its last line")
    func lines() throws {
        let file = try ReportFile(name: "x", bytes: Array(NDJSONReport.render(Sample.everything()).utf8))
        #expect(file.findings.count == 2 && file.requests == 12_410)
    }

    @Test(
        "What is no report is refused with the reason",
        arguments: [
            ("", "is not JSON: it ends in the middle at byte 0"), ("no", "is not JSON: no JSON value at byte 0"),
            ("{}", "no member \"schema\""),
            (#"{"schema":"gwsniff.report/2"}"#, "is of schema \"gwsniff.report/2\""), ("[1,]", "is not JSON"),
            (#"{"schema":"gwsniff.report/1"}"#, "has no findings"), (#"{"a":1} x"#, "more behind the end"),
            (#"{"schema":"gwsniff.report/1","findings":[{}]}"#, "a finding without cause, number 1"),
            (#"{"schema":"\u001b[2J"}"#, "\\u{1b}[2J"), (String(repeating: "[", count: 1_000_000), "nested too deep"),
            ("\"\\ud800\\u12\"", "no four digits"), ("\"a", "a string without end"),
        ]
    )
    func refused(_ text: String, _ reason: String) {
        do {
            _ = try ReportFile(name: "x", bytes: Array(text.utf8))
            Issue.record("taken for a report")
        } catch {
            #expect(error.reason.contains(reason), "\(error.reason)")
        }
    }

    @Test("The reader reads what the writer writes, escapes and surrogates included")
    func reader() throws {
        let value = JSONValue.array([
            .string("é 語 😀 \u{202e} \" \\ \n"), .integer(.min), .integer(.max), .null,
            .bool(true),
            .object([.init("", .array([])), .init("a", .object([]))]),
        ])
        #expect(try JSONReader.value(of: Array(value.compact.utf8)) == value)
        #expect(try JSONReader.value(of: Array(value.pretty.utf8)) == value)
        #expect(try JSONReader.value(of: Array(#""\ud83d\ude00\ud83d\u0041\/""#.utf8)) == .string("😀\u{fffd}A/"))
    }

    @Test("No cut or changed report ends the process")
    func damaged() throws {
        let bytes = Array(JSONReport.render(Sample.outage()).utf8)
        for end in stride(from: 0, to: bytes.count, by: 37) {
            #expect(throws: ReportFile.Fault.self) { try ReportFile(name: "x", bytes: Array(bytes[..<end])) }
        }
        var random = SystemRandomNumberGenerator()
        let seed = UInt64.random(in: 1...UInt64.max, using: &random)
        var state = seed
        for _ in 0..<300 {
            var changed = bytes
            for _ in 0..<4 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                changed[Int(state >> 33) % bytes.count] = UInt8(truncatingIfNeeded: state >> 24)
            }
            if let file = try? ReportFile(name: "x", bytes: changed) {
                #expect(!DiffReport.text(ReportDiff(file, file)).isEmpty, "seed \(seed)")
            }
        }
    }
}
