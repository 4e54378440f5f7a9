package import Model

/// What happened within a minute of packet time.
package struct MinuteFigures: Sendable, Equatable {
    package var requests = 0
    package var failedRequests = 0
    package var packets = 0
    package var bytes: Int64 = 0
    package var dropped = 0
    /// Failed requests by cause, as they were decided.
    package var causes: [Cause: Int] = [:]
    /// Attempts that a retry hid.
    package var hidden = 0

    package init() {}

    package mutating func add(_ other: MinuteFigures) {
        requests += other.requests
        failedRequests += other.failedRequests
        packets += other.packets
        bytes = bytes.addingSaturating(other.bytes)
        dropped += other.dropped
        hidden += other.hidden
        causes.merge(other.causes, uniquingKeysWith: +)
    }
}

/// The last day, minute by minute.
package struct Minutes: Sendable {
    package static let largestCount = 24 * 60

    /// By minutes since 1970, in any order of arrival.
    package private(set) var all: [Int64: MinuteFigures] = [:]
    /// The last one that something was added to.
    private var newest: Int64 = .min

    package init() {}

    package static func minute(of time: Timestamp) -> Int64 {
        let length: Int64 = 60_000_000_000
        let minute = time.nanoseconds / length
        return time.nanoseconds < 0 && minute * length != time.nanoseconds ? minute - 1 : minute
    }

    package static func start(of minute: Int64) -> Timestamp { Timestamp(seconds: minute &* 60) }

    /// A clock that was set makes time jump, either way: what is far from now goes first.
    package mutating func add(_ figures: MinuteFigures, at minute: Int64) {
        all[minute, default: MinuteFigures()].add(figures)
        newest = minute
        guard all.count > Self.largestCount else { return }
        let length = Int64(Self.largestCount)
        all = all.filter { abs($0.key.subtractingSaturating(minute)) < length }
        while all.count > Self.largestCount, let oldest = all.keys.min() { all[oldest] = nil }
    }

    /// The newest first minute back, `count` of them, those without anything included; the oldest first.
    package func last(_ count: Int, until minute: Int64? = nil) -> [(minute: Int64, figures: MinuteFigures)] {
        let end = minute ?? newest
        guard end != .min, count > 0 else { return [] }
        return (0..<count).map { back in
            let minute = end.subtractingSaturating(Int64(count - 1 - back))
            return (minute, all[minute] ?? MinuteFigures())
        }
    }
}
