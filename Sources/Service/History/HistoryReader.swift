import Foundation
import GRDB
import Model

/// Looks into a history, also while the service writes it.
package final class HistoryReader {
    /// Listed of a finding: the first and the last, as in every report.
    private static let firstOccurrences = 20

    private let queue: DatabaseQueue
    package let path: String

    package init(path: String) throws(HistoryError) {
        self.path = path
        // A folder that may not be looked into hides what is in it, as that of the service does from all but root.
        guard access(path, R_OK) == 0 else {
            let reason =
                errno == EACCES ? "no permission to read it: try sudo" : "there is no history; gwsniffd makes it"
            throw HistoryError("\(path): \(reason)")
        }
        do {
            var configuration = Configuration()
            configuration.readonly = true
            configuration.busyMode = .timeout(5)
            queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.read { database in
                guard try Int.fetchOne(database, sql: "PRAGMA application_id") == HistorySchema.applicationID else {
                    throw HistoryError("this is no history of gwsniffd")
                }
            }
        } catch {
            throw HistoryError("\(path): \(HistoryStore.reason(error))")
        }
    }

    /// The findings asked for, the newest first, with the occurrences of that time.
    package func entries(_ query: HistoryQuery) throws(HistoryError) -> [HistoryEntry] {
        try reading { database in
            var entries: [HistoryEntry] = []
            let rows = try Row.fetchCursor(
                database,
                sql: "SELECT id, body FROM finding WHERE last >= ? AND first <= ? ORDER BY last DESC, id DESC",
                arguments: [query.since?.nanoseconds ?? .min, query.until?.nanoseconds ?? .max]
            )
            while entries.count < query.limit, let row = try rows.next() {
                let id: Int64 = row["id"]
                guard query.ids.isEmpty || query.ids.contains(id),
                    let finding = HistoryBody.decode(StoredFinding.self, row["body"])?.finding,
                    query.causes.isEmpty || query.causes.contains(finding.cause),
                    query.severities.isEmpty || query.severities.contains(finding.severity),
                    query.matches(upstream: finding.upstream)
                else { continue }
                if let entry = try entry(id, finding, query, database) { entries.append(entry) }
            }
            return entries
        }
    }

    /// Nil where nothing of it happened in that time.
    private func entry(
        _ id: Int64,
        _ whole: Finding,
        _ query: HistoryQuery,
        _ database: Database
    ) throws -> HistoryEntry? {
        let (from, to) = (query.since?.nanoseconds ?? .min, query.until?.nanoseconds ?? .max)
        let weight =
            try Int.fetchOne(
                database,
                sql: "SELECT sum(weight) FROM finding_minute WHERE finding = ? AND minute BETWEEN ? AND ?",
                arguments: [id, minute(query.since, .min), minute(query.until, .max)]
            ) ?? 0
        guard weight > 0 else { return nil }
        func occurrences(_ order: String, _ limit: Int) throws -> [Occurrence] {
            let bodies = try Data.fetchAll(
                database,
                sql: """
                    SELECT body FROM occurrence WHERE finding = ? AND time BETWEEN ? AND ?
                    ORDER BY time \(order), id \(order) LIMIT ?
                    """,
                arguments: [id, from, to, limit]
            )
            return bodies.compactMap { HistoryBody.decode(StoredOccurrence.self, $0)?.occurrence }
        }
        var finding = whole
        let first = try occurrences("ASC", Self.firstOccurrences)
        let last = try occurrences("DESC", 1)
        finding.occurrences = first
        if let last = last.first, last.time > first.last?.time ?? last.time { finding.occurrences.append(last) }
        let isWhole = whole.weight == weight
        if !isWhole {
            finding.count = whole.severity == .failure ? weight : min(whole.count, weight)
            // At least: of further attempts no minute is known.
            finding.attempts = weight
            if let time = first.first?.time { finding.first = time }
            if let time = last.first?.time { finding.last = time }
            // Says something of all of them.
            finding.pattern = nil
        }
        return HistoryEntry(id: id, finding: finding, weight: weight, isWhole: isWhole)
    }

    private func minute(_ time: Timestamp?, _ other: Int64) -> Int64 { time.map { Minutes.minute(of: $0) } ?? other }

    /// What all traffic came to in that time, and its bounds.
    package func minutes(_ query: HistoryQuery) throws(HistoryError) -> [(minute: Int64, figures: MinuteFigures)] {
        try reading { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM minute WHERE minute BETWEEN ? AND ? ORDER BY minute",
                arguments: [minute(query.since, .min), minute(query.until, .max)]
            ).map { row in
                var figures = MinuteFigures()
                figures.requests = row["requests"]
                figures.failedRequests = row["failed"]
                figures.packets = row["packets"]
                figures.bytes = row["bytes"]
                figures.dropped = row["dropped"]
                return (row["minute"], figures)
            }
        }
    }

    package struct UpstreamMinute: Sendable {
        package var minute: Int64
        package var upstream: String
        package var figures: UpstreamFigures
    }

    package func upstreamMinutes(_ query: HistoryQuery) throws(HistoryError) -> [UpstreamMinute] {
        try reading { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM upstream_minute WHERE minute BETWEEN ? AND ? ORDER BY minute, upstream",
                arguments: [minute(query.since, .min), minute(query.until, .max)]
            ).map { UpstreamMinute(minute: $0["minute"], upstream: $0["upstream"], figures: UpstreamFigures($0)) }
                .filter { query.matches(upstream: $0.upstream) }
        }
    }

    private func reading<Value>(_ body: (Database) throws -> Value) throws(HistoryError) -> Value {
        do {
            return try queue.read(body)
        } catch {
            throw HistoryError("\(path): \(HistoryStore.reason(error))")
        }
    }
}
