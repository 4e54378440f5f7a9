package import Model

/// What is counted of an upstream; differences of it make minutes, sums of it make groups.
package struct UpstreamFigures: Sendable, Equatable {
    /// Upper ends of the histograms' buckets, 0.5 ms to 100 s: round, as `DurationClass` has them, so that classes can be made of them.
    /// Connecting is about the network, a few milliseconds; the first byte is about the application, and gateways give up after 60 s.
    package static let bounds: [Nanoseconds] = [
        500_000, 1_000_000, 2_000_000, 5_000_000, 10_000_000, 20_000_000, 50_000_000, 100_000_000, 200_000_000,
        500_000_000, 1_000_000_000, 2_000_000_000, 5_000_000_000, 10_000_000_000, 20_000_000_000, 50_000_000_000,
        100_000_000_000,
    ]

    package var connections = 0
    package var exchanges = 0
    package var failures = 0
    package var resets = 0
    package var retransmissions = 0
    package var connectTimes = BucketCounts()
    package var firstByteTimes = BucketCounts()

    package init() {}

    package init(_ summary: UpstreamSummary) {
        connections = summary.connections
        exchanges = summary.exchanges
        failures = summary.failures
        resets = summary.resets
        retransmissions = summary.retransmissions
        connectTimes = BucketCounts(summary.connectTimes)
        firstByteTimes = BucketCounts(summary.firstByteTimes)
    }

    package var isEmpty: Bool { self == UpstreamFigures() }

    private static let counters: [any WritableKeyPath<UpstreamFigures, Int> & Sendable] = [
        \.connections, \.exchanges, \.failures, \.resets, \.retransmissions,
    ]

    package mutating func add(_ other: UpstreamFigures) {
        for counter in Self.counters { self[keyPath: counter] += other[keyPath: counter] }
        connectTimes.add(other.connectTimes)
        firstByteTimes.add(other.firstByteTimes)
    }

    /// What came since `earlier`. A count that went down, because a connection turned out to be none of the upstream's, gives nothing.
    package func since(_ earlier: UpstreamFigures) -> UpstreamFigures {
        var result = UpstreamFigures()
        for counter in Self.counters {
            result[keyPath: counter] = max(0, self[keyPath: counter] - earlier[keyPath: counter])
        }
        result.connectTimes = connectTimes.since(earlier.connectTimes)
        result.firstByteTimes = firstByteTimes.since(earlier.firstByteTimes)
        return result
    }
}

/// Durations by bucket; each counted once, in the smallest bucket that has it, the last for those beyond all bounds.
package struct BucketCounts: Sendable, Equatable {
    package private(set) var counts: [Int]
    /// Nanoseconds, of all of them.
    package private(set) var total: Nanoseconds

    package init() {
        counts = Array(repeating: 0, count: UpstreamFigures.bounds.count + 1)
        total = 0
    }

    /// Nil where the number of buckets is another, as in the history of another version.
    package init?(counts: [Int], total: Nanoseconds) {
        guard counts.count == UpstreamFigures.bounds.count + 1, counts.allSatisfy({ $0 >= 0 }) else { return nil }
        self.counts = counts
        self.total = total
    }

    package init(_ histogram: DurationHistogram) {
        self.init()
        var before = 0
        for (place, upTo) in histogram.counts(upTo: UpstreamFigures.bounds).enumerated() {
            counts[place] = upTo - before
            before = upTo
        }
        counts[counts.count - 1] = max(0, histogram.count - before)
        total = histogram.total
    }

    package var count: Int { counts.reduce(0, +) }

    package mutating func add(_ other: BucketCounts) {
        for place in counts.indices { counts[place] += other.counts[place] }
        total = total.addingSaturating(other.total)
    }

    package func since(_ earlier: BucketCounts) -> BucketCounts {
        var result = BucketCounts()
        for place in counts.indices { result.counts[place] = max(0, counts[place] - earlier.counts[place]) }
        result.total = max(0, total.subtractingSaturating(earlier.total))
        return result
    }

    /// The value below which `share` of all are, taken as evenly spread in its bucket, as histogram_quantile does; nil without any.
    package func quantile(_ share: Double) -> Nanoseconds? {
        let all = count
        guard all > 0 else { return nil }
        let wanted = Double(all) * share
        var before = 0
        for (place, number) in counts.enumerated() where number > 0 {
            if Double(before + number) >= wanted {
                guard place < UpstreamFigures.bounds.count else { return UpstreamFigures.bounds.last }
                let low = place == 0 ? 0 : UpstreamFigures.bounds[place - 1]
                let high = UpstreamFigures.bounds[place]
                let part = max(0, wanted - Double(before)) / Double(number)
                return low + Nanoseconds(Double(high - low) * part)
            }
            before += number
        }
        return UpstreamFigures.bounds.last
    }
}
