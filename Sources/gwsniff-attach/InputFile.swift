import Evidence
import Ticketing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What is named on the command line, read whole.
enum InputFile {
    /// More is no bundle: its packets are 64 MiB at most, twice.
    static let limit = 512 << 20

    static func bytes(_ path: String, limit: Int = limit) throws(AttachFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw AttachFailure(.noInput, "\(path): \(lastError())") }
        defer { _ = close(descriptor) }
        var result: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &block, block.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw AttachFailure(.inputOutput, "\(path): \(lastError())")
            }
            if count == 0 { return result }
            result += block[..<count]
            guard result.count <= limit else { throw AttachFailure(.data, "\(path): is larger than any bundle") }
        }
    }

    static let secretLimit = 1 << 18

    /// The same of a file with a secret in it, which nobody else should be able to read.
    static func secret(_ path: String, _ warn: (String) -> Void) throws(AttachFailure) -> [UInt8] {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o077 != 0 {
            warn("\(path): others may read or change it: chmod 600 \(path)")
        }
        return try bytes(path, limit: secretLimit)
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The files of a bundle that is a directory: those that its manifest names, so that nothing else that lies there leaves.
    static func bundle(_ path: String) throws(AttachFailure) -> [ArchiveFile] {
        let manifest = ArchiveFile(name: BundleManifest.name, bytes: try bytes("\(path)/\(BundleManifest.name)"))
        var files: [ArchiveFile] = []
        var names: Set<String> = []
        var room = limit
        for name in Contents.names(inManifest: manifest.bytes) {
            // The manifest may have come with the directory: its names lead nowhere else.
            let parts = name.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }) else {
                throw AttachFailure(.data, "\(path): its manifest names files outside of it")
            }
            guard names.insert(name).inserted else {
                throw AttachFailure(.data, "\(path): its manifest names a file twice")
            }
            let content = try bytes("\(path)/\(name)", limit: room)
            room -= content.count
            files.append(ArchiveFile(name: name, bytes: content))
        }
        return files + [manifest]
    }

    static func lastError() -> String {
        strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
    }
}
