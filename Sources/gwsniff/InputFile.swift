#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A small file, read whole.
enum InputFile {
    struct Failure: Error {
        var reason: String
        var isOpening: Bool
    }

    /// More is no report: a finding lists 21 occurrences at most.
    private static let limit = 256 << 20

    /// - Parameter path: `-` is standard input.
    static func bytes(path: String) throws(Failure) -> [UInt8] {
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure(reason: lastSystemError(), isOpening: true) }
        defer { if path != "-" { _ = close(descriptor) } }
        var result: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &block, block.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw Failure(reason: lastSystemError(), isOpening: false)
            }
            if count == 0 { return result }
            result += block[..<count]
            guard result.count <= limit else { throw Failure(reason: "larger than any report", isOpening: false) }
        }
    }
}
