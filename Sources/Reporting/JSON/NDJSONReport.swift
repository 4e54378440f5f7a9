package import Model

/// `--format ndjson`: one JSON object a line, `type` first.
///
/// - `{"type":"occurrence","finding":"F1","cause":...,"severity":...,"upstream":...,"occurrence":{...}}` live, as decided
/// - `{"type":"finding","finding":{...}}` one a finding, when the run ends
/// - `{"type":"report","schema":"gwsniff.report/1",...}` the last line: the whole report as `--format json` gives it
///
/// Behind these members come those of the Elastic Common Schema: `CommonSchema`.
package enum NDJSONReport {
    /// Without line end.
    package static func occurrence(_ occurrence: Occurrence, of finding: Finding) -> String {
        let own: [JSONValue.Member] = [
            .init("type", .string("occurrence")),
            .init("finding", .string(finding.id)),
            .init("cause", .string(finding.cause.rawValue)),
            .init("severity", .string(finding.severity.rawValue)),
            .init("upstream", .optional(finding.upstream)),
            .init("occurrence", JSONReport.occurrence(occurrence)),
        ]
        return JSONValue.object(own + CommonSchema.members(of: occurrence, finding)).compact
    }

    /// Without line end.
    package static func finding(_ finding: Finding) -> String {
        let own: [JSONValue.Member] = [
            .init("type", .string("finding")), .init("finding", JSONReport.finding(finding)),
        ]
        return JSONValue.object(own + CommonSchema.members(of: finding)).compact
    }

    /// The last line, without line end.
    package static func summary(_ report: Report) -> String {
        let own = [.init("type", .string("report"))] + JSONReport.members(report)
        return JSONValue.object(own + CommonSchema.members(of: report)).compact
    }

    /// What a finished run prints: its findings, the worst first, and the summary.
    package static func render(_ report: Report) -> String {
        (report.findings.map(finding) + [summary(report)]).map { $0 + "\n" }.joined()
    }
}
