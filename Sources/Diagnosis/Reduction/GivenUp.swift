import Model

/// What there was no room to look at: how much of it, whose, and when.
struct GivenUp {
    private(set) var count = 0
    /// Requests without a good answer, by server.
    private(set) var exchanges: [Endpoint: Int] = [:]
    /// Stretches of time.
    private(set) var times: [ClosedRange<Timestamp>] = []

    private static let largestServerCount = 4_096
    private static let largestTimeCount = 256
    /// What lies closer together is one stretch.
    private static let near: Nanoseconds = .seconds(1)

    mutating func note(_ suspect: Suspect) {
        count += 1
        note(from: suspect.start, through: suspect.end)
        guard suspect.kind == .exchange else { return }
        if exchanges[suspect.server] != nil || exchanges.count < Self.largestServerCount {
            exchanges[suspect.server, default: 0] += 1
        }
    }

    /// Something that stands beside a failure of that time was not kept.
    mutating func note(from start: Timestamp, through end: Timestamp) {
        let (start, end) = (min(start, end), max(start, end))
        if let last = times.last, start <= last.upperBound + Self.near, end + Self.near >= last.lowerBound {
            times[times.count - 1] = min(start, last.lowerBound)...max(end, last.upperBound)
        } else if times.count < Self.largestTimeCount {
            times.append(start...end)
        } else if let last = times.popLast() {
            times.append(min(start, last.lowerBound)...max(end, last.upperBound))
        }
    }

    /// Nothing is concluded any more about what was over before `time`.
    mutating func forget(before time: Timestamp) {
        times.removeAll { $0.upperBound < time }
    }
}
