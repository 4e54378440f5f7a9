/// How many durations lie between two round bounds: a column of a small histogram. Of a capture that was not dissected whole
/// the durations are known to 1.6 %, and so is on which side of a bound they lie.
package struct DurationClass: Sendable, Hashable {
    /// Nanoseconds, included; 0, or 1, 2 or 5 times a power of ten.
    package var from: Nanoseconds
    /// Nanoseconds, not included.
    package var to: Nanoseconds
    package var count: Int

    package init(from: Nanoseconds, to: Nanoseconds, count: Int) {
        self.from = from
        self.to = to
        self.count = count
    }

    /// The round bounds around a duration; durations below a microsecond share one class, and so do those of 1,000,000 s and more.
    static func bounds(around value: Nanoseconds) -> (from: Nanoseconds, to: Nanoseconds) {
        var from: Nanoseconds = 0
        var to: Nanoseconds = 1_000
        var power: Nanoseconds = 1_000
        while value >= to, power < 1_000_000_000_000_000 {
            from = to
            switch to / power {
            case 1: to = 2 * power
            case 2: to = 5 * power
            default:
                power *= 10
                to = power
            }
        }
        return value < to ? (from, to) : (to, .max)
    }

    /// Durations and how often each was seen, in ascending order, as classes without a hole between the first and the last.
    static func classes(of durations: [(value: Nanoseconds, count: Int)]) -> [DurationClass] {
        var result: [DurationClass] = []
        for duration in durations {
            while let last = result.last, duration.value >= last.to, last.to < .max {
                let next = bounds(around: last.to)
                result.append(DurationClass(from: next.from, to: next.to, count: 0))
            }
            if result.isEmpty {
                let first = bounds(around: duration.value)
                result.append(DurationClass(from: first.from, to: first.to, count: 0))
            }
            result[result.count - 1].count += duration.count
        }
        return result
    }
}
