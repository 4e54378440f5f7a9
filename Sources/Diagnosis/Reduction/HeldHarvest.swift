import Model

/// What the sieve stated, in the order of time: the interfaces of a capture come in blocks, so that a client's answer may stand before the
/// exchange that it was made of.
struct HeldHarvest {
    enum Event {
        /// An exchange is over, and may be the inner part of another.
        case inner(ExchangeDigest)
        /// All that may lie inside an exchange is known.
        case outer(ExchangeDigest)
        case suspect(Suspect)
        case calm(Calm)
    }

    /// Where an event stands: small, so that sorting moves little.
    private struct Key {
        var time: Timestamp
        var frame: Int
        var rank: Int
        var place: Int
    }

    private var keys: [Key] = []
    private var events: [Event] = []
    /// No more events than this wait for others.
    private static let largest = 1 << 17

    /// - Parameter slack: how much later than its client's answer the end of an upstream's may be stamped.
    mutating func add(_ harvest: SieveHarvest, slack: Nanoseconds) {
        for digest in harvest.digests {
            add(.inner(digest), digest.end, digest.span.through, rank: 0)
            add(.outer(digest), digest.end + slack, digest.span.through, rank: 3)
        }
        for suspect in harvest.suspects { add(.suspect(suspect), suspect.end, suspect.frame, rank: 1) }
        for calm in harvest.calms { add(.calm(calm), calm.time, calm.frame, rank: 2) }
    }

    private mutating func add(_ event: Event, _ time: Timestamp, _ frame: Int, rank: Int) {
        keys.append(Key(time: time, frame: frame, rank: rank, place: events.count))
        events.append(event)
    }

    /// Takes out what came before `time`, in order.
    mutating func due(before time: Timestamp) -> [Event] {
        keys.sort { ($0.time, $0.frame, $0.rank) < ($1.time, $1.frame, $1.rank) }
        let count = max(keys.partitionPoint { $0.time >= time }, keys.count - Self.largest)
        let due = keys[..<count].map { events[$0.place] }
        let left = keys[count...].map { events[$0.place] }
        keys.removeFirst(count)
        for index in keys.indices { keys[index].place = index }
        events = left
        return due
    }
}
