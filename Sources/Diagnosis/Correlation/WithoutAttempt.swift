import Model

/// Failed client requests for which no upstream connection was tried: why not?
struct WithoutAttempt {
    struct Result {
        var verdict: Verdict
        /// A bare address where only address resolution was seen; nil where nothing was dialled.
        var upstream: String?
    }

    let join: Join
    private let coverage: Coverage
    let lookups: Lookups
    let gateways: Recognition
    private let shutdowns: Shutdowns
    private let cachedErrors: CachedErrors
    private let twins: Twins
    private let earlierPasses: EarlierPasses
    /// Upstream attempts and probes per host, in time order, with how they ended.
    private var history: [Int: [Entry]] = [:]
    /// Unanswered address resolution per asking host, in time order.
    private(set) var unresolved: [Int: [NeighbourFacts]] = [:]

    /// What makes a gateway take a server for dead; an answer, however bad, does not.
    private static let tellsOfDeath: Set<Cause> = [
        .connectRefused, .connectTimeout, .icmpPortUnreachable, .icmpAdminProhibited, .hostUnreachable,
        .acceptQueueOverflow, .staleTuple, .resetAfterAccept, .closedBeforeResponse, .resetBeforeResponse,
        .responseTimeout, .lossStallRequest, .lossStallResponse, .zeroWindowStall, .closedMidHead, .resetMidHead,
        .malformedHeader, .headerTooLarge, .fastcgiEmptyResponse, .tlsToPlaintextUpstream, .tlsHandshakeTimeout,
        .tlsHandshakeReset, .tlsProtocolVersion, .tlsHandshakeFailure, .tlsUnrecognizedName,
    ]

    private struct Entry {
        var time: Timestamp
        /// When its outcome was known.
        var known: Timestamp
        var upstream: Endpoint
        var isFailure: Bool
        var frame: FrameReference
        /// What kind of request it served: attempts for the like of it use the same group of upstreams.
        var key: Key?
    }

    /// Requests that the same part of a gateway's configuration serves, as far as the wire tells.
    struct Key: Hashable {
        var front: Endpoint
        var host: String?
        var segment: String
    }

    init(_ join: Join, _ lookups: Lookups, _ shutdowns: Shutdowns, _ gateways: Recognition) {
        self.join = join
        coverage = Coverage(join)
        self.lookups = lookups
        self.shutdowns = shutdowns
        self.gateways = gateways
        cachedErrors = CachedErrors(join)
        twins = Twins(join)
        earlierPasses = EarlierPasses(join)
        for attempt in join.attempts {
            let isFailure: Bool
            switch attempt.outcome {
            case .failed(let verdict):
                // A probe that is answered 503 tells of death, a client's request only where the gateway may be told so.
                let kind = gateways[join.host(attempt.dialler)]
                isFailure =
                    Self.tellsOfDeath.contains(verdict.cause)
                    // The timers of checks are their own, and shorter than those that a close by the gateway is believed for.
                    || attempt.isHealthCheck && attempt.exchange != nil && join.response(of: attempt) == nil
                    || verdict.cause == .upstreamErrorResponse
                        && (attempt.parent == nil || kind?.profile.mayTakeErrorsForDeath ?? false
                            || Self.wasHeldAgainstUpstream(attempt, join))
            case .answered(let status): isFailure = attempt.isHealthCheck && status >= 400
            case .unused: isFailure = false
            case .open: continue
            }
            let connection = join.facts.connections[attempt.connection]
            let known = attempt.end ?? connection.last.time
            history[join.host(attempt.dialler), default: []].append(
                Entry(
                    // What was under way already when its server failed says nothing of afterwards.
                    time: isFailure ? known : attempt.start,
                    known: known,
                    upstream: attempt.upstream,
                    isFailure: isFailure,
                    frame: connection.last,
                    key: attempt.parent.flatMap { key(join.requests[$0]) }
                )
            )
        }
        for host in history.keys { history[host]?.sort { $0.time < $1.time } }
        for burst in join.facts.neighbours where burst.answered == nil && burst.target != burst.asker {
            unresolved[join.host(burst.asker), default: []].append(burst)
        }
        for host in unresolved.keys { unresolved[host]?.sort { $0.last.time < $1.last.time } }
    }

    /// The gateway did not take the error for an answer: it asked the next server, or answered with another error of its own
    /// (nginx `proxy_next_upstream http_503`, HAProxy `retry-on 503`).
    private static func wasHeldAgainstUpstream(_ attempt: Attempt, _ join: Join) -> Bool {
        guard let request = attempt.parent.map({ join.requests[$0] }) else { return false }
        return attempt.ordinal < request.attempts.count || request.status != join.response(of: attempt)?.status
    }

    func key(_ request: ClientRequest) -> Key? {
        guard let asked = join.request(of: request) else { return nil }
        let path = TargetRelation.path(asked.target)
        let segment = path.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: true).first ?? ""
        return Key(front: request.gateway, host: asked.host, segment: String(segment))
    }

    func explain(_ request: ClientRequest) -> Result {
        let host = join.host(request.gateway.address)
        if let slow = slowClient(request) { return Result(verdict: slow, upstream: nil) }
        let frames = clientFrames(request)
        if let shutdown = shutdowns.shutdown(of: request.connection, host: host), !request.isAnsweredWithError {
            return Result(verdict: shutdown.verdict(frames), upstream: nil)
        }
        if let verdict = cachedErrors.verdict(request, clientFrames: frames) {
            return Result(verdict: verdict, upstream: nil)
        }
        if let failure = lookups.failure(during: request, join) {
            return Result(verdict: lookups.verdict(failure, clientFrames: frames), upstream: nil)
        }
        if let result = unresolvedNeighbour(request, host) { return result }
        if join.request(of: request) == nil {
            return Result(
                verdict: .undetermined(
                    frames,
                    "The gateway answered with an error, and the request came before the capture began.",
                    missing: ["the beginning of the capture: start it before the failure"]
                )
            )
        }
        let status = request.status.map { "answered \($0)" } ?? "closed the connection"
        let entries = history[host] ?? []
        let (failing, areAll) = lastFailures(before: request, in: entries)
        if failing.isEmpty, resolvesInBackground(gateways.kind(at: request.gateway, host: host)),
            let failure = lookups.failure(before: request, join, dialled: dialled(for: request, in: entries))
        {
            return Result(verdict: lookups.verdict(failure, clientFrames: frames), upstream: nil)
        }
        guard !entries.isEmpty || lookups.areSeen(host, request, join) else {
            return Result(
                verdict: .undetermined(
                    frames,
                    "The gateway \(status), and the capture shows nothing of its upstream side.",
                    missing: ["upstream leg: capture on the interface towards the upstreams too (or on `any`)"]
                )
            )
        }
        if twins.mayHaveAttempt(of: request, join) {
            return Result(
                verdict: .undetermined(
                    frames,
                    "The gateway \(status). Of the attempts for the same request of others at the same time, one may be its own.",
                    missing: [
                        "what tells requests apart that ask the same at once: an X-Request-ID that the gateway passes on"
                    ]
                )
            )
        }
        let unread = isUnread(request) ? "the end of the request: the gateway may have waited for it" : nil
        let half = lookups.isHalfSeen(request, join) ? "the other half of a lookup of the gateway" : nil
        if let missed = coverage.gap(for: request) ?? half ?? unread ?? earlierPasses.gap(for: request) {
            return Result(
                verdict: .undetermined(
                    frames,
                    "The gateway \(status), and the capture holds no whole attempt for it: it missed packets.",
                    missing: [missed]
                )
            )
        }
        if !failing.isEmpty {
            let names = failing.map(\.upstream.description).sorted().joined(separator: ", ")
            let evidence = failing.sorted { $0.frame.number < $1.frame.number }.prefix(4).map {
                EvidenceFrame($0.frame, role: "failed attempt or probe at \($0.upstream)")
            }
            return Result(
                verdict: Verdict(
                    .noLiveUpstream,
                    confidence: areAll ? .high : .medium,
                    blame: .gateway,
                    frames: evidence + frames,
                    explanation:
                        "The gateway \(status) without trying an upstream: what it had last seen of \(names) was "
                        + "failure, so it took them for dead.",
                    ruledOut: [
                        RuledOut(.noUpstreamAttempt, "failures towards all upstreams of this request came before"),
                        RuledOut(.connectRefused, "nothing was dialled for this request"),
                    ].filter { areAll || $0.cause != .noUpstreamAttempt },
                    missing: areAll ? [] : ["the gateway's configuration: which of its servers this request goes to"]
                ),
                upstream: nil
            )
        }
        return Result(
            verdict: Verdict(
                .noUpstreamAttempt,
                confidence: .medium,
                blame: .gateway,
                frames: frames,
                explanation: "The gateway \(status) without a SYN, a request or a query towards any upstream, although "
                    + "the capture covers its upstream side.",
                ruledOut: [RuledOut(.noLiveUpstream, "no failure towards its upstreams was seen before")],
                missing: [
                    "what no capture can see: a unix socket, a limit or queue of the gateway, its own configuration",
                    "the gateway's log line for this request",
                ]
            ),
            upstream: nil
        )
    }

    /// HAProxy (`resolvers`) and Envoy (STRICT_DNS, LOGICAL_DNS) ask for names all the time and go by the latest answer;
    /// nginx 1.22, httpd 2.4 and Caddy 2.6 ask for a name when a request needs it.
    private func resolvesInBackground(_ kind: GatewayKind?) -> Bool {
        switch kind {
        case .nginx, .apache, .caddy, .traefik: false
        default: true
        }
    }

    /// Of the client's request the capture misses a part, and may miss the end.
    private func isUnread(_ request: ClientRequest) -> Bool {
        guard let asked = join.request(of: request) else { return true }
        return asked.end == nil && asked.body.hasGap
    }

    /// The addresses that were dialled for requests like this one before it.
    private func dialled(for request: ClientRequest, in entries: [Entry]) -> Set<IPAddress> {
        let wanted = key(request)
        let until = entries.partitionPoint { $0.time > request.start }
        return Set(
            entries[..<until].suffix(4096).lazy.filter { $0.key != nil && $0.key == wanted }.map(\.upstream.address)
        )
    }

    func clientFrames(_ request: ClientRequest) -> [EvidenceFrame] {
        guard let asked = join.request(of: request) else { return [] }
        var frames = [
            EvidenceFrame(asked.firstFrame, role: "\(asked.method) request of the client", direction: .fromClient)
        ]
        if let response = join.response(of: request) {
            let label = response.status.map { "status \($0) to the client" } ?? "answer to the client"
            frames.append(EvidenceFrame(response.firstFrame, role: label, direction: .fromServer))
        }
        return frames
    }

    /// The gateway gave up on its client, and no upstream had a part in it.
    func slowClient(_ request: ClientRequest) -> Verdict? {
        request.slowness.map { ClientSlow.verdict($0, frames: clientFrames(request)) }
    }

    /// The upstreams that requests like this one use, where the last thing seen of each was a failure; empty unless all are.
    private func lastFailures(before request: ClientRequest, in entries: [Entry]) -> ([Entry], areAll: Bool) {
        // What is learnt while a request waits in a queue counts; what fails at the moment of its answer is somebody else's.
        let end = max(request.start, (request.end ?? request.start) - .milliseconds(100))
        let wanted = key(request)
        var own: [Endpoint: Entry] = [:]
        var all: [Endpoint: Entry] = [:]
        var served: Set<Endpoint> = []
        let until = entries.partitionPoint { $0.time > end }
        for entry in entries[..<until].suffix(4096) where entry.known <= end {
            all[entry.upstream] = entry
            if entry.key != nil, entry.key == wanted { own[entry.upstream] = entry }
            if entry.key != nil, entry.key != wanted { served.insert(entry.upstream) }
        }
        if !own.isEmpty {
            // A probe may know better than the last request.
            let states = own.keys.compactMap { all[$0] }
            return (states.allSatisfy(\.isFailure) ? states : [], true)
        }
        // Never tried for the like of it: those that nothing else uses, or all of them.
        let candidates = all.filter { !served.contains($0.key) }
        let states = Array((candidates.isEmpty ? all : candidates).values)
        if states.allSatisfy(\.isFailure) { return (states, true) }
        // Two groups that nothing was asked of yet: a group with a live server would have been tried, if the gateway did not wait for it.
        let isAtOnce = request.end.map { $0 - request.start <= .milliseconds(100) } ?? false
        return (isAtOnce && !candidates.isEmpty && request.status == 503 ? states.filter(\.isFailure) : [], false)
    }

    /// How long Linux waits after a question before it asks again or gives up (`retrans_time_ms`), and its jitter.
    private static let resolutionTimer = Nanoseconds.milliseconds(1100)

    /// ARP or neighbour solicitation by the gateway, unanswered, while the request was open: then no SYN leaves (Linux: three
    /// tries, 1 s apart, then EHOSTUNREACH).
    private func unresolvedNeighbour(_ request: ClientRequest, _ host: Int) -> Result? {
        guard let end = request.end else { return nil }
        // An asker that never got to send anything else is known by its question only (-1).
        for bursts in [unresolved[host], unresolved[-1]].compactMap({ $0 }) {
            let from = bursts.partitionPoint { $0.last.time + Self.resolutionTimer >= request.start }
            // The nearest few suffice, and bound the work.
            for burst in bursts[from...].prefix(64) {
                guard let first = burst.requests.first, first.time <= end + Join.slack else { continue }
                // Asked before the last question came, or between it and the end of the wait for its answer.
                let isOpen = burst.last.time + Join.slack >= request.start
                guard isOpen || end - burst.last.time >= .milliseconds(900) else { continue }
                return burst.requestCount > 1 ? result(burst, request) : unsettled(burst, request)
            }
        }
        return nil
    }

    /// Asked once: who gets no answer asks again a second later, whoever still waits for it. The capture ended before that or missed the answer.
    private func unsettled(_ burst: NeighbourFacts, _ request: ClientRequest) -> Result {
        Result(
            verdict: .undetermined(
                clientFrames(request)
                    + burst.requests.map { EvidenceFrame($0, role: "who has \(burst.target)? asked once") },
                "The gateway asked once for \(burst.target) and not again, and the capture shows neither the answer nor what followed.",
                missing: ["the answer for \(burst.target), or the second question: the capture missed one of them"]
            )
        )
    }

    private func result(_ burst: NeighbourFacts, _ request: ClientRequest) -> Result {
        var verdict = verdict(burst)
        verdict.frames += clientFrames(request)
        return Result(verdict: verdict, upstream: burst.target.description)
    }

    func verdict(_ burst: NeighbourFacts) -> Verdict {
        Verdict(
            .hostUnreachable,
            variant: "neighbour",
            blame: .network,
            frames: burst.requests.prefix(4).map { EvidenceFrame($0, role: "who has \(burst.target)? no answer") },
            explanation: "Nobody answers for \(burst.target): the gateway asked "
                + "\(Phrases.count(burst.requestCount, "time")) and never got to send a SYN.",
            ruledOut: [
                RuledOut(.connectTimeout, "no SYN left the gateway"),
                RuledOut(.noUpstreamAttempt, "address resolution for \(burst.target) failed meanwhile"),
            ]
        )
    }
}
