import Model
import Pipeline

/// The line on standard error that says how far a run is, and the statistics that SIGUSR1 asks for.
final class Progress {
    private let isShown: Bool
    private var nextUpdate: Double
    private var isLineOpen = false
    private var previous: (time: Double, packets: Int)?

    /// - Parameter isShown: whether a progress line is wanted at all.
    init(isShown: Bool) {
        self.isShown = isShown
        // A run that ends within a second needs none.
        nextUpdate = monotonicSeconds() + 1
    }

    func update(_ statistics: RunStatistics) {
        if Signals.takeStatisticsRequest() {
            clear()
            StandardError.write("gwsniff: \(line(statistics))\n")
        }
        guard isShown else { return }
        let now = monotonicSeconds()
        guard now >= nextUpdate else { return }
        nextUpdate = now + 0.5
        StandardError.write("\r\u{1B}[K\(line(statistics))")
        isLineOpen = true
    }

    /// Takes the line away, before anything else is written to the terminal.
    func clear() {
        guard isLineOpen else { return }
        StandardError.write("\r\u{1B}[K")
        isLineOpen = false
    }

    /// What tcpdump says at its end.
    func summarise(_ statistics: RunStatistics) {
        guard let live = statistics.live else { return }
        clear()
        var lines = ["\(statistics.packets) packets captured"]
        if let count = live.receivedByFilter { lines.append("\(count) packets received by filter") }
        if let count = live.droppedByKernel { lines.append("\(count) packets dropped by kernel") }
        if let count = live.droppedByInterface, count > 0 { lines.append("\(count) packets dropped by interface") }
        if live.droppedByUs > 0 { lines.append("\(live.droppedByUs) packets dropped by gwsniff") }
        if live.notWritten > 0 { lines.append("\(live.notWritten) packets not written to the savefile") }
        for line in lines { StandardError.write("\(line)\n") }
    }

    /// Packets a second since the last line.
    private func rate(_ statistics: RunStatistics) -> Int {
        let now = monotonicSeconds()
        defer { previous = (now, statistics.packets) }
        guard let previous, now > previous.time else { return 0 }
        return Int(Double(statistics.packets - previous.packets) / (now - previous.time))
    }

    private func line(_ statistics: RunStatistics) -> String {
        var parts = ["\(statistics.packets) packets", "\(statistics.capturedBytes / 1_000_000) MB"]
        if let total = statistics.totalBytes, total > 0, statistics.readBytes > 0 {
            parts.append("\(min(100, statistics.readBytes * 100 / total)) % read")
        }
        if let live = statistics.live {
            parts.append("\(rate(statistics))/s")
            parts.append("\(live.openConnections) of \(live.connections) connections open")
            parts.append("\(live.clientErrors) client errors")
            var drops = "dropped by kernel \(live.droppedByKernel ?? 0), by interface \(live.droppedByInterface ?? 0)"
            drops += ", by gwsniff \(live.droppedByUs)"
            if live.notWritten > 0 { drops += ", not written \(live.notWritten)" }
            parts.append(drops)
            if live.recordings > 0 { parts.append("\(live.recordings) recorded") }
        } else if let first = statistics.first, let last = statistics.last {
            parts.append("\((last - first) / 1_000_000_000) s of packet time")
        }
        return parts.joined(separator: ", ")
    }
}
