import ArgumentParser
import Reporting
import Ticketing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

enum Failing {
    /// Says why, a line each; to be thrown.
    static func fail(_ failure: AttachFailure) -> ExitCode {
        for line in failure.message.split(whereSeparator: \.isNewline) { complain(String(line)) }
        if let hint = failure.hint { complain(hint) }
        return ExitCode(failure.status)
    }

    static func complain(_ line: String) {
        put("gwsniff attach: \(SafeText.terminal(line))\n", to: STDERR_FILENO)
    }

    /// Failing to write a diagnostic is nothing that anybody could be told.
    @discardableResult
    static func put(_ text: String, to descriptor: Int32) -> Bool {
        let bytes = Array(text.utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}
