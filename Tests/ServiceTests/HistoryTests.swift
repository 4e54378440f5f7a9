import Foundation
import Model
import Reporting
import Testing

@testable import Service

@Suite struct HistoryTests {
    /// A directory of its own for a test, gone after it.
    final class Place {
        let directory: URL

        init() throws {
            directory = FileManager.default.temporaryDirectory.appending(path: "gwsniff-history-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(at: directory) }

        var path: String { directory.appending(path: "history.sqlite").path }

        func store(_ change: (inout HistorySettings) -> Void = { _ in }) throws -> HistoryStore {
            var settings = HistorySettings()
            change(&settings)
            return try HistoryStore(settings, path: path, startedAt: Sample.start, source: "eth0")
        }
    }

    /// What a feed has after `count` occurrences, one a minute, from `start` on.
    private static func changes(_ count: Int, from start: Timestamp = Sample.start) -> HistoryChanges {
        let feed = Sample.feed()
        for number in 1...count {
            let time = start + Nanoseconds(number - 1) * 60_000_000_000
            Sample.tell(feed, Sample.occurrence(number, at: time), Sample.finding(count: number, at: time))
            feed.progress(Sample.statistics(packets: number * 100, at: time))
            feed.finalReport(Sample.report(requests: number * 10, failed: number, exchanges: number * 9, at: time))
        }
        return feed.takeChanges()
    }

    @Test("What was written is read again, whole")
    func roundTrip() throws {
        let place = try Place()
        try place.store().write(Self.changes(3))
        let reader = try HistoryReader(path: place.path)
        let entries = try reader.entries(HistoryQuery())
        #expect(entries.map(\.weight) == [3])
        let finding = try #require(entries.first?.finding)
        #expect(finding.title == Sample.finding(count: 3).title)
        #expect(finding.ruledOut == Sample.finding(count: 3).ruledOut)
        #expect(finding.remedies == Sample.finding(count: 3).remedies)
        #expect(finding.occurrences.map(\.stream) == [1, 2, 3])
        let first = try #require(finding.occurrences.first)
        #expect(first.frames == Sample.occurrence(1).frames)
        #expect(first.client == Sample.occurrence(1).client)
        #expect(first.from == Sample.gateway)
        #expect(first.to == Sample.upstream)
    }

    @Test("Query values never reach the disk")
    func masked() throws {
        let place = try Place()
        let store = try place.store()
        try store.write(Self.changes(1))
        defer { withExtendedLifetime(store) {} }
        let bytes =
            try Data(contentsOf: URL(filePath: place.path)) + Data(contentsOf: URL(filePath: place.path + "-wal"))
        #expect(bytes.range(of: Data("/cart?card=***".utf8)) != nil)
        #expect(bytes.range(of: Data("s3cret".utf8)) == nil)
    }

    @Test("A stretch of time has the counts and the occurrences of that time")
    func times() throws {
        let place = try Place()
        try place.store().write(Self.changes(10))
        let reader = try HistoryReader(path: place.path)
        var query = HistoryQuery()
        query.since = Sample.start + .seconds(180)
        query.until = Sample.start + .seconds(360)
        let entries = try reader.entries(query)
        #expect(entries.map(\.weight) == [4])
        #expect(entries.first?.finding.count == 4)
        #expect(entries.first?.finding.occurrences.map(\.stream) == [4, 5, 6, 7])
        #expect(entries.first?.isWhole == false)
        #expect(try reader.minutes(query).map(\.figures.requests) == [10, 10, 10, 10])
        #expect(try reader.upstreamMinutes(query).map(\.figures.exchanges) == [9, 9, 9, 9])
        query.since = Sample.start + .seconds(3_600)
        query.until = nil
        #expect(try reader.entries(query).isEmpty)
    }

    @Test("Causes, upstreams, severities and numbers select")
    func selects() throws {
        let place = try Place()
        let feed = Sample.feed()
        Sample.tell(feed, Sample.occurrence(1), Sample.finding(count: 1))
        Sample.tell(
            feed,
            Sample.occurrence(2),
            Sample.finding(count: 2, cause: .responseTimeout, upstream: "10.9.9.9:80")
        )
        Sample.tell(feed, Sample.occurrence(3), Sample.finding(count: 1, severity: .nearMiss))
        Sample.tell(feed, Sample.occurrence(4), Sample.finding(count: 1, cause: .dnsFailure, upstream: nil))
        Sample.tell(feed, Sample.occurrence(5), Sample.finding(count: 1, cause: .surplusBytes, severity: .note))
        try place.store().write(feed.takeChanges())
        let reader = try HistoryReader(path: place.path)
        func count(_ change: (inout HistoryQuery) -> Void) throws -> Int {
            var query = HistoryQuery()
            change(&query)
            return try reader.entries(query).count
        }
        #expect(try count { _ in } == 4)
        #expect(try count { $0.causes = [.connectRefused] } == 2)
        #expect(try count { $0.upstreams = ["10.9.9.9:80"] } == 1)
        #expect(try count { $0.upstreams = ["10.0.0.0/8"] } == 3)
        #expect(try count { $0.upstreams = ["10.0.0.0/8:80"] } == 1)
        #expect(try count { $0.upstreams = ["none"] } == 1)
        #expect(try count { $0.severities = [.nearMiss] } == 1)
        #expect(try count { $0.ids = [1, 2] } == 2)
        #expect(try count { $0.limit = 3 } == 3)
    }

    @Test("Two runs give one finding in a report, and the report reads in every format")
    func report() throws {
        let place = try Place()
        try place.store().write(Self.changes(2))
        try place.store().write(Self.changes(3, from: Sample.start + .seconds(7_200)))
        let report = try HistoryReport.report(HistoryQuery(), from: HistoryReader(path: place.path))
        #expect(report.findings.map(\.count) == [5])
        #expect(report.findings.first?.occurrences.count == 5)
        #expect(report.totalRequests == 50)
        #expect(report.failedRequests == 5)
        #expect(report.upstreams.map(\.exchanges) == [45])
        #expect(TextReport.render(report).contains("connect-refused"))
        #expect(JSONReport.render(report).contains("\"count\": 5"))
        #expect(MarkdownReport.render(report).contains("connect-refused"))
        var query = HistoryQuery()
        query.causes = [.dnsFailure]
        #expect(try HistoryReport.report(query, from: HistoryReader(path: place.path)).failedRequests == 0)
    }

    @Test("What is too old goes")
    func age() throws {
        let place = try Place()
        let store = try place.store { $0.maximumAge = .seconds(3_600) }
        try store.write(Self.changes(100))
        try store.prune(now: Sample.start + .seconds(100 * 60))
        let reader = try HistoryReader(path: place.path)
        let minutes = try reader.minutes(HistoryQuery())
        #expect(minutes.count == 60)
        #expect(minutes.first?.minute == Minutes.minute(of: Sample.start) + 40)
        #expect(try reader.entries(HistoryQuery()).map(\.weight) == [60])
        try store.prune(now: Sample.start + .seconds(1_000_000))
        #expect(try reader.entries(HistoryQuery()).isEmpty)
        #expect(try reader.upstreamMinutes(HistoryQuery()).isEmpty)
        // What comes after is counted anew, and goes on to be written.
        try store.write(Self.changes(1, from: Sample.start + .seconds(1_000_000)))
        #expect(try reader.entries(HistoryQuery()).map(\.weight) == [1])
    }

    @Test("A finding that comes again after it was let go of is kept again")
    func again() throws {
        let place = try Place()
        let store = try place.store { $0.maximumAge = .seconds(3_600) }
        let feed = Sample.feed()
        Sample.tell(feed, Sample.occurrence(1), Sample.finding(count: 1))
        try store.write(feed.takeChanges())
        let later = Sample.start + .seconds(86_400)
        try store.prune(now: later)
        #expect(try HistoryReader(path: place.path).entries(HistoryQuery()).isEmpty)
        // Decided, and in no report yet.
        feed.decided(Sample.occurrence(2, at: later), Sample.finding(count: 1, at: later))
        try store.write(feed.takeChanges())
        feed.finalReport(
            Sample.report(
                requests: 9,
                failed: 2,
                exchanges: 8,
                at: later,
                findings: [Sample.finding(count: 2, at: later)]
            )
        )
        try store.write(feed.takeChanges())
        let entries = try HistoryReader(path: place.path).entries(HistoryQuery())
        #expect(entries.map(\.weight) == [1])
        #expect(entries.first?.finding.occurrences.map(\.stream) == [2])
    }

    @Test("The file stays within its size, and the newest is what stays")
    func size() throws {
        let place = try Place()
        let limit = 1 << 20
        let store = try place.store { $0.maximumSize = limit }
        var last = Sample.start
        for round in 0..<12 {
            let feed = Sample.feed()
            last = Sample.start + .seconds(Int64(round) * 3_600)
            for number in 1...400 {
                let time = last + .seconds(Int64(number) * 8)
                Sample.tell(feed, Sample.occurrence(number, at: time), Sample.finding(count: number, at: time))
            }
            try store.write(feed.takeChanges())
            try store.prune(now: last)
            #expect(try store.size() <= limit)
        }
        let entries = try HistoryReader(path: place.path).entries(HistoryQuery())
        #expect(entries.first?.finding.last == last + .seconds(3_200))
        #expect((entries.first?.weight ?? 0) > 100)
    }

    @Test("Files left by a process that was killed are read, and written on")
    func killed() throws {
        let place = try Place()
        let store = try place.store()
        try store.write(Self.changes(5))
        // As they lie on the disk while the process lives: nothing was closed, and the log not taken over.
        let copy = try Place()
        for suffix in ["", "-wal"] {
            try FileManager.default.copyItem(atPath: place.path + suffix, toPath: copy.path + suffix)
        }
        #expect(try Data(contentsOf: URL(filePath: copy.path + "-wal")).count > 0)
        let next = try copy.store()
        #expect(next.setAside == nil)
        try next.write(Self.changes(2, from: Sample.start + .seconds(7_200)))
        let report = try HistoryReport.report(HistoryQuery(), from: HistoryReader(path: copy.path))
        #expect(report.findings.map(\.count) == [7])
    }

    @Test("A log that was cut in the middle of a commit costs that commit, not the history")
    func torn() throws {
        let place = try Place()
        let store = try place.store()
        try store.write(Self.changes(5))
        let whole = try Data(contentsOf: URL(filePath: place.path + "-wal")).count
        try store.write(Self.changes(2, from: Sample.start + .seconds(7_200)))
        let copy = try Place()
        try FileManager.default.copyItem(atPath: place.path, toPath: copy.path)
        let log = try Data(contentsOf: URL(filePath: place.path + "-wal"))
        #expect(log.count > whole)
        try log.prefix(whole + 100).write(to: URL(filePath: copy.path + "-wal"))
        _ = try copy.store()
        let report = try HistoryReport.report(HistoryQuery(), from: HistoryReader(path: copy.path))
        #expect(report.findings.map(\.count) == [5])
    }

    @Test("A damaged file is set aside and a new one begun; another program's is left alone")
    func damaged() throws {
        let place = try Place()
        try Data(repeating: 0x5a, count: 20_000).write(to: URL(filePath: place.path))
        let store = try place.store()
        let aside = try #require(store.setAside)
        #expect(try Data(contentsOf: URL(filePath: aside)).count == 20_000)
        try store.write(Self.changes(1))
        #expect(try HistoryReader(path: place.path).entries(HistoryQuery()).count == 1)

        let other = try Place()
        let made = Process()
        made.executableURL = URL(filePath: "/usr/bin/env")
        made.arguments = [
            "python3", "-c",
            "import sqlite3,sys; sqlite3.connect(sys.argv[1]).execute('create table a (b)').connection.commit()",
            other.path,
        ]
        try made.run()
        made.waitUntilExit()
        #expect(throws: HistoryError.self) { try other.store() }
        #expect(throws: HistoryError.self) { try HistoryReader(path: other.path) }
        #expect(throws: HistoryError.self) { try HistoryReader(path: other.path + ".missing") }
    }

    @Test("While another holds the file nothing is lost: what could not be written is written when it lets go")
    func held() async throws {
        let place = try Place()
        let store = try HistoryStore(
            HistorySettings(),
            path: place.path,
            startedAt: Sample.start,
            source: "eth0"
        )
        let holder = Process()
        holder.executableURL = URL(filePath: "/usr/bin/env")
        let program =
            "import sqlite3,sys; c=sqlite3.connect(sys.argv[1],isolation_level=None); c.execute('begin immediate'); "
            + "print('held',flush=True); sys.stdin.read()"
        holder.arguments = ["python3", "-c", program, place.path]
        let (input, output) = (Pipe(), Pipe())
        holder.standardInput = input
        holder.standardOutput = output
        try holder.run()
        #expect(!output.fileHandleForReading.availableData.isEmpty)
        let feed = Sample.feed()
        Sample.tell(feed, Sample.occurrence(1), Sample.finding(count: 1))
        let writer = HistoryWriter(
            store,
            feed: feed,
            clock: Clocks.monotonic,
            now: { Sample.start },
            logger: ServiceLog.logger(LogSettings(), isJournal: true)
        )
        try await wait { writer.shown.failure != nil }
        #expect(writer.shown.failures > 0)
        Sample.tell(feed, Sample.occurrence(2), Sample.finding(count: 2))
        try input.fileHandleForWriting.close()
        holder.waitUntilExit()
        try await wait { writer.shown.failure == nil }
        writer.stop()
        let entries = try HistoryReader(path: place.path).entries(HistoryQuery())
        #expect(entries.map(\.weight) == [2])
        #expect(entries.first?.finding.occurrences.count == 2)
    }

    /// Until it is so; a minute is for a machine that has other things to do.
    private func wait(_ condition: () -> Bool) async throws {
        for _ in 0..<600 where !condition() { try await Task.sleep(for: .milliseconds(100)) }
        #expect(condition())
    }

    @Test("What cannot be written is kept within bounds, and adds up")
    func pending() {
        var pending = Self.changes(3)
        for _ in 0..<3 { pending.merge(Self.changes(3)) }
        #expect(pending.findingMinutes.values.reduce(0, +) == 12)
        #expect(pending.minutes.values.reduce(0) { $0 + $1.requests } == 120)
        for _ in 0..<30 { pending.merge(Self.changes(100)) }
        #expect(pending.occurrences.count == HistoryChanges.largestOccurrenceCount)
        #expect(pending.leftOut == 3_012 - HistoryChanges.largestOccurrenceCount)
    }

    @Test("Findings of a later version's causes are passed over")
    func unknownCause() throws {
        var stored = StoredFinding(Sample.finding(count: 1))
        #expect(stored.finding != nil)
        stored.cause = "gremlins"
        #expect(stored.finding == nil)
    }

    @Test(
        "Times are read as people write them",
        arguments: [
            ("24h", -86_400), ("90m", -5_400), ("7d", -604_800), ("03:00", -720), ("2026-11-22T03:11:00Z", -60),
        ]
    )
    func times(_ text: String, _ seconds: Int64) {
        #expect(HistoryTime.parse(text, now: Sample.start) == Sample.start + .seconds(seconds))
        #expect(HistoryTime.parse("90", now: Sample.start) == nil)
        #expect(HistoryTime.parse("soon", now: Sample.start) == nil)
    }
}
