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

    private struct Held {
        var time: Timestamp
        var frame: Int
        var rank: Int
        var event: Event
    }

    private var held: [Held] = []
    /// No more events than this wait for others.
    private static let largest = 1 << 17

    /// - Parameter slack: how much later than its client's answer the end of an upstream's may be stamped.
    mutating func add(_ harvest: SieveHarvest, slack: Nanoseconds) {
        for digest in harvest.digests {
            let frame = digest.span.through
            held.append(Held(time: digest.end, frame: frame, rank: 0, event: .inner(digest)))
            held.append(Held(time: digest.end + slack, frame: frame, rank: 3, event: .outer(digest)))
        }
        for suspect in harvest.suspects {
            held.append(Held(time: suspect.end, frame: suspect.frame, rank: 1, event: .suspect(suspect)))
        }
        for calm in harvest.calms {
            held.append(Held(time: calm.time, frame: calm.frame, rank: 2, event: .calm(calm)))
        }
    }

    /// Takes out what came before `time`, in order.
    mutating func due(before time: Timestamp) -> [Event] {
        held.sort { ($0.time, $0.frame, $0.rank) < ($1.time, $1.frame, $1.rank) }
        let count = max(held.partitionPoint { $0.time >= time }, held.count - Self.largest)
        let events = held[..<count].map(\.event)
        held.removeFirst(count)
        return events
    }
}
