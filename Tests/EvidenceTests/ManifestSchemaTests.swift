import Capture
import Foundation
import Model
import Reporting
import TestSupport
import Testing

@testable import Evidence

/// What the manifests say is what their published schemas promise.
@Suite struct ManifestSchemaTests {
    private static func schema(_ name: String) throws -> JSONSchema {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "docs/schema/\(name)-1.schema.json")
        return JSONSchema(try JSONTree(parsing: String(contentsOf: file, encoding: .utf8)))
    }

    private static func files(withTLS isAsked: Bool) throws -> [ArchiveFile] {
        var wire = Wire(seed: 1)
        wire.handshake()
        wire.segment(.fromClient, at: 0, Array("GET / HTTP/1.1\r\n\r\n".utf8))
        var report = wire.report()
        let frame = FrameReference(number: 3, time: wire.packets[2].record.timestamp)
        report.findings[0].occurrences[0].frames = [EvidenceFrame(frame, role: "the request")]
        var collector = EvidenceCollector(report, EvidenceLimits())
        for packet in wire.packets { collector.process(packet.record, packet.bytes.span.bytes) }
        var evidence = collector.finish()
        if isAsked { evidence.tls = TLSSessions(of: evidence) { .init(for: $0) } }
        var sink = MemorySink(prefix: "")
        _ = try evidence.write(EvidenceLabel(sources: ["a"], isRedacted: false), to: &sink)
        return sink.files
    }

    private static func text(_ file: ArchiveFile?) throws -> String {
        String(decoding: try #require(file).bytes, as: UTF8.self)
    }

    @Test("of the evidence", arguments: [false, true])
    func evidence(isAsked: Bool) throws {
        let schema = try Self.schema("gwsniff.evidence")
        let text = try Self.text(Self.files(withTLS: isAsked).last)
        #expect(text.contains("tlsSessionsWithSecrets") == isAsked && text.contains("the request"))
        #expect(schema.violations(in: try JSONTree(parsing: text)) == [])
        for (old, new) in [
            ("\"redacted\"", "\"surprise\""), ("\"packets\": 3", "\"packets\": -3"), ("evidence/1", "evidence/2"),
        ] {
            let spoiled = text.replacingOccurrences(of: old, with: new)
            #expect(schema.violations(in: try JSONTree(parsing: spoiled)) != [], "\(new) passed")
        }
    }

    @Test("of a bundle, and of a volume")
    func bundle() throws {
        let schema = try Self.schema("gwsniff.bundle")
        var manifest = BundleManifest(command: ["gwsniff"], libraries: ["l 1"], isRedacted: true, isAnonymized: false)
        var report = Report()
        report.sources = [SourceSummary(name: "a", format: "pcap", linkTypes: [], packets: 1, bytes: 2)]
        let files = [ArchiveFile(name: "report.txt", bytes: [1])]
        for isVolume in [false, true] {
            if isVolume { manifest.volume = (1, [("a.1of1.zip", ["report.txt"])]) }
            let text = try Self.text(manifest.file(report, files))
            #expect(schema.violations(in: try JSONTree(parsing: text)) == [])
            let spoiled = text.replacingOccurrences(of: "\"bytes\": 1", with: "\"bytes\": \"1\"")
            #expect(schema.violations(in: try JSONTree(parsing: spoiled)) != [])
        }
    }
}
