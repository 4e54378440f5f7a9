import Model
import Pipeline

/// The line on standard error that says how far a run is, and the statistics that SIGUSR1 asks for.
final class Progress {
    private let isShown: Bool
    private var nextUpdate: Double
    private var isLineOpen = false

    /// - Parameter isShown: whether a progress line is wanted at all.
    init(isShown: Bool) {
        self.isShown = isShown
        // A run that ends within a second needs none.
        nextUpdate = monotonicSeconds() + 1
    }

    func update(_ statistics: RunStatistics) {
        if Signals.takeStatisticsRequest() {
            clear()
            StandardError.write("gwsniff: \(Progress.line(statistics))\n")
        }
        guard isShown else { return }
        let now = monotonicSeconds()
        guard now >= nextUpdate else { return }
        nextUpdate = now + 0.5
        StandardError.write("\r\u{1B}[K\(Progress.line(statistics))")
        isLineOpen = true
    }

    /// Takes the line away, before anything else is written to the terminal.
    func clear() {
        guard isLineOpen else { return }
        StandardError.write("\r\u{1B}[K")
        isLineOpen = false
    }

    private static func line(_ statistics: RunStatistics) -> String {
        var parts = ["\(statistics.packets) packets", "\(statistics.capturedBytes / 1_000_000) MB"]
        if let total = statistics.totalBytes, total > 0, statistics.readBytes > 0 {
            parts.append("\(min(100, statistics.readBytes * 100 / total)) % read")
        }
        if let first = statistics.first, let last = statistics.last {
            parts.append("\((last - first) / 1_000_000_000) s of packet time")
        }
        if let dropped = statistics.dropped { parts.append("\(dropped) dropped before capture") }
        return parts.joined(separator: ", ")
    }
}
