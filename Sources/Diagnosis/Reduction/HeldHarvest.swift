import Model

/// What the sieve stated, in the order of time: the interfaces of a capture come in blocks, so that a client's answer may stand before the
/// exchange that it was made of.
struct HeldHarvest {
    /// What comes next, by its place in `harvest`.
    enum Event {
        /// An exchange is over, and may be the inner part of another.
        case inner(Int)
        /// All that may lie inside an exchange is known.
        case outer(Int)
        case suspect(Int)
        case calm(Int)
    }

    private enum Kind: UInt8 {
        case digest, suspect, calm
    }

    private struct Key {
        var time: Timestamp
        var frame: Int
        var place: Int32
        var kind: Kind
        /// Of a digest: it was handed out as `inner`.
        var isTaken = false

        static func precedes(_ left: Key, _ right: Key) -> Bool {
            if left.time != right.time { return left.time < right.time }
            if left.frame != right.frame { return left.frame < right.frame }
            return left.kind.rawValue < right.kind.rawValue
        }
    }

    private(set) var harvest = SieveHarvest()
    private var keys: [Key] = []
    /// Next of `keys`, and of those that are digests and may be the outer part.
    private var next = 0
    private var nextOuter = 0
    private var end = Timestamp(nanoseconds: .max)
    private var slack: Nanoseconds = 0
    /// No more events than this wait for others.
    private static let largest = 1 << 17

    mutating func add(_ more: SieveHarvest) {
        let base = (harvest.digests.count, harvest.suspects.count, harvest.calms.count)
        if harvest.digests.isEmpty {
            harvest.digests = more.digests
        } else {
            harvest.digests += more.digests
        }
        harvest.suspects += more.suspects
        harvest.calms += more.calms
        for index in more.digests.indices {
            add(.digest, more.digests[index].end, more.digests[index].span.through, base.0 + index)
        }
        for index in more.suspects.indices {
            add(.suspect, more.suspects[index].end, more.suspects[index].frame, base.1 + index)
        }
        for index in more.calms.indices { add(.calm, more.calms[index].time, more.calms[index].frame, base.2 + index) }
    }

    private mutating func add(_ kind: Kind, _ time: Timestamp, _ frame: Int, _ place: Int) {
        keys.append(Key(time: time, frame: frame, place: Int32(truncatingIfNeeded: place), kind: kind))
    }

    /// Begins to hand out what came before `time`.
    /// - Parameter slack: how much later than its client's answer the end of an upstream's may be stamped.
    mutating func begin(before time: Timestamp, slack: Nanoseconds) {
        keys.sort(by: Key.precedes)
        self.slack = slack
        end = time
        if keys.count > Self.largest { end = max(end, keys[keys.count - Self.largest].time) }
        (next, nextOuter) = (0, 0)
    }

    /// The next of what came before the given time; nil, and what was handed out is gone, behind the last.
    mutating func advance() -> Event? {
        while next < keys.count, keys[next].isTaken { next &+= 1 }
        while nextOuter < keys.count, keys[nextOuter].kind != .digest { nextOuter &+= 1 }
        let isDue = next < keys.count && keys[next].time < end
        if nextOuter < next, nextOuter < keys.count {
            let time = keys[nextOuter].time + slack
            if time < end, !isDue || (time, keys[nextOuter].frame) < (keys[next].time, keys[next].frame) {
                nextOuter &+= 1
                return .outer(Int(keys[nextOuter &- 1].place))
            }
        }
        guard isDue else {
            leave()
            return nil
        }
        next &+= 1
        let place = Int(keys[next &- 1].place)
        switch keys[next &- 1].kind {
        case .digest:
            keys[next &- 1].isTaken = true
            return .inner(place)
        case .suspect: return .suspect(place)
        case .calm: return .calm(place)
        }
    }

    /// Keeps what is not due.
    private mutating func leave() {
        var left: [Key] = []
        var rest = SieveHarvest()
        for index in min(next, nextOuter)..<keys.count {
            var key = keys[index]
            let place = Int(key.place)
            switch key.kind {
            case .digest:
                // Handed out both ways.
                if index < nextOuter { continue }
                key.place = Int32(rest.digests.count)
                rest.digests.append(harvest.digests[place])
            case .suspect:
                if index < next { continue }
                key.place = Int32(rest.suspects.count)
                rest.suspects.append(harvest.suspects[place])
            case .calm:
                if index < next { continue }
                key.place = Int32(rest.calms.count)
                rest.calms.append(harvest.calms[place])
            }
            left.append(key)
        }
        (harvest, keys) = (rest, left)
        (next, nextOuter) = (0, 0)
    }
}
