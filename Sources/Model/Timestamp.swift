/// A span of packet time in nanoseconds; negative when the later event carries the earlier time stamp.
@usableFromInline package typealias Nanoseconds = Int64

/// A point in packet time: nanoseconds since 1970-01-01T00:00:00 UTC, range 1677 to 2262.
///
/// Packet time is the only clock of the analysis, so that the same bytes give the same report.
package struct Timestamp: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64

    @inlinable package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Saturates instead of trapping: time stamps come from the file and may be anything.
    @inlinable package init(seconds: Int64, nanoseconds fraction: Int64 = 0) {
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let base = overflow ? (seconds < 0 ? Int64.min : Int64.max) : scaled
        self.nanoseconds = base.addingSaturating(fraction)
    }

    @inlinable package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    // The general ones go through the protocol.
    @inlinable package static func == (left: Timestamp, right: Timestamp) -> Bool {
        left.nanoseconds == right.nanoseconds
    }
    @inlinable package static func != (left: Timestamp, right: Timestamp) -> Bool {
        left.nanoseconds != right.nanoseconds
    }
    @inlinable package static func > (left: Timestamp, right: Timestamp) -> Bool {
        left.nanoseconds > right.nanoseconds
    }
    @inlinable package static func <= (left: Timestamp, right: Timestamp) -> Bool {
        left.nanoseconds <= right.nanoseconds
    }
    @inlinable package static func >= (left: Timestamp, right: Timestamp) -> Bool {
        left.nanoseconds >= right.nanoseconds
    }

    /// The time from `right` to `left`, saturated to the range of `Int64`.
    @inlinable package static func - (left: Timestamp, right: Timestamp) -> Nanoseconds {
        left.nanoseconds.subtractingSaturating(right.nanoseconds)
    }

    @inlinable package static func + (left: Timestamp, right: Nanoseconds) -> Timestamp {
        Timestamp(nanoseconds: left.nanoseconds.addingSaturating(right))
    }

    @inlinable package static func - (left: Timestamp, right: Nanoseconds) -> Timestamp {
        Timestamp(nanoseconds: left.nanoseconds.subtractingSaturating(right))
    }
}

extension Int64 {
    @inlinable package func addingSaturating(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }

    @inlinable package func subtractingSaturating(_ other: Int64) -> Int64 {
        let (difference, overflow) = subtractingReportingOverflow(other)
        return overflow ? (other < 0 ? .max : .min) : difference
    }
}

extension Nanoseconds {
    @inlinable package static func milliseconds(_ count: Int64) -> Nanoseconds { count * 1_000_000 }
    @inlinable package static func seconds(_ count: Int64) -> Nanoseconds { count * 1_000_000_000 }
}
