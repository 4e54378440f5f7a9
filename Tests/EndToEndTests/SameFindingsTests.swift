import Capture
import Diagnosis
import Foundation
import Model
import Pipeline
import Testing

/// What must not change a verdict: names, compression, and how a capture is cut into files.
@Suite struct SameFindingsTests {
    @Test(
        "no verdict comes from names: other hosts, paths, ports and addresses give the same findings",
        arguments: CommittedCase.all
    )
    func renamed(_ sample: CommittedCase) throws {
        let scratch = try Scratch()
        let reader = try SavefileReader(path: sample.capture)
        var image = PcapngImage(application: "gwsniff tests", comment: nil)
        let renaming = Renaming()
        while let record = try reader.advance() {
            let bytes = reader.withPacket { span in
                (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
            }
            image.append(record, renaming.packet(bytes, linkType: record.linkType.rawValue).span.bytes)
        }
        let copy = try scratch.write(image, to: "renamed.pcapng")

        // The given roles are names too.
        var request = try sample.request()
        request.diagnosis.gateways = request.diagnosis.gateways.map(renamed)
        request.diagnosis.upstreams = request.diagnosis.upstreams.map(renamed)
        let before = try sample.report()
        let after = try OfflineRun.report(on: [copy], request)
        #expect(digest(after) { $0 } == digest(before, Renaming.endpoint))
    }

    @Test("gzip, zstd and lz4 give the same findings as the plain file", arguments: ["gzip", "zstd", "lz4"])
    func compressed(_ program: String) throws {
        let sample = try #require(CommittedCase.all.first { !$0.expected.findings.isEmpty })
        let scratch = try Scratch()
        let copy = scratch.file("capture")
        let ran = try scratch.run(program, ["-c", sample.capture], output: copy)
        try #require(ran, "\(program) is not installed")
        #expect(try digest(OfflineRun.report(on: [copy], sample.request())) { $0 } == digest(sample.report()) { $0 })
    }

    @Test("a capture cut into two files reads as one")
    func split() throws {
        let sample = try #require(CommittedCase.all.first { !$0.expected.findings.isEmpty })
        let scratch = try Scratch()
        let reader = try SavefileReader(path: sample.capture)
        var parts = [PcapngImage](repeating: PcapngImage(application: "gwsniff tests", comment: nil), count: 2)
        while let record = try reader.advance() {
            reader.withPacket { bytes in parts[record.number > 12 ? 0 : 1].append(record, bytes) }
        }
        for (part, name) in zip(parts, ["b", "a"]) { try scratch.write(part, to: name) }
        let report = try OfflineRun.report(on: [scratch.path], sample.request())
        #expect(report.sources.count == 2)
        #expect(digest(report) { $0 } == digest(try sample.report()) { $0 })
    }

    @Test("a file cut in the middle of a record is analysed up to the cut, with a warning that says where")
    func cut() throws {
        let sample = try #require(CommittedCase.all.first)
        let scratch = try Scratch()
        let data = try #require(FileManager.default.contents(atPath: sample.capture))
        #expect(FileManager.default.createFile(atPath: scratch.file("cut"), contents: data.dropLast(7)))
        nonisolated(unsafe) var warnings: [String] = []
        let report = try OfflineRun.report(
            on: [scratch.file("cut")],
            AnalysisRequest(),
            control: RunControl(warn: { warnings.append($0) })
        )
        #expect(report.packets > 0)
        #expect(report.sources.first?.truncated != nil)
        #expect(warnings.count == 1)
    }

    /// What a finding says, names put through `rename`, in an order that no name decides.
    private func digest(_ report: Report, _ rename: (String) -> String) -> [String] {
        let findings = report.findings.filter { $0.severity > .note }.map { finding in
            "\(finding.cause) \(finding.variant ?? "-") \(finding.upstream.map(rename) ?? "-") \(finding.count) "
                + "\(finding.attempts) \(finding.severity) \(finding.blame) \(finding.confidence) "
                + "\(finding.occurrences.map { $0.frames.map(\.number) })"
        }
        let errors = report.clientErrors.map { "\($0.status ?? 0) \($0.stream) \($0.frame ?? 0)" }
        return findings.sorted() + errors.sorted() + ["\(report.totalRequests) \(report.failedRequests)"]
    }

    private func renamed(_ prefix: AddressPrefix) -> AddressPrefix {
        AddressPrefix(Renaming.endpoint(prefix.address.description)).map {
            AddressPrefix(address: $0.address, length: prefix.length, port: prefix.port.map(Renaming.port))
        } ?? prefix
    }
}
