import Foundation
import GRDB
package import Model

/// How the history fares.
package struct HistoryState: Sendable, Equatable {
    package var path: String
    package var bytes = 0
    /// Why the last write failed; nil where it did not.
    package var failure: String?
    package var failures = 0
    package var leftOut = 0

    package init(path: String) {
        self.path = path
    }
}

/// Why there is no history: a line for the user.
package struct HistoryError: Error, Equatable, Sendable {
    package var message: String

    package init(_ message: String) {
        self.message = message
    }
}

/// The history as the service writes it: SQLite with a write-ahead log, so that a process killed at any instant loses at most what was not
/// committed, and who reads is not held up.
package final class HistoryStore {
    private let pool: DatabasePool
    private let settings: HistorySettings
    private let run: Int64
    private var identities: [FindingIdentity: Int64] = [:]
    private static let largestIdentityCount = 20_000
    package let path: String

    /// A file that is no history any more is set aside, under the name given here.
    package private(set) var setAside: String?

    /// - Parameters:
    ///   - source: what is captured, for the reader.
    package init(_ settings: HistorySettings, path: String, startedAt: Timestamp, source: String) throws(HistoryError) {
        self.settings = settings
        self.path = path
        var aside: String?
        do {
            pool = try Self.open(path)
        } catch let error as DatabaseError
            where error.resultCode == .SQLITE_CORRUPT || error.resultCode == .SQLITE_NOTADB
        {
            let name = path + ".damaged-\(startedAt.nanoseconds / 1_000_000_000)"
            do {
                try Self.setAside(path, as: name)
                pool = try Self.open(path)
            } catch {
                throw HistoryError("\(path): damaged, and cannot be set aside: \(Self.reason(error))")
            }
            aside = name
        } catch {
            throw HistoryError("\(path): \(Self.reason(error))")
        }
        setAside = aside
        do {
            run = try pool.write { database in
                try database.execute(
                    sql: "INSERT INTO run (started, version, source) VALUES (?, ?, ?)",
                    arguments: [startedAt.nanoseconds, gwsniffVersion, source]
                )
                return database.lastInsertedRowID
            }
        } catch {
            throw HistoryError("\(path): \(Self.reason(error))")
        }
    }

    private static func open(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.busyMode = .timeout(2)
        configuration.maximumReaderCount = 1
        configuration.prepareDatabase { database in
            // Enough against a killed process; a power cut may cost the last commits, never the file.
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
            try database.execute(sql: "PRAGMA journal_size_limit = 8388608")
        }
        let folder = URL(filePath: path).deletingLastPathComponent()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let isNew = !FileManager.default.fileExists(atPath: path)
        if isNew { try makeIncremental(path) }
        let pool = try DatabasePool(path: path, configuration: configuration)
        try pool.read { database in
            let owner = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
            let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
            guard owner == HistorySchema.applicationID || tables == 0 else {
                throw HistoryError("this is the database of another program")
            }
        }
        try HistorySchema.migrator.migrate(pool)
        return pool
    }

    /// Deleted rows give their pages back only where that was asked for before the first table.
    private static func makeIncremental(_ path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL")
            try database.execute(sql: "VACUUM")
        }
        try queue.close()
    }

    private static func setAside(_ path: String, as name: String) throws {
        for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: path + suffix) {
            try FileManager.default.moveItem(atPath: path + suffix, toPath: name + suffix)
        }
    }

    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as DatabaseError: error.message ?? "SQLite error \(error.resultCode.rawValue)"
        case let error as HistoryError: error.message
        default: error.localizedDescription
        }
    }

    // MARK: Writing

    /// Writes all of `changes`, or throws and writes nothing of it.
    package func write(_ changes: HistoryChanges) throws(HistoryError) {
        guard !changes.isEmpty else { return }
        var known = identities
        do {
            try pool.write { database in
                for (identity, finding) in changes.findings {
                    known[identity] = try write(finding, identity, known[identity], database)
                }
                for (identity, occurrence) in changes.occurrences {
                    guard let id = known[identity] else { continue }
                    try database.cachedStatement(
                        sql: """
                            INSERT INTO occurrence (finding, time, body) SELECT id, ?, ? FROM finding WHERE id = ?
                            """
                    ).execute(arguments: [
                        occurrence.time.nanoseconds, try HistoryBody.encode(StoredOccurrence(occurrence)), id,
                    ])
                }
                for (key, weight) in changes.findingMinutes {
                    guard let id = known[key.identity] else { continue }
                    try database.cachedStatement(
                        sql: """
                            INSERT INTO finding_minute SELECT id, ?, ? FROM finding WHERE id = ?
                            ON CONFLICT DO UPDATE SET weight = weight + excluded.weight
                            """
                    ).execute(arguments: [key.minute, weight, id])
                }
                for (minute, figures) in changes.minutes { try Self.write(figures, at: minute, database) }
                for (key, figures) in changes.upstreamMinutes { try Self.write(figures, key, database) }
            }
        } catch {
            throw HistoryError(Self.reason(error))
        }
        // What is written again finds its row all the same.
        identities = known.count > Self.largestIdentityCount ? [:] : known
    }

    private func write(
        _ finding: Finding,
        _ identity: FindingIdentity,
        _ known: Int64?,
        _ database: Database
    ) throws -> Int64 {
        let body = try HistoryBody.encode(StoredFinding(finding))
        if let known {
            try database.cachedStatement(sql: "UPDATE finding SET first = ?, last = ?, body = ? WHERE id = ?").execute(
                arguments: [finding.first.nanoseconds, finding.last.nanoseconds, body, known]
            )
            // Gone where the bounds took it meanwhile.
            if database.changesCount > 0 { return known }
        }
        let row = try Int64.fetchOne(
            database,
            sql: """
                INSERT INTO finding (run, cause, severity, upstream, first, last, body) VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (run, cause, severity, upstream)
                DO UPDATE SET first = excluded.first, last = excluded.last, body = excluded.body RETURNING id
                """,
            arguments: [
                run, identity.cause.rawValue, identity.severity.rawValue, identity.upstream ?? "",
                finding.first.nanoseconds, finding.last.nanoseconds, body,
            ]
        )
        guard let row else { throw HistoryError("a finding got no number") }
        return row
    }

    private static func write(_ figures: MinuteFigures, at minute: Int64, _ database: Database) throws {
        try database.cachedStatement(
            sql: """
                INSERT INTO minute VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET requests = requests + excluded.requests, failed = failed + excluded.failed,
                    packets = packets + excluded.packets, bytes = bytes + excluded.bytes,
                    dropped = dropped + excluded.dropped
                """
        ).execute(arguments: [
            minute, figures.requests, figures.failedRequests, figures.packets, figures.bytes, figures.dropped,
        ])
    }

    private static func write(
        _ figures: UpstreamFigures,
        _ key: HistoryChanges.UpstreamMinute,
        _ database: Database
    ) throws {
        var sum = figures
        let row = try Row.fetchOne(
            database,
            sql: "SELECT * FROM upstream_minute WHERE minute = ? AND upstream = ?",
            arguments: [key.minute, key.upstream.description]
        )
        if let row { sum.add(UpstreamFigures(row)) }
        try database.cachedStatement(
            sql: "INSERT OR REPLACE INTO upstream_minute VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        ).execute(arguments: [
            key.minute, key.upstream.description, sum.connections, sum.exchanges, sum.failures, sum.resets,
            sum.retransmissions, sum.connectTimes.text, sum.connectTimes.total, sum.firstByteTimes.text,
            sum.firstByteTimes.total,
        ])
    }

    // MARK: Bounds

    /// Lets go of what is too old, then of the oldest while the file is too large.
    package func prune(now: Timestamp) throws(HistoryError) {
        do {
            try prune(before: now - settings.maximumAge)
            var round = 0
            while try size() > settings.maximumSize, round < 64, let span = try span() {
                round += 1
                // A tenth of the time, and never nothing.
                let cut = span.first + max(60_000_000_000, (span.last - span.first) / 10)
                try prune(before: cut)
            }
        } catch {
            throw HistoryError(Self.reason(error))
        }
    }

    private func prune(before time: Timestamp) throws {
        let minute = Minutes.minute(of: time)
        try pool.write { database in
            try database.execute(sql: "DELETE FROM occurrence WHERE time < ?", arguments: [time.nanoseconds])
            for table in ["finding_minute", "minute", "upstream_minute"] {
                try database.execute(sql: "DELETE FROM \(table) WHERE minute < ?", arguments: [minute])
            }
            try database.execute(sql: "DELETE FROM finding WHERE last < ?", arguments: [time.nanoseconds])
            try database.execute(
                sql: "DELETE FROM run WHERE id <> ? AND id NOT IN (SELECT run FROM finding)",
                arguments: [run]
            )
        }
        try pool.writeWithoutTransaction { database in
            // Each step frees one page.
            let vacuum = try database.makeStatement(sql: "PRAGMA incremental_vacuum")
            let cursor = try Row.fetchCursor(vacuum)
            while try cursor.next() != nil {}
            try database.checkpoint(.truncate)
        }
    }

    /// From the oldest entry to the newest; nil while there is none.
    private func span() throws -> (first: Timestamp, last: Timestamp)? {
        try pool.read { database in
            let row = try Row.fetchOne(
                database,
                sql: """
                    SELECT min(a), max(b) FROM (
                        SELECT min(time) AS a, max(time) AS b FROM occurrence
                        UNION ALL SELECT min(minute) * 60000000000, max(minute) * 60000000000 + 59999999999 FROM minute
                        UNION ALL SELECT min(minute) * 60000000000, max(minute) * 60000000000 + 59999999999
                            FROM upstream_minute
                        UNION ALL SELECT min(minute) * 60000000000, max(minute) * 60000000000 + 59999999999
                            FROM finding_minute
                        UNION ALL SELECT min(last), max(last) FROM finding)
                    """
            )
            guard let row, let first = row[0] as Int64?, let last = row[1] as Int64? else { return nil }
            return (Timestamp(nanoseconds: first), Timestamp(nanoseconds: last))
        }
    }

    /// Bytes of the database and its log.
    package func size() throws -> Int {
        ["", "-wal"].reduce(0) { sum, suffix in
            let attributes = try? FileManager.default.attributesOfItem(atPath: path + suffix)
            return sum + ((attributes?[.size] as? NSNumber)?.intValue ?? 0)
        }
    }
}
