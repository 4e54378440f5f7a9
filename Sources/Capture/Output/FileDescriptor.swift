#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What write(2) leaves to its caller.
enum FileDescriptor {
    /// Writes as much as can be written.
    /// - Returns: how many bytes; where it is not all of them, `errno` says why.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int {
        var position = 0
        while position < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[position...])
            #if canImport(Glibc)
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            #else
                let count = Darwin.write(descriptor, rest.baseAddress, rest.count)
            #endif
            if count >= 0 {
                position += count
            } else if errno != EINTR {
                return position
            }
        }
        return position
    }
}

extension CaptureError {
    /// A file that cannot be written, for the reason that the system gave.
    init(unwritable name: String, _ code: Int32 = errno) {
        self.init(
            code == EACCES || code == EPERM ? .permission : .writeFailed,
            "\(name): cannot be written: \(String(cString: strerror(code)))"
        )
    }
}
