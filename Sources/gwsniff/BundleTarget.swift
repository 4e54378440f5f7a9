import ArgumentParser
import Capture
import Evidence

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Where a bundle goes, and in what form: its name says it.
struct BundleTarget {
    private static let suffixes: [(suffix: String, format: ArchiveFormat)] = [
        (".zip", .zip), (".tar.gz", .tarGzip), (".tgz", .tarGzip),
    ]

    let path: String
    /// Nil for a directory.
    let format: ArchiveFormat?
    /// As it was written; empty for a directory.
    private let suffix: String

    /// - Throws: for the name of another kind of archive. What ends with a slash, or is a directory, is one whatever its name.
    init(_ name: String) throws {
        let known = Self.suffixes.first { name.lowercased().hasSuffix($0.suffix) }
        if !name.hasSuffix("/"), let known, !Self.isDirectory(name) {
            path = name
            format = known.format
            suffix = String(name.suffix(known.suffix.count))
            return
        }
        let last = name.split(separator: "/").last ?? ""
        if !name.hasSuffix("/"), last.dropFirst().contains("."), last != "..", !Self.isDirectory(name) {
            throw ValidationError(
                "'\(name)' ends with none of .zip, .tar.gz and .tgz; for a directory of that name write '\(name)/'."
            )
        }
        let trailing = name.reversed().prefix { $0 == "/" }.count
        path = trailing < name.count ? String(name.dropLast(trailing)) : name
        format = nil
        suffix = ""
    }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// `ticket.2of3.zip`, with its directory.
    func volume(_ number: Int, of count: Int) -> String {
        path.dropLast(suffix.count) + ".\(number)of\(count)" + suffix
    }

    /// The same as others see it, wherever it lies.
    func volumeName(_ number: Int, of count: Int) -> String {
        let whole = volume(number, of: count)
        return whole.lastIndex(of: "/").map { String(whole[whole.index(after: $0)...]) } ?? whole
    }

    /// Throws where the directory may not be written to.
    func check() throws(CaptureError) {
        if format == nil { _ = try EarlierRun(at: path) }
    }

    /// - Parameter seconds: since 1970, of every file.
    func write(_ files: [ArchiveFile], seconds: Int64) throws(CaptureError) {
        let directory = try DirectorySink(path: path, seconds: seconds)
        let inner = try DirectorySink(path: path + "/evidence", seconds: seconds)
        for file in files {
            let isInner = file.name.hasPrefix(BundleRun.evidencePrefix)
            let name = isInner ? String(file.name.dropFirst(BundleRun.evidencePrefix.count)) : file.name
            try (isInner ? inner : directory).put(name, file.bytes)
        }
    }
}
