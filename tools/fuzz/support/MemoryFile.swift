@preconcurrency import Glibc

/// A file that lives in memory and has a path: readers of savefiles take paths.
enum MemoryFile {
    nonisolated(unsafe) private static var descriptor: Int32 = -1

    /// The path of a file with these bytes and no others, until the next call.
    static func path(_ bytes: UnsafeRawBufferPointer) -> String {
        if descriptor < 0 {
            var name = Array("/dev/shm/gwsniff-fuzz-XXXXXX".utf8CString)
            descriptor = mkstemp(&name)
            unlink(name)
        }
        guard descriptor >= 0, ftruncate(descriptor, 0) == 0 else { fail("no file in memory") }
        var written = 0
        while written < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = pwrite(descriptor, rest.baseAddress, rest.count, off_t(written))
            guard count > 0 else { fail("cannot write to memory") }
            written += count
        }
        return "/proc/self/fd/\(descriptor)"
    }
}
