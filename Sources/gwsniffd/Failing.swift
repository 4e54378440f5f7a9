import ArgumentParser
import Reporting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

enum Failing {
    /// Says why the command cannot go on, a line each; to be thrown.
    static func fail(_ message: String, hint: String? = nil, status: Int32) -> ExitCode {
        for line in message.split(separator: "\n") { complain(String(line)) }
        if let hint { complain(hint) }
        return ExitCode(status)
    }

    private static func complain(_ line: String) {
        var text = "gwsniffd: \(SafeText.terminal(line))\n"
        text.withUTF8 { bytes in
            if let base = bytes.baseAddress { _ = write(STDERR_FILENO, base, bytes.count) }
        }
    }
}
