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
    }

    /// By the client's request.
    private(set) var roots: [Int: Loop] = [:]
    /// The later passes: no client asked for them.
    private(set) var members: Set<Int> = []

    /// A request may come back once by design (authentication, a second stage behind the same listener); a loop has no end of its own.
    private static let fewestReturns = 2
    /// When the first pass gives up, those that waited for a free connection are taken, and make more of their own.
    private static let lag: Nanoseconds = .milliseconds(500)
    /// Passes looked at in one loop.
    private static let reach = 4096

    private struct Key: Hashable {
        var method: String
        var target: String
    }

    init(_ join: Join) {
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
        for (key, indices) in buckets where indices.count > Self.fewestReturns {
            find(in: indices, dialled[key] ?? [], join, insiders)
        }
    }

    private mutating func find(in indices: [Int], _ dialled: [Int], _ join: Join, _ insiders: Set<IPAddress>) {
        var position = 0
        while position < indices.count {
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
            // Each pass begins inside the one before; when the first has ended the others may run on.
            while next < indices.count, passes.count < Self.reach,
                join.requests[indices[next]].start <= until + Self.lag
            {
                let pass = join.requests[indices[next]]
                if Self.comesBack(pass, join, insiders), pass.connection != request.connection {
                    passes.append(indices[next])
                    if pass.gateway == request.gateway { returns += 1 }
                    until = max(until, pass.end ?? until)
                }
                next += 1
            }
            guard returns >= Self.fewestReturns else { continue }
            let attempts = dialled.filter {
                join.attempts[$0].start >= request.start && join.attempts[$0].start <= until
            }
            // In a loop nothing arrives anywhere: whoever is asked asks again.
            let askers = Set(passes.map { join.requests[$0].client.address })
            let listeners = Set(passes.map { join.requests[$0].gateway } + [request.gateway])
            let outside = attempts.filter {
                let upstream = join.attempts[$0].upstream
                return !listeners.contains(upstream) && !askers.contains(upstream.address)
            }
            guard leadsBack(outside, passes, join) else { continue }
            let first = attempts.min { join.attempts[$0].start < join.attempts[$1].start }
            let upstream = first.map { join.attempts[$0].upstream } ?? request.gateway
            members.formUnion(passes)
            guard !isOpen else { continue }
            roots[root] = Loop(
                passes: passes,
                upstream: upstream,
                isHeadless: Self.comesBack(request, join, insiders)
            )
            while position < indices.count, members.contains(indices[position]) { position += 1 }
        }
    }
}

extension Loops {
    private static func comesBack(_ pass: ClientRequest, _ join: Join, _ insiders: Set<IPAddress>) -> Bool {
        insiders.contains(pass.client.address)
            || join.map.givenUpstreams.contains { $0.contains(pass.client.address) }
            || tellsOfItself(pass, join)
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
                    verdict: Verdict(
                        .proxyLoop,
                        blame: .gateway,
                        frames: frames,
                        explanation: "The gateway sent the request to \(loop.upstream), and it came back to "
                            + "\(request.gateway) \(times) before the first was answered.",
                        ruledOut: [
                            RuledOut(.responseTimeout, "no server was ever asked: each pass led to the next"),
                            RuledOut(.upstreamErrorResponse, "the error was handed back from pass to pass"),
                        ]
                    ),
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
