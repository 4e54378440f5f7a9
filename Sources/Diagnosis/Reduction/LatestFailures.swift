import Model

/// The latest failures, and whether there was room for them.
///
/// Where room is short, a client's request and the attempt that was made for it must be kept both or neither: the request alone would look as if
/// nothing had been tried for it. So what was asked around a failed attempt goes the way that the attempt went, and on the account of its server:
/// of a listener in front of many upstreams, the flood of one must not cost the others their requests.
struct LatestFailures {
    private struct Entry {
        var suspect: Suspect
        var owner: Endpoint
        var isKept: Bool
        var isTaken = false
    }

    struct Inner {
        var owner: Endpoint
        var isKept: Bool
    }

    private var entries: [Entry] = []
    private var next = 0
    /// First frames of the spans that there was no room for: what was refused once is not kept later, without what belongs to it.
    private var refused: Set<Int> = []
    private static let largestRefusedCount = 1 << 14
    private static let largest = 128
    /// An attempt that failed without having asked anything is answered for so soon.
    private static let reaction: Nanoseconds = .seconds(1)

    func wasRefused(_ suspect: Suspect) -> Bool { refused.contains(suspect.span.from) }

    mutating func note(_ suspect: Suspect, owner: Endpoint, isKept: Bool) {
        if !isKept {
            if refused.count >= Self.largestRefusedCount { refused.removeAll(keepingCapacity: true) }
            refused.insert(suspect.span.from)
        }
        let entry = Entry(suspect: suspect, owner: owner, isKept: isKept)
        if entries.count < Self.largest {
            entries.append(entry)
        } else {
            entries[next] = entry
            next = (next + 1) % Self.largest
        }
    }

    /// The failed attempt inside `outer`: of those that asked the same the one that began nearest to it, else of the connects that failed the
    /// one that ended nearest to its end.
    mutating func takeInner(of outer: Suspect, slack: Nanoseconds, isDialler: (IPAddress) -> Bool) -> Inner? {
        var best: (place: Int, distance: Nanoseconds)?
        for (place, entry) in entries.enumerated() where !entry.isTaken {
            let inner = entry.suspect
            guard inner.server != outer.server, inner.span.flow != outer.span.flow,
                inner.start + slack >= outer.start, inner.end <= outer.end + slack
            else { continue }
            var distance: Nanoseconds
            if inner.question != 0, inner.question == outer.question {
                distance = max(0, inner.start - outer.start)
            } else if inner.tail != 0, inner.tail == outer.tail {
                distance = max(0, inner.start - outer.start).addingSaturating(.seconds(600))
            } else if inner.question == 0 || outer.question == 0 {
                guard outer.end - inner.end <= Self.reaction else { continue }
                distance = max(0, outer.end - inner.end).addingSaturating(.seconds(3_600))
            } else {
                continue
            }
            if !isDialler(inner.client), inner.client != outer.server.address {
                distance = distance.addingSaturating(.seconds(86_400))
            }
            if distance < best?.distance ?? .max { best = (place, distance) }
        }
        guard let best else { return nil }
        entries[best.place].isTaken = true
        return Inner(owner: entries[best.place].owner, isKept: entries[best.place].isKept)
    }
}

extension Reducer {
    /// Keeps a suspect, if there is room on its server's account, or on that of the attempt that was made for it.
    /// - Returns: whether it is kept.
    mutating func keep(_ suspect: Suspect) -> Bool {
        if kept.spans[suspect.span.from] != nil { return kept.keep(suspect.span, for: suspect.server) }
        if latest.wasRefused(suspect) { return false }
        // Packets in the wrong place, as where many are dropped, must not take the room of failures.
        if suspect.kind == .odd, kept.isNearlyFull { return false }
        // While there is plenty, what belongs together need not be known, but to whom it counts.
        let inner = latest.takeInner(of: suspect, slack: slack) { [diallers] in diallers.contains($0) }
        let owner = inner?.owner ?? suspect.server
        let isKept =
            inner?.isKept ?? true
            && kept.keep(suspect.span, for: owner, isPartner: inner != nil)
        latest.note(suspect, owner: owner, isKept: isKept)
        return isKept
    }

    /// Keeps what stands beside a failure.
    mutating func keep(_ span: FlowSpan, for server: Endpoint, at time: Timestamp) {
        if !kept.keep(span, for: server) { givenUp.note(from: time, through: time) }
    }

    /// Keeps an exchange that stands beside a failure, and the one that it was made for.
    mutating func keep(_ inner: FlowSpan, inside outer: FlowSpan, for server: Endpoint, at time: Timestamp) {
        if !kept.keep(inner, inside: outer, for: server) { givenUp.note(from: time, through: time) }
    }
}
