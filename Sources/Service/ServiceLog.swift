package import Logging
import Model
import Reporting

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Lines on standard error. Under systemd each begins with its priority (sd-daemon(3)), and the journal knows the time; else the time and the
/// level stand in the line.
package struct ServiceLog: LogHandler {
    package var metadata = Logger.Metadata()
    package var logLevel = Logger.Level.info
    private let isJournal: Bool

    package init(isJournal: Bool) {
        self.isJournal = isJournal
    }

    /// A logger of the service.
    package static func logger(_ settings: LogSettings, isJournal: Bool) -> Logger {
        var logger = Logger(label: "gwsniffd") { _ in ServiceLog(isJournal: isJournal) }
        logger.logLevel = Logger.Level(rawValue: settings.level.rawValue) ?? .info
        return logger
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        // What packets bring must not drive a terminal, nor make lines of its own.
        let text = SafeText.terminal(event.message.description)
        let lead =
            isJournal
            ? "<\(Self.priority(event.level))>" : "\(Clocks.wall().rfc3339.prefix(19))Z \(event.level.rawValue): "
        var line = lead + text + "\n"
        line.withUTF8 { bytes in
            // One call a line, so that lines of several threads do not mix.
            if let base = bytes.baseAddress { _ = write(STDERR_FILENO, base, bytes.count) }
        }
    }

    /// Of syslog(3).
    private static func priority(_ level: Logger.Level) -> Int {
        switch level {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
