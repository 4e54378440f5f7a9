#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Files that are read in one go.
package enum SmallFile {
    /// The text of a file of at most `limit` bytes; nil where it cannot be read, is longer or no UTF-8.
    package static func text(_ path: String, limit: Int = 1 << 20) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var portion = [UInt8](repeating: 0, count: 16_384)
        while bytes.count <= limit {
            let count = read(descriptor, &portion, portion.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { return String(validating: bytes, as: UTF8.self) }
            bytes += portion[..<count]
        }
        return nil
    }

    /// How many entries a directory has, besides itself and its parent.
    static func entryCount(_ path: String) -> Int? {
        guard let directory = opendir(path) else { return nil }
        defer { _ = closedir(directory) }
        var count = -2
        while readdir(directory) != nil { count += 1 }
        // The descriptor that counts is one of them.
        return max(0, count - 1)
    }
}
