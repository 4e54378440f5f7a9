import Model

/// Both legs joined: every client request with the attempts that were made for it.
struct Join {
    let facts: TrafficFacts
    let map: RoleMap
    var timelines: [ConnectionTimeline]
    /// Per connection: from which exchange on it is not known what belongs together.
    let firstMisjoined: [Int]
    let keys: MessageKeys
    /// Of each exchange, as `keys` has them.
    let replies: [ReplyKeys?]
    /// Per connection, the hosts of its two ends.
    let diallingHost: [Int]
    let servingHost: [Int]
    var requests: [ClientRequest] = []
    var attempts: [Attempt] = []
    /// Per gateway, the beginnings of targets that it passes on unchanged.
    private(set) var unchangedTargets: [Int: Set<Int>] = [:]
    /// Good requests whose attempts were left out.
    private var settled: Set<Int> = []

    /// Two interfaces of one host stamp their packets with one clock, but not at the same depth of the stack.
    static let slack: Nanoseconds = 300_000
    /// How many open requests are weighed for one attempt: bounds the work under thousands of open requests.
    static let reach = 256

    init(_ facts: TrafficFacts, _ map: RoleMap, _ keys: MessageKeys? = nil) {
        self.facts = facts.withoutShiftedAnswers()
        self.map = map
        self.keys = keys ?? MessageKeys(facts)
        replies = self.facts.connections.flatMap { $0.exchanges.map { $0.response.map { ReplyKeys($0) } } }
        diallingHost = facts.connections.map { map.host[$0.client.address] ?? -1 }
        servingHost = facts.connections.map { map.host[$0.server.address] ?? -1 }
        timelines = facts.connections.map { ConnectionTimeline($0) }
        firstMisjoined = facts.connections.map(\.firstMisjoined)
        collect()
        HealthChecks.markSeries(&self)
        unchangedTargets = findUnchangedTargets()
        matchExchanges()
        matchRewritten()
        matchConnects()
        // What a failed connect stood before fits only now, and what stood before another.
        matchRewritten()
        matchConnects()
        matchLeftovers()
        matchPending()
        order()
    }

    func host(_ address: IPAddress) -> Int { map.host[address] ?? -1 }

    /// The complete answer, if it came in time.
    private func answer(of attempt: Int) -> ReplyKeys? {
        guard let reply = reply(of: attempt), reply.isComplete,
            attempts[attempt].end.map({ reply.first <= $0 }) ?? true
        else { return nil }
        return reply
    }

    // MARK: Matching

    /// Requests that are open at growing times, per gateway.
    private struct OpenRequests {
        var next = 0
        var open: [Int] = []
        /// How long the list may grow before what has ended is swept out: twice what was left by the last sweep.
        private var limit = 64

        mutating func advance(to time: Timestamp, _ all: [Int], _ requests: [ClientRequest]) {
            while next < all.count, requests[all[next]].start <= time + Join.slack {
                open.append(all[next])
                next += 1
            }
            if open.count > limit {
                open.removeAll { requests[$0].end.map { $0 + Join.slack < time } ?? false }
                limit = max(64, 2 * open.count)
                if open.count > 16 * Join.reach { open.removeFirst(open.count - 8 * Join.reach) }
            }
        }
    }

    private func requestsByHost() -> [Int: [Int]] {
        var result: [Int: [Int]] = [:]
        for index in requests.indices where !settled.contains(index) {
            result[servingHost[requests[index].connection], default: []].append(index)
        }
        return result
    }

    /// The attempt is over for its request: an answer that the gateway had no reason to retry.
    private func settles(_ attempt: Int) -> Bool {
        answer(of: attempt)?.status.map { $0 < 400 } ?? false
    }

    /// What was found to belong together while all of the capture was at hand: requests by attempt. An attempt whose request was not kept is
    /// nobody else's, and no attempt is looked for where a good request was kept without its own.
    private mutating func claimJoined() -> [Int: Int] {
        guard let joined = facts.background?.joined, !joined.isEmpty else { return [:] }
        var byFrame: [Int: Int] = [:]
        for (index, candidate) in requests.enumerated() {
            guard let asked = request(of: candidate) else { continue }
            byFrame[asked.firstFrame.number] = index
            if joined[asked.firstFrame.number] == -1 { settled.insert(index) }
        }
        var claimed: [Int: Int] = [:]
        for index in attempts.indices {
            // A connect that came to nothing goes by its first packet.
            let connection = facts.connections[attempts[index].connection]
            let frame = request(of: attempts[index])?.firstFrame.number ?? connection.first.number
            guard let outer = joined[frame] else { continue }
            if let request = byFrame[outer] {
                if attempts[index].exchange == nil { assign(index, to: request) } else { claimed[index] = request }
            } else {
                attempts[index].isHealthCheck = true
            }
        }
        return claimed
    }

    private mutating func matchExchanges() {
        let claimed = claimJoined()
        let byHost = requestsByHost()
        var windows: [Int: OpenRequests] = [:]
        var order = attempts.indices.filter {
            attempts[$0].exchange != nil && !attempts[$0].isHealthCheck
        }
        // By the request itself: a connection may have been opened long before.
        let times = attempts.indices.map { question(of: $0)?.first ?? attempts[$0].start }
        order.sort { times[$0] < times[$1] }
        for index in order {
            if let request = claimed[index] {
                assign(index, to: request)
                continue
            }
            let host = diallingHost[attempts[index].connection]
            guard let asked = question(of: index), let all = byHost[host] else { continue }
            windows[host, default: OpenRequests()].advance(to: asked.first, all, requests)
            var best: (request: Int, score: Int)?
            for candidate in (windows[host]?.open ?? []).suffix(Self.reach).reversed() {
                guard let score = score(asked, index, for: candidate), mayBeRewritten(index, candidate)
                else { continue }
                // Of equal ones at one listener the first come is first served; else the innermost, which came last.
                let isEarlier = best.map {
                    score == $0.score && requests[$0.request].gateway == requests[candidate].gateway
                }
                if best == nil || score > best?.score ?? 0 || isEarlier ?? false { best = (candidate, score) }
            }
            guard let best, best.score > 0 else { continue }
            assign(index, to: best.request)
        }
    }

    /// Where not all was dissected, the request that an attempt was made for may not be there. A gateway that does not like a whole and good
    /// answer says so at once: a request that failed long after it failed for another reason, and was given something else. Not so one that
    /// takes an interim response for the answer, and waits for its body.
    private func isOthers(_ attempt: Int, _ asked: MessageKeys.Question, _ candidate: Int) -> Bool {
        guard facts.background != nil, requests[candidate].isFailed, let failed = requests[candidate].end,
            let answered = attempts[attempt].end, failed - answered > Self.promptRefusal,
            let reply = reply(of: attempt), reply.isComplete, reply.status ?? 0 < 500,
            let exchange = attempts[attempt].exchange,
            facts.connections[attempts[attempt].connection].exchanges[exchange].interimCount == 0
        else { return false }
        if failed - answered > Self.refusal { return true }
        return question(ofRequest: candidate).map { keys.relation($0, asked) == .unrelated } ?? false
    }

    private static let refusal = Nanoseconds.seconds(1)
    /// Of an answer to what has nothing in common with what the client asked for.
    private static let promptRefusal = Nanoseconds.milliseconds(100)

    /// How well an upstream request fits a client request; nil where it cannot be made for it. Most have ended, which is looked at first.
    private func score(_ asked: MessageKeys.Question, _ attempt: Int, for index: Int) -> Int? {
        let time = asked.first
        let over = requests[index].end
        if let over, over + Self.slack < time { return nil }
        guard requests[index].connection != attempts[attempt].connection, !isOthers(attempt, asked, index) else {
            return nil
        }
        guard let wanted = question(ofRequest: index) else {
            // Its request came before the capture: only the outcome can tell.
            let isTaken = requests[index].attempts.contains { answer(of: $0)?.status == requests[index].status }
            return isTaken ? nil : outcomeScore(attempt, index) - 2
        }
        // A request that came after what it caused is only believed where no other fits.
        var score = requests[index].start > time || over.map { $0 < time } ?? false ? -15 : 0
        let relation = keys.relation(wanted, asked)
        switch relation {
        case .equal: score += 20
        case .samePath: score += 12
        case .suffix: score += 10
        case .lastSegment: score += 5
        case .sameQuery: score += 3
        case .unrelated: score -= 10
        }
        if relation != .equal, wanted.target.query != 0, wanted.target.query == asked.target.query { score += 4 }
        score += wanted.method == asked.method ? 5 : -20
        if let host = wanted.host, host == asked.host { score += 2 }
        score += keys.fieldScore(wanted, asked, connection: requests[index].connection)
        if let left = wanted.bodyLength, let right = asked.bodyLength { score += left == right ? 3 : -6 }
        let start = attempts[attempt].start
        var before = requests[index].start
        for other in requests[index].attempts {
            if settles(other) { return nil }
            score += Self.identityScore(asked, question(of: other))
            // The client has its answer from there already.
            if let answer = answer(of: other), answer.status == requests[index].status { score -= 15 }
            let end = attempts[other].end
            if let end, end <= start + Self.slack {
                before = max(before, end)
                continue
            }
            if end == nil, wasNeverHeard(attempts[other], until: time) { continue }
            // Another attempt is still running: gateways try one after the other.
            score -= 40
        }
        score += outcomeScore(attempt, index)
        // Dialled at once, when the request came or when the try before had failed.
        let gap = min(distance(start - before), distance(start - wanted.last))
        score += gap <= .milliseconds(1) ? 3 : gap <= .milliseconds(10) ? 2 : 0
        return score
    }

    /// Requests that are the same to the letter are told apart by what became of them.
    private func outcomeScore(_ attempt: Int, _ candidate: Int) -> Int {
        var score = 0
        let isFailed = requests[candidate].isFailed
        let end = attempts[attempt].end
        if let answer = answer(of: attempt), let status = answer.status {
            guard let told = reply(toRequest: candidate) else { return isFailed ? -4 : 0 }
            if told.status == status {
                score += 5
                score += told.seen == answer.seen && told.digest == answer.digest ? 2 : 0
            } else if status < 500 {
                score += answer.mayBeRefused && isFailed ? 4 : -8
            }
        } else if end != nil || timelines[attempts[attempt].connection].firstEnding != nil {
            score += requests[candidate].isOver ? 5 : -2
        }
        if let end, let over = requests[candidate].end {
            if end > over + Self.slack {
                if case .aborted = requests[candidate].outcome {} else { score -= 12 }
            } else if over - end <= .milliseconds(5) {
                score += 3
            }
        }
        return score
    }

    /// The gateway told its client first and then closed what had not answered (HAProxy 2.6, as run: 0.4 ms later).
    private func isGivenUp(_ attempt: Attempt, after over: Timestamp) -> Bool {
        guard let ending = timelines[attempt.connection].firstEnding, ending.direction == .fromClient,
            response(of: attempt)?.completion != .complete
        else { return false }
        return attempt.end == ending.frame.time && ending.frame.time - over <= .milliseconds(5)
    }

    /// Its request was sent again and again and never acknowledged. A gateway that gives up such an attempt closes unseen: its FIN waits
    /// behind those bytes.
    private func wasNeverHeard(_ attempt: Attempt, until time: Timestamp) -> Bool {
        guard let asked = request(of: attempt) else { return false }
        let connection = facts.connections[attempt.connection]
        guard connection.fromClient.acknowledgedEnd <= asked.start, connection.fromClient.retransmissions >= 2 else {
            return false
        }
        return connection.events.count { event in
            event.direction == .fromClient && event.length > 0 && event.offset >= asked.start && event.frame.time < time
                && event.isRepair
        } >= 2
    }

    /// Envoy gives each request an id of its own and repeats it in every try: to `asked` the request of another try.
    private static func identityScore(_ asked: MessageKeys.Question, _ other: MessageKeys.Question?) -> Int {
        guard let mine = asked.identity, let before = other?.identity else { return 0 }
        return mine == before ? 60 : -60
    }

    private mutating func assign(_ attempt: Int, to request: Int) {
        attempts[attempt].parent = request
        let start = attempts[attempt].start
        let place = requests[request].attempts.firstIndex { attempts[$0].start > start }
        requests[request].attempts.insert(attempt, at: place ?? requests[request].attempts.count)
    }

    /// Requests whose target the gateway rewrote beyond recognition: they belong to the one request in whose chain of attempts they fit without a gap.
    private mutating func matchRewritten() {
        matchByChain { $0.exchange != nil }
    }

    /// Connections without a request carry nothing to compare: they belong to the request in whose chain of attempts they fit without a gap.
    private mutating func matchConnects() {
        matchByChain { $0.exchange == nil }
    }

    private mutating func matchByChain(_ isWanted: (Attempt) -> Bool) {
        let byHost = requestsByHost()
        var windows: [Int: OpenRequests] = [:]
        for index in attempts.indices
        where attempts[index].parent == nil && !attempts[index].isHealthCheck && isWanted(attempts[index]) {
            let attempt = attempts[index]
            let host = diallingHost[attempt.connection]
            guard let all = byHost[host] else { continue }
            windows[host, default: OpenRequests()].advance(to: attempt.start, all, requests)
            var best: (request: Int, cost: Nanoseconds)?
            for candidate in (windows[host]?.open ?? []).suffix(Self.reach).reversed() {
                // Looked at before anything else: most have ended.
                if let end = requests[candidate].end, end + Self.slack < attempt.start { continue }
                guard let cost = chainCost(index, attempt, candidate), mayBeRewritten(index, candidate) else {
                    continue
                }
                if best == nil || cost < best?.cost ?? 0 { best = (candidate, cost) }
            }
            if let best { assign(index, to: best.request) }
        }
    }

    /// When the attempt ended, or the gateway's last packet of it: an upstream may repeat itself long after.
    private func lastSign(of attempt: Attempt) -> Timestamp {
        let connection = facts.connections[attempt.connection]
        return attempt.end ?? connection.fromClient.lastFrame?.time ?? connection.last.time
    }

    /// How far the attempt stands from its neighbours in the request's chain of attempts; nil where it does not fit. HAProxy waits up to a second
    /// before it tries the same server again.
    private func chainCost(_ place: Int, _ attempt: Attempt, _ index: Int) -> Nanoseconds? {
        let candidate = requests[index]
        guard candidate.connection != attempt.connection, candidate.start <= attempt.start,
            candidate.end.map({ $0 + Self.slack >= attempt.start }) ?? true
        else { return nil }
        // Nil where the request came before the capture: then it is not known when.
        let asked = question(ofRequest: index)
        var end = lastSign(of: attempt)
        // What goes on after the client had its answer was not made for it; a client that left does not stop its attempt,
        // and Envoy lets a connect run on when the request's own timer has ended first.
        if let over = candidate.end, end > over + Self.slack {
            if candidate.isFailed, isPending(attempt, at: over) || isGivenUp(attempt, after: over) {
                end = over
            } else {
                guard case .aborted = candidate.outcome else { return nil }
            }
        }
        if let wanted = question(of: place), let asked, wanted.method != asked.method { return nil }
        // A complete answer with another status is somebody else's.
        if let answer = answer(of: place), answer.status != candidate.status,
            !(candidate.isFailed && answer.mayBeRefused)
        {
            return nil
        }
        if attempt.exchange == nil, !facts.connections[attempt.connection].speaksForeign,
            let told = response(of: candidate), EnvoyProfile.tellsOfConnect(told) == false
        {
            return nil
        }
        var before = candidate.start
        var hasPrevious = false
        var after = candidate.end
        var hasNext = false
        var isOpenBefore = false
        var changesUpstream = false
        var wasReused = false
        var followsDial = false
        for previous in candidate.attempts {
            let other = attempts[previous]
            let otherEnd = lastSign(of: other)
            if other.start <= attempt.start {
                if settles(previous) || otherEnd > attempt.start + Self.slack { return nil }
                if otherEnd > before || !hasPrevious { before = otherEnd }
                hasPrevious = true
                isOpenBefore = other.exchange == nil && other.end == nil
                wasReused = (other.exchange ?? 0) > 0
                followsDial = other.exchange == nil && other.end != nil
                changesUpstream = other.upstream != attempt.upstream
            } else if !hasNext {
                after = other.start
                hasNext = true
            }
        }
        // Gateways try one after the other.
        if hasNext, attempt.end != nil, let after, end > after + Self.slack { return nil }
        // Gateways that buffer the request dial when its body is complete.
        let fromHead = attempt.start - before
        let fromBody = hasPrevious ? fromHead : attempt.start - (asked?.last ?? before)
        // An unanswered SYN has no end on the wire: its gateway's timer runs on silently.
        let unknownEnd = Nanoseconds.milliseconds(50)
        var startGap =
            isOpenBefore || asked == nil && !hasPrevious
            ? unknownEnd
            : Self.withoutPause(
                fromBody >= -Self.slack ? min(distance(fromHead), distance(fromBody)) : distance(fromHead)
            )
        var endGap = attempt.end == nil ? unknownEnd : after.map { Self.withoutPause(distance($0 - end)) }
        // A dial that failed, and the next try after a pause.
        if followsDial, !isOpenBefore { startGap = Self.withoutInterval(startGap) }
        if attempt.exchange == nil, hasNext, startGap <= .milliseconds(20) { endGap = endGap.map(Self.withoutInterval) }
        var isOpen = false
        if case .open = candidate.outcome { isOpen = attempt.end == nil }
        // A request whose first known attempt came late waited for something: a busy gateway, or one that first has to find the
        // neighbour's address, dials as late as that.
        let mayBeLate = hasNext && !hasPrevious && attempt.exchange == nil
        let near: Nanoseconds =
            candidate.isOver
            ? .milliseconds(100)
            : backsOff(candidate) ? .milliseconds(250) : .milliseconds(mayBeLate ? 60 : 20)
        if hasNext || !candidate.isOver {
            guard isOpenBefore || startGap <= near, isOpen || attempt.end == nil || (endGap ?? 0) <= near else {
                return nil
            }
        } else {
            guard startGap <= near || (endGap ?? .max) <= near else { return nil }
        }
        // Another server of the group is dialled at once; a pause before it belongs to somebody else's chain.
        // And no gateway tries the same server again at once.
        // (nginx and Go do, once, when a reused connection died.)
        let isPrompt = hasPrevious && !isOpenBefore && !wasReused && distance(fromHead) < .milliseconds(200)
        let isNextServer =
            changesUpstream && followsDial && candidate.isFailed && distance(fromHead) <= .milliseconds(1)
        let detour: Nanoseconds =
            isNextServer
            ? .milliseconds(5)
            : changesUpstream ? max(.milliseconds(20), distance(fromHead)) : isPrompt ? .milliseconds(30) : 0
        // A request that has its answer needs no other explanation.
        let isExplained: Nanoseconds = .milliseconds(hasNext ? 10 : 0) + .milliseconds(Int64(candidate.attempts.count))
        // More attempts may follow, so the distance to the request's end says little.
        return startGap.addingSaturating(min(endGap ?? .max, .milliseconds(candidate.isOver ? 1 : 20)))
            .addingSaturating(detour).addingSaturating(isExplained)
    }

    /// Envoy waits a random while before it tries again: up to 25 ms, then 75, 175 and at most 250 ms (`retry_back_off`;
    /// run with 1.40).
    private func backsOff(_ candidate: ClientRequest) -> Bool {
        candidate.attempts.contains { request(of: attempts[$0]).flatMap { GatewayKind(request: $0) } == .envoy }
    }

    /// A pause of about a second between two tries is HAProxy's own, and no distance.
    private static func withoutPause(_ gap: Nanoseconds) -> Nanoseconds {
        (.milliseconds(900)...(.milliseconds(1200))).contains(gap) ? .milliseconds(1) : gap
    }

    /// Caddy waits `lb_try_interval` (250 ms by default) between two tries.
    private static func withoutInterval(_ gap: Nanoseconds) -> Nanoseconds {
        (.milliseconds(20)...(.milliseconds(1200))).contains(gap) ? .milliseconds(15) : gap
    }

    /// A failed request without attempt and a failed attempt without request that overlap: by elimination they belong together.
    private mutating func matchLeftovers() {
        var loose: [Int: [Int]] = [:]
        for (index, attempt) in attempts.enumerated()
        where attempt.parent == nil && attempt.exchange != nil && !attempt.isHealthCheck {
            if let answer = answer(of: index), answer.status ?? 0 < 500, !answer.mayBeRefused { continue }
            loose[host(attempt.dialler), default: []].append(index)
        }
        for index in requests.indices where requests[index].attempts.isEmpty && requests[index].isFailed {
            let request = requests[index]
            guard let candidates = loose[host(request.gateway.address)], let end = request.end else { continue }
            let fitting = candidates.prefix(4 * Self.reach).filter { candidate in
                let attempt = attempts[candidate]
                return attempt.parent == nil && attempt.start + Self.slack >= request.start
                    && (attempt.end ?? attempt.start) <= end + Self.slack && attempt.connection != request.connection
                    && mayBeRewritten(candidate, index)
            }
            let nearest = fitting.min { left, right in
                distance(end - (attempts[left].end ?? end)) < distance(end - (attempts[right].end ?? end))
            }
            if let nearest { assign(nearest, to: index) }
        }
    }

    private mutating func order() {
        for request in requests {
            for (position, attempt) in request.attempts.enumerated() { attempts[attempt].ordinal = position + 1 }
        }
    }
}
