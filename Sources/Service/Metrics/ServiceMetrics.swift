import Model
import Pipeline

/// What else `/metrics` shows, besides the picture.
package struct SideFigures: Sendable {
    package var process = ProcessFigures()
    /// Nil where none is kept.
    package var history: HistoryState?
    package var evidence: EvidenceState?

    package init() {}
}

/// `/metrics`: names and units as prometheus.io/docs/practices/naming asks for them.
package enum ServiceMetrics {
    package static func render(_ picture: Picture, _ side: SideFigures) -> String {
        var text = MetricsText()
        text.family(
            "gwsniff_build_info",
            .gauge,
            "Always 1; the version is a label.",
            [([("version", gwsniffVersion)], 1)]
        )
        capture(picture, &text)
        requests(picture, &text)
        upstreams(picture, &text)
        service(side, &text)
        process(side.process, &text)
        return text.text
    }

    private static func capture(_ picture: Picture, _ text: inout MetricsText) {
        let statistics = picture.statistics
        text.single(
            "gwsniff_capturing",
            .gauge,
            "1 while packets are captured, 0 before and after.",
            picture.state == .capturing ? 1 : 0
        )
        text.single(
            "gwsniff_packets_total",
            .counter,
            "Packets that were analysed.",
            Double(statistics.packets)
        )
        text.single(
            "gwsniff_captured_bytes_total",
            .counter,
            "Bytes of packets that were analysed, as captured.",
            Double(statistics.capturedBytes)
        )
        text.family(
            "gwsniff_dropped_packets_total",
            .counter,
            "Packets lost before they were analysed, by who had no room for them.",
            statistics.drops.map { ([("by", $0.by)], Double($0.count)) }
        )
        text.single(
            "gwsniff_connections_total",
            .counter,
            "TCP connections seen.",
            statistics.live.map { Double($0.connections) }
        )
        text.single(
            "gwsniff_open_connections",
            .gauge,
            "TCP connections that are open, as far as seen.",
            statistics.live.map { Double($0.openConnections) }
        )
        text.single(
            "gwsniff_recordings_total",
            .counter,
            "Evidence files begun.",
            statistics.live.map { Double($0.recordings) }
        )
        text.single(
            "gwsniff_last_packet_timestamp_seconds",
            .gauge,
            "Time stamp of the newest packet.",
            statistics.last.map { Double($0.nanoseconds) / 1e9 }
        )
    }

    private static func requests(_ picture: Picture, _ text: inout MetricsText) {
        text.single(
            "gwsniff_requests_total",
            .counter,
            "Client requests seen; upstream requests where no client leg is captured.",
            Double(picture.totalRequests)
        )
        text.single(
            "gwsniff_failed_requests_total",
            .counter,
            "Of these, those that failed.",
            Double(picture.failedRequests)
        )
        text.family(
            "gwsniff_client_errors_total",
            .counter,
            "Failed requests that a client saw end, by the status it got; none where no answer came.",
            picture.statuses.sorted { $0.key < $1.key }
                .map { ([("status", $0.key == 0 ? "none" : String($0.key))], Double($0.value)) }
        )
        let totals = picture.findingTotals.sorted {
            ($0.key.cause.rawValue, $0.key.severity.rawValue, $0.key.group)
                < ($1.key.cause.rawValue, $1.key.severity.rawValue, $1.key.group)
        }
        text.family(
            "gwsniff_findings_total",
            .counter,
            "Requests that failed, or attempts that a retry hid (severity nearMiss), by cause and upstream or group of them.",
            totals.map {
                let labels = [
                    ("cause", $0.key.cause.rawValue), ("severity", $0.key.severity.rawValue),
                    ("upstream", $0.key.group),
                ]
                return (labels, Double($0.value))
            }
        )
    }

    private static func upstreams(_ picture: Picture, _ text: inout MetricsText) {
        var groups = picture.series
        var sums: [String: UpstreamFigures] = [:]
        for (endpoint, upstream) in picture.upstreams.sorted(by: { $0.key < $1.key }) {
            sums[groups.name(of: endpoint.description), default: UpstreamFigures()].add(upstream.figures)
        }
        let sorted = sums.sorted { $0.key < $1.key }
        func counter(_ name: String, _ help: String, _ value: KeyPath<UpstreamFigures, Int>) {
            text.family(
                "gwsniff_upstream_\(name)_total",
                .counter,
                help,
                sorted.map { ([("upstream", $0.key)], Double($0.value[keyPath: value])) }
            )
        }
        counter("connections", "Connections to the upstream.", \.connections)
        counter("exchanges", "Requests sent to the upstream.", \.exchanges)
        counter("failures", "Attempts that failed at the upstream.", \.failures)
        counter("resets", "Connections that the upstream reset.", \.resets)
        counter("retransmissions", "Segments sent again on the upstream's connections.", \.retransmissions)
        text.durations(
            "gwsniff_upstream_connect_seconds",
            "Time from SYN to SYN-ACK, as seen at the capture point.",
            sorted.filter { $0.value.connectTimes.count > 0 }
                .map { ([("upstream", $0.key)], $0.value.connectTimes) }
        )
        text.durations(
            "gwsniff_upstream_first_byte_seconds",
            "Time from the last byte of a request to the first of its answer.",
            sorted.filter { $0.value.firstByteTimes.count > 0 }
                .map { ([("upstream", $0.key)], $0.value.firstByteTimes) }
        )
    }

    private static func service(_ side: SideFigures, _ text: inout MetricsText) {
        if let history = side.history {
            text.single(
                "gwsniff_history_writable",
                .gauge,
                "1 while the history takes what is written.",
                history.failure == nil ? 1 : 0
            )
            text.single("gwsniff_history_size_bytes", .gauge, "Size of the history's file.", Double(history.bytes))
            text.single(
                "gwsniff_history_write_failures_total",
                .counter,
                "Writes to the history that failed; what they had is tried again.",
                Double(history.failures)
            )
            text.single(
                "gwsniff_history_left_out_occurrences_total",
                .counter,
                "Occurrences that the history had no room for; the counts have them.",
                Double(history.leftOut)
            )
        }
        if let evidence = side.evidence {
            text.single(
                "gwsniff_evidence_files",
                .gauge,
                "Evidence files in the recorder's directory.",
                Double(evidence.files.count)
            )
            text.single(
                "gwsniff_evidence_size_bytes",
                .gauge,
                "Size of these files.",
                Double(evidence.files.reduce(0) { $0 + $1.bytes })
            )
        }
    }

    private static func process(_ figures: ProcessFigures, _ text: inout MetricsText) {
        text.single(
            "process_cpu_seconds_total",
            .counter,
            "Processor time of the process, user and system.",
            figures.cpuSeconds
        )
        text.single(
            "process_resident_memory_bytes",
            .gauge,
            "Memory of the process that is in RAM.",
            figures.residentBytes.map(Double.init)
        )
        text.single(
            "process_virtual_memory_bytes",
            .gauge,
            "Address space of the process.",
            figures.virtualBytes.map(Double.init)
        )
        text.single(
            "process_start_time_seconds",
            .gauge,
            "When the process started, in seconds since 1970.",
            figures.startSeconds
        )
        text.single("process_open_fds", .gauge, "Open file descriptors.", figures.openDescriptors.map(Double.init))
        text.single("process_max_fds", .gauge, "Most file descriptors.", figures.mostDescriptors.map(Double.init))
    }
}
