package import Capture
import Reporting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What an earlier run left in a directory: beside the files of a new run it would be taken for one of them.
///
/// Only what its manifest lists is its own, and only while its digest is still what the manifest says. Everything else is somebody
/// else's, and a directory with such content is refused as a whole.
package struct EarlierRun {
    /// The manifest of an evidence directory of many findings has a few hundred kilobytes.
    private static let largestManifest = 64 << 20
    private static let largestEntryCount = 100_000
    private static let innerName = "evidence"

    /// Directory, and files to be removed, by path.
    private let path: String
    private var files: [String] = []
    private var hasInner = false

    /// Looks at what is there; changes nothing.
    /// - Parameter path: a directory, or nothing yet.
    /// - Throws: where there is something that no earlier run left, or that was changed since.
    package init(at path: String) throws(CaptureError) {
        self.path = path
        guard let names = Self.names(in: path), !names.isEmpty else { return }
        let digests = Self.digests(in: path)
        for name in names.sorted() {
            let file = "\(path)/\(name)"
            if name == Self.innerName, Self.kind(of: file) == S_IFDIR {
                hasInner = true
                for inner in (Self.names(in: file) ?? []).sorted() {
                    try take("\(name)/\(inner)", digests["\(name)/\(inner)"])
                }
            } else if name == EvidencePackets.manifestName, !digests.isEmpty {
                files.append(file)
            } else {
                try take(name, digests[name])
            }
        }
    }

    private mutating func take(_ name: String, _ digest: String?) throws(CaptureError) {
        let file = "\(path)/\(name)"
        guard let digest, Self.kind(of: file) == S_IFREG, let bytes = Self.contents(of: file),
            SHA256.hexadecimal(of: bytes) == digest
        else {
            let why = digest == nil ? "is not of an earlier run" : "was changed since an earlier run wrote it"
            throw CaptureError(
                .writeFailed,
                "\(path): holds \(name), which \(why): nothing is written there; name a new or empty directory"
            )
        }
        files.append(file)
    }

    /// Removes it.
    package func remove() throws(CaptureError) {
        for file in files where unlink(file) != 0 && errno != ENOENT {
            throw CaptureError(.writeFailed, "\(file): cannot be removed: \(String(cString: strerror(errno)))")
        }
        if hasInner { _ = rmdir("\(path)/\(Self.innerName)") }
    }

    // MARK: Reading

    /// Digests by name, with those of a manifest that it lists itself; empty where there is no manifest of ours.
    private static func digests(in path: String) -> [String: String] {
        guard let bytes = contents(of: "\(path)/\(EvidencePackets.manifestName)", limit: largestManifest),
            let manifest = JSONValue.parsed(bytes), let schema = manifest["schema"]?.string,
            schema == EvidencePackets.schema || schema == BundleManifest.schema
        else { return [:] }
        var digests: [String: String] = [:]
        for file in manifest["files"]?.items ?? [] {
            guard let name = file["name"]?.string, let digest = file["sha256"]?.string else { continue }
            digests[name] = digest
        }
        // It lists everything but itself.
        digests[EvidencePackets.manifestName] = ""
        return digests
    }

    /// Nil where it cannot be read or is no directory.
    private static func names(in path: String) -> [String]? {
        guard let handle = opendir(path) else { return nil }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle), names.count < largestEntryCount {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Nil where there is nothing. Links are not followed.
    private static func kind(of path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }

    private static func contents(of path: String, limit: Int = 1 << 30) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { _ = close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit else {
            return nil
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var position = 0
        while position < bytes.count {
            let count = bytes.withUnsafeMutableBytes { room in
                room.baseAddress.map { read(descriptor, $0 + position, room.count - position) } ?? 0
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            position += count
        }
        return bytes
    }
}
