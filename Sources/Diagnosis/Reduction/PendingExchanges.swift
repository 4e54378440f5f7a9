import Model

/// Answered exchanges that may be the inner part of a client's: by what they asked, and in the order of their ends.
struct PendingExchanges {
    private struct Entry {
        var digest: ExchangeDigest
        var isTaken = false
        /// Positions of the next older and the next younger one that asked the same; -1 for none.
        var older = -1
        var younger = -1
    }

    private var entries: [Entry] = []
    /// Position of `entries[0]` since the beginning.
    private var base = 0
    private var head = 0
    /// Position of the youngest entry that asked a thing.
    private var youngest = WordTable()
    private let largest: Int
    /// Bits of a position that tell one entry from another: there are never so many.
    private static let positions = 1 << 30 - 1
    /// How many of one question are looked at.
    private static let reach = 64
    /// An answer that its gateway did not like is one of the first try, or it is the reason for the error that follows at once.
    private static let first: Nanoseconds = .milliseconds(100)
    private static let last: Nanoseconds = .milliseconds(20)

    init(largest: Int) {
        self.largest = largest
    }

    mutating func insert(_ digest: ExchangeDigest) {
        let position = base + entries.count
        // Positions go on for ever; what the table holds of them wraps, and the entries tell the rest.
        let older = absolute(youngest.update(digest.question, position & Self.positions))
        if older >= 0 { entries[older - base].younger = position }
        entries.append(Entry(digest: digest, older: older))
        if entries.count - head > largest { drop() }
    }

    mutating func expire(before time: Timestamp) {
        while head < entries.count, entries[head].isTaken || entries[head].digest.end < time { drop() }
    }

    private mutating func drop() {
        if !entries[head].isTaken { unlink(base + head) }
        head += 1
        if head >= 4_096, head * 2 > entries.count {
            entries.removeFirst(head)
            base += head
            head = 0
        }
    }

    private mutating func unlink(_ position: Int) {
        let (older, younger) = (entries[position - base].older, entries[position - base].younger)
        if older >= 0 { entries[older - base].younger = younger }
        if younger >= 0 {
            entries[younger - base].older = older
        } else if older >= 0 {
            _ = youngest.update(entries[position - base].digest.question, older & Self.positions)
        } else {
            youngest.remove(entries[position - base].digest.question)
        }
    }

    /// The youngest that asked this; -1 for none.
    private func position(of question: UInt64) -> Int { absolute(youngest[question]) }

    /// The position of an entry that ends in these bits; -1 for -1.
    private func absolute(_ low: Int) -> Int {
        guard low >= 0 else { return -1 }
        let newest = base + entries.count
        return newest - (newest - low) & Self.positions
    }

    /// The exchange inside `outer` that asked the same of somebody else: of those that fit, the one that began soonest after it, a known
    /// dialler's first; none that began later than `limit`, or that is not accepted.
    mutating func takeInner(
        of outer: ExchangeDigest,
        closerThan limit: Nanoseconds,
        slack: Nanoseconds,
        isDialler: (IPAddress) -> Bool,
        accepts: (ExchangeDigest) -> Bool = { _ in true }
    ) -> ExchangeDigest? {
        var position = position(of: outer.question)
        var best = (position: -1, distance: limit)
        var looked = 0
        while position >= 0, looked < Self.reach {
            let place = position - base
            // In the order of their ends: what ended before the other began is followed by nothing that fits.
            if entries[place].digest.end < outer.begun { break }
            if Self.fits(entries[place].digest, inside: outer, slack: slack), accepts(entries[place].digest) {
                let inner = entries[place].digest
                var distance = min(distance(inner.start - outer.begun), distance(inner.start - outer.asked))
                if inner.agent != outer.agent { distance = distance.addingSaturating(.seconds(60)) }
                if !isDialler(inner.client) { distance = distance.addingSaturating(.seconds(3_600)) }
                if distance < best.distance { best = (position, distance) }
            }
            position = entries[place].older
            looked += 1
        }
        guard best.position >= 0 else { return nil }
        unlink(best.position)
        entries[best.position - base].isTaken = true
        return entries[best.position - base].digest
    }

    @inline(__always)
    private static func fits(_ inner: ExchangeDigest, inside outer: ExchangeDigest, slack: Nanoseconds) -> Bool {
        inner.start + slack >= outer.begun && inner.end <= outer.end + slack && inner.status == outer.status
            && inner.span.flow != outer.span.flow && inner.server != outer.server
            // Nobody asks himself, unless client and gateway are one host.
            && (inner.client != outer.client || inner.client == outer.server.address)
    }

    /// Exchanges that nobody claimed and that began inside a failed one: those that asked the same, else the nearest to its end.
    func nested(in suspect: Suspect, slack: Nanoseconds) -> [ExchangeDigest] {
        let same = alike(suspect, slack: slack)
        guard same.isEmpty else { return same }
        var low = head
        var high = entries.count
        let end = suspect.end + slack
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].digest.end <= end { low = middle + 1 } else { high = middle }
        }
        var tails: [ExchangeDigest] = []
        var others: [ExchangeDigest] = []
        for entry in entries[head..<low].suffix(256).reversed() {
            let inner = entry.digest
            guard !entry.isTaken, mayBelong(inner, to: suspect, slack: slack) else { continue }
            if inner.tail == suspect.tail {
                if tails.count < 4 { tails.append(inner) }
            } else if others.count < 4, suspect.kind == .exchange {
                others.append(inner)
            }
        }
        return tails.isEmpty ? others : tails
    }

    /// Those that asked the same; their answers may have come when it was over.
    private func alike(_ suspect: Suspect, slack: Nanoseconds) -> [ExchangeDigest] {
        var result: [ExchangeDigest] = []
        var position = position(of: suspect.question)
        var looked = 0
        while position >= 0, looked < Self.reach, result.count < 4 {
            let entry = entries[position - base]
            if entry.digest.start <= suspect.end + slack, mayBelong(entry.digest, to: suspect, slack: slack) {
                result.append(entry.digest)
            }
            position = entry.older
            looked += 1
        }
        return result
    }

    /// Those that nobody claimed, the youngest first, at most `count`.
    func unclaimed(_ count: Int) -> [FlowSpan] {
        entries[head...].reversed().lazy.filter { !$0.isTaken }.prefix(count).map(\.digest.span)
    }

    private func mayBelong(_ inner: ExchangeDigest, to suspect: Suspect, slack: Nanoseconds) -> Bool {
        guard inner.start + slack >= suspect.start, inner.span.flow != suspect.span.flow,
            inner.server != suspect.server
        else { return false }
        // In the midst of a long wait it is rather the remains of somebody else's pair.
        return suspect.kind == .odd || inner.start - suspect.start <= Self.first
            || inner.end <= suspect.end + slack && suspect.end - inner.end <= Self.last
    }
}
