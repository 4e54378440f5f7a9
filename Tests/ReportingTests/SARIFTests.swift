import Model
import TestSupport
import Testing

@testable import Reporting

/// `tools/check-reports` holds the committed captures' reports against the schema of OASIS; here is what a schema does not say.
@Suite("SARIF")
struct SARIFTests {
    private static func run(_ report: Report) throws -> JSONTree {
        let log = try JSONTree(parsing: SARIFReport.render(report))
        #expect(log["version"] == .string("2.1.0"))
        return try #require(log["runs"]?[0])
    }

    @Test("Each finding is a result of the rule that its index points to, at the level of its severity")
    func results() throws {
        let report = Sample.everything()
        let run = try Self.run(report)
        let results = run["results"]?.items ?? []
        let rules = run["tool"]?["driver"]?["rules"]?.items ?? []
        #expect(results.count == report.findings.count)
        #expect(rules.count == Set(report.findings.map(\.cause)).count)
        for (result, finding) in zip(results, report.findings) {
            #expect(result["ruleId"]?.string == finding.cause.rawValue)
            let index = try #require(result["ruleIndex"]?.number.map { Int($0) })
            #expect(rules[index]["id"]?.string == finding.cause.rawValue)
            #expect(result["message"]?["text"]?.string?.contains(finding.title) == true)
            let counted = finding.severity == .failure ? finding.count : finding.attempts
            #expect(result["occurrenceCount"]?.number == Double(counted))
        }
        #expect(results.map { $0["level"]?.string } == ["error", "warning", "note"])
        for rule in rules {
            #expect(rule["help"]?["text"]?.string?.contains("What to change") == true)
            #expect(rule["help"]?["markdown"]?.string?.isEmpty == false)
        }
    }

    @Test("The capture is the artifact, and frames stand where they were: in properties, in the ladder's order")
    func locations() throws {
        let result = try #require(try Self.run(Sample.outage())["results"]?[0])
        let location = try #require(result["locations"]?[0])
        #expect(location["physicalLocation"]?["artifactLocation"]?["uri"] == .string("gw1.pcapng"))
        #expect(location["physicalLocation"]?["artifactLocation"]?["index"] == .number(0))
        #expect(location["properties"]?["frames"]?.items == [12, 13, 15, 16, 21].map { .number($0) })
        let steps = result["codeFlows"]?[0]?["threadFlows"]?[0]?["locations"]?.items ?? []
        #expect(steps.map { $0["location"]?["properties"]?["frames"]?[0]?.number } == [12, 13, 15, 16, 21])
        #expect(!SARIFReport.render(Sample.outage()).contains("private"), "query values are masked")
    }

    @Test("With several captures no file is claimed to hold the frames of their merge")
    func severalSources() throws {
        var report = Sample.outage()
        report.sources.append(SourceSummary(name: "gw2.pcap", format: "pcap"))
        let run = try Self.run(report)
        #expect(run["artifacts"]?.items.count == 2)
        #expect(run["results"]?[0]?["locations"]?[0]?["physicalLocation"] == nil)
        #expect(run["results"]?[0]?["locations"]?[0]?["logicalLocations"]?[0]?["name"] == .string("10.0.3.7:8080"))
    }

    @Test(
        "Names of files become URI references",
        arguments: [
            ("gw1.pcapng", "gw1.pcapng"), ("a b/ü#1?.pcap", "a%20b/%C3%BC%231%3F.pcap"),
            ("/srv/x y.pcap", "file:///srv/x%20y.pcap"),
            ("c:\\x", "c%3A%5Cx"), ("//host/x", "file:///host/x"), ("100%", "100%25"),
        ]
    )
    func uri(_ name: String, _ uri: String) {
        #expect(SARIFLocation.uri(name) == uri)
    }

    @Test("What the capture lacks is told as a notification of the run")
    func notifications() throws {
        let invocation = try #require(try Self.run(Sample.everything())["invocations"]?[0])
        let told = (invocation["toolExecutionNotifications"]?.items ?? []).compactMap { $0["message"]?["text"]?.string }
        #expect(told.contains { $0.contains("time stamps run backwards") })
        #expect(try Self.run(Sample.clean())["invocations"]?[0]?["toolExecutionNotifications"] == nil)
    }

    @Test("A run without findings has results, none: it looked and found nothing")
    func nothing() throws {
        #expect(try Self.run(Sample.clean())["results"]?.items == [])
        #expect(try Self.run(Report())["artifacts"]?.items == [])
    }

    @Test("Hostile text is no markup in the messages")
    func hostile() throws {
        for text in HTMLTests.hostile {
            let run = try Self.run(HTMLTests.planted(text))
            let markdown = run["results"]?[0]?["message"]?["markdown"]?.string ?? "<"
            // Remedies come from the guides, whose code spans may hold anything.
            #expect(!(markdown.split(separator: "**What to change**").first ?? "<").contains("<"))
        }
    }
}
