import Model
import Testing

@testable import Service

@Suite struct PictureTests {
    private static func figures(_ requests: Int) -> MinuteFigures {
        var figures = MinuteFigures()
        figures.requests = requests
        return figures
    }

    @Test("A day of minutes is kept, however long it goes on and however the clock jumps")
    func minutes() {
        var minutes = Minutes()
        for minute in 0..<5_000 { minutes.add(Self.figures(1), at: Int64(minute)) }
        #expect(minutes.all.count <= Minutes.largestCount)
        #expect(minutes.last(3).map(\.minute) == [4_997, 4_998, 4_999])
        #expect(minutes.last(Minutes.largestCount).allSatisfy { $0.figures.requests == 1 })
        // A hundred years ahead for a moment, and back.
        minutes.add(Self.figures(7), at: 50_000_000)
        for minute in 5_000..<6_000 { minutes.add(Self.figures(1), at: Int64(minute)) }
        #expect(minutes.last(1_000).allSatisfy { $0.figures.requests == 1 })
        #expect(minutes.all.count <= Minutes.largestCount)
        #expect(minutes.last(2, until: 6_001).map(\.figures.requests) == [0, 0])
        #expect(Minutes().last(5).isEmpty)
    }

    @Test("Minutes before 1970 are minutes too")
    func earlyMinutes() {
        #expect(Minutes.minute(of: Timestamp(nanoseconds: -1)) == -1)
        #expect(Minutes.minute(of: Timestamp(nanoseconds: 0)) == 0)
        #expect(Minutes.minute(of: Timestamp(seconds: -60)) == -1)
        #expect(Minutes.minute(of: Timestamp(seconds: -61)) == -2)
    }

    @Test("Everything that hostile packets can add to is bounded")
    func bounds() {
        let feed = Sample.feed()
        for number in 0..<3_000 {
            let upstream = "10.\(number / 62_500).\(number / 250 % 250).\(number % 250):80"
            Sample.tell(feed, Sample.occurrence(number), Sample.finding(count: 1, upstream: upstream))
            feed.warn("\(number)", at: Sample.start)
        }
        let picture = feed.picture
        #expect(picture.findings.count == Picture.largestFindingCount)
        #expect(picture.latest.count <= Picture.largestFindingCount)
        #expect(picture.recent.count == Picture.largestRecentCount)
        #expect(picture.warnings.count == Picture.largestWarningCount)
        #expect(picture.findingTotals.count == 101)
        #expect(picture.findingTotals.values.reduce(0, +) == 3_000)
        #expect(feed.takeChanges().occurrences.count == HistoryChanges.largestOccurrenceCount)
    }

    @Test("What waits for a history that cannot be written is bounded, the newest of what is known kept")
    func waiting() {
        var changes = HistoryChanges()
        for round in 0..<3 {
            var newer = HistoryChanges()
            for number in 0..<5_000 {
                let finding = Sample.finding(count: 1, upstream: "\(round * 5_000 + number)")
                newer.add(finding, as: FindingIdentity(finding))
            }
            let known = Sample.finding(count: round, upstream: "0")
            newer.add(known, as: FindingIdentity(known))
            changes.merge(newer)
        }
        #expect(changes.findings.count == HistoryChanges.largestFindingCount)
        #expect(changes.findings[FindingIdentity(Sample.finding(count: 1, upstream: "0"))]?.count == 2)
    }

    @Test("What was decided for a moment, and is in no report, goes from the page")
    func passing() {
        let feed = Sample.feed()
        feed.decided(Sample.occurrence(1), Sample.finding(count: 1, cause: .undetermined))
        feed.decided(Sample.occurrence(1), Sample.finding(count: 1))
        #expect(feed.picture.findings.count == 2)
        feed.report(Sample.report(requests: 1, failed: 1, exchanges: 0, findings: [Sample.finding(count: 1)]))
        #expect(feed.picture.findings.values.map(\.cause) == [.connectRefused])
        #expect(feed.picture.recent.map(\.identity.cause) == [.connectRefused])
    }

    @Test("Quantiles lie where a bucket's durations are evenly spread")
    func quantiles() throws {
        var histogram = DurationHistogram()
        for milliseconds in 1...100 { histogram.add(.milliseconds(Int64(milliseconds))) }
        let counts = BucketCounts(histogram)
        #expect(counts.count == 100)
        let median = try #require(counts.quantile(0.5))
        #expect((45_000_000...55_000_000).contains(median))
        #expect(BucketCounts().quantile(0.5) == nil)
        #expect(counts.since(counts) == BucketCounts())
        #expect(BucketCounts(counts: counts.counts, total: counts.total) == counts)
        #expect(BucketCounts(counts: [1], total: 1) == nil)
    }

    @Test("An upstream is failing where half its attempts fail, degraded where some do, idle where nothing was asked")
    func health() {
        func health(_ exchanges: Int, _ failures: Int, _ minute: Int64 = 0) -> UpstreamHealth.State {
            var figures = UpstreamFigures()
            figures.exchanges = exchanges
            figures.failures = failures
            var upstream = Picture.Upstream()
            upstream.minutes = [(0, figures)]
            return UpstreamHealth(upstream, at: minute).state
        }
        #expect(health(10, 0) == .good)
        #expect(health(10, 1) == .degraded)
        #expect(health(10, 5) == .failing)
        #expect(health(0, 3) == .failing)
        #expect(health(0, 0) == .idle)
        #expect(health(10, 10, 6) == .idle)
    }
}
