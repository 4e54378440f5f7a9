import ArgumentParser
import Reporting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Standard output.
enum Output {
    static func write(_ text: String) throws {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { room in
                room.baseAddress.map { Self.put($0 + sent, room.count - sent) } ?? 0
            }
            if count < 0 {
                if errno == EINTR { continue }
                if errno == EPIPE { throw endByClosedPipe() }
                let reason = strerror(errno).map { String(cString: $0) } ?? "error \(errno)"
                throw Failing.fail("standard output: \(reason)", status: 74)
            }
            sent += count
        }
    }

    /// As SIGPIPE ends a process that does not handle it, without a word: who stops reading, as `head` does, knows it.
    private static func endByClosedPipe() -> ExitCode {
        _ = signal(SIGPIPE, SIG_DFL)
        _ = raise(SIGPIPE)
        return ExitCode(128 + SIGPIPE)
    }

    private static func put(_ bytes: UnsafeRawPointer, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.write(STDOUT_FILENO, bytes, count)
        #elseif canImport(Musl)
            Musl.write(STDOUT_FILENO, bytes, count)
        #else
            Darwin.write(STDOUT_FILENO, bytes, count)
        #endif
    }

    static var textOptions: TextOptions {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        let environment = Environment.all
        var size = winsize()
        let columns = ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 100
        return TextOptions(
            width: columns,
            color: isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb",
            verbose: false,
            unicode: true
        )
    }
}
