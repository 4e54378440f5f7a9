import Capture
import Testing

@testable import Evidence

@Suite struct ArchiveTests {
    private let files = [
        ArchiveFile(name: "a.txt", bytes: Array("some text, some text, some text".utf8)),
        ArchiveFile(name: "evidence/b", bytes: []),
    ]

    @Test("a tar header says name, size, time and its own sum")
    func tar() {
        let archive = Tar.packed(files, seconds: 1_700_000_000)
        #expect(archive.count == 512 * 5)
        #expect(archive[..<5].elementsEqual("a.txt".utf8))
        #expect(archive[124..<135].elementsEqual("00000000037".utf8))
        #expect(archive[136..<147].elementsEqual("14524770400".utf8))
        #expect(archive[257..<263].elementsEqual("ustar\u{0}".utf8))
        var header = Array(archive[..<512])
        let sum = Int(String(decoding: header[148..<154], as: UTF8.self), radix: 8)
        for index in 148..<156 { header[index] = 0x20 }
        #expect(sum == header.reduce(0) { $0 + Int($1) })
        #expect(archive[512..<543].elementsEqual(files[0].bytes))
    }

    @Test("a zip file has the date of the capture, check values and a directory at its end")
    func zip() throws {
        let archive = try #require(Zip.packed(files, seconds: 1_763_832_602))
        // 2025-11-22 17:30:02.
        #expect(Zip.stamp(1_763_832_602).date == 45 << 9 | 11 << 5 | 22)
        #expect(Zip.stamp(1_763_832_602).time == 17 << 11 | 30 << 5 | 1)
        #expect(Zip.stamp(0).date == 1 << 5 | 1)
        #expect(Deflate.check(Array("123456789".utf8)) == 0xcbf4_3926)
        #expect(archive.starts(with: [0x50, 0x4b, 3, 4]))
        let end = archive.suffix(22)
        #expect(end.starts(with: [0x50, 0x4b, 5, 6]))
        #expect(end[end.startIndex + 10] == 2)
    }
}
