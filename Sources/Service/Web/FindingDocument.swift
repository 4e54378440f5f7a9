import Diagnosis
package import Model
package import Reporting

/// One finding with all that the page shows of it, as JSON: `gwsniff.finding/1`.
package enum FindingDocument {
    package static let schema = "gwsniff.finding/1"

    /// - Parameter latest: the newest occurrences, the newest last; the finding's own are the first of the run.
    package static func value(_ finding: Finding, latest: [Occurrence], evidence: EvidenceState?) -> JSONValue {
        let identity = FindingIdentity(finding)
        var finding = finding
        let times = latest.isEmpty ? [finding.last] : latest.map(\.time)
        let files = evidence?.files(of: identity, times: times) ?? []
        if !latest.isEmpty { finding.occurrences = latest.reversed() }
        return .object([
            .init("schema", .string(schema)),
            .init("key", .string(identity.key)),
            .init("standing", .string(Phrases.standing(finding))),
            .init("extent", .string(Phrases.extent(finding))),
            .init("general", .optional(Phrases.general(finding))),
            .init("whatHappened", .optional(CauseGuides.guide(for: finding.cause)?.whatHappened)),
            .init("finding", JSONReport.finding(finding)),
            .init("ladders", .array(finding.occurrences.map(ladder))),
            .init("evidence", .array(files.prefix(50).map(LiveDocument.file))),
        ])
    }

    /// The occurrence of the same place in `finding.occurrences`.
    private static func ladder(_ occurrence: Occurrence) -> JSONValue {
        let ladder = Ladder(occurrence)
        return .object([
            .init("hasClient", .bool(ladder.hasClient)),
            .init("request", .optional(occurrence.request.map(Phrases.request))),
            .init("outcome", .optional(occurrence.client.map(Phrases.outcome))),
            .init("connection", .string(Phrases.connection(occurrence))),
            .init(
                "rows",
                .array(
                    ladder.rows.map { row in
                        .object([
                            .init("frame", .string(row.frame)), .init("offsetMs", .string(row.offset)),
                            .init("span", .string(row.span.rawValue)), .init("isReset", .bool(row.isReset)),
                            .init("role", .string(row.role)),
                        ])
                    }
                )
            ),
        ])
    }
}
