package import Model

/// `--format json`: the schema `gwsniff.report/1` under docs/schema/. Keys keep their name, meaning and order.
package enum JSONReport {
    package static let schema = "gwsniff.report/1"

    package static func render(_ report: Report) -> String {
        value(report).pretty + "\n"
    }

    package static func value(_ report: Report) -> JSONValue {
        .object(members(report))
    }

    static func members(_ report: Report) -> [JSONValue.Member] {
        [
            .init("schema", .string(schema)),
            .init("tool", .object([.init("name", .string("gwsniff")), .init("version", .string(gwsniffVersion))])),
            .init("capture", capture(report)),
            .init("roles", roles(report.roles)),
            .init("findings", .array(report.findings.map(finding))),
            .init(
                "requests",
                .object(
                    [
                        .init("total", .count(report.totalRequests)),
                        .init("failed", .count(report.failedRequests)),
                        .init("counted", .string(report.countsClientRequests ? "client" : "upstream")),
                    ] + (report.notLookedAt > 0 ? [.init("notLookedAt", .count(report.notLookedAt))] : [])
                )
            ),
            .init("clientErrors", .array(report.clientErrors.map(clientError))),
            .init("upstreams", .array(report.upstreams.map(upstream))),
        ] + (report.clientErrorsLeftOut > 0 ? [.init("clientErrorsLeftOut", .count(report.clientErrorsLeftOut))] : [])
    }

    private static func capture(_ report: Report) -> JSONValue {
        let quality = report.quality
        return .object([
            .init("sources", .array(report.sources.map(source))),
            .init("firstPacket", time(report.firstPacket)),
            .init("lastPacket", time(report.lastPacket)),
            .init("packets", .count(report.packets)),
            .init(
                "quality",
                .object([
                    .init("verdict", .string(quality.verdict.rawValue)),
                    .init("notes", .strings(quality.notes)),
                    .init("missedBytes", .integer(quality.missedBytes)),
                    .init("duplicatePackets", .count(quality.duplicatePackets)),
                    .init("oneWayConnections", .count(quality.oneWayConnections)),
                    .init("snappedPackets", .count(quality.snappedPackets)),
                    .init("midstreamConnections", .count(quality.midstreamConnections)),
                    .init("undecodedPackets", .count(quality.undecodedPackets)),
                    .init("droppedPackets", .count(quality.droppedPackets)),
                    .init("cutHeads", .count(quality.cutHeads)),
                    .init("offloadSegments", .count(quality.offloadSegments)),
                    .init("disorderedPackets", .count(quality.disorderedPackets)),
                    .init("backwardPackets", .count(quality.backwardPackets)),
                    .init("largestBackwardStepNs", .integer(quality.largestBackwardStep)),
                    .init("clockSteps", .count(quality.clockSteps)),
                    .init("clockAdvances", .count(quality.clockAdvances)),
                ])
            ),
        ])
    }

    private static func source(_ source: SourceSummary) -> JSONValue {
        .object([
            .init("name", .string(source.name)),
            .init("format", .string(source.format)),
            .init("linkTypes", .strings(source.linkTypes.map(\.displayName))),
            .init("packets", .count(source.packets)),
            .init("bytes", .integer(source.bytes)),
            .init("truncated", .optional(source.truncated)),
            .init("dropped", .optional(source.dropped)),
        ])
    }

    private static func roles(_ roles: Roles) -> JSONValue {
        .object([
            .init("gateways", .strings(roles.gateways.map(\.description))),
            .init("upstreams", .strings(roles.upstreams.map(\.description))),
            .init("how", .string(roles.isGiven ? "given" : "inferred")),
            .init("reasons", .strings(roles.reasons)),
            .init("software", .array(roles.software.map(software))),
        ])
    }

    private static func software(_ software: GatewaySoftware) -> JSONValue {
        .object([
            .init("gateway", .string(software.gateway.description)),
            .init("name", .string(software.name)),
            .init("evidence", .string(software.evidence)),
        ])
    }

    package static func finding(_ finding: Finding) -> JSONValue {
        .object(
            [
                .init("id", .string(finding.id)),
                .init("cause", .string(finding.cause.rawValue)),
                .init("proxyStatus", .optional(finding.cause.proxyStatus(variant: finding.variant))),
                .init("title", .string(finding.title)),
                .init("variant", .optional(finding.variant)),
                .init("confidence", .string(finding.confidence.rawValue)),
                .init("blame", .string(finding.blame.rawValue)),
                .init("severity", .string(finding.severity.rawValue)),
                .init("generalCauses", .array(finding.cause.generalCauses.map { .count($0.rawValue) })),
                .init("statusMismatch", .optional(finding.statusMismatch)),
                .init("gateway", .optional(finding.gateway?.description)),
                .init("upstream", .optional(finding.upstream)),
                .init("upstreamName", .optional(finding.upstreamName)),
                .init("count", .count(finding.count)),
                .init("attempts", .count(finding.attempts)),
                .init("first", time(finding.first)),
                .init("last", time(finding.last)),
                .init("occurrences", .array(finding.occurrences.map(occurrence))),
                .init("pattern", .optional(finding.pattern.map(TargetMask.maskedText))),
                .init("ruledOut", ruledOut(finding)),
                .init("missing", .strings(finding.missing.map(TargetMask.maskedText))),
                .init(
                    "remedies",
                    .array(
                        finding.remedies.map {
                            .object([.init("gateway", .string($0.gateway)), .init("text", .string($0.text))])
                        }
                    )
                ),
                .init("displayFilter", .string(finding.displayFilter)),
            ] + evidence(finding)
        )
    }

    static func ruledOut(_ finding: Finding) -> JSONValue {
        .array(
            finding.ruledOut.map {
                .object([
                    .init("cause", .string($0.cause.rawValue)),
                    .init("why", .string(TargetMask.maskedText($0.why))),
                ])
            }
        )
    }

    /// Only where a file was written.
    private static func evidence(_ finding: Finding) -> [JSONValue.Member] {
        guard let evidence = finding.evidence else { return [] }
        let members: [JSONValue.Member] = [
            .init("file", .string(evidence.file)), .init("displayFilter", .string(evidence.displayFilter)),
        ]
        return [.init("evidence", .object(members))]
    }

    package static func occurrence(_ occurrence: Occurrence) -> JSONValue {
        .object([
            .init("time", time(occurrence.time)),
            .init("connection", connection(occurrence)),
            .init("frames", .array(occurrence.frames.map(frame))),
            .init("request", occurrence.request.map(request) ?? .null),
            .init(
                "client",
                occurrence.client.map {
                    .object([
                        .init("status", .optional($0.status)),
                        .init("saw", .string($0.saw.rawValue)),
                        .init("tcpStream", .count($0.stream)),
                        .init("frame", .optional($0.frame)),
                    ])
                } ?? .null
            ),
            .init("attempt", .count(occurrence.attempt)),
            .init("explanation", .string(TargetMask.maskedText(occurrence.explanation))),
        ])
    }

    /// Null where there was none, as for a name that did not resolve.
    private static func connection(_ occurrence: Occurrence) -> JSONValue {
        if occurrence.from == nil, occurrence.to == nil, occurrence.stream == nil { return .null }
        return .object([
            .init("from", .optional(occurrence.from?.description)),
            .init("to", .optional(occurrence.to?.description)),
            .init("tcpStream", .optional(occurrence.stream)),
        ])
    }

    private static func frame(_ frame: EvidenceFrame) -> JSONValue {
        .object([
            .init("number", .count(frame.number)),
            .init("role", .string(TargetMask.maskedText(frame.role))),
            .init("time", time(frame.time)),
        ])
    }

    private static func request(_ request: RequestSummary) -> JSONValue {
        .object([
            .init("method", .string(request.method)),
            .init("host", .optional(request.host)),
            .init("target", .string(request.maskedTarget)),
            .init("id", .optional(request.id)),
        ])
    }

    private static func clientError(_ error: ClientError) -> JSONValue {
        .object([
            .init("time", time(error.time)),
            .init("status", .optional(error.status)),
            .init("request", error.request.map(request) ?? .null),
            .init("tcpStream", .count(error.stream)),
            .init("frame", .optional(error.frame)),
            .init("findings", .strings(error.findings)),
            .init("why", .optional(error.why.map(TargetMask.maskedText))),
        ])
    }

    private static func upstream(_ upstream: UpstreamSummary) -> JSONValue {
        .object([
            .init("endpoint", .string(upstream.endpoint.description)),
            .init("connections", .count(upstream.connections)),
            .init("exchanges", .count(upstream.exchanges)),
            .init("failures", .count(upstream.failures)),
            .init("connectTime", durations(upstream.connectTime)),
            .init("firstByteTime", durations(upstream.firstByteTime)),
            .init("resets", .count(upstream.resets)),
            .init("retransmissions", .count(upstream.retransmissions)),
            .init("retransmissionClasses", classes(upstream)),
            .init("outOfOrder", .count(upstream.repetitions[.outOfOrder])),
            .init(
                "losses",
                .object([
                    .init("beforeCapture", .count(upstream.repetitions[.beforeCapture])),
                    .init("afterCapture", .count(upstream.repetitions[.afterCapture])),
                    .init("inCapture", .count(upstream.repetitions[.inCapture])),
                ])
            ),
        ])
    }

    /// Adds up to `retransmissions` where all connections were dissected in full; what was only counted is unclear.
    private static func classes(_ upstream: UpstreamSummary) -> JSONValue {
        let counts = upstream.repetitions
        let known = [Repetition.timeout, .fast, .tailLossProbe, .spurious].reduce(0) { $0 + counts[$1] }
        return .object([
            .init("timeout", .count(counts[.timeout])),
            .init("fast", .count(counts[.fast])),
            .init("tailLossProbe", .count(counts[.tailLossProbe])),
            .init("spurious", .count(counts[.spurious])),
            .init("unclear", .count(max(0, upstream.retransmissions - known))),
        ])
    }

    /// Nanoseconds as integers: no rounding, and no doubt about the unit.
    private static func durations(_ summary: DurationSummary?) -> JSONValue {
        guard let summary else { return .null }
        return .object([
            .init("count", .count(summary.count)),
            .init("minimumNs", .integer(summary.minimum)),
            .init("medianNs", .integer(summary.median)),
            .init("p99Ns", .integer(summary.ninetyNinth)),
            .init("maximumNs", .integer(summary.maximum)),
            .init(
                "histogram",
                .array(
                    summary.classes.map {
                        .object([
                            .init("fromNs", .integer($0.from)),
                            .init("toNs", $0.to == .max ? .null : .integer($0.to)),
                            .init("count", .count($0.count)),
                        ])
                    }
                )
            ),
        ])
    }

    private static func time(_ time: Timestamp?) -> JSONValue { .optional(time?.rfc3339) }
}

extension LinkType {
    /// The name at tcpdump.org/linktypes.html without its prefix; an unknown one as a number.
    package var displayName: String {
        switch self {
        case .null: "NULL"
        case .ethernet: "ETHERNET"
        case .raw: "RAW"
        case .loop: "LOOP"
        case .linuxCooked: "LINUX_SLL"
        case .ipv4: "IPV4"
        case .ipv6: "IPV6"
        case .linuxCooked2: "LINUX_SLL2"
        default: String(rawValue)
        }
    }
}
