package import Capture

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Files of evidence in a directory, which is made where it is missing, and from which what an earlier run left is removed. Readable by
/// their owner alone: they are packets.
package struct DirectorySink: EvidenceSink {
    private let path: String
    private let seconds: Int64?

    /// - Parameter seconds: since 1970, when the files say that they were written; nil for the clock's time.
    /// - Throws: where there is no such directory to be had, or it holds what no earlier run left: `EarlierRun`.
    package init(path: String, seconds: Int64? = nil) throws(CaptureError) {
        self.path = path
        self.seconds = seconds
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Self.failure(path) }
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw CaptureError(.writeFailed, "\(path): is no directory")
        }
        try EarlierRun(at: path).remove()
    }

    package func put(_ name: String, _ bytes: [UInt8]) throws(CaptureError) {
        try Self.create(bytes, to: "\(path)/\(name)", seconds: seconds)
    }

    /// Creates a file that its owner alone can read, or empties the one that is there.
    package static func create(_ bytes: [UInt8], to file: String, seconds: Int64?) throws(CaptureError) {
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure(file) }
        var position = 0
        while position < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                let rest = buffer.baseAddress.map { $0 + position }
                #if canImport(Glibc)
                    return Glibc.write(descriptor, rest, bytes.count - position)
                #elseif canImport(Musl)
                    return Musl.write(descriptor, rest, bytes.count - position)
                #else
                    return Darwin.write(descriptor, rest, bytes.count - position)
                #endif
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                let unwritten = failure(file)
                _ = close(descriptor)
                throw unwritten
            }
            position += count
        }
        if let seconds {
            let time = timespec(tv_sec: time_t(seconds), tv_nsec: 0)
            _ = futimens(descriptor, [time, time])
        }
        // A full disk may show only here.
        guard close(descriptor) == 0 else { throw failure(file) }
    }

    private static func failure(_ name: String) -> CaptureError {
        let code = errno
        return CaptureError(
            code == EACCES || code == EPERM ? .permission : .writeFailed,
            "\(name): cannot be written: \(String(cString: strerror(code)))"
        )
    }
}
