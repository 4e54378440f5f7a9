import Capture
import Diagnosis
import Model
import Reporting
import Testing

@testable import Evidence

/// What of a request target is a secret is in no report, whatever its format and whether redacted or not, and in nothing that evidence
/// says of itself.
@Suite struct ReportedSecretsTests {
    private static let targets = [
        "/cart;jsessionid=Jq8wsezzion/b;Zb4bare?token=Tk9xqueryval",
        "http://Quentin:Wq7zuserinfo@shop.example/reset/kX9vQ2mT7bR4wZ1cY8nL",
        "/d/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.Sg6signature",
    ]
    private static let secrets = [
        "Jq8wsezzion", "Zb4bare", "Tk9xqueryval", "Quentin", "Wq7zuserinfo", "kX9vQ2mT7bR4wZ1cY8nL",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "eyJhbGciOiJIUzI1NiJ9", "Sg6signature",
    ]

    private static func report() -> (report: Report, wire: Wire) {
        var wire = Wire(seed: 1)
        wire.handshake()
        wire.segment(.fromClient, at: 0, Array("GET / HTTP/1.1\r\n\r\n".utf8))
        var report = wire.report()
        let occurrence = report.findings[0].occurrences[0]
        report.findings[0].occurrences = targets.map { target in
            var other = occurrence
            other.request = RequestSummary(method: "GET", host: "shop.example", target: target, id: nil)
            other.explanation = "GET \(target) was not answered"
            other.frames = [
                EvidenceFrame(
                    FrameReference(number: 3, time: wire.packets[2].record.timestamp),
                    role: "GET \(target), the request"
                )
            ]
            return other
        }
        report.findings[0].pattern = "all for GET \(targets[0])"
        report.findings[0].missing = ["the answer to \(targets[1])"]
        report.findings[0].ruledOut = [RuledOut(.clientAbort, "\(targets[2]) was waited for")]
        report.findings[0].count = targets.count
        report.totalRequests = targets.count
        report.failedRequests = targets.count
        return (report, wire)
    }

    @Test("in every format", arguments: ReportFormat.allCases)
    func formats(format: ReportFormat) {
        let text = format.render(Self.report().report, text: TextOptions(width: 2_000, verbose: true))
        for secret in Self.secrets where text.contains(secret) { Issue.record("\(secret)") }
        #expect(text.contains("jsessionid"))
    }

    @Test("in comments and manifest")
    func evidence() throws {
        let (report, wire) = Self.report()
        var collector = EvidenceCollector(report, EvidenceLimits())
        for packet in wire.packets { collector.process(packet.record, packet.bytes.span.bytes) }
        var evidence = collector.finish()
        evidence.redact()
        var sink = MemorySink(prefix: "")
        _ = try evidence.write(EvidenceLabel(sources: ["a"], isRedacted: true), to: &sink)
        for file in sink.files {
            let text = String(decoding: file.bytes, as: UTF8.self)
            for secret in Self.secrets where text.contains(secret) { Issue.record("\(file.name): \(secret)") }
            #expect(text.contains("jsessionid=***"))
        }
    }
}
