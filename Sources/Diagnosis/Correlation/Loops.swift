import Model

/// Requests that pass the same gateway again and again: the first is the client's, the others are the gateway's own making.
struct Loops {
    struct Loop {
        /// The request's later passes, as indices into the join's requests.
        var passes: [Int]
        /// What the first pass dialled.
        var upstream: Endpoint
        /// The first pass that was captured was asked from inside, too: the client's request was missed.
        var isHeadless: Bool
        /// False where a client on the gateway's own host, asking the same again and again, would look the same.
        var isProven: Bool
    }

    /// By the client's request.
    private(set) var roots: [Int: Loop] = [:]
    /// The later passes: no client asked for them.
    private(set) var members: Set<Int> = []
    /// Connections of which nothing was asked, in the order of their starts.
    private let silent: [(start: Timestamp, upstream: Endpoint)]
    /// Upstreams that answered something, and not with a gateway's error.
    private var answering: Set<Endpoint> = []

    /// A request may come back once by design (authentication, a second stage behind the same listener); a loop has no end of its own.
    private static let fewestReturns = 2
    /// When the first pass gives up, those that waited for a free connection are taken, and make more of their own.
    private static let lag: Nanoseconds = .milliseconds(500)
    /// What comes from the gateway's own address may be the gateway's making or that of a client on its host, such as a health check or a
    /// load test: then so many have to lie one inside the other.
    private static let fewestNested = 4
    /// A wait of this length is one for a timer, which ends the first pass first.
    private static let timer: Nanoseconds = .seconds(1)
    /// Passes looked at in one loop.
    private static let reach = 4096
    /// Requests for the same that are looked at in all: a load test asks one thing thousands of times, and each time may be the first of a loop.
    private static let largestLookCount = 1 << 22

    /// What is known of a request as a later pass.
    private struct Pass {
        var comesBack = false
        var tellsOfItself = false
    }

    private struct Key: Hashable {
        var method: String
        var target: String
    }

    init(_ join: Join) {
        silent = join.attempts.lazy.filter { $0.exchange == nil }.map { ($0.start, $0.upstream) }
            .sorted { $0.start < $1.start }
        for attempt in join.attempts {
            guard let response = join.response(of: attempt), response.completion == .complete,
                response.status.map({ $0 < 500 }) ?? false
            else { continue }
            answering.insert(attempt.upstream)
        }
        let insiders = Set(join.map.roles.gateways).union(join.map.roles.upstreams.map(\.address))
        var buckets: [Key: [Int]] = [:]
        for (index, request) in join.requests.enumerated() {
            guard let asked = join.request(of: request) else { continue }
            buckets[Key(method: asked.method, target: asked.target), default: []].append(index)
        }
        var dialled: [Key: [Int]] = [:]
        for (index, attempt) in join.attempts.enumerated() {
            guard let asked = join.request(of: attempt) else { continue }
            let key = Key(method: asked.method, target: asked.target)
            if buckets[key]?.count ?? 0 > Self.fewestReturns { dialled[key, default: []].append(index) }
        }
        var known: [Pass] = Array(repeating: Pass(), count: join.requests.count)
        for (key, indices) in buckets where indices.count > Self.fewestReturns {
            for index in indices {
                let tells = Self.tellsOfItself(join.requests[index], join)
                known[index] = Pass(
                    comesBack: tells || Self.comesFromInside(join.requests[index].client.address, join, insiders),
                    tellsOfItself: tells
                )
            }
            find(in: indices, dialled[key] ?? [], join, known)
        }
    }

    private mutating func find(in indices: [Int], _ dialled: [Int], _ join: Join, _ known: [Pass]) {
        var position = 0
        var looks = 0
        while position < indices.count, looks < Self.largestLookCount {
            let root = indices[position]
            position += 1
            let request = join.requests[root]
            // Where the capture ended first, the passes are no clients' requests all the same.
            var isOpen = false
            if case .open = request.outcome { isOpen = true }
            guard isOpen || request.isOver,
                var until = request.end ?? (isOpen ? join.facts.counters.last : nil)
            else { continue }
            var passes: [Int] = []
            var returns = 0
            var next = position
            let own = (join.map.diallers[join.host(request.gateway.address)] ?? []).union([request.gateway.address])
            var proven = 0
            // Each pass begins inside the one before; when the first has ended the others may run on.
            while next < indices.count, passes.count < Self.reach,
                join.requests[indices[next]].start <= until + Self.lag
            {
                let pass = indices[next]
                looks += 1
                if known[pass].comesBack, join.requests[pass].connection != request.connection {
                    passes.append(pass)
                    if join.requests[pass].gateway == request.gateway, join.requests[pass].start <= until {
                        returns += 1
                    }
                    if known[pass].tellsOfItself || !own.contains(join.requests[pass].client.address) { proven += 1 }
                    until = max(until, join.requests[pass].end ?? until)
                }
                next += 1
            }
            guard returns >= Self.fewestReturns else { continue }
            let isLocal = own.contains(request.client.address)
            if isLocal || proven < Self.fewestReturns {
                // Packets that are missing break a few of them apart.
                let depth = Self.nested([root] + passes, join)
                guard depth >= Self.fewestNested, depth * 5 >= passes.count * 3 else { continue }
            }
            // In a chain to the last, or marked as a gateway's.
            let isProven =
                !isLocal || Self.nested([root] + passes, join, isStrict: true) == passes.count
                || Self.becomesForwarded(root, passes, join)
            let attempts = dialled.filter {
                join.attempts[$0].start >= request.start && join.attempts[$0].start <= until
            }
            // In a loop nothing arrives anywhere: whoever is asked asks again.
            let askers = Set(passes.map { join.requests[$0].client.address })
            let listeners = Set(passes.map { join.requests[$0].gateway } + [request.gateway])
            let outside = attempts.filter {
                let upstream = join.attempts[$0].upstream
                // On one host the server and who asks it have one address.
                return !listeners.contains(upstream)
                    && (own.contains(upstream.address) || !askers.contains(upstream.address))
            }
            // A load test on the gateway's host that asks again when it is given errors looks like a loop, and by chance one lies inside the other
            // to the last. But where a loop leads, nobody answers.
            if isLocal, !outside.isEmpty, outside.allSatisfy({ answering.contains(join.attempts[$0].upstream) }),
                !Self.becomesForwarded(root, passes, join)
            {
                continue
            }
            // What comes from the gateway itself is not what another host asked in turn.
            let isAllHere = outside.allSatisfy { own.contains(join.attempts[$0].upstream.address) }
            let returned =
                isAllHere ? passes : passes.filter { !own.contains(join.requests[$0].client.address) }
            guard leadsBack(outside, returned, join),
                !dialsElsewhere(max(1, passes.count / 2), than: listeners, from: request.start, to: until)
            else { continue }
            let first = attempts.min { join.attempts[$0].start < join.attempts[$1].start }
            let upstream = first.map { join.attempts[$0].upstream } ?? request.gateway
            members.formUnion(passes)
            guard !isOpen else { continue }
            roots[root] = Loop(
                passes: passes,
                upstream: upstream,
                isHeadless: known[root].comesBack,
                isProven: isProven
            )
            while position < indices.count, members.contains(indices[position]) { position += 1 }
        }
    }
}

extension Loops {
    /// The first was asked by a client and all others by a gateway. Where the client has the gateway's own address, neither the addresses nor
    /// X-Forwarded-For tell them apart, and requests at once lie inside each other by chance.
    private static func becomesForwarded(_ root: Int, _ passes: [Int], _ join: Join) -> Bool {
        func looksForwarded(_ number: Int) -> Bool? { join.request(of: join.requests[number])?.looksForwarded }
        return looksForwarded(root) == false && passes.allSatisfy { looksForwarded($0) == true }
    }

    /// How many passes lie inside the one before; strictly: also where a timer may have ended the outer one first.
    private static func nested(_ passes: [Int], _ join: Join, isStrict: Bool = false) -> Int {
        zip(passes, passes.dropFirst()).count { outer, inner in
            let end = join.requests[outer].end ?? Timestamp(nanoseconds: .max)
            let (began, start) = (join.requests[outer].start, join.requests[inner].start)
            guard start >= began, start <= end else { return false }
            // One interface has both, so that no slack is needed.
            let isInside = join.requests[inner].end.map { $0 <= end } ?? (join.requests[outer].end == nil)
            return isInside || !isStrict && end - began >= timer
        }
    }

    /// At least so many connections to others failed before they were asked anything: in a loop nobody else is dialled.
    private func dialsElsewhere(
        _ fewest: Int,
        than listeners: Set<Endpoint>,
        from start: Timestamp,
        to end: Timestamp
    ) -> Bool {
        var count = 0
        for dial in silent[silent.partitionPoint { $0.start >= start }...] {
            if dial.start > end { return false }
            if !listeners.contains(dial.upstream) { count += 1 }
            if count >= fewest { return true }
        }
        return false
    }

    private static func comesFromInside(_ client: IPAddress, _ join: Join, _ insiders: Set<IPAddress>) -> Bool {
        insiders.contains(client) || join.map.givenUpstreams.contains { $0.contains(client) }
    }

    /// The way that the request came (RFC 7239, and the older X-Forwarded-For) names the gateway that has it now.
    private static func tellsOfItself(_ pass: ClientRequest, _ join: Join) -> Bool {
        guard let asked = join.request(of: pass),
            let diallers = join.map.diallers[join.host(pass.gateway.address)], diallers.count <= 16
        else { return false }
        return asked.fields.contains { field in
            guard field.name == "x-forwarded-for" || field.name == "forwarded" else { return false }
            let stations = field.value.split { ",;= \"[]".contains($0) }
            return diallers.contains { stations.contains(Substring($0.description)) }
        }
    }

    /// A proxy that listens at one address and dials from another: all but the last that each upstream was asked came back while it was
    /// being asked. A server has nothing to ask in turn.
    private func leadsBack(_ attempts: [Int], _ passes: [Int], _ join: Join) -> Bool {
        var counts: [Endpoint: (asked: Int, returned: Int)] = [:]
        for index in attempts {
            let attempt = join.attempts[index]
            let next = passes.partitionPoint { join.requests[$0].start >= attempt.start }
            let isReturned =
                next < passes.count
                && attempt.end.map { join.requests[passes[next]].start <= $0 + Join.slack } ?? true
            counts[attempt.upstream, default: (0, 0)].asked += 1
            if isReturned { counts[attempt.upstream, default: (0, 0)].returned += 1 }
        }
        return counts.values.allSatisfy { $0.returned * 2 >= $0.asked && $0.returned >= Self.fewestReturns }
    }
}

extension Loops.Loop {
    /// - Parameter times: how often the request came back, in words.
    fileprivate func verdict(_ request: ClientRequest, _ times: String, _ frames: [EvidenceFrame]) -> Verdict {
        guard isProven else {
            return .undetermined(
                frames,
                "The same request came to \(request.gateway) \(times) more from the gateway's own address before the first was "
                    + "answered: it asks itself, or a client on its host asks at once.",
                missing: [
                    "the request that came first, or X-Forwarded-For in those that follow: they tell a loop from a client"
                ]
            )
        }
        return Verdict(
            .proxyLoop,
            blame: .gateway,
            frames: frames,
            explanation:
                "The gateway sent the request to \(upstream), and it came back to \(request.gateway) \(times) before the first was "
                + "answered.",
            ruledOut: [
                RuledOut(.responseTimeout, "no server was ever asked: each pass led to the next"),
                RuledOut(.upstreamErrorResponse, "the error was handed back from pass to pass"),
            ]
        )
    }
}

extension Incidents {
    mutating func collectLoops() {
        for (number, loop) in loops.roots.sorted(by: { $0.key < $1.key }) {
            let request = join.requests[number]
            guard let asked = join.request(of: request) else { continue }
            var frames = [
                EvidenceFrame(asked.firstFrame, role: "\(asked.method) request of the client", direction: .fromClient)
            ]
            for pass in loop.passes.prefix(3) {
                guard let again = join.request(of: join.requests[pass]) else { continue }
                frames.append(
                    EvidenceFrame(
                        again.firstFrame,
                        role: "the same request, from \(join.requests[pass].client.address)"
                    )
                )
            }
            let times = Phrases.count(loop.passes.filter { join.requests[$0].gateway == request.gateway }.count, "time")
            all.append(
                Incident(
                    verdict: loop.verdict(request, times, frames),
                    severity: .failure,
                    upstream: loop.upstream.description,
                    requestNumber: number,
                    request: request,
                    occurrence: Occurrence(
                        time: request.end ?? request.start,
                        from: request.client,
                        to: request.gateway,
                        stream: join.facts.connections[request.connection].stream,
                        frames: frames,
                        request: summary(asked),
                        client: clientOutcome(request, isFailure: true),
                        attempt: 1,
                        explanation: "passed the gateway \(times) more"
                    ),
                    gateway: request.gateway.address,
                    kind: gateways.kind(at: request.gateway, host: join.host(request.gateway.address)),
                    attempts: 1
                )
            )
        }
    }

    /// The attempt belongs to a pass of a loop, or to the request that began it.
    func isOfLoop(_ request: Int) -> Bool { loops.members.contains(request) || loops.roots[request] != nil }
}
