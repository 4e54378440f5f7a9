import Capture
import Foundation
import Model
import TestSupport
import Testing

@testable import Evidence

/// What a run leaves in a directory, and what of it the next one removes.
@Suite struct DirectoryTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: "gwsniff-\(UUID().uuidString)").path

    private func evidence(exchanges: Int) -> EvidencePackets {
        var wire = Wire(seed: UInt64(exchanges))
        wire.handshake()
        for _ in 0..<exchanges {
            wire.segment(.fromClient, at: 0, Array("GET / HTTP/1.1\r\n\r\n".utf8))
        }
        return wire.evidence().after
    }

    private func write(_ evidence: EvidencePackets) throws {
        var sink = try DirectorySink(path: path)
        _ = try evidence.write(EvidenceLabel(sources: ["a"], isRedacted: true), to: &sink)
    }

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }

    @Test("a second run leaves only its own files")
    func reused() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write(evidence(exchanges: 1))
        #expect(try names() == ["F1-reset-before-response.pcapng", "all.pcapng", "manifest.json"])
        var other = evidence(exchanges: 2)
        other.plan.findings[0].id = "F9"
        try write(other)
        #expect(try names() == ["F9-reset-before-response.pcapng", "all.pcapng", "manifest.json"])
    }

    @Test("what is not of an earlier run, or was changed, is refused in one line, and nothing is touched")
    func foreign() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write(evidence(exchanges: 1))
        let notes = URL(fileURLWithPath: path + "/notes.txt")
        try Data("mine".utf8).write(to: notes)
        let before = try names()
        let refusal = #expect(throws: CaptureError.self) { try write(evidence(exchanges: 2)) }
        #expect(refusal?.message.contains("holds notes.txt, which is not of an earlier run") == true)
        #expect(try names() == before)

        try FileManager.default.removeItem(at: notes)
        try Data("changed".utf8).write(to: URL(fileURLWithPath: path + "/all.pcapng"))
        let other = #expect(throws: CaptureError.self) { try write(evidence(exchanges: 2)) }
        #expect(other?.message.contains("holds all.pcapng, which was changed") == true)
        #expect(other?.message.contains("\n") == false)
    }

    @Test("a manifest that names what is elsewhere removes nothing there")
    func hostile() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let outside = path + "-outside"
        defer { try? FileManager.default.removeItem(atPath: outside) }
        try Data("precious".utf8).write(to: URL(fileURLWithPath: outside))
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: path + "/all.pcapng", withDestinationPath: outside)
        let digest = SHA256.hexadecimal(of: Array("precious".utf8))
        let name = "../" + (outside.split(separator: "/").last ?? "")
        let files = ["all.pcapng", name].map { #"{"name": "\#($0)", "sha256": "\#(digest)"}"# }.joined(separator: ", ")
        let manifest = #"{"schema": "gwsniff.evidence/1", "files": [\#(files)]}"#
        try Data(manifest.utf8).write(to: URL(fileURLWithPath: path + "/manifest.json"))
        #expect(throws: CaptureError.self) { try write(evidence(exchanges: 1)) }
        try FileManager.default.removeItem(atPath: path + "/all.pcapng")
        try write(evidence(exchanges: 1))
        #expect(FileManager.default.fileExists(atPath: outside))
    }
}

@Suite struct DisplayFilterTests {
    @Test(
        "every number is named, runs as ranges",
        arguments: [
            ([5], "tcp.stream eq 5"), ([7, 1, 2, 3, 3], "tcp.stream in {1..3, 7}"), ([1, 2], "tcp.stream in {1, 2}"),
            ([0, 2, 4], "tcp.stream in {0, 2, 4}"), (Array(0..<1_000), "tcp.stream in {0..999}"),
        ]
    )
    func ranges(numbers: [Int], expected: String) {
        #expect(DisplayFilter("tcp.stream", numbers).text == expected)
        #expect(DisplayFilter("tcp.stream", numbers).leftOut == 0)
    }

    @Test("what does not fit is counted")
    func cut() {
        let filter = DisplayFilter("tcp.stream", Array(stride(from: 0, to: 2_010, by: 2)))
        #expect(filter.leftOut == 5)
        #expect(filter.text.hasSuffix(", 1998}"))
    }

    @Test("the filter of a finding names every connection of it")
    func many() throws {
        var wire = Wire(seed: 1)
        let count = 30
        for index in 0..<count {
            let tcp = PacketBuilder.tcp([], sourcePort: 41_000 + UInt16(index), destinationPort: 80, flags: [.syn])
            wire.append(PacketBuilder.ethernet(PacketBuilder.ipv4(tcp)))
        }
        var report = wire.report()
        let occurrence = report.findings[0].occurrences[0]
        report.findings[0].occurrences = []
        for stream in 0..<count {
            var other = occurrence
            other.stream = stream
            report.findings[0].occurrences.append(other)
            report.connections[stream] = ConnectionSpan(
                stream: stream,
                client: Endpoint(address: PacketBuilder.client, port: 41_000 + UInt16(stream)),
                server: Wire.server,
                first: stream + 1,
                last: stream + 1
            )
        }
        var collector = EvidenceCollector(report, EvidenceLimits())
        for packet in wire.packets { collector.process(packet.record, packet.bytes.span.bytes) }
        let evidence = collector.finish()
        #expect(evidence.packets.count == count)
        var sink = MemorySink(prefix: "")
        let references = try evidence.write(EvidenceLabel(sources: ["a"], isRedacted: true), to: &sink)
        #expect(references.first??.displayFilter == "tcp.stream in {0..29}")
    }
}
