package import Model
import Pipeline
package import Reporting

/// What the page shows, as JSON: `gwsniff.live/1`, described in docs/SERVICE.md and docs/schema. Names keep their meaning; more may come.
package enum LiveDocument {
    package static let schema = "gwsniff.live/1"

    package struct Sides: Sendable {
        package var now: Timestamp
        package var interfaces: [String]
        package var health: Health
        package var evidence: EvidenceState?
        package var history: HistoryState?
        package var canRecord: Bool
        package var minutes: Int
    }

    package static func value(_ picture: Picture, _ sides: Sides) -> JSONValue {
        .object([
            .init("schema", .string(schema)),
            .init("tool", .object([.init("name", .string("gwsniffd")), .init("version", .string(gwsniffVersion))])),
            .init("now", .string(sides.now.rfc3339)),
            .init("startedAt", .string(picture.startedAt.rfc3339)),
            .init("health", sides.health.document),
            .init("capture", capture(picture, sides)),
            .init("roles", roles(picture)),
            .init(
                "requests",
                .object([
                    .init("total", .count(picture.totalRequests)), .init("failed", .count(picture.failedRequests)),
                ])
            ),
            .init("statuses", statuses(picture)),
            .init("minutes", minutes(picture, sides)),
            .init("findings", .array(picture.sortedFindings.prefix(200).map { finding($0, picture, sides) })),
            .init("upstreams", .array(upstreams(picture, sides))),
            .init("recent", .array(picture.recent.reversed().prefix(50).map(recent))),
            .init("evidence", evidence(sides)),
            .init("history", history(sides)),
            .init("warnings", .array(picture.warnings.reversed().map(warning))),
        ])
    }

    private static func capture(_ picture: Picture, _ sides: Sides) -> JSONValue {
        let statistics = picture.statistics
        let state =
            switch picture.state {
            case .starting: "starting"
            case .capturing: "capturing"
            case .ended: "ended"
            }
        return .object([
            .init("state", .string(state)),
            .init("interfaces", .strings(sides.interfaces)),
            .init("packets", .count(statistics.packets)),
            .init("bytes", .integer(statistics.capturedBytes)),
            .init("packetsPerSecond", .integer(Int64(picture.packetRate.rounded()))),
            .init("firstPacket", .optional(statistics.first?.rfc3339)),
            .init("lastPacket", .optional(statistics.last?.rfc3339)),
            .init(
                "dropped",
                .array(
                    statistics.drops.map {
                        .object([.init("by", .string($0.by)), .init("packets", .count($0.count))])
                    }
                )
            ),
            .init("quality", .string(picture.quality.verdict.rawValue)),
            .init("notes", .strings(picture.quality.notes)),
        ])
    }

    private static func roles(_ picture: Picture) -> JSONValue {
        .object([
            .init("gateways", .strings(picture.roles.gateways.map(\.description))),
            .init(
                "software",
                .array(
                    picture.roles.software.map {
                        .object([
                            .init("gateway", .string($0.gateway.description)), .init("name", .string($0.name)),
                        ])
                    }
                )
            ),
        ])
    }

    private static func statuses(_ picture: Picture) -> JSONValue {
        .array(
            picture.statuses.sorted { $0.key < $1.key }.map {
                .object([
                    .init("status", $0.key == 0 ? .null : .count($0.key)), .init("requests", .count($0.value)),
                ])
            }
        )
    }

    /// Every minute of the stretch, the oldest first, also those without anything.
    private static func minutes(_ picture: Picture, _ sides: Sides) -> JSONValue {
        let all = picture.minutes.last(sides.minutes, until: Minutes.minute(of: sides.now))
        return .array(
            all.map { minute, figures in
                .object([
                    .init("time", .string(Minutes.start(of: minute).rfc3339)),
                    .init("requests", .count(figures.requests)),
                    .init("failed", .count(figures.causes.values.reduce(0, +))),
                    .init("hidden", .count(figures.hidden)),
                    .init("packets", .count(figures.packets)),
                    .init("dropped", .count(figures.dropped)),
                    .init(
                        "causes",
                        .array(
                            figures.causes.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }.map {
                                .object([.init("cause", .string($0.key.rawValue)), .init("requests", .count($0.value))])
                            }
                        )
                    ),
                ])
            }
        )
    }

    private static func finding(_ finding: Finding, _ picture: Picture, _ sides: Sides) -> JSONValue {
        let identity = FindingIdentity(finding)
        let times = picture.latest[identity]?.map(\.time) ?? [finding.last]
        let evidence = sides.evidence?.files(of: identity, times: times) ?? []
        return .object([
            .init("key", .string(identity.key)),
            .init("cause", .string(finding.cause.rawValue)),
            .init("title", .string(finding.title)),
            .init("severity", .string(finding.severity.rawValue)),
            .init("confidence", .string(finding.confidence.rawValue)),
            .init("blame", .string(finding.blame.rawValue)),
            .init("upstream", .optional(finding.upstream)),
            .init("upstreamName", .optional(finding.upstreamName)),
            .init("group", .optional(finding.upstream.flatMap(picture.groups.group))),
            .init("count", .count(finding.weight)),
            .init("first", .string(finding.first.rfc3339)),
            .init("last", .string(finding.last.rfc3339)),
            .init("evidence", .strings(evidence.prefix(10).map(\.name))),
        ])
    }

    private static func upstreams(_ picture: Picture, _ sides: Sides) -> [JSONValue] {
        let now = Minutes.minute(of: sides.now)
        let all = picture.upstreams.map { ($0.key, $0.value, UpstreamHealth($0.value, at: now)) }
        let sorted = all.sorted { left, right in
            if left.2.state != right.2.state { return left.2.state > right.2.state }
            if left.1.figures.failures != right.1.figures.failures {
                return left.1.figures.failures > right.1.figures.failures
            }
            return left.0 < right.0
        }
        return sorted.prefix(200).map { endpoint, upstream, health in
            let figures = upstream.figures
            return .object([
                .init("endpoint", .string(endpoint.description)),
                .init("group", .optional(picture.groups.group(of: endpoint.description))),
                .init("health", .string(health.state.name)),
                .init("connections", .count(figures.connections)),
                .init("exchanges", .count(figures.exchanges)),
                .init("failures", .count(figures.failures)),
                .init("resets", .count(figures.resets)),
                .init("retransmissions", .count(figures.retransmissions)),
                .init("connectMedianNs", upstream.connectTime.map { .integer($0.median) } ?? .null),
                .init("connectP99Ns", upstream.connectTime.map { .integer($0.ninetyNinth) } ?? .null),
                .init("firstByteMedianNs", upstream.firstByteTime.map { .integer($0.median) } ?? .null),
                .init("firstByteP99Ns", upstream.firstByteTime.map { .integer($0.ninetyNinth) } ?? .null),
                .init(
                    "recent",
                    .object([
                        .init("minutes", .count(UpstreamHealth.minutes)),
                        .init("exchanges", .count(health.recent.exchanges)),
                        .init("failures", .count(health.recent.failures)),
                    ])
                ),
            ])
        }
    }

    private static func recent(_ entry: Picture.Recent) -> JSONValue {
        let occurrence = entry.occurrence
        return .object([
            .init("key", .string(entry.identity.key)),
            .init("time", .string(occurrence.time.rfc3339)),
            .init("cause", .string(entry.identity.cause.rawValue)),
            .init("severity", .string(entry.identity.severity.rawValue)),
            .init("upstream", .optional(entry.identity.upstream)),
            .init("request", .optional(occurrence.request.map(Phrases.request))),
            .init("outcome", .optional(occurrence.client.map(Phrases.outcome))),
            .init("status", .optional(occurrence.client?.status)),
        ])
    }

    private static func evidence(_ sides: Sides) -> JSONValue {
        guard let evidence = sides.evidence else { return .null }
        return .object([
            .init("directory", .string(evidence.directory)),
            .init("canRecord", .bool(sides.canRecord)),
            .init("bytes", .count(evidence.files.reduce(0) { $0 + $1.bytes })),
            .init("files", .array(evidence.files.prefix(50).map(file))),
        ])
    }

    static func file(_ file: EvidenceState.File) -> JSONValue {
        .object([
            .init("name", .string(file.name)), .init("bytes", .count(file.bytes)),
            .init("changed", .string(file.changed.rfc3339)),
        ])
    }

    private static func history(_ sides: Sides) -> JSONValue {
        guard let history = sides.history else { return .null }
        return .object([
            .init("path", .string(history.path)), .init("bytes", .count(history.bytes)),
            .init("failure", .optional(history.failure)),
        ])
    }

    private static func warning(_ warning: (time: Timestamp, text: String)) -> JSONValue {
        .object([.init("time", .string(warning.time.rfc3339)), .init("text", .string(warning.text))])
    }
}
