import Model
import TestSupport
import Testing

@testable import Reporting

@Suite("NDJSON by the Elastic Common Schema")
struct CommonSchemaTests {
    private static func line(_ change: (inout Occurrence, inout Finding) -> Void = { _, _ in }) throws -> JSONTree {
        var finding = Sample.resetFinding()
        var occurrence = finding.occurrences[0]
        change(&occurrence, &finding)
        return try JSONTree(parsing: NDJSONReport.occurrence(occurrence, of: finding))
    }

    @Test("An occurrence says when, what, between whom, for which request and with which status")
    func occurrence() throws {
        let line = try Self.line()
        #expect(line["@timestamp"] == .string("2026-11-22T03:12:07.124776678Z"))
        #expect(line["ecs"]?["version"] == .string("8.17.0"))
        #expect(line["event"]?["kind"] == .string("alert"))
        #expect(line["event"]?["outcome"] == .string("failure"))
        #expect(line["event"]?["action"] == .string("reset-before-response"))
        #expect(line["rule"]?["id"] == .string("reset-before-response"))
        #expect(line["source"] == .object(["ip": .string("10.0.0.2"), "port": .number(41_234)]))
        #expect(line["destination"] == .object(["ip": .string("10.0.3.7"), "port": .number(8_080)]))
        #expect(line["network"]?["type"] == .string("ipv4") && line["network"]?["transport"] == .string("tcp"))
        let ends = (Endpoint(address: Sample.gateway, port: 41_234), Sample.upstream)
        #expect(line["network"]?["community_id"] == .string(CommunityID.of(ends.1, ends.0)))
        #expect(line["http"]?["request"] == .object(["method": .string("GET"), "id": .string("7f3a-19")]))
        #expect(line["http"]?["response"]?["status_code"] == .number(502))
        #expect(line["url"]?["domain"] == .string("shop.example") && line["url"]?["path"] == .string("/search"))
        #expect(line["url"]?["query"] == .string("q=***&page=***"))
    }

    @Test("What is not known is left out, not made up")
    func absent() throws {
        let line = try Self.line { occurrence, _ in
            occurrence.from = nil
            occurrence.to = nil
            occurrence.request = nil
            occurrence.client = nil
        }
        for name in ["source", "destination", "network", "http", "url"] { #expect(line[name] == nil) }
        let mixed = try Self.line { occurrence, _ in
            occurrence.from = Endpoint(address: IPAddress(v6High: 1, low: 2), port: 3)
        }
        #expect(mixed["network"] == nil)
    }

    @Test("A note is no alert, and a finding's line spans its time")
    func kinds() throws {
        var finding = Sample.resetFinding()
        let line = try JSONTree(parsing: NDJSONReport.finding(finding))
        #expect(line["event"]?["start"] == .string("2026-11-22T03:12:07.124776678Z"))
        #expect(line["event"]?["end"]?.string?.hasPrefix("2026-11-22T03:19:40") == true)
        #expect(line["event"]?["hash"] == .string(Fingerprint.of(finding)))
        #expect(line["rule"]?["description"]?.string?.isEmpty == false)
        finding.severity = .note
        let note = try JSONTree(parsing: NDJSONReport.finding(finding))
        #expect(note["event"]?["kind"] == .string("event") && note["event"]?["outcome"] == .string("unknown"))
        #expect(note["event"]?["type"] == .array([.string("info")]))
    }

    @Test("Names and values of event.* are those that the schema allows")
    func allowed() throws {
        for report in [Sample.everything(), Sample.clean(), Report()] {
            for text in NDJSONReport.render(report).split(separator: "\n") {
                let line = try JSONTree(parsing: String(text))
                let event = try #require(line["event"])
                #expect(["alert", "event", "metric"].contains(event["kind"]?.string))
                #expect(event["category"]?.items == [.string("network"), .string("web")])
                let types = event["type"]?.items.compactMap(\.string) ?? []
                #expect(!types.isEmpty && types.allSatisfy { ["connection", "error", "info"].contains($0) })
                #expect(line["observer"]?["product"] == .string("gwsniff"))
                #expect(line["message"]?.string?.isEmpty == false)
            }
        }
    }
}
