/// What is known of the traffic that was counted and not kept.
///
/// Connections are counted here whether they were kept or not; of exchanges, those that have a digest.
package struct BackgroundFacts: Sendable {
    /// Requests at a listener inside which the same was asked upstream.
    package struct Passing: Hashable, Sendable {
        package var front: Endpoint
        package var dialler: IPAddress
        package var upstream: Endpoint

        package init(front: Endpoint, dialler: IPAddress, upstream: Endpoint) {
            self.front = front
            self.dialler = dialler
            self.upstream = upstream
        }
    }

    package var passings: [Passing: Int] = [:]
    /// By the endpoint that served.
    package var servers: [Endpoint: ServerStatistics] = [:]
    /// Exchanges that the report is about, where it is not about all of them; what they asked for is not known here.
    package var selected: [Endpoint: Int]?
    /// First frames of requests that were kept and are counted here all the same.
    package var counted: Set<Int> = []
    /// For kept upstream requests, by first frame: the first frame of the client's request that each was made for; -1 where that
    /// one was not kept. The same for clients' requests whose upstream ones were not.
    package var joined: [Int: Int] = [:]
    /// Connections of the capture, those kept included.
    package var connections = 0
    package var midstreamConnections = 0
    package var oneWayConnections = 0
    /// Open connections that were let go, and names of closed ones, for want of memory.
    package var forgottenConnections = 0
    /// Parts of connections that were to be looked at and were too many for the memory allowed.
    package var givenUp = 0
    /// Of them, requests that came to no good answer, by the endpoint that served; of the first 4,096 such endpoints.
    package var givenUpExchanges: [Endpoint: Int] = [:]
    /// When something was given up, a stretch each, in no order: nothing may be concluded from what is not there at that time.
    package var givenUpTimes: [ClosedRange<Timestamp>] = []

    package init() {}
}

/// Figures of one server.
package struct ServerStatistics: Sendable {
    package var connections = 0
    package var exchanges = 0
    package var resets = 0
    package var retransmissions = 0
    package var connectTimes = DurationHistogram()
    package var firstByteTimes = DurationHistogram()

    package init() {}

    package mutating func add(_ other: ServerStatistics) {
        connections += other.connections
        exchanges += other.exchanges
        resets += other.resets
        retransmissions += other.retransmissions
        connectTimes.add(other.connectTimes)
        firstByteTimes.add(other.firstByteTimes)
    }
}

/// Durations: the values themselves while they are few, then counts in classes that are at most 1.6 % wide, sixty-four to each power of two.
package struct DurationHistogram: Sendable {
    private static let largestFew = 32

    private var few: [Nanoseconds] = []
    private var counts: [UInt32] = []
    package private(set) var count = 0
    package private(set) var minimum: Nanoseconds = .max
    package private(set) var maximum: Nanoseconds = 0
    /// Of all values, saturated.
    package private(set) var total: Nanoseconds = 0

    package init() {}

    private static func place(_ value: Nanoseconds) -> Int {
        guard value >= 128 else { return Int(max(0, value)) }
        let power = 63 - value.leadingZeroBitCount
        return (power - 5) * 64 + Int(value >> Int64(power - 6)) & 63
    }

    /// The smallest value of a class.
    private static func value(_ place: Int) -> Nanoseconds {
        guard place >= 128 else { return Nanoseconds(place) }
        return Nanoseconds(64 + place % 64) << Nanoseconds(place / 64 - 1)
    }

    package mutating func add(_ value: Nanoseconds) {
        let value = max(0, value)
        count += 1
        total = total.addingSaturating(value)
        minimum = min(minimum, value)
        maximum = max(maximum, value)
        if counts.isEmpty {
            few.append(value)
            if few.count > Self.largestFew { classify() }
        } else {
            count(value)
        }
    }

    private mutating func classify() {
        let values = few
        few = []
        counts = Array(repeating: 0, count: 64)
        for value in values { count(value) }
    }

    private mutating func count(_ value: Nanoseconds) {
        let place = Self.place(value)
        while counts.count <= place { counts.append(contentsOf: repeatElement(0, count: 64)) }
        counts[place] = counts[place] &+ 1
    }

    package mutating func add(_ other: DurationHistogram) {
        for value in other.few { add(value) }
        guard !other.counts.isEmpty else { return }
        if counts.isEmpty { classify() }
        while counts.count < other.counts.count { counts.append(contentsOf: repeatElement(0, count: 64)) }
        for place in other.counts.indices { counts[place] = counts[place] &+ other.counts[place] }
        count += other.count
        total = total.addingSaturating(other.total)
        minimum = min(minimum, other.minimum)
        maximum = max(maximum, other.maximum)
    }

    /// The values and how often each was seen, to the class, in ascending order.
    package var ascending: [(value: Nanoseconds, count: Int)] {
        if counts.isEmpty { return few.sorted().map { ($0, 1) } }
        return counts.indices.compactMap { place in
            counts[place] == 0 ? nil : (min(max(Self.value(place), minimum), maximum), Int(counts[place]))
        }
    }

    /// The value at `rank`, from 0, of all in ascending order, to the class.
    package func value(atRank rank: Int) -> Nanoseconds {
        if counts.isEmpty { return few.isEmpty ? 0 : few.sorted()[min(max(0, rank), few.count - 1)] }
        var left = rank
        for place in counts.indices {
            left -= Int(counts[place])
            if left < 0 { return min(max(Self.value(place), minimum), maximum) }
        }
        return maximum
    }

    /// How many values are at most each of `bounds`, which ascend; a value next to a bound may be counted for it when it is up to 1.6 % larger.
    package func counts(upTo bounds: [Nanoseconds]) -> [Int] {
        var result = Array(repeating: 0, count: bounds.count)
        func take(_ value: Nanoseconds, _ number: Int) {
            guard number > 0, let first = bounds.firstIndex(where: { value <= $0 }) else { return }
            result[first] += number
        }
        for value in few { take(value, 1) }
        for place in counts.indices { take(max(Self.value(place), minimum), Int(counts[place])) }
        for place in result.indices.dropFirst() { result[place] += result[place - 1] }
        return result
    }
}
