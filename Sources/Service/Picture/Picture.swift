package import Model
package import Pipeline

/// What is known at a moment: a value, so that who shows it does not hold up who captures.
package struct Picture: Sendable {
    package enum State: Sendable, Equatable {
        case starting, capturing
        /// The run is over; nil where it was asked to end.
        case ended(String?)
    }

    package struct Recent: Sendable {
        package var identity: FindingIdentity
        package var title: String
        package var occurrence: Occurrence
    }

    package struct Upstream: Sendable {
        /// Since the service started.
        package var figures = UpstreamFigures()
        /// Of late, by minute; the oldest first.
        package var minutes: [(minute: Int64, figures: UpstreamFigures)] = []
        package var connectTime: DurationSummary?
        package var firstByteTime: DurationSummary?
    }

    package struct SeriesKey: Hashable, Sendable {
        package var cause: Cause
        package var severity: Severity
        package var group: String
    }

    static let largestRecentCount = 100
    static let largestLatestCount = 20
    static let largestFindingCount = 1_000
    static let largestKnownCount = 20_000
    static let largestUpstreamCount = 2_000
    static let upstreamMinutes = 10
    static let largestWarningCount = 20

    package var state = State.starting
    /// Wall clock.
    package let startedAt: Timestamp
    package internal(set) var statistics = RunStatistics()
    /// Packets a second, of the last seconds.
    package internal(set) var packetRate = 0.0
    package internal(set) var findings: [FindingIdentity: Finding] = [:]
    /// The newest last.
    package internal(set) var recent: [Recent] = []
    package internal(set) var minutes = Minutes()
    package internal(set) var upstreams: [Endpoint: Upstream] = [:]
    /// Names of upstreams that findings are counted by.
    package internal(set) var groups: UpstreamGroups
    /// Names of upstreams whose figures are shown, each given out when it is first seen: one that fails later takes nobody's.
    package internal(set) var series: UpstreamGroups
    package internal(set) var findingTotals: [SeriesKey: Int] = [:]
    /// The newest occurrences of each finding, the newest last.
    package internal(set) var latest: [FindingIdentity: [Occurrence]] = [:]
    /// Failed requests that a client saw end, by status; 0 for none.
    package internal(set) var statuses: [Int: Int] = [:]
    package internal(set) var quality = CaptureQuality()
    package internal(set) var roles = Roles()
    package internal(set) var totalRequests = 0
    package internal(set) var failedRequests = 0
    package internal(set) var warnings: [(time: Timestamp, text: String)] = []
    /// What of each finding is in the totals.
    private var known: [FindingIdentity: Int] = [:]
    /// What the last report said.
    private var reported: [FindingIdentity: Int] = [:]
    private var reportedFailures = 0
    private var reportedStatuses: [Int: Int] = [:]

    package init(startedAt: Timestamp, metrics: MetricsSettings) {
        self.startedAt = startedAt
        groups = UpstreamGroups(metrics)
        series = groups
    }

    /// The newest packet's time.
    package var now: Timestamp { statistics.last ?? startedAt }

    package var sortedFindings: [Finding] {
        findings.values.sorted { left, right in
            if left.severity != right.severity { return left.severity > right.severity }
            if left.last != right.last { return left.last > right.last }
            return FindingIdentity(left).key < FindingIdentity(right).key
        }
    }

    // MARK: Taking

    /// Takes what a report says of a finding, as far as the report before said it too: what a run has not put together yet may look like
    /// something else for a moment.
    /// - Returns: how much of it is new; nil where nothing changed.
    mutating func take(_ finding: Finding, isFinal: Bool) -> Int? {
        let identity = FindingIdentity(finding)
        let standing = isFinal ? finding.weight : min(finding.weight, reported[identity] ?? 0)
        guard standing > 0 else { return nil }
        let before = known[identity]
        if standing <= before ?? 0, let old = findings[identity], old.last == finding.last { return nil }
        findings[identity] = finding
        if findings.count > Self.largestFindingCount { forgetOldest() }
        // So many that only hostile packets make them: the counters stop there.
        guard before != nil || known.count < Self.largestKnownCount else { return 0 }
        let new = max(0, standing - (before ?? 0))
        guard new > 0 else { return 0 }
        known[identity] = standing
        let group = groups.name(of: finding.upstream)
        findingTotals[SeriesKey(cause: finding.cause, severity: finding.severity, group: group), default: 0] += new
        var figures = MinuteFigures()
        switch finding.severity {
        case .failure: figures.causes[finding.cause] = new
        case .nearMiss: figures.hidden = new
        case .note: return new
        }
        minutes.add(figures, at: Minutes.minute(of: finding.last))
        return new
    }

    /// What the next report is held against. What was told as decided and is in no report any more was something else after all.
    mutating func note(_ report: Report) {
        reported = [:]
        let listed = Set(report.findings.map { FindingIdentity($0) })
        for identity in findings.keys where known[identity] == nil && !listed.contains(identity) {
            findings[identity] = nil
            latest[identity] = nil
            recent.removeAll { $0.identity == identity }
        }
        for finding in report.findings.prefix(Self.largestKnownCount) {
            reported[FindingIdentity(finding)] = finding.weight
        }
        reportedFailures = report.failedRequests
        reportedStatuses = report.clientErrorStatuses
    }

    /// Takes an occurrence that was decided.
    mutating func take(_ occurrence: Occurrence, of finding: Finding) {
        let identity = FindingIdentity(finding)
        recent.append(Recent(identity: identity, title: finding.title, occurrence: occurrence))
        if recent.count > Self.largestRecentCount { recent.removeFirst(recent.count - Self.largestRecentCount) }
        var newest = latest[identity] ?? []
        newest.append(occurrence)
        if newest.count > Self.largestLatestCount { newest.removeFirst() }
        latest[identity] = newest
        guard findings[identity] == nil else { return }
        findings[identity] = finding
        if findings.count > Self.largestFindingCount { forgetOldest() }
    }

    private mutating func forgetOldest() {
        let oldest = findings.min { left, right in
            (left.value.severity, left.value.last) < (right.value.severity, right.value.last)
        }
        if let oldest {
            findings[oldest.key] = nil
            latest[oldest.key] = nil
        }
    }

    /// - Returns: what came since the last statistics.
    mutating func take(_ new: RunStatistics) -> MinuteFigures {
        var figures = MinuteFigures()
        figures.packets = max(0, new.packets - statistics.packets)
        figures.bytes = max(0, new.capturedBytes - statistics.capturedBytes)
        figures.dropped = max(0, (new.live?.dropped ?? 0) - (statistics.live?.dropped ?? 0))
        statistics = new
        if figures.packets > 0 || figures.dropped > 0 { minutes.add(figures, at: Minutes.minute(of: now)) }
        return figures
    }

    /// - Returns: what came since the last report, of all and of each upstream.
    mutating func take(
        _ report: Report,
        isFinal: Bool
    ) -> (figures: MinuteFigures, upstreams: [Endpoint: UpstreamFigures]) {
        let failed = isFinal ? report.failedRequests : min(report.failedRequests, reportedFailures)
        var figures = MinuteFigures()
        figures.requests = max(0, report.totalRequests - totalRequests)
        figures.failedRequests = max(0, failed - failedRequests)
        totalRequests = max(totalRequests, report.totalRequests)
        failedRequests = max(failedRequests, failed)
        // Counters: what is counted stays, whatever is thought of it later.
        for (status, count) in report.clientErrorStatuses {
            let standing = isFinal ? count : min(count, reportedStatuses[status] ?? 0)
            if standing > statuses[status] ?? 0 { statuses[status] = standing }
        }
        quality = report.quality
        roles = report.roles
        let minute = Minutes.minute(of: report.lastPacket ?? now)
        if figures.requests > 0 || figures.failedRequests > 0 { minutes.add(figures, at: minute) }
        var changes: [Endpoint: UpstreamFigures] = [:]
        for summary in report.upstreams.prefix(Self.largestUpstreamCount) {
            let change = take(summary, at: minute)
            if !change.isEmpty { changes[summary.endpoint] = change }
        }
        return (figures, changes)
    }

    private mutating func take(_ summary: UpstreamSummary, at minute: Int64) -> UpstreamFigures {
        guard upstreams[summary.endpoint] != nil || upstreams.count < Self.largestUpstreamCount else {
            return UpstreamFigures()
        }
        if upstreams[summary.endpoint] == nil { _ = series.name(of: summary.endpoint.description) }
        var entry = upstreams.removeValue(forKey: summary.endpoint) ?? Upstream()
        let change = UpstreamFigures(summary).since(entry.figures)
        entry.figures.add(change)
        entry.connectTime = summary.connectTime
        entry.firstByteTime = summary.firstByteTime
        if !change.isEmpty {
            if let last = entry.minutes.last, last.minute >= minute {
                entry.minutes[entry.minutes.count - 1].figures.add(change)
            } else {
                entry.minutes.append((minute, change))
            }
            entry.minutes.removeAll { $0.minute <= minute - Int64(Self.upstreamMinutes) }
        }
        upstreams[summary.endpoint] = entry
        return change
    }

    mutating func warn(_ text: String, at time: Timestamp) {
        warnings.append((time, text))
        if warnings.count > Self.largestWarningCount { warnings.removeFirst() }
    }
}
