import Diagnosis
import Model

/// Members by the names of the Elastic Common Schema, laid beside our own in every line of NDJSON, so that log pipelines
/// find addresses, statuses and rules without a mapping of their own. docs/REPORTS.md has the table.
enum CommonSchema {
    static let version = "8.17.0"

    static func members(of occurrence: Occurrence, _ finding: Finding) -> [JSONValue.Member] {
        var result: [JSONValue.Member] = [
            .init("@timestamp", .string(occurrence.time.rfc3339)),
            .init("message", .string(message(finding, occurrence))),
            ecs,
            event(
                finding,
                dataset: "gwsniff.occurrence",
                kind: finding.severity == .note ? "event" : "alert",
                reason: occurrence.explanation,
                first: nil
            ),
            rule(finding, isFull: false),
        ]
        result += flow(occurrence.from, occurrence.to)
        result += http(occurrence)
        return result + [observer]
    }

    static func members(of finding: Finding) -> [JSONValue.Member] {
        var result: [JSONValue.Member] = [
            .init("@timestamp", .string(finding.last.rfc3339)),
            .init("message", .string("\(finding.id) \(finding.cause.rawValue): \(finding.title)")),
            ecs,
            event(
                finding,
                dataset: "gwsniff.finding",
                kind: finding.severity == .note ? "event" : "alert",
                reason: Phrases.example(finding)?.explanation ?? finding.title,
                first: finding.first
            ),
            rule(finding, isFull: true),
        ]
        // Its occurrences have ports of their own; what they share is the gateway and the upstream.
        if let gateway = finding.gateway { result.append(.init("source", .object([address(gateway)]))) }
        if let to = Phrases.example(finding)?.to, finding.upstream == to.description {
            result.append(.init("destination", endpoint(to)))
        }
        return result + [observer]
    }

    static func members(of report: Report) -> [JSONValue.Member] {
        var result: [JSONValue.Member] = []
        if let last = report.lastPacket { result.append(.init("@timestamp", .string(last.rfc3339))) }
        let event: [JSONValue.Member] =
            [
                .init("kind", .string("metric")), .init("module", .string("gwsniff")),
                .init("dataset", .string("gwsniff.report")), .init("category", .strings(["network", "web"])),
                .init("type", .strings(["info"])),
            ]
            + (report.firstPacket.map { [.init("start", .string($0.rfc3339))] } ?? [])
            + (report.lastPacket.map { [.init("end", .string($0.rfc3339))] } ?? [])
        result += [.init("message", .string(Headline.text(report))), ecs, .init("event", .object(event)), observer]
        return result
    }

    private static let ecs = JSONValue.Member("ecs", .object([.init("version", .string(version))]))

    private static var observer: JSONValue.Member {
        .init(
            "observer",
            .object([
                .init("type", .string("sniffer")), .init("product", .string("gwsniff")),
                .init("version", .string(gwsniffVersion)),
            ])
        )
    }

    private static func message(_ finding: Finding, _ occurrence: Occurrence) -> String {
        var parts = ["\(finding.cause.rawValue): \(finding.title)"]
        if let request = occurrence.request { parts.append(Phrases.request(request)) }
        if let client = occurrence.client { parts.append(Phrases.outcome(client)) }
        return parts.joined(separator: "; ")
    }

    private static func event(
        _ finding: Finding,
        dataset: String,
        kind: String,
        reason: String,
        first: Timestamp?
    ) -> JSONValue.Member {
        let isNote = finding.severity == .note
        let severity =
            switch finding.severity {
            case .failure: 3
            case .nearMiss: 2
            case .note: 1
            }
        var members: [JSONValue.Member] = [
            .init("kind", .string(kind)),
            .init("module", .string("gwsniff")),
            .init("dataset", .string(dataset)),
            .init("category", .strings(["network", "web"])),
            .init("type", .strings(isNote ? ["info"] : ["connection", "error"])),
            .init("action", .string(finding.cause.rawValue)),
            .init("outcome", .string(isNote ? "unknown" : "failure")),
            .init("severity", .count(severity)),
            .init("reason", .string(TargetMask.maskedText(reason))),
            .init("hash", .string(Fingerprint.of(finding))),
        ]
        if let first {
            members += [.init("start", .string(first.rfc3339)), .init("end", .string(finding.last.rfc3339))]
        }
        return .init("event", .object(members))
    }

    private static func rule(_ finding: Finding, isFull: Bool) -> JSONValue.Member {
        var members: [JSONValue.Member] = [
            .init("id", .string(finding.cause.rawValue)),
            .init("name", .string(finding.cause.title(upstream: nil))),
            .init("category", .string(finding.cause.group.rawValue)),
            .init("ruleset", .string("gwsniff")),
            .init("version", .string(gwsniffVersion)),
        ]
        if isFull, let guide = CauseGuides.guide(for: finding.cause) {
            members.append(.init("description", .string(guide.whatHappened)))
        }
        return .init("rule", .object(members))
    }

    private static func flow(_ from: Endpoint?, _ to: Endpoint?) -> [JSONValue.Member] {
        var result: [JSONValue.Member] = []
        if let from { result.append(.init("source", endpoint(from))) }
        if let to { result.append(.init("destination", endpoint(to))) }
        if let from, let to, from.address.isIPv6 == to.address.isIPv6 {
            result.append(
                .init(
                    "network",
                    .object([
                        .init("transport", .string("tcp")),
                        .init("type", .string(from.address.isIPv6 ? "ipv6" : "ipv4")),
                        .init("community_id", .string(CommunityID.of(from, to))),
                    ])
                )
            )
        }
        return result
    }

    private static func endpoint(_ endpoint: Endpoint) -> JSONValue {
        .object([address(endpoint.address), .init("port", .count(Int(endpoint.port)))])
    }

    private static func address(_ address: IPAddress) -> JSONValue.Member { .init("ip", .string(address.description)) }

    /// `http.response.status_code` is what the client got, which is what failed; the upstream's may be another.
    private static func http(_ occurrence: Occurrence) -> [JSONValue.Member] {
        var http: [JSONValue.Member] = []
        var result: [JSONValue.Member] = []
        if let request = occurrence.request {
            var asked: [JSONValue.Member] = request.method.isEmpty ? [] : [.init("method", .string(request.method))]
            if let id = request.id { asked.append(.init("id", .string(id))) }
            http.append(.init("request", .object(asked)))
            let target = request.maskedTarget
            var url: [JSONValue.Member] = [.init("original", .string(target))]
            if let host = request.host, !host.isEmpty { url.append(.init("domain", .string(host))) }
            url.append(.init("path", .string(String(TargetMask.path(of: target)))))
            let known = target.prefix { $0 != "#" }
            if let mark = known.firstIndex(of: "?") {
                url.append(.init("query", .string(String(known[known.index(after: mark)...]))))
            }
            result.append(.init("url", .object(url)))
        }
        if let status = occurrence.client?.status {
            http.append(.init("response", .object([.init("status_code", .count(status))])))
        }
        if !http.isEmpty { result.append(.init("http", .object(http))) }
        return result
    }
}
