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
    static let largestServerCount = 1 << 16
    private static let largestPassingCount = 1 << 18
    private static let largestDiallerCount = 1 << 16
    /// So many suspects may lie between a request and the exchange that answered it.
    private static let suspectReach = 64
    /// An answered upstream exchange is remembered this long for a client's request that fails for another reason.
    private static let memory: Nanoseconds = .seconds(60)

    /// A pair whose request had waited before.
    struct Waited {
        var from: Timestamp
        var to: Timestamp
        var outer: FlowSpan
        var inner: FlowSpan
        var dialler: IPAddress
        var server: Endpoint
    }

    /// What is remembered of a server.
    struct Server {
        /// Its latest good exchange, with the one around it where that is known.
        var recent: (inner: FlowSpan, outer: FlowSpan?)?
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
    var serverNumbers = NumberTable<Endpoint>(largest: Self.largestServerCount)
    var servers: [Server] = []
    /// Exchanges of the sample so far.
    var sampled: [Int: Int] = [:]
    private var passingNumbers = NumberTable<BackgroundFacts.Passing>(largest: Self.largestPassingCount)
    var passings: [Int] = []
    /// Who was seen to ask on a client's behalf.
    var diallers = NumberTable<IPAddress>(largest: Self.largestDiallerCount)
    /// Requests that are looked at in full, by what they ask.
    var oddities: [UInt64: [Oddity]] = [:]
    var oddQuestions = WordFilter()
    /// When the youngest of the latest suspects began, and until when a request that waited did so, at the latest.
    private var latestStart = Timestamp(nanoseconds: .min)
    private var latestWait = Timestamp(nanoseconds: .min)
    private static let oddPerQuestion = 64
    /// A gateway tries again within this time (HAProxy waits a second).
    private static let retryTime: Nanoseconds = .milliseconds(1_200)

    struct Oddity {
        var suspect: Suspect
        /// Good exchanges that may be later tries of the same, still to be kept.
        var retries = 3
        /// How far from it the nearest client's request around it began that was found. One that began nearer may end later.
        var nearest = Nanoseconds.max
    }
    var kept: KeptSpans
    var latest = LatestFailures()
    var givenUp = GivenUp()
    var held = HeldHarvest()

    /// Which requests the report is about: where it is not all, those that went well are counted apart.
    package var selection = RequestSelection()
    private var selected: [Endpoint: Int] = [:]

    /// Packets of more than one interface were seen.
    package var hasSeveralInterfaces = false
    var slack: Nanoseconds { hasSeveralInterfaces ? Self.interfaceSlack : Self.queueSlack }

    /// Connections whose first frame is no later are the sample.
    package var sampleEnd = Int.max

    /// - Parameters:
    ///   - largestKeptCount: spans of connections that may be kept.
    ///   - largestOpenCount: those of them that may have no end.
    package init(largestKeptCount: Int, largestOpenCount: Int = .max) {
        kept = KeptSpans(largest: largestKeptCount, largestOpen: largestOpenCount)
    }

    // MARK: Input

    /// Takes what a stretch of the capture brought, whose last packet has the time `now`.
    package mutating func take(_ harvest: SieveHarvest, now: Timestamp) {
        held.add(harvest)
        // What comes out of one interface comes in order.
        take(until: hasSeveralInterfaces ? now - disorder : Timestamp(nanoseconds: .max))
        resolve(until: now - Self.patience)
        pending.expire(before: now - Self.memory)
    }

    private mutating func take(until time: Timestamp) {
        held.begin(before: time, slack: slack)
        while let event = held.advance() {
            switch event {
            case .inner(let place):
                let digest = held.harvest.digests[place]
                // Whoever has been seen to ask on a client's behalf, or anybody while nobody has.
                if diallers.keys.isEmpty || diallers.keys.count > 256 || diallers.contains(digest.client) {
                    pending.insert(digest)
                }
            case .outer(let place): take(held.harvest.digests[place])
            case .suspect(let place): take(held.harvest.suspects[place])
            case .calm(let place): kept.close(held.harvest.calms[place])
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
            _ = kept.keep(digest.span, for: digest.server, asBystander: true)
        }
        sample(digest)
        let mayBeOdd = oddQuestions.contains(digest.question)
        // Where clients are seen, the request around it tells whether it was another try.
        if mayBeOdd, passings.isEmpty { keepIfTriedAgain(digest, during: nil) }
        let odd = mayBeOdd ? nearestOdd(inside: digest) : nil
        if let inner = pending.takeInner(
            of: digest,
            closerThan: odd?.distance ?? .max,
            slack: slack,
            isDialler: { diallers.contains($0) }
        ) {
            let passing = BackgroundFacts.Passing(front: digest.server, dialler: inner.client, upstream: inner.server)
            let number = passingNumbers.number(of: passing)
            if number == passings.count { passings.append(0) }
            passings[number] += 1
            _ = diallers.number(of: inner.client)
            join(digest, inner)
        } else if let odd, let suspect = oddities[digest.question]?[odd.place].suspect {
            oddities[digest.question]?[odd.place].nearest = odd.distance
            keep(digest.span, for: suspect.server, at: digest.end)
            // And what came of the next try.
            let retry = pending.takeInner(
                of: digest,
                closerThan: .max,
                slack: slack,
                isDialler: { diallers.contains($0) },
                accepts: {
                    $0.client == suspect.client && $0.begun > suspect.start
                        && $0.begun - suspect.end <= Self.retryTime
                }
            )
            if let retry { keep(retry.span, inside: digest.span, for: suspect.server, at: digest.end) }
        }
    }

    /// Two exchanges of which one was made for the other are kept together or not at all: alone, either could be taken for what is missing
    /// of something that failed.
    private mutating func join(_ outer: ExchangeDigest, _ inner: ExchangeDigest) {
        if kept.contains(inner.span) || kept.contains(outer.span) || isAltered(outer, inner) {
            keep(inner.span, inside: outer.span, for: inner.server, at: outer.end)
        } else {
            remember(inner, outer.span)
        }
        keepIfTriedBefore(outer, inner)
        if oddQuestions.contains(inner.question) { keepIfTriedAgain(inner, during: outer) }
    }

    /// The client was given another answer of that status: the gateway's own, or the gateway works on what it passes on, which shows soon.
    private mutating func isAltered(_ outer: ExchangeDigest, _ inner: ExchangeDigest) -> Bool {
        guard inner.length >= 0, outer.length >= 0, inner.length != outer.length else { return false }
        let number = number(of: inner.server)
        servers[number].altered += 1
        let count = servers[number].altered
        return count <= Self.cutsPerServer || count.nonzeroBitCount == 1
    }

    /// What was made for this request may be among what is looked at in full, for packets that were lost or out of order: the one of the
    /// same question that began soonest after it.
    private func nearestOdd(inside outer: ExchangeDigest) -> (place: Int, distance: Nanoseconds)? {
        guard let candidates = oddities[outer.question] else { return nil }
        var best: (place: Int, distance: Nanoseconds)?
        // Asked in their place: at nearly every exchange there are some, and nearly all began at another time.
        for place in candidates.indices {
            let start = candidates[place].suspect.start
            guard start + slack >= outer.begun, start <= outer.end + slack else { continue }
            let (client, server) = (candidates[place].suspect.client, candidates[place].suspect.server)
            guard server != outer.server, client != outer.client || client == outer.server.address else { continue }
            let apart = min(distance(start - outer.begun), distance(start - outer.asked))
            if apart < min(best?.distance ?? .max, candidates[place].nearest) { best = (place, apart) }
        }
        return best
    }

    /// The same was asked before by the same gateway, and came to nothing.
    /// - Parameter outer: what it was asked for, where that is known: it was open before.
    private mutating func keepIfTriedAgain(_ digest: ExchangeDigest, during outer: ExchangeDigest?) {
        guard let candidates = oddities[digest.question] else { return }
        for place in candidates.indices
        where candidates[place].retries > 0 && digest.begun > candidates[place].suspect.start
            && digest.begun - candidates[place].suspect.end <= Self.retryTime
            && candidates[place].suspect.client == digest.client
        {
            let oddity = candidates[place]
            if let outer {
                guard outer.begun <= oddity.suspect.start + slack else { continue }
                keep(digest.span, inside: outer.span, for: oddity.suspect.server, at: digest.end)
            } else {
                keep(digest.span, for: oddity.suspect.server, at: digest.end)
            }
            oddities[digest.question]?[place].retries -= 1
        }
    }

    private mutating func number(of server: Endpoint) -> Int {
        let number = serverNumbers.number(of: server)
        if number == servers.count { servers.append(Server()) }
        return number
    }

    private mutating func remember(_ inner: ExchangeDigest, _ outer: FlowSpan?) {
        servers[number(of: inner.server)].recent = (inner.span, outer)
    }

    /// An attempt that failed may be hidden between a request and the exchange that answered it.
    private mutating func keepIfTriedBefore(_ outer: ExchangeDigest, _ inner: ExchangeDigest) {
        let (from, to) = (outer.begun - slack, inner.start + slack)
        let isNear = latestStart >= from
        guard isNear || inner.start - outer.begun > Self.noticeableWait else { return }
        let wait = Waited(
            from: from,
            to: to,
            outer: outer.span,
            inner: inner.span,
            dialler: inner.client,
            server: inner.server
        )
        if isNear, suspects.suffix(Self.suspectReach).contains(where: { Self.mayBeTried($0, during: wait) }) {
            keep(wait.inner, inside: wait.outer, for: wait.server, at: wait.to)
        } else if inner.start - outer.begun > Self.noticeableWait {
            latestWait = max(latestWait, to)
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
        let number = number(of: suspect.server)
        if suspect.kind == .foreign {
            // A few of each, ever rarer: what they are is soon known.
            servers[number].foreign += 1
            if servers[number].foreign <= 32 || servers[number].foreign.nonzeroBitCount == 1 { _ = keep(suspect) }
            return
        }
        if suspect.kind == .cut {
            // Where the clients' leg is readable, it tells which answers were not passed on.
            guard passings.isEmpty else { return }
            servers[number].cuts += 1
            let cuts = servers[number].cuts
            if cuts <= Self.cutsPerServer || cuts.nonzeroBitCount == 1 { _ = keep(suspect) }
            return
        }
        guard keep(suspect) else {
            givenUp.note(suspect)
            return
        }
        if suspects.count >= 2 * Self.largestSuspectCount { suspects.removeFirst(Self.largestSuspectCount) }
        suspects.append(suspect)
        // Of the latest only, as is looked at.
        latestStart = max(latestStart, suspect.start)
        if suspect.kind != .connect {
            if unresolved.count < Self.largestSuspectCount { unresolved.append(suspect) }
            if suspect.question != 0, oddities.count < Self.largestSuspectCount {
                var same = oddities[suspect.question] ?? []
                if same.count >= Self.oddPerQuestion { same.removeFirst() }
                same.append(Oddity(suspect: suspect))
                oddities[suspect.question] = same
                oddQuestions.insert(suspect.question)
            }
        }
        // What tells whether its server was alive at the time.
        if suspect.kind != .odd, suspect.end >= servers[number].nextContext { keepContext(of: number, suspect.end) }
        // Nearly always it came after all of them.
        guard suspect.end <= latestWait else { return }
        for wait in waited where Self.mayBeTried(suspect, during: wait) {
            keep(wait.inner, inside: wait.outer, for: wait.server, at: wait.to)
        }
    }

    private mutating func keepContext(of number: Int, _ time: Timestamp) {
        servers[number].nextContext = time + servers[number].contextInterval
        servers[number].contexts += 1
        if servers[number].contexts % 16 == 0 { servers[number].contextInterval *= 2 }
        if let pair = servers[number].recent {
            let server = serverNumbers.keys[number]
            if let outer = pair.outer {
                _ = kept.keep(pair.inner, inside: outer, for: server)
            } else {
                _ = kept.keep(pair.inner, for: server, asBystander: true)
            }
        }
        servers[number].recent = nil
        servers[number].wanted = 1
    }

    // MARK: Choice

    /// Good exchanges of each server now and then, and those beside something that failed.
    private mutating func sample(_ digest: ExchangeDigest) {
        let number = number(of: digest.server)
        if servers[number].wanted > 0 {
            servers[number].wanted -= 1
            _ = kept.keep(digest.span, for: digest.server, asBystander: true)
        } else if digest.end >= servers[number].nextBeat {
            _ = kept.keep(digest.span, for: digest.server, asBystander: true)
            servers[number].nextBeat = digest.end + servers[number].beat
            servers[number].beats += 1
            if servers[number].beats % 32 == 0 { servers[number].beat *= 2 }
        }
        // Without the clients' leg there is nothing to wait for.
        if diallers.keys.isEmpty { remember(digest, nil) }
    }

    /// Keeps what a failed request may have been given by an upstream, for requests that ended before `time`.
    private mutating func resolve(until time: Timestamp) {
        // Their ends are nearly in order; most often none is due.
        guard unresolved.indices.contains(where: { unresolved[$0].end < time }) else { return }
        var left = 0
        for index in unresolved.indices {
            if unresolved[index].end < time {
                let suspect = unresolved[index]
                for inner in pending.nested(in: suspect, slack: slack) {
                    keep(inner.span, for: suspect.server, at: suspect.end)
                }
            } else {
                if left < index { unresolved[left] = unresolved[index] }
                left += 1
            }
        }
        unresolved.removeLast(unresolved.count - left)
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
        for (passing, count) in zip(passingNumbers.keys, passings) { background.passings[passing] = count }
        background.selected = selection.selectsEverything ? nil : selected
        background.givenUp = givenUp.count
        background.givenUpExchanges = givenUp.exchanges
        background.givenUpTimes = givenUp.times
        background.counted = kept.counted
        // Where no client is seen, attempts are nobody's.
        background.joined = passings.isEmpty ? [:] : kept.joined
    }
}
