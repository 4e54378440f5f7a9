import Capture

/// Archives read back, such as those that `ArchiveFormat` writes. An archive may have come by mail: nothing in it is trusted, nothing is
/// written to a disk by the names in it, and its size is bounded.
package enum ArchiveReader {
    /// Bytes of all files together. Evidence has 64 MiB at most, twice with `all.pcapng`.
    private static let sizeLimit = 512 << 20
    private static let countLimit = 4_096

    /// - Returns: nil where the bytes are neither a zip nor a tar.gz that is whole.
    package static func files(of bytes: [UInt8]) -> [ArchiveFile]? {
        if bytes.starts(with: [0x50, 0x4b]) { return zip(bytes) }
        guard bytes.starts(with: [0x1f, 0x8b]), let tar = Deflate.expanded(bytes[...], .gzip, limit: sizeLimit) else {
            return nil
        }
        return files(ofTar: tar)
    }

    /// Ustar blocks (POSIX.1-2017, pax): regular files only, what else there is is passed over.
    private static func files(ofTar tar: [UInt8]) -> [ArchiveFile]? {
        var files: [ArchiveFile] = []
        var position = 0
        while position + 512 <= tar.count {
            let header = tar[position..<position + 512]
            if header.allSatisfy({ $0 == 0 }) { return files }
            guard header[(position + 257)...].starts(with: "ustar".utf8),
                let size = octal(header[(position + 124)..<(position + 136)]), size <= tar.count - position - 512,
                files.count < countLimit
            else { return nil }
            let start = position + 512
            let kind = header[position + 156]
            if kind == UInt8(ascii: "0") || kind == 0 {
                let prefix = text(header[(position + 345)..<(position + 500)])
                let name = text(header[position..<(position + 100)])
                let whole = prefix.isEmpty ? name : prefix + "/" + name
                files.append(ArchiveFile(name: whole, bytes: Array(tar[start..<start + size])))
            }
            position = start + (size + 511) / 512 * 512
        }
        // Without the two empty blocks at its end it was cut.
        return nil
    }

    private static func octal(_ field: ArraySlice<UInt8>) -> Int? {
        Int(text(field).filter { $0 != " " }, radix: 8).flatMap { $0 >= 0 ? $0 : nil }
    }

    private static func text(_ field: ArraySlice<UInt8>) -> String {
        String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// By its central directory (APPNOTE 6.3.10 §4.3.12); stored and deflated entries, neither encrypted nor zip64.
    private static func zip(_ bytes: [UInt8]) -> [ArchiveFile]? {
        // The end record is 22 bytes and a comment of at most 65,535.
        let earliest = max(0, bytes.count - 22 - 65_535)
        guard bytes.count >= 22,
            let end = (earliest...(bytes.count - 22)).last(where: { little32(bytes, $0) == 0x0605_4b50 }),
            let count = little16(bytes, end + 10), count <= countLimit, var position = little32(bytes, end + 16)
        else { return nil }
        var files: [ArchiveFile] = []
        var total = 0
        for _ in 0..<count {
            guard little32(bytes, position) == 0x0201_4b50, let flags = little16(bytes, position + 8), flags & 1 == 0,
                let method = little16(bytes, position + 10), let check = little32(bytes, position + 16),
                let packed = little32(bytes, position + 20), let size = little32(bytes, position + 24),
                let nameLength = little16(bytes, position + 28), let extra = little16(bytes, position + 30),
                let comment = little16(bytes, position + 32), let offset = little32(bytes, position + 42),
                position + 46 + nameLength <= bytes.count,
                little32(bytes, offset) == 0x0403_4b50, let localName = little16(bytes, offset + 26),
                let localExtra = little16(bytes, offset + 28)
            else { return nil }
            let name = String(decoding: bytes[(position + 46)..<(position + 46 + nameLength)], as: UTF8.self)
            let start = offset + 30 + localName + localExtra
            total += size
            guard start + packed <= bytes.count, total <= sizeLimit,
                let content = content(bytes[start..<start + packed], method, size),
                Int(Deflate.check(content)) == check
            else { return nil }
            if !name.hasSuffix("/") { files.append(ArchiveFile(name: name, bytes: content)) }
            position += 46 + nameLength + extra + comment
        }
        return files
    }

    private static func content(_ bytes: ArraySlice<UInt8>, _ method: Int, _ size: Int) -> [UInt8]? {
        let content: [UInt8]? =
            switch method {
            case 0: Array(bytes)
            case 8: Deflate.expanded(bytes, .none, limit: size)
            default: nil
            }
        return content?.count == size ? content : nil
    }

    private static func little16(_ bytes: [UInt8], _ at: Int) -> Int? {
        guard at >= 0, at + 2 <= bytes.count else { return nil }
        return Int(bytes[at]) | Int(bytes[at + 1]) << 8
    }

    private static func little32(_ bytes: [UInt8], _ at: Int) -> Int? {
        guard let low = little16(bytes, at), let high = little16(bytes, at + 2) else { return nil }
        return low | high << 16
    }
}
