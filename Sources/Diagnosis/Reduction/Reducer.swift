package import Model

/// Chooses the connections that the diagnosis needs in full: what failed, what may have to do with it, and a sample of the rest.
///
/// Exchanges that went well are paired over the two legs, and a pair has told all that it knows: it is counted. What a failed request
/// may have been given, what a failed attempt may have been made for, and what proves a server alive at that time is kept beside it.
///
/// To be fed in stretches of the capture, whose bounds do not depend on how many threads read it.
package struct Reducer {
    /// Captures with no more connections than this are diagnosed whole.
    package static let wholeCount = 512
    /// And with no more exchanges than this, good or not.
    package static let wholeEventCount = 8_192
    /// Of larger ones, the first exchanges of the first connections are kept whatever they are: by them roles and habits are known.
    package static let sampleCount = 128
    private static let samplesPerFlow = 2

    /// Two interfaces of one host stamp their packets with one clock, but not at the same depth of the stack.
    private static let interfaceSlack: Nanoseconds = 300_000
    /// Packets of one interface are stamped in their order.
    private static let queueSlack: Nanoseconds = 10_000
    /// A client's answer may take this long after its upstream's; later, what nobody claimed may belong to what failed.
    private static let patience: Nanoseconds = .seconds(30)
    /// A block of one interface's packets is written this long after the first of them, at most.
    package var disorder: Nanoseconds = .seconds(1)
    /// Of answers that were cut short by a close or were altered, so many a server are kept, and ever fewer of the rest.
    private static let cutsPerServer = 32
    /// A request that waited this long before it was passed on may have been tried elsewhere before.
    private static let noticeableWait: Nanoseconds = .milliseconds(1)
    private static let largestPendingCount = 1 << 16
    private static let largestWaitingCount = 1 << 14
    private static let largestSuspectCount = 1 << 14
    /// An answered upstream exchange is remembered this long for a client's request that fails for another reason.
    private static let memory: Nanoseconds = .seconds(60)

    /// A pair whose request had waited before.
    struct Waited {
        var from: Timestamp
        var to: Timestamp
        var outer: FlowSpan
        var inner: FlowSpan
        var dialler: IPAddress
    }

    /// What is remembered of a server.
    struct Server {
        /// Its latest good exchanges, each with the one around it where that is known.
        var recent: [(inner: FlowSpan, outer: FlowSpan?)] = []
        /// Further good exchanges that are to be kept.
        var wanted = 0
        /// What stands beside a failure is kept now and then, ever rarer.
        var nextContext = Timestamp(nanoseconds: .min)
        var contextInterval: Nanoseconds = .seconds(1)
        var contexts = 0
        var foreign = 0
        var cuts = 0
        var altered = 0
        var nextBeat = Timestamp(nanoseconds: .min)
        var beat: Nanoseconds = .seconds(2)
        var beats = 0
    }

    /// Exchanges that went well, and what did not.
    package private(set) var eventCount = 0
    var pending = PendingExchanges(largest: Self.largestPendingCount)
    var waited: [Waited] = []
    var nextWaited = 0
    var suspects: [Suspect] = []
    var unresolved: [Suspect] = []
    var servers: [Endpoint: Server] = [:]
    /// Exchanges of the sample so far.
    var sampled: [Int: Int] = [:]
    var passings: [BackgroundFacts.Passing: Int] = [:]
    var diallers: Set<IPAddress> = []
    /// Requests that are looked at in full, by what they ask.
    var oddities: [UInt64: [Oddity]] = [:]
    private static let oddPerQuestion = 64
    /// A gateway tries again within this time (HAProxy waits a second).
    private static let retryTime: Nanoseconds = .milliseconds(1_200)

    struct Oddity {
        var suspect: Suspect
        /// Good exchanges that may be later tries of the same, still to be kept.
        var retries = 3
        /// The client's request around it was found.
        var isJoined = false
    }
    var kept: KeptSpans
    var held = HeldHarvest()

    /// Which requests the report is about: where it is not all, those that went well are counted apart.
    package var selection = RequestSelection()
    private var selected: [Endpoint: Int] = [:]

    /// Packets of more than one interface were seen.
    package var hasSeveralInterfaces = false
    var slack: Nanoseconds { hasSeveralInterfaces ? Self.interfaceSlack : Self.queueSlack }

    /// Connections whose first frame is no later are the sample.
    package var sampleEnd = Int.max

    /// - Parameter largestKeptCount: spans of connections that may be kept.
    package init(largestKeptCount: Int) {
        kept = KeptSpans(largest: largestKeptCount)
    }

    // MARK: Input

    /// Takes what a stretch of the capture brought, whose last packet has the time `now`.
    package mutating func take(_ harvest: SieveHarvest, now: Timestamp) {
        held.add(harvest, slack: slack)
        // What comes out of one interface comes in order.
        take(until: hasSeveralInterfaces ? now - disorder : Timestamp(nanoseconds: .max))
        resolve(until: now - Self.patience)
        pending.expire(before: now - Self.memory)
    }

    private mutating func take(until time: Timestamp) {
        for event in held.due(before: time) {
            switch event {
            case .inner(let digest):
                // Whoever has been seen to ask on a client's behalf, or anybody while nobody has.
                if diallers.isEmpty || diallers.contains(digest.client) || diallers.count > 256 {
                    pending.insert(digest)
                }
            case .outer(let digest): take(digest)
            case .suspect(let suspect): take(suspect)
            case .calm(let calm): kept.close(calm)
            }
        }
    }

    private mutating func take(_ digest: ExchangeDigest) {
        eventCount += 1
        kept.note(digest.span)
        if !selection.selectsEverything,
            selection.matches(time: digest.begun, status: digest.status, target: nil, id: nil)
        {
            selected[digest.server, default: 0] += 1
        }
        if digest.span.flow <= sampleEnd, sampled[digest.span.flow, default: 0] < Self.samplesPerFlow {
            sampled[digest.span.flow, default: 0] += 1
            kept.keep(digest.span, asBystander: true)
        }
        sample(digest)
        keepIfTriedAgain(digest)
        let odd = nearestOdd(inside: digest)
        if let inner = pending.takeInner(
            of: digest,
            closerThan: odd?.distance ?? .max,
            slack: slack,
            isDialler: { diallers.contains($0) }
        ) {
            let passing = BackgroundFacts.Passing(front: digest.server, dialler: inner.client, upstream: inner.server)
            passings[passing, default: 0] += 1
            diallers.insert(inner.client)
            join(digest, inner)
        } else if let odd {
            oddities[digest.question]?[odd.place].isJoined = true
            kept.keep(digest.span)
        }
    }

    /// Two exchanges of which one was made for the other are kept together or not at all: alone, either could be taken for what is missing
    /// of something that failed.
    private mutating func join(_ outer: ExchangeDigest, _ inner: ExchangeDigest) {
        if kept.contains(inner.span) || kept.contains(outer.span) || isAltered(outer, inner) {
            kept.keep(inner.span, inside: outer.span)
        } else {
            remember(inner, outer.span)
        }
        keepIfTriedBefore(outer, inner)
    }

    /// The client was given another answer of that status: the gateway's own, or the gateway works on what it passes on, which shows soon.
    private mutating func isAltered(_ outer: ExchangeDigest, _ inner: ExchangeDigest) -> Bool {
        guard inner.length >= 0, outer.length >= 0, inner.length != outer.length else { return false }
        servers[inner.server, default: Server()].altered += 1
        let count = servers[inner.server]?.altered ?? 0
        return count <= Self.cutsPerServer || count.nonzeroBitCount == 1
    }

    /// What was made for this request may be among what is looked at in full, for packets that were lost or out of order: the one of the
    /// same question that began soonest after it.
    private func nearestOdd(inside outer: ExchangeDigest) -> (place: Int, distance: Nanoseconds)? {
        guard let candidates = oddities[outer.question] else { return nil }
        var best: (place: Int, distance: Nanoseconds)?
        for (place, oddity) in candidates.enumerated() where !oddity.isJoined {
            let suspect = oddity.suspect
            guard suspect.start + slack >= outer.begun, suspect.start <= outer.end + slack,
                suspect.server != outer.server,
                suspect.client != outer.client || suspect.client == outer.server.address
            else { continue }
            let apart = min(distance(suspect.start - outer.begun), distance(suspect.start - outer.asked))
            if apart < best?.distance ?? .max { best = (place, apart) }
        }
        return best
    }

    /// The same was asked before by the same gateway, and came to nothing.
    private mutating func keepIfTriedAgain(_ digest: ExchangeDigest) {
        guard let candidates = oddities[digest.question] else { return }
        for (place, oddity) in candidates.enumerated()
        where oddity.retries > 0 && oddity.suspect.client == digest.client && digest.begun > oddity.suspect.start
            && digest.begun - oddity.suspect.end <= Self.retryTime
        {
            oddities[digest.question]?[place].retries -= 1
            kept.keep(digest.span)
        }
    }

    private mutating func remember(_ inner: ExchangeDigest, _ outer: FlowSpan?) {
        var server = servers.removeValue(forKey: inner.server) ?? Server()
        if server.recent.count >= 1 { server.recent.removeFirst() }
        server.recent.append((inner.span, outer))
        servers[inner.server] = server
    }

    /// An attempt that failed may be hidden between a request and the exchange that answered it.
    private mutating func keepIfTriedBefore(_ outer: ExchangeDigest, _ inner: ExchangeDigest) {
        let wait = Waited(
            from: outer.begun - slack,
            to: inner.start + slack,
            outer: outer.span,
            inner: inner.span,
            dialler: inner.client
        )
        if suspects.suffix(64).contains(where: { Self.mayBeTried($0, during: wait) }) {
            kept.keep(wait.inner, inside: wait.outer)
        } else if inner.start - outer.begun > Self.noticeableWait {
            if waited.count < Self.largestWaitingCount {
                waited.append(wait)
            } else {
                waited[nextWaited] = wait
                nextWaited = (nextWaited + 1) % waited.count
            }
        }
    }

    private static func mayBeTried(_ suspect: Suspect, during wait: Waited) -> Bool {
        suspect.start >= wait.from && suspect.end <= wait.to && suspect.client == wait.dialler
            && suspect.span.flow != wait.inner.flow && suspect.kind != .foreign
    }

    private mutating func take(_ suspect: Suspect) {
        eventCount += 1
        var server = servers[suspect.server] ?? Server()
        defer { servers[suspect.server] = server }
        if suspect.kind == .foreign {
            // A few of each, ever rarer: what they are is soon known.
            server.foreign += 1
            if server.foreign <= 32 || server.foreign.nonzeroBitCount == 1 { kept.keep(suspect.span) }
            return
        }
        if suspect.kind == .cut {
            // Where the clients' leg is readable, it tells which answers were not passed on.
            guard passings.isEmpty else { return }
            server.cuts += 1
            if server.cuts <= Self.cutsPerServer || server.cuts.nonzeroBitCount == 1 { kept.keep(suspect.span) }
            return
        }
        kept.keep(suspect.span)
        if suspects.count >= 2 * Self.largestSuspectCount { suspects.removeFirst(Self.largestSuspectCount) }
        suspects.append(suspect)
        if suspect.kind != .connect {
            if unresolved.count < Self.largestSuspectCount { unresolved.append(suspect) }
            if suspect.question != 0, oddities.count < Self.largestSuspectCount {
                var same = oddities[suspect.question] ?? []
                if same.count >= Self.oddPerQuestion { same.removeFirst() }
                same.append(Oddity(suspect: suspect))
                oddities[suspect.question] = same
            }
        }
        // What tells whether its server was alive at the time.
        if suspect.kind != .odd, suspect.end >= server.nextContext {
            server.nextContext = suspect.end + server.contextInterval
            server.contexts += 1
            if server.contexts % 16 == 0 { server.contextInterval = server.contextInterval * 2 }
            for pair in server.recent {
                if let outer = pair.outer {
                    kept.keep(pair.inner, inside: outer)
                } else {
                    kept.keep(pair.inner, asBystander: true)
                }
            }
            server.recent = []
            server.wanted = 1
        }
        for wait in waited where Self.mayBeTried(suspect, during: wait) {
            kept.keep(wait.inner, inside: wait.outer)
        }
    }

    // MARK: Choice

    /// Good exchanges of each server now and then, and those beside something that failed.
    private mutating func sample(_ digest: ExchangeDigest) {
        var server = servers.removeValue(forKey: digest.server) ?? Server()
        if server.wanted > 0 {
            server.wanted -= 1
            kept.keep(digest.span, asBystander: true)
        } else if digest.end >= server.nextBeat {
            kept.keep(digest.span, asBystander: true)
            server.nextBeat = digest.end + server.beat
            server.beats += 1
            if server.beats % 32 == 0 { server.beat = server.beat * 2 }
        }
        servers[digest.server] = server
        // Without the clients' leg there is nothing to wait for.
        if diallers.isEmpty { remember(digest, nil) }
    }

    /// Keeps what a failed request may have been given by an upstream, for requests that ended before `time`.
    private mutating func resolve(until time: Timestamp) {
        var later: [Suspect] = []
        for suspect in unresolved {
            guard suspect.end < time else {
                later.append(suspect)
                continue
            }
            for inner in pending.nested(in: suspect, slack: slack) { kept.keep(inner.span) }
        }
        unresolved = later
    }

    // MARK: Result

    /// The capture is over.
    package mutating func finish() {
        take(until: Timestamp(nanoseconds: .max))
        resolve(until: Timestamp(nanoseconds: .max))
    }

    /// The parts of connections to dissect, without the openings of those of the sample that asked nothing.
    package var spans: [FlowSpan] { kept.all }

    package func state(into background: inout BackgroundFacts) {
        background.passings = passings
        background.selected = selection.selectsEverything ? nil : selected
        background.givenUp = kept.givenUp
        background.counted = kept.counted
        // Where no client is seen, attempts are nobody's.
        background.joined = passings.isEmpty ? [:] : kept.joined
    }
}
