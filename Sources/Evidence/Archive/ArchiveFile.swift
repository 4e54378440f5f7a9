package import Capture

/// A file of a bundle.
package struct ArchiveFile: Sendable {
    /// With "/" between directories.
    package var name: String
    package var bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}

/// How files are packed into one. The same files give the same bytes: their order is kept, and the only time is given.
package enum ArchiveFormat: Sendable {
    case tarGzip, zip

    /// zlib's usual one.
    fileprivate static let level: Int32 = 6

    /// What an archive takes besides its files, in bytes at most.
    static let endCost = 128

    /// What a file takes in an archive, in bytes: of a zip file exactly, of a tar file as if it were compressed alone.
    package func cost(of file: ArchiveFile) throws(CaptureError) -> Int {
        let size =
            switch self {
            case .zip: Deflate.compressed(file.bytes, .none, level: Self.level).map { $0.count + Zip.entryCost(file) }
            case .tarGzip: Deflate.compressed(Tar.entry(file, seconds: 0), .gzip, level: Self.level)?.count
            }
        guard let size else { throw Self.noMemory }
        return size
    }

    private static let noMemory = CaptureError(.writeFailed, "the bundle cannot be compressed: no memory")

    /// - Parameter seconds: since 1970, of every file.
    package func packed(_ files: [ArchiveFile], seconds: Int64) throws(CaptureError) -> [UInt8] {
        let bytes =
            switch self {
            case .tarGzip: Deflate.compressed(Tar.packed(files, seconds: seconds), .gzip, level: Self.level)
            case .zip: Zip.packed(files, seconds: seconds)
            }
        guard let bytes else { throw Self.noMemory }
        return bytes
    }
}

/// The ustar format (POSIX.1-2017, pax).
enum Tar {
    private static let blockSize = 512

    static func packed(_ files: [ArchiveFile], seconds: Int64) -> [UInt8] {
        var archive: [UInt8] = []
        archive.reserveCapacity(files.reduce(2 * blockSize) { $0 + $1.bytes.count + 2 * blockSize })
        for file in files { archive += entry(file, seconds: seconds) }
        return archive + [UInt8](repeating: 0, count: 2 * blockSize)
    }

    /// Header, content, and zeros up to the end of a block.
    static func entry(_ file: ArchiveFile, seconds: Int64) -> [UInt8] {
        header(file, seconds: seconds) + file.bytes
            + [UInt8](repeating: 0, count: (blockSize - file.bytes.count % blockSize) % blockSize)
    }

    private static func header(_ file: ArchiveFile, seconds: Int64) -> [UInt8] {
        var header = [UInt8](repeating: 0, count: blockSize)
        func put(_ text: some Sequence<UInt8>, at offset: Int, _ limit: Int) {
            for (index, byte) in text.prefix(limit).enumerated() { header[offset + index] = byte }
        }
        func octal(_ value: Int64, at offset: Int, digits: Int) {
            let text = String(max(0, value), radix: 8)
            put((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8, at: offset, digits)
        }
        put(file.name.utf8, at: 0, 100)
        octal(0o644, at: 100, digits: 7)
        octal(0, at: 108, digits: 7)
        octal(0, at: 116, digits: 7)
        octal(Int64(file.bytes.count), at: 124, digits: 11)
        octal(min(seconds, 0o77_777_777_777), at: 136, digits: 11)
        header[156] = UInt8(ascii: "0")
        put("ustar\u{0}00".utf8, at: 257, 8)
        // The sum is taken with blanks in its own place.
        put([UInt8](repeating: 0x20, count: 8), at: 148, 8)
        octal(header.reduce(0) { $0 + Int64($1) }, at: 148, digits: 6)
        header[154] = 0
        return header
    }
}

/// Zip (PKWARE APPNOTE 6.3.10 §4), sizes below 4 GiB.
enum Zip {
    private struct Entry {
        var name: [UInt8]
        var check: UInt32
        var packed: Int
        var size: Int
        var offset: Int
    }

    /// Local header and entry of the directory (§4.3.7, §4.3.12), which both have the name.
    static func entryCost(_ file: ArchiveFile) -> Int { 30 + 46 + 2 * file.name.utf8.count }

    static func packed(_ files: [ArchiveFile], seconds: Int64) -> [UInt8]? {
        var archive: [UInt8] = []
        var entries: [Entry] = []
        let (date, time) = stamp(seconds)
        for file in files {
            guard let bytes = Deflate.compressed(file.bytes, .none, level: ArchiveFormat.level) else { return nil }
            let entry = Entry(
                name: Array(file.name.utf8),
                check: Deflate.check(file.bytes),
                packed: bytes.count,
                size: file.bytes.count,
                offset: archive.count
            )
            archive.append(little: 0x0403_4b50 as UInt32)
            archive.append(little: 20 as UInt16)
            appendCommon(entry, date, time, to: &archive)
            archive += entry.name + bytes
            entries.append(entry)
        }
        let start = archive.count
        for entry in entries {
            archive.append(little: 0x0201_4b50 as UInt32)
            // Made on Unix; deflate needs version 2.0.
            archive.append(little: 3 << 8 | 20 as UInt16)
            archive.append(little: 20 as UInt16)
            appendCommon(entry, date, time, to: &archive)
            archive.append(little: 0 as UInt16)
            archive.append(little: 0 as UInt16)
            archive.append(little: 0 as UInt16)
            archive.append(little: 0o100_644 << 16 as UInt32)
            archive.append(little: UInt32(clamping: entry.offset))
            archive += entry.name
        }
        let size = archive.count - start
        archive.append(little: 0x0605_4b50 as UInt32)
        archive.append(little: 0 as UInt32)
        archive.append(little: UInt16(clamping: entries.count))
        archive.append(little: UInt16(clamping: entries.count))
        archive.append(little: UInt32(clamping: size))
        archive.append(little: UInt32(clamping: start))
        archive.append(little: 0 as UInt16)
        return archive
    }

    /// Flags to extra length, alike in both headers. Names are UTF-8 (§4.4.4, bit 11).
    private static func appendCommon(_ entry: Entry, _ date: UInt16, _ time: UInt16, to archive: inout [UInt8]) {
        archive.append(little: 1 << 11 as UInt16)
        archive.append(little: 8 as UInt16)
        archive.append(little: time)
        archive.append(little: date)
        archive.append(little: entry.check)
        archive.append(little: UInt32(clamping: entry.packed))
        archive.append(little: UInt32(clamping: entry.size))
        archive.append(little: UInt16(clamping: entry.name.count))
        archive.append(little: 0 as UInt16)
    }

    /// Date and time as MS-DOS has them, UTC, 1980 to 2107.
    static func stamp(_ seconds: Int64) -> (date: UInt16, time: UInt16) {
        let seconds = min(max(seconds, 315_532_800), 4_354_819_198)
        let day = seconds / 86_400
        let rest = Int(seconds % 86_400)
        // Days to civil: Howard Hinnant, chrono-compatible low-level date algorithms.
        let z = day + 719_468
        let era = z / 146_097
        let dayOfEra = z - era * 146_097
        let year = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * shifted + 2) / 5 + 1
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let civil = year + era * 400 + (month <= 2 ? 1 : 0)
        let date = Int(civil - 1980) << 9 | Int(month) << 5 | Int(dayOfMonth)
        let time = (rest / 3_600) << 11 | (rest % 3_600 / 60) << 5 | rest % 60 / 2
        return (UInt16(truncatingIfNeeded: date), UInt16(truncatingIfNeeded: time))
    }
}

extension [UInt8] {
    fileprivate mutating func append(little value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
