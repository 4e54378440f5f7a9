import Capture
import Testing

@testable import Evidence

@Suite struct ArchiveReaderTests {
    private let files = [
        ArchiveFile(name: "a.txt", bytes: Array("some text, some text, some text".utf8)),
        ArchiveFile(name: "evidence/b", bytes: []),
        ArchiveFile(name: "c", bytes: (0..<5_000).map { UInt8(truncatingIfNeeded: $0 &* $0) }),
    ]

    private func same(_ read: [ArchiveFile]?) -> Bool {
        read?.map(\.name) == files.map(\.name) && read?.map(\.bytes) == files.map(\.bytes)
    }

    @Test("what was packed comes back", arguments: [ArchiveFormat.zip, .tarGzip])
    func thereAndBack(_ format: ArchiveFormat) throws {
        #expect(same(ArchiveReader.files(of: try format.packed(files, seconds: 1_700_000_000))))
    }

    @Test("an archive that was cut anywhere is none", arguments: [ArchiveFormat.zip, .tarGzip])
    func cut(_ format: ArchiveFormat) throws {
        let archive = try format.packed(files, seconds: 0)
        for count in 0..<archive.count { #expect(ArchiveReader.files(of: Array(archive[..<count])) == nil) }
    }

    @Test(
        "no byte that is another one is taken for what was packed, or ends the process",
        arguments: [ArchiveFormat.zip, .tarGzip]
    )
    func damaged(_ format: ArchiveFormat) throws {
        let archive = try format.packed(files, seconds: 0)
        for position in archive.indices {
            for bit: UInt8 in [0x01, 0x80] {
                var damaged = archive
                damaged[position] ^= bit
                // Times, attributes and versions may be others; contents may not.
                guard let read = ArchiveReader.files(of: damaged) else { continue }
                let known = Set(files.map(\.bytes))
                #expect(read.allSatisfy { known.contains($0.bytes) || format == .tarGzip }, "byte \(position)")
            }
        }
    }

    @Test("few bytes that promise many are refused, not believed")
    func bomb() throws {
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        let packed = try #require(Deflate.compressed(zeros, .gzip, level: 9))
        #expect(Deflate.expanded(packed[...], .gzip, limit: 1 << 20) == zeros)
        #expect(Deflate.expanded(packed[...], .gzip, limit: (1 << 20) - 1) == nil)
        #expect(ArchiveReader.files(of: packed) != nil, "an empty tar")
    }
}
