package import Capture

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Files of evidence in a directory, which is made where it is missing. Readable by their owner alone: they are packets.
package struct DirectorySink: EvidenceSink {
    private let path: String

    package init(path: String) throws(CaptureError) {
        self.path = path
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Self.error(path) }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw CaptureError(.writeFailed, "\(path): is no directory")
        }
    }

    package func put(_ name: String, _ bytes: [UInt8]) throws(CaptureError) {
        let file = "\(path)/\(name)"
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.error(file) }
        var position = 0
        while position < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                write(descriptor, buffer.baseAddress.map { $0 + position }, bytes.count - position)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let failure = Self.error(file)
                _ = close(descriptor)
                throw failure
            }
            position += count
        }
        // A full disk may show only here.
        guard close(descriptor) == 0 else { throw Self.error(file) }
    }

    private static func error(_ name: String) -> CaptureError {
        let code = errno
        return CaptureError(
            code == EACCES || code == EPERM ? .permission : .writeFailed,
            "\(name): cannot be written: \(String(cString: strerror(code)))"
        )
    }
}
