package import Model

/// What is new since the history was last written: kept while it cannot be, within bounds.
package struct HistoryChanges: Sendable {
    static let largestOccurrenceCount = 2_000
    static let largestFindingCount = 10_000
    private static let largestMinuteCount = 10_000

    package struct FindingMinute: Hashable, Sendable {
        package var identity: FindingIdentity
        package var minute: Int64
    }

    package struct UpstreamMinute: Hashable, Sendable {
        package var upstream: Endpoint
        package var minute: Int64
    }

    package var occurrences: [(identity: FindingIdentity, occurrence: Occurrence)] = []
    /// As they are now.
    package private(set) var findings: [FindingIdentity: Finding] = [:]
    /// What to add.
    package var findingMinutes: [FindingMinute: Int] = [:]
    package var minutes: [Int64: MinuteFigures] = [:]
    package var upstreamMinutes: [UpstreamMinute: UpstreamFigures] = [:]
    /// Occurrences that there was no room for.
    package var leftOut = 0

    package init() {}

    package var isEmpty: Bool {
        occurrences.isEmpty && findings.isEmpty && findingMinutes.isEmpty && minutes.isEmpty && upstreamMinutes.isEmpty
    }

    /// - Returns: false where there is no room for one that is new: then nothing of it is kept.
    @discardableResult
    mutating func add(_ finding: Finding, as identity: FindingIdentity) -> Bool {
        guard findings[identity] != nil || findings.count < Self.largestFindingCount else { return false }
        findings[identity] = finding
        return true
    }

    mutating func add(_ occurrence: Occurrence, of identity: FindingIdentity) {
        guard occurrences.count < Self.largestOccurrenceCount, findings[identity] != nil else {
            leftOut += 1
            return
        }
        occurrences.append((identity, occurrence))
    }

    mutating func add(_ count: Int, of identity: FindingIdentity, at minute: Int64) {
        guard count > 0, findingMinutes.count < Self.largestMinuteCount else { return }
        findingMinutes[FindingMinute(identity: identity, minute: minute), default: 0] += count
    }

    mutating func add(_ figures: MinuteFigures, at minute: Int64) {
        guard figures != MinuteFigures(), minutes.count < Self.largestMinuteCount else { return }
        minutes[minute, default: MinuteFigures()].add(figures)
    }

    mutating func add(_ figures: UpstreamFigures, of upstream: Endpoint, at minute: Int64) {
        guard upstreamMinutes.count < Self.largestMinuteCount else { return }
        upstreamMinutes[UpstreamMinute(upstream: upstream, minute: minute), default: UpstreamFigures()].add(figures)
    }

    /// Takes what came after these.
    package mutating func merge(_ newer: HistoryChanges) {
        for (identity, finding) in newer.findings { add(finding, as: identity) }
        for (identity, occurrence) in newer.occurrences { add(occurrence, of: identity) }
        leftOut += newer.leftOut
        for (key, count) in newer.findingMinutes { add(count, of: key.identity, at: key.minute) }
        for (minute, figures) in newer.minutes { add(figures, at: minute) }
        for (key, figures) in newer.upstreamMinutes { add(figures, of: key.upstream, at: key.minute) }
    }
}
