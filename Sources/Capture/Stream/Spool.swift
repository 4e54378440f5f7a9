#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The pipes among the inputs, kept as they are read, so that they can be read once more.
///
/// One owner at a time: first a run records, then, after `rewind`, another replays.
package final class Spools {
    private var spools: [String: Spool] = [:]
    private(set) var isReplaying = false

    package init() {}

    /// From now on the inputs are read from what was kept.
    package func rewind() {
        isReplaying = true
    }

    /// The one for a pipe; nil for a file, which can be opened again.
    func spool(for path: String) -> Spool? {
        if let known = spools[path] { return known }
        guard !isReplaying else { return nil }
        if path != "-" {
            var status = stat()
            guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG else { return nil }
        }
        let spool = Spool()
        spools[path] = spool
        return spool
    }
}

/// Bytes of one pipe: the first in memory, then in a file without a name, which goes with the process.
final class Spool {
    private static let memoryLimit = 16 << 20

    private var memory: [UInt8] = []
    private var descriptor: Int32 = -1
    private var fileLength = 0

    deinit {
        if descriptor >= 0 { _ = close(descriptor) }
    }

    private static var directory: String {
        guard let value = getenv("TMPDIR"), value.pointee != 0 else { return "/tmp" }
        return String(cString: value)
    }

    func append(_ bytes: UnsafeRawBufferPointer, name: String) throws(CaptureError) {
        if memory.count + bytes.count <= Spool.memoryLimit, fileLength == 0 {
            memory.append(contentsOf: bytes)
            return
        }
        if descriptor < 0 { try open(name) }
        var done = 0
        while done < bytes.count {
            let count = pwrite(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(fileLength))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Spool.error(name, errno) }
            done += count
            fileLength += count
        }
    }

    private func open(_ name: String) throws(CaptureError) {
        var path = Array("\(Spool.directory)/gwsniff-\(String(repeating: "X", count: 6))".utf8CString)
        descriptor = mkstemp(&path)
        guard descriptor >= 0 else { throw Spool.error(name, errno) }
        _ = unlink(path)
    }

    private static func error(_ name: String, _ code: Int32) -> CaptureError {
        CaptureError(
            .writeFailed,
            "\(name): cannot be kept in \(directory) to be read twice: \(String(cString: strerror(code)))",
            hint: "set TMPDIR to a directory with room for it, or write it to a file and name that"
        )
    }

    /// Bytes from `offset` on, as many as fit; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int, name: String) throws(CaptureError) -> Int {
        if offset < memory.count {
            let count = min(buffer.count, memory.count - offset)
            memory.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]))
            }
            return count
        }
        let position = offset - memory.count
        guard descriptor >= 0, position < fileLength else { return 0 }
        while true {
            let count = pread(descriptor, buffer.baseAddress, min(buffer.count, fileLength - position), off_t(position))
            if count >= 0 { return count }
            guard errno == EINTR else {
                throw CaptureError(.readFailed, "\(name): cannot be read again: \(String(cString: strerror(errno)))")
            }
        }
    }
}
