package import Model

/// Which occurrences were already told.
///
/// Packets of one moment come by several interfaces and queues, one after the other, and what a verdict is concluded from is put together as it
/// turns out to matter: so it has to stand for a moment before it is told.
package struct Emission {
    private struct FindingKey: Hashable {
        var cause: Cause
        var upstream: String?
        var severity: Severity
    }

    private struct OccurrenceKey: Hashable {
        var time: Timestamp
        var stream: Int?
        var attempt: Int
    }

    /// Seconds for which a verdict has to stand.
    static let standing = 0.03

    /// Told of each finding, as far as its last report still listed it: bounded by what a report lists.
    private var told: [FindingKey: Set<OccurrenceKey>] = [:]
    private var seen: [FindingKey: [OccurrenceKey: Double]] = [:]
    /// Something was found that has not stood for long enough.
    package private(set) var isWaiting = false

    package init() {}

    /// - Parameters:
    ///   - now: seconds of a clock that only goes forward; nil where all is to be told at once.
    ///   - decided: false where nobody listens any more.
    package mutating func emit(
        _ findings: [Finding],
        at now: Double?,
        _ decided: (Occurrence, Finding) -> Bool
    ) -> Bool {
        isWaiting = false
        var current: [FindingKey: [OccurrenceKey: Double]] = [:]
        for finding in findings where finding.severity > .note {
            let key = FindingKey(cause: finding.cause, upstream: finding.upstream, severity: finding.severity)
            let before = told[key] ?? []
            var listed: Set<OccurrenceKey> = []
            for occurrence in finding.occurrences {
                let name = OccurrenceKey(
                    time: occurrence.time,
                    stream: occurrence.stream,
                    attempt: occurrence.attempt
                )
                if before.contains(name) {
                    listed.insert(name)
                    continue
                }
                if let now {
                    let since = seen[key]?[name] ?? now
                    if now - since < Self.standing {
                        current[key, default: [:]][name] = since
                        isWaiting = true
                        continue
                    }
                }
                listed.insert(name)
                if !decided(occurrence, finding) { return false }
            }
            told[key] = listed
        }
        seen = current
        return true
    }
}
