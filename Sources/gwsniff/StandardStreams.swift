#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A write that did not happen, with the system's reason.
struct WriteFailure: Error {
    var name: String
    var reason: String
    /// Nobody reads at the other end of the pipe any more.
    var isClosedPipe = false
}

/// A place for the report: standard output or a file.
struct OutputFile {
    let name: String
    private let descriptor: Int32

    static let standardOutput = OutputFile(name: "standard output", descriptor: STDOUT_FILENO)

    private init(name: String, descriptor: Int32) {
        self.name = name
        self.descriptor = descriptor
    }

    /// Creates or empties the file at `path`; `-` is standard output.
    init(path: String) throws(WriteFailure) {
        if path == "-" {
            self = .standardOutput
            return
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw WriteFailure(name: path, reason: lastSystemError()) }
        self.init(name: path, descriptor: descriptor)
    }

    var isTerminal: Bool { isatty(descriptor) == 1 }

    /// Columns of the terminal behind it, nil where there is none.
    var columns: Int? {
        guard isTerminal else { return nil }
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    func write(_ text: String) throws(WriteFailure) {
        var text = text
        let failure: WriteFailure? = text.withUTF8 { bytes in
            var written = 0
            while written < bytes.count {
                guard let base = bytes.baseAddress else { return nil }
                #if canImport(Darwin)
                    let count = Darwin.write(descriptor, base + written, bytes.count - written)
                #elseif canImport(Musl)
                    let count = Musl.write(descriptor, base + written, bytes.count - written)
                #else
                    let count = Glibc.write(descriptor, base + written, bytes.count - written)
                #endif
                if count < 0 {
                    if errno == EINTR { continue }
                    return WriteFailure(name: name, reason: lastSystemError(), isClosedPipe: errno == EPIPE)
                }
                written += count
            }
            return nil
        }
        if let failure { throw failure }
    }

    /// Closes a file; a full disk may show only here.
    func close() throws(WriteFailure) {
        guard descriptor != STDOUT_FILENO else { return }
        #if canImport(Darwin)
            let result = Darwin.close(descriptor)
        #elseif canImport(Musl)
            let result = Musl.close(descriptor)
        #else
            let result = Glibc.close(descriptor)
        #endif
        if result != 0 { throw WriteFailure(name: name, reason: lastSystemError()) }
    }
}

/// The text of `errno`.
func lastSystemError() -> String {
    guard let text = strerror(errno) else { return "error \(errno)" }
    return String(cString: text)
}

/// Diagnostics and progress. Failing to write them is nothing that anybody could be told.
enum StandardError {
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }

    static func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            guard let base = bytes.baseAddress else { return }
            #if canImport(Darwin)
                _ = Darwin.write(STDERR_FILENO, base, bytes.count)
            #elseif canImport(Musl)
                _ = Musl.write(STDERR_FILENO, base, bytes.count)
            #else
                _ = Glibc.write(STDERR_FILENO, base, bytes.count)
            #endif
        }
    }
}

/// Seconds of a clock that only goes forward, for progress and `--duration`; never for the analysis.
func monotonicSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    return String(cString: value)
}
