import Model

/// One failed attempt (or one failed request without attempt) on its way into a finding.
struct Incident {
    var verdict: Verdict
    var severity: Severity
    var upstream: String?
    /// Client requests are counted once, however many attempts failed: their index, or one beyond all of them for
    /// requests whose client leg was not seen.
    var requestNumber: Int
    var request: ClientRequest?
    var occurrence: Occurrence
    var gateway: IPAddress?
    var kind: GatewayKind?
    /// Requests without attempt count none.
    var attempts: Int
    /// The connection that the verdict is about and the exchange on it (indices into the facts), and when what failed began.
    var connection: Int?
    var exchange: Int?
    var start: Timestamp?
    /// What the capture lacks for the verdict.
    var reservations: [String] = []
}

/// Turns the judged join into incidents.
struct Incidents {
    var join: Join
    let horizon: Timestamp
    let isFinal: Bool
    private let isLossy: Bool
    var all: [Incident] = []
    /// Requests whose legs were not seen, told apart by their attempts.
    var unseenRequests = 0
    /// Their numbers by attempt.
    private(set) var unseenNumbers: [Int: Int] = [:]
    let gateways: Recognition
    let lookups: Lookups
    let shutdowns: Shutdowns
    let loops: Loops
    /// How often each thing was asked upstream without a client leg.
    private var asks: [Ask: Int] = [:]

    init(_ join: Join, horizon: Timestamp, isFinal: Bool) {
        self.join = join
        self.horizon = horizon
        self.isFinal = isFinal
        isLossy = join.isLossy
        lookups = Lookups(join)
        shutdowns = Shutdowns(join)
        loops = Loops(join)
        HealthChecks.mark(&self.join)
        gateways = Recognition(self.join)
        let verdicts = Verdicts(self.join, gateways: gateways, horizon: horizon, isFinal: isFinal)
        for index in self.join.attempts.indices {
            let judged = verdicts.outcome(of: self.join.attempts[index], in: self.join)
            self.join.attempts[index].outcome = judged.0
            self.join.attempts[index].remarks = judged.remarks
        }
        acceptRelayedErrors()
        adoptRejections()
        doubtShortSilence()
        if isLossy { doubtRefusals() }
        doubtMistakenRefusals()
        doubtSelfAsked()
        doubtUnlikeOthers()
        doubtInnermost()
        adoptShutdowns()
        adoptStaleAddresses()
        collectLoops()
        collectJoined()
        collectWithoutClient()
        collectWithoutConnection()
        collectLookups()
        collectWithoutAttempt()
        countByOutermost()
        reserve()
        all.sort { ($0.occurrence.time, $0.occurrence.stream ?? 0) < ($1.occurrence.time, $1.occurrence.stream ?? 0) }
    }

    /// A 5xx that the application made, other than 502, 503 and 504, is its answer and no failure of the gateway.
    private mutating func acceptRelayedErrors() {
        for index in join.requests.indices {
            guard case .error(let status) = join.requests[index].outcome, !(502...504).contains(status) else {
                continue
            }
            let isRelayed = join.requests[index].attempts.contains { attempt in
                join.response(of: join.attempts[attempt])?.status == status
            }
            if isRelayed { join.requests[index].outcome = .answered(status: status) }
        }
    }

    // MARK: Attempts with their request

    private mutating func collectJoined() {
        for (number, request) in join.requests.enumerated() where !isOfLoop(number) {
            for (position, index) in request.attempts.enumerated() {
                guard let verdict = join.attempts[index].verdict else {
                    // A request that failed otherwise has its finding.
                    guard !request.isOver else { continue }
                    for remark in join.attempts[index].remarks { add(index, remark, .note, number, request) }
                    continue
                }
                // Why nothing came of it need not be known where the client has its answer.
                if verdict.cause == .undetermined, !request.isFailed { continue }
                let isLast = position == request.attempts.count - 1
                let attempt = join.attempts[index]
                add(
                    index,
                    adjusted(verdict, attempt),
                    severity(of: verdict, request, index, isLast: isLast),
                    number,
                    request
                )
            }
        }
    }

    /// Where the upstream is itself a gateway of this capture, its error began further behind: the finding of that hop has
    /// the cause.
    private func adjusted(_ verdict: Verdict, _ attempt: Attempt) -> Verdict {
        guard verdict.cause == .upstreamErrorResponse, join.map.isClientLeg[attempt.connection] else { return verdict }
        var verdict = verdict
        verdict.variant = "gateway"
        verdict.explanation += " It is a gateway itself: what failed stands behind it."
        return verdict
    }

    private func severity(of verdict: Verdict, _ request: ClientRequest, _ index: Int, isLast: Bool) -> Severity {
        if verdict.cause == .clientAbort || isPassedOn(verdict, request, index) { return .note }
        // A gateway that gives up on its client answers 408 (RFC 9110 §15.5.9), an error of its own, or just closes.
        if verdict.cause == .clientSlow { return .failure }
        if request.isFailed { return .failure }
        let cutsBody: Set<Cause> = [.truncatedBodyFin, .truncatedBodyReset, .badChunkSize, .bodyTimeout]
        // A complete answer to the client on top of a body that was not: the damage was hidden, not repaired.
        if isLast, cutsBody.contains(verdict.cause), case .answered = request.outcome { return .failure }
        if case .open = request.outcome, isLast { return .failure }
        guard isDisguised(request) else { return .nearMiss }
        // The attempt that was answered may only have escaped the capture.
        return isLossy ? .note : .failure
    }

    private static let withoutHead: Set<Cause> = [
        .malformedStatusLine, .nonHTTPBanner, .plaintextToTLSUpstream, .applicationProtocolMismatch,
    ]

    /// The gateway took what is no status line for a body, and its client got all of it in a regular answer.
    private func isPassedOn(_ verdict: Verdict, _ request: ClientRequest, _ index: Int) -> Bool {
        guard Self.withoutHead.contains(verdict.cause), case .answered(status: 200) = request.outcome,
            let odd = join.response(of: join.attempts[index]), let given = join.response(of: request)
        else { return false }
        let sent = join.facts.connections[join.attempts[index].connection].fromServer.contiguousEnd - odd.start
        // httpd 2.4.71 drops the end of the first line.
        return given.completion == .complete && (0...2).contains(sent &- given.body.seen)
    }

    /// Every attempt failed and the client still got a status that is no error: a rewritten error page. Not where some answer of the
    /// upstreams stands unclaimed beside it.
    private func isDisguised(_ request: ClientRequest) -> Bool {
        guard case .answered = request.outcome, let end = request.end,
            request.attempts.allSatisfy({ join.attempts[$0].verdict != nil })
        else { return false }
        let host = join.host(request.gateway.address)
        let first = join.attempts.partitionPoint { $0.start >= request.start }
        return !join.attempts[first...].prefix { $0.start <= end }.prefix(256).contains {
            $0.parent == nil && $0.isAnswered && join.host($0.dialler) == host
        }
    }

    // MARK: Attempts whose client leg is not visible

    private struct Ask: Hashable {
        var method: String
        var target: String
    }

    private mutating func collectWithoutClient() {
        for attempt in join.attempts where attempt.parent == nil {
            guard let asked = join.request(of: attempt) else { continue }
            asks[Ask(method: asked.method, target: asked.target), default: 0] += 1
        }
        var number = join.requests.count
        var previous: [IPAddress: [(attempt: Int, number: Int, chain: Int)]] = [:]
        var pending: [(attempt: Int, number: Int, verdict: Verdict)] = []
        var recovered: Set<Int> = []
        for (index, attempt) in join.attempts.enumerated() where attempt.parent == nil && !attempt.isHealthCheck {
            guard join.map.opaqueHosts.contains(join.host(attempt.dialler)) else { continue }
            if case .unused = attempt.outcome { continue }
            var own = number
            var chain = 1
            // The latest few: under load other requests' attempts stand between an attempt and its retry.
            let recent = previous[attempt.dialler] ?? []
            if let place = recent.lastIndex(where: { isRetry(attempt, of: join.attempts[$0.attempt], chain: $0.chain) })
            {
                own = recent[place].number
                chain = recent[place].chain + 1
                previous[attempt.dialler]?.remove(at: place)
            } else {
                number += 1
            }
            unseenNumbers[index] = own
            previous[attempt.dialler, default: []].append((index, own, chain))
            if recent.count >= 16 { previous[attempt.dialler]?.removeFirst() }
            switch attempt.outcome {
            case .failed(let verdict): pending.append((index, own, verdict))
            case .answered:
                recovered.insert(own)
                for remark in attempt.remarks { add(index, withoutClientLeg(remark), .note, own, nil) }
            case .open, .unused: break
            }
        }
        unseenRequests = number - join.requests.count
        for entry in pending {
            let isHidden = recovered.contains(entry.number)
            add(
                entry.attempt,
                withoutClientLeg(entry.verdict),
                isHidden ? .nearMiss : severity(of: entry.verdict, entry.attempt),
                entry.number,
                nil
            )
        }
    }

    /// Where no client is seen, what this gateway makes of the answer by default.
    private func severity(of verdict: Verdict, _ index: Int) -> Severity {
        let attempt = join.attempts[index]
        guard Self.withoutHead.contains(verdict.cause), let response = join.response(of: attempt),
            let profile = gateways[join.host(attempt.dialler)]?.profile, profile.takesForBody(response)
        else { return .failure }
        return .note
    }

    func withoutClientLeg(_ verdict: Verdict) -> Verdict {
        var verdict = verdict
        if !verdict.missing.contains(where: { $0.hasPrefix("client leg") }) {
            verdict.missing.append("client leg: not captured, or encrypted; counts come from the upstream leg")
        }
        return verdict
    }

    /// Without client leg, an attempt that repeats the previous request is its retry, where gateways retry: on another server, on a
    /// fresh connection after a reused one had died, or (HAProxy) on the same server after a pause of a second.
    private func isRetry(_ attempt: Attempt, of previous: Attempt, chain: Int) -> Bool {
        guard let verdict = previous.verdict, chain < 8 else { return false }
        let end = previous.end ?? join.facts.connections[previous.connection].last.time
        let gap = attempt.start - end
        let isPause = (.milliseconds(980)...(.milliseconds(1080))).contains(gap)
        let isPrompt = gap >= -Join.slack && gap <= .milliseconds(50)
        let isSameServer = attempt.upstream == previous.upstream
        if let asked = join.request(of: attempt), let before = join.request(of: previous) {
            // Envoy gives each request an id, the same in each try, and waits up to 250 ms between two.
            if let id = asked.field("x-request-id"), let other = before.field("x-request-id") {
                return id == other && asked.target == before.target && gap >= -Join.slack && gap <= .seconds(1)
            }
            guard asked.method == before.method, asked.target == before.target,
                asked.fieldsOfTheClient == before.fieldsOfTheClient
            else { return false }
            // What is asked all the time proves nothing by coming again; only a gateway does so without a round trip.
            let isRare = asks[Ask(method: asked.method, target: asked.target)] ?? 0 <= 4
            // Caddy waits `lb_try_interval` (250 ms by default), and repeats nothing but GET once it was sent.
            let isInterval =
                gateways[join.host(attempt.dialler)] == .caddy && isRare && asked.method == "GET"
                && gap >= -Join.slack && gap <= .milliseconds(320)
            guard isSameServer else { return isPrompt || isInterval }
            let wasReused = previous.exchange ?? 0 > 0
            return isPrompt && verdict.cause != .upstreamErrorResponse && (wasReused || isRare || gap <= 250_000)
        }
        // Another server's turn carries nothing by which it could be told from another request.
        guard previous.exchange == nil, isSameServer, chain < 4 else { return false }
        // The pause is HAProxy's; of a product that is not recognised it is believed too.
        let kind = gateways[join.host(attempt.dialler)]
        return isPause && (kind == nil || kind == .haproxy)
            || kind == .haproxy && isPrompt && verdict.cause != .connectRefused
    }

    /// Address resolution that nobody answered, where no client leg tells of the requests behind it: tries less than 2 s apart are one.
    private mutating func collectWithoutConnection() {
        let explanation = WithoutAttempt(join, lookups, shutdowns, gateways)
        var last: [IPAddress: (time: Timestamp, number: Int)] = [:]
        for (host, bursts) in explanation.unresolved.sorted(by: { $0.key < $1.key })
        where join.map.opaqueHosts.contains(host) && join.map.diallers[host] != nil {
            for burst in bursts {
                // Three questions a second apart are what a connection attempt makes; fewer are somebody's curiosity.
                guard burst.requestCount >= 3, let first = burst.requests.first else { continue }
                var number = join.requests.count + unseenRequests
                if let previous = last[burst.target], first.time - previous.time <= .seconds(2) {
                    number = previous.number
                } else {
                    unseenRequests += 1
                }
                last[burst.target] = (burst.last.time, number)
                let verdict = withoutClientLeg(explanation.verdict(burst))
                all.append(
                    Incident(
                        verdict: verdict,
                        severity: .failure,
                        upstream: burst.target.description,
                        requestNumber: number,
                        request: nil,
                        occurrence: Occurrence(
                            time: burst.last.time,
                            from: nil,
                            to: nil,
                            stream: nil,
                            frames: verdict.frames,
                            request: nil,
                            client: nil,
                            attempt: 1,
                            explanation: verdict.explanation
                        ),
                        gateway: burst.asker,
                        kind: gateways[host],
                        attempts: 0
                    )
                )
            }
        }
    }

    // MARK: Requests without attempt

    private mutating func collectWithoutAttempt() {
        let explanation = WithoutAttempt(join, lookups, shutdowns, gateways)
        var results: [(number: Int, request: ClientRequest, result: WithoutAttempt.Result)] = []
        for (number, request) in join.requests.enumerated() where !isOfLoop(number) {
            if request.attempts.isEmpty {
                guard request.isFailed || request.slowness != nil else { continue }
                results.append((number, request, explanation.explain(request)))
            } else {
                // Attempts without fault of their own, and the client still failed.
                let hasVerdict = request.attempts.contains { join.attempts[$0].verdict != nil }
                guard request.isFailed || request.slowness != nil && !request.isRelayed(in: join), !hasVerdict else {
                    continue
                }
                results.append((number, request, explanation.unexplained(request)))
            }
        }
        explanation.doubtLonely(&results)
        for (number, request, result) in results {
            let asked = join.request(of: request)
            all.append(
                Incident(
                    verdict: result.verdict,
                    severity: .failure,
                    upstream: result.upstream,
                    requestNumber: number,
                    request: request,
                    occurrence: Occurrence(
                        time: request.end ?? request.start,
                        from: nil,
                        to: nil,
                        stream: join.facts.connections[request.connection].stream,
                        frames: result.verdict.frames,
                        request: asked.map(summary),
                        client: clientOutcome(request, isFailure: true),
                        attempt: 0,
                        explanation: result.verdict.explanation
                    ),
                    gateway: request.gateway.address,
                    kind: gateways.kind(at: request.gateway, host: join.host(request.gateway.address)),
                    attempts: 0,
                    start: request.start
                )
            )
        }
    }

    // MARK: Occurrences

    private mutating func add(
        _ index: Int,
        _ verdict: Verdict,
        _ severity: Severity,
        _ number: Int,
        _ request: ClientRequest?
    ) {
        let attempt = join.attempts[index]
        let connection = join.facts.connections[attempt.connection]
        let asked = join.request(of: attempt) ?? request.flatMap { join.request(of: $0) }
        let time = attempt.end ?? connection.last.time
        all.append(
            Incident(
                verdict: verdict,
                severity: severity,
                upstream: attempt.upstream.description,
                requestNumber: number,
                request: request,
                occurrence: Occurrence(
                    time: time,
                    from: connection.client,
                    to: connection.server,
                    stream: connection.stream,
                    frames: verdict.frames.sorted { $0.number < $1.number },
                    request: asked.map(summary),
                    client: request.flatMap { clientOutcome($0, isFailure: severity == .failure) },
                    attempt: attempt.ordinal,
                    explanation: verdict.explanation
                ),
                gateway: request?.gateway.address ?? attempt.dialler,
                kind: gateways.kind(at: request?.gateway, host: join.host(attempt.dialler)),
                attempts: 1,
                connection: attempt.connection,
                exchange: attempt.exchange,
                start: attempt.start
            )
        )
    }

    func summary(_ request: RequestFacts) -> RequestSummary {
        RequestSummary(
            method: request.method,
            host: request.host,
            target: TargetMask.masked(request.target),
            id: Self.id(request)
        )
    }

    private static func id(_ request: RequestFacts) -> String? {
        let names = ["x-request-id", "x-correlation-id", "traceparent", "x-amzn-trace-id", "cf-ray"]
        return names.lazy.compactMap { name in request.fields.first { $0.name == name }?.value }.first
    }

    /// By what the client asked and got, at the time it was told (or, unanswered, asked).
    func isSelected(_ request: ClientRequest, _ selection: RequestSelection) -> Bool {
        let asked = join.request(of: request)
        return selection.matches(
            time: request.isFailed ? request.end ?? request.start : request.start,
            status: request.status,
            // As it was asked for, not as it is shown: who has the path of one request may name it.
            target: asked?.target,
            id: asked.flatMap(Self.id)
        )
    }

    func clientOutcome(_ request: ClientRequest, isFailure: Bool) -> ClientOutcome? {
        let saw: ClientOutcome.Saw
        switch request.outcome {
        case .open: return nil
        case .answered: saw = isFailure ? .alteredAnswer : .answer
        case .error(let status):
            let isRelayed = request.attempts.contains { join.response(of: join.attempts[$0])?.status == status }
            saw = isRelayed ? .relayedError : .gatewayError
        case .noAnswer, .crossedClose: saw = .nothing
        case .garbage: saw = .rawBytes
        case .cut: saw = .cutBody
        case .aborted: saw = .left
        }
        let connection = join.facts.connections[request.connection]
        let frame = join.response(of: request)?.firstFrame.number
        return ClientOutcome(status: request.status, saw: saw, stream: connection.stream, frame: frame)
    }
}

extension WithoutAttempt {
    /// Every attempt looks sound, and the client still got an error.
    func unexplained(_ request: ClientRequest) -> Result {
        let attempt = request.attempts.last.map { join.attempts[$0] }
        if let slow = slowClient(request) {
            return Result(verdict: slow, upstream: attempt?.upstream.description)
        }
        return Result(
            verdict: .undetermined(
                [],
                "The upstream exchange shows no fault, and the client's request still failed.",
                missing: ["the gateway's log line for this request"]
            ),
            upstream: attempt?.upstream.description
        )
    }
}
