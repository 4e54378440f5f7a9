import Capture
import Model
import Reporting
import Testing

@testable import Evidence

/// A bundle in several archives.
@Suite struct BundleVolumesTests {
    private static let limit = 6_000

    /// Bytes that do not compress.
    private static func file(_ name: String, _ count: Int, seed: UInt64) -> ArchiveFile {
        var random = SplitMix(state: seed)
        return ArchiveFile(name: name, bytes: (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) })
    }

    private static let files = [
        file("report.txt", 1_500, seed: 1), file("report.json", 3_000, seed: 2),
        file("evidence/F1-a.pcapng", 4_800, seed: 3),
        file("evidence/F2-b.pcapng", 100, seed: 4), file("evidence/F3-c.pcapng", 2_000, seed: 5),
    ]

    private static func volumes(_ format: ArchiveFormat) -> BundleVolumes {
        BundleVolumes(format, limit: limit, seconds: 1_700_000_000) { files, number, names in
            var manifest = BundleManifest(command: ["gwsniff"], libraries: [], isRedacted: true, isAnonymized: false)
            manifest.volume = (number, names.enumerated().map { ("t.\($0.offset + 1)of\(names.count)", $0.element) })
            return [manifest.file(Report(), files)]
        }
    }

    @Test(
        "each is below the limit, all together have every file in order, and each names all",
        arguments: [true, false]
    )
    func split(isZip: Bool) throws {
        let format = isZip ? ArchiveFormat.zip : .tarGzip
        let archives = try Self.volumes(format).packed(Self.files)
        #expect(archives.count > 2)
        #expect(archives.allSatisfy { $0.count <= Self.limit })
        #expect(try Self.volumes(format).packed(Self.files) == archives)
        guard isZip else { return }
        var seen: [String] = []
        for archive in archives {
            let names = Self.names(inZip: archive)
            #expect(names.last == "manifest.json")
            seen += names.dropLast()
        }
        #expect(seen == Self.files.map(\.name))
    }

    @Test("a manifest says which volume it is of, and what is in the others")
    func manifest() throws {
        var manifest = BundleManifest(command: ["gwsniff"], libraries: [], isRedacted: true, isAnonymized: false)
        manifest.volume = (2, [("t.1of2.zip", ["report.txt"]), ("t.2of2.zip", ["evidence/F1-a.pcapng"])])
        let value = try #require(JSONValue.parsed(manifest.file(Report(), []).bytes))
        #expect(value["volume"] == .integer(2))
        #expect(value["volumes"]?.items?.compactMap { $0["name"]?.string } == ["t.1of2.zip", "t.2of2.zip"])
        manifest.volume = nil
        #expect(JSONValue.parsed(manifest.file(Report(), []).bytes)?["volume"] == nil)
    }

    @Test("what does not fit is told before, and refused")
    func tooLarge() throws {
        let large = Self.file("evidence/F9-z.pcapng", Self.limit, seed: 9)
        let volumes = Self.volumes(.zip)
        #expect(try !volumes.fits(large, among: [large.name]))
        #expect(try volumes.fits(Self.files[2], among: Self.files.map(\.name)))
        #expect(throws: CaptureError.self) { try volumes.packed([large]) }
    }

    @Test("the evidence of a volume is described by a manifest of its own")
    func catalogue() throws {
        var wire = Wire(seed: 1)
        wire.handshake()
        var sink = MemorySink(prefix: "evidence/")
        _ = try wire.evidence().after.write(EvidenceLabel(sources: ["a"], isRedacted: true), to: &sink)
        var catalogue = EvidenceCatalogue(prefix: "evidence/")
        let manifest = try #require(sink.files.last.flatMap { JSONValue.parsed($0.bytes) })
        catalogue.take(sink.files[0].name, from: manifest)
        let described = try #require(catalogue.manifest(of: sink.files))
        let value = try #require(JSONValue.parsed(described.bytes))
        #expect(described.name == "evidence/manifest.json")
        #expect(value["schema"]?.string == EvidencePackets.schema)
        #expect(value["files"]?.items?.compactMap { $0["name"]?.string } == ["F1-reset-before-response.pcapng"])
        #expect(catalogue.manifest(of: [ArchiveFile(name: "report.txt", bytes: [])]) == nil)
    }

    @Test("an option that is left out of the command goes with its value")
    func command() {
        let words = [
            "gwsniff", "bundle", "a.pcap", "-o", "x.zip", "--max-size", "1M", "--output=y.zip", "-o=z", "b?k=secret",
        ]
        #expect(
            EvidencePackets.redactedCommand(words, without: ["-o", "--output"])
                == ["gwsniff", "bundle", "a.pcap", "--max-size", "1M", "b?k=xxxxxx"]
        )
    }

    /// Names in the directory of a zip file (APPNOTE §4.3.12), which begins where the end record says (§4.3.16).
    private static func names(inZip archive: [UInt8]) -> [String] {
        func number(_ at: Int, _ count: Int) -> Int { (0..<count).reduce(0) { $0 | Int(archive[at + $1]) << (8 * $1) } }
        var position = number(archive.count - 6, 4)
        var names: [String] = []
        while number(position, 4) == 0x0201_4b50 {
            let length = number(position + 28, 2)
            names.append(String(decoding: archive[(position + 46)..<(position + 46 + length)], as: UTF8.self))
            position += 46 + length
        }
        return names
    }
}
