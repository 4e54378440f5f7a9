import Capture
import Evidence
import Foundation
import Model
import Pipeline
import Testing

/// Evidence stands on its own: who has only it comes to the same findings.
@Suite struct EvidenceTests {
    @Test("the redacted evidence of a capture gives its findings", arguments: CommittedCase.all)
    func sameFindings(_ sample: CommittedCase) throws {
        let (report, directory, references) = try sample.evidence(isRedacted: true)
        guard report.findings.contains(where: { $0.severity > .note }) else { return }
        let again = try OfflineRun.report(on: [directory.file(EvidencePackets.wholeName)], sample.request())
        #expect(Self.lines(again) == Self.lines(report))
        for (finding, reference) in zip(report.findings, references) where finding.severity > .note {
            let file = try #require(reference?.file)
            #expect(try SavefileReader(path: directory.file(file)).advance() != nil)
        }
    }

    @Test(
        "so does that of a capture that was not dissected whole",
        arguments: CommittedCase.all.filter { $0.isEveryNth(5) }
    )
    func sameFindingsOfLarge(_ sample: CommittedCase) throws {
        var request = try sample.request()
        request.largestWhole = 0
        request.sampleCount = 0
        request.locatesConnections = true
        let report = try OfflineRun.report(on: [sample.capture], request)
        guard report.findings.contains(where: { $0.severity > .note }) else { return }
        let (_, directory, _) = try sample.evidence(of: report, isRedacted: true)
        let again = try OfflineRun.report(on: [directory.file(EvidencePackets.wholeName)], sample.request())
        #expect(Self.lines(again) == Self.lines(report))
    }

    @Test(
        "Wireshark opens it, and the filters of the manifest find what they name",
        arguments: CommittedCase.all.filter { $0.isEveryNth(37) }
    )
    func filters(_ sample: CommittedCase) throws {
        let (report, directory, references) = try sample.evidence(isRedacted: true)
        for (finding, reference) in zip(report.findings, references) {
            guard let reference else { continue }
            let output = directory.file("tshark")
            let arguments = [
                "-r", directory.file(reference.file), "-Y", reference.displayFilter, "-T", "fields", "-e",
                "frame.comment",
            ]
            guard try directory.run("tshark", arguments, output: output) else { return }
            let text = try String(contentsOfFile: output, encoding: .utf8)
            #expect(text.hasPrefix("frame "))
            // The decisive packets of a connection are those of the report.
            let shown = Set(text.split(separator: "\n").compactMap { Int($0.dropFirst(6).prefix { $0.isNumber }) })
            for occurrence in finding.occurrences where occurrence.stream != nil {
                for frame in occurrence.frames where frame.direction != nil { #expect(shown.contains(frame.number)) }
            }
        }
    }

    /// What must not change. Counts do where there were more occurrences than a report lists.
    static func lines(_ report: Report) -> [String] {
        report.findings.filter { $0.severity > .note }.map { finding in
            let count = finding.occurrences.count > 20 ? "many" : "\(finding.count) of \(finding.attempts)"
            return "\(finding.cause.rawValue) \(finding.variant ?? "-") \(finding.upstream ?? "-") "
                + "\(finding.severity.rawValue) \(finding.confidence.rawValue) \(finding.blame.rawValue) \(count)"
        }.sorted()
    }
}

extension CommittedCase {
    /// The report, a directory with its evidence, and where each finding's is.
    func evidence(
        of known: Report? = nil,
        isRedacted: Bool
    ) throws -> (report: Report, directory: Scratch, references: [EvidenceReference?]) {
        var request = try request()
        request.locatesConnections = true
        let report = try known ?? OfflineRun.report(on: [capture], request)
        let scratch = try Scratch()
        var packets = try EvidencePackets.read([capture], filter: nil, spools: Spools(), for: report)
        if isRedacted { packets.redact() }
        var sink = try DirectorySink(path: scratch.path)
        let label = EvidenceLabel(sources: [name], isRedacted: isRedacted)
        return (report, scratch, try packets.write(label, to: &sink))
    }
}
