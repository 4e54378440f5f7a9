package import Model

/// A part of the history as a report, to be written in any format.
package enum HistoryReport {
    package static func report(_ query: HistoryQuery, from reader: HistoryReader) throws(HistoryError) -> Report {
        let entries = try reader.entries(query)
        let minutes = try reader.minutes(query)
        var report = Report()
        report.findings = merged(entries)
        let sum = minutes.reduce(into: MinuteFigures()) { $0.add($1.figures) }
        report.packets = sum.packets
        report.totalRequests = sum.requests
        report.failedRequests = sum.failedRequests
        report.quality.droppedPackets = sum.dropped
        if !query.isAboutAll {
            report.failedRequests = report.findings.reduce(0) { $0 + ($1.severity == .failure ? $1.count : 0) }
        }
        report.totalRequests = max(report.totalRequests, report.failedRequests)
        report.firstPacket = minutes.first.map { Minutes.start(of: $0.minute) }
        report.lastPacket = minutes.last.map { Minutes.start(of: $0.minute) + 60_000_000_000 - 1 }
        report.sources = [
            SourceSummary(name: reader.path, format: "history", packets: sum.packets, bytes: sum.bytes)
        ]
        report.quality.notes.append(
            "from the history: frames and streams are numbered as in the live runs that saw them; the evidence files have them"
        )
        report.upstreams = upstreams(try reader.upstreamMinutes(query))
        report.roles.upstreams = report.upstreams.map(\.endpoint)
        for gateway in report.findings.compactMap(\.gateway) where !report.roles.gateways.contains(gateway) {
            report.roles.gateways.append(gateway)
        }
        return report
    }

    /// Findings of several runs that are the same become one; the worst come first.
    private static func merged(_ entries: [HistoryEntry]) -> [Finding] {
        var all: [FindingIdentity: Finding] = [:]
        // The oldest first, so that the newest run's words stay.
        for entry in entries.reversed() {
            let identity = FindingIdentity(entry.finding)
            guard let earlier = all[identity] else {
                all[identity] = entry.finding
                continue
            }
            var finding = entry.finding
            finding.count += earlier.count
            finding.attempts += earlier.attempts
            finding.first = min(finding.first, earlier.first)
            finding.last = max(finding.last, earlier.last)
            let occurrences = (earlier.occurrences + finding.occurrences).sorted { $0.time < $1.time }
            finding.occurrences = Array(occurrences.prefix(20)) + occurrences.dropFirst(20).suffix(1)
            finding.pattern = nil
            all[identity] = finding
        }
        let sorted = all.values.sorted { left, right in
            if left.severity != right.severity { return left.severity > right.severity }
            if left.weight != right.weight { return left.weight > right.weight }
            return FindingIdentity(left).key < FindingIdentity(right).key
        }
        return sorted.enumerated().map { index, finding in
            var finding = finding
            finding.id = "F\(index + 1)"
            return finding
        }
    }

    private static func upstreams(_ minutes: [HistoryReader.UpstreamMinute]) -> [UpstreamSummary] {
        var sums: [String: UpstreamFigures] = [:]
        for minute in minutes { sums[minute.upstream, default: UpstreamFigures()].add(minute.figures) }
        return sums.compactMap { name, figures in
            guard let endpoint = Quantity.endpoint(name) else { return nil }
            var summary = UpstreamSummary(endpoint: endpoint)
            summary.connections = figures.connections
            summary.exchanges = figures.exchanges
            summary.failures = figures.failures
            summary.resets = figures.resets
            summary.retransmissions = figures.retransmissions
            summary.connectTime = figures.connectTimes.summary
            summary.firstByteTime = figures.firstByteTimes.summary
            return summary
        }.sorted { $0.endpoint < $1.endpoint }
    }
}

extension BucketCounts {
    /// As exact as the buckets are; nil without any.
    package var summary: DurationSummary? {
        guard let median = quantile(0.5), let ninetyNinth = quantile(0.99) else { return nil }
        let bounds = UpstreamFigures.bounds
        let places = counts.indices.filter { counts[$0] > 0 }
        guard let first = places.first, let last = places.last else { return nil }
        let classes = (first...last).map { place in
            DurationClass(
                from: place == 0 ? 0 : bounds[place - 1],
                to: place < bounds.count ? bounds[place] : .max,
                count: counts[place]
            )
        }
        return DurationSummary(
            count: count,
            minimum: classes.first?.from ?? 0,
            median: median,
            ninetyNinth: ninetyNinth,
            maximum: bounds[min(last, bounds.count - 1)],
            classes: classes
        )
    }
}
