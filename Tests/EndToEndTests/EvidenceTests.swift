import Capture
import Diagnosis
import Evidence
import Model
import Pipeline
import Testing

/// Evidence stands on its own: who has only it comes to the same findings.
@Suite struct EvidenceTests {
    @Test("the evidence of a capture gives its findings", arguments: CommittedCase.all)
    func sameFindings(_ sample: CommittedCase) throws {
        let (report, directory, _) = try sample.evidence()
        guard report.findings.contains(where: { $0.severity > .note }) else { return }
        let again = try OfflineRun.report(
            on: [directory.file(EvidencePackets.wholeName)],
            sample.request(withRolesOf: report)
        )
        #expect(Self.lines(again) == Self.lines(report))
    }

    /// What must not change. Counts do where there were more occurrences than a report lists.
    static func lines(_ report: Report) -> [String] {
        report.findings.filter { $0.severity > .note }.map { finding in
            let count = finding.occurrences.count > 20 ? "many" : "\(finding.count) of \(finding.attempts)"
            return "\(finding.cause.rawValue) \(finding.variant ?? "-") \(finding.upstream ?? "-") "
                + "\(finding.severity.rawValue) \(finding.confidence.rawValue) \(count)"
        }.sorted()
    }
}

extension CommittedCase {
    /// The report, a directory with its evidence, and where each finding's is.
    func evidence() throws -> (report: Report, directory: Scratch, references: [EvidenceReference?]) {
        let report = try report()
        let scratch = try Scratch()
        let packets = try EvidencePackets.read([capture], filter: nil, spools: Spools(), for: report)
        var sink = try DirectorySink(path: scratch.path)
        let label = EvidenceLabel(sources: [name], isRedacted: false)
        return (report, scratch, try packets.write(label, to: &sink))
    }

    /// Evidence has not all by which the gateway was recognised as one; its report says who it is.
    func request(withRolesOf report: Report) throws -> AnalysisRequest {
        var request = try request()
        if request.diagnosis.gateways.isEmpty {
            request.diagnosis.gateways = report.roles.gateways.map { AddressPrefix(address: $0) }
        }
        return request
    }
}
