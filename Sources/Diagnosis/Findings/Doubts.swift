import Model

/// Attempts judged by what else was tried for the same request: SYNs that nothing answered, and answers that do not explain the client's error.
extension Incidents {
    /// The least that a gateway waits for the answer to a SYN: TCP repeats it after a second (RFC 6298 §2), and no timer in use is shorter.
    private static let shortestWait = Nanoseconds.milliseconds(250)

    /// Routers limit the rate of their ICMP errors (RFC 1812 §4.3.2.8), and captures miss packets: a try that got no answer, among tries of the
    /// same request at the same upstream that did, failed for the same reason.
    mutating func adoptRejections() {
        let rejections: Set<Cause> = [.icmpAdminProhibited, .icmpPortUnreachable, .hostUnreachable]
        for request in join.requests where request.attempts.count > 1 {
            for index in request.attempts where isUnanswered(join.attempts[index]) {
                let own = join.attempts[index].upstream
                // Who repeats its SYN was not refused.
                let mayBeRefused = isSilent(join.attempts[index])
                let attempts = request.attempts.map { join.attempts[$0] }
                let model = attempts.first { sibling in
                    guard sibling.upstream == own, let cause = sibling.verdict?.cause else { return false }
                    return rejections.contains(cause)
                        || mayBeRefused && (cause == .connectRefused || cause == .handshakeResetByFirewall)
                }
                guard var verdict = join.attempts[index].verdict, let model = model?.verdict else { continue }
                verdict.cause = model.cause
                verdict.variant = model.variant
                verdict.blame = model.blame
                verdict.confidence = .medium
                verdict.ruledOut = model.ruledOut
                verdict.explanation += " Its other tries were answered: \(model.explanation)"
                join.attempts[index].outcome = .failed(verdict)
            }
        }
    }

    /// A gateway that had no answer would have waited. Where it went on at once, to another server or to its client, the answer to its SYN was
    /// there and the capture missed it.
    mutating func doubtShortSilence() {
        for request in join.requests {
            for (position, index) in request.attempts.enumerated() where isSilent(join.attempts[index]) {
                let attempt = join.attempts[index]
                let later = request.attempts[(position + 1)...].map { join.attempts[$0] }
                guard let next = later.first?.start ?? request.end, next - attempt.start < Self.shortestWait else {
                    continue
                }
                doubt(index, of: request)
                // HAProxy's pause of a second between its tries is the same whatever became of them: the last one tells.
                guard !later.contains(where: { $0.upstream == attempt.upstream }) else { continue }
                for other in request.attempts[..<position]
                where join.attempts[other].upstream == attempt.upstream && isSilent(join.attempts[other]) {
                    doubt(other, of: request)
                }
            }
        }
    }

    /// Where the capture misses many packets, the attempt that really failed may be among them, and a good answer stand in its place.
    mutating func doubtRefusals() {
        for request in join.requests {
            for index in request.attempts where join.attempts[index].verdict?.cause == .gatewayRejectedResponse {
                doubt(index, of: request, missing: "packets of this time: another attempt may be among them")
            }
        }
    }

    /// A gateway that asks itself, of which nothing more is seen: it may ask itself again and again, and a loop is known by its passes only.
    mutating func doubtSelfAsked() {
        var explained: Set<Int> = []
        for request in join.requests where !request.attempts.isEmpty { explained.insert(request.connection) }
        for request in join.requests {
            for index in request.attempts
            where join.attempts[index].upstream == request.gateway
                && join.attempts[index].verdict?.cause == .upstreamErrorResponse
                && !explained.contains(join.attempts[index].connection)
            {
                doubt(index, of: request, missing: "further passes of the request: proxy-loop is not ruled out")
            }
        }
    }

    /// One or two SYNs without an answer, where others to the same port were rejected: the rejection may have been missed.
    mutating func doubtUnlikeOthers() {
        let rejections: Set<Cause> = [
            .icmpAdminProhibited, .icmpPortUnreachable, .hostUnreachable, .connectRefused, .handshakeResetByFirewall,
        ]
        var rejected: Set<Endpoint> = []
        for attempt in join.attempts {
            guard let cause = attempt.verdict?.cause, rejections.contains(cause) else { continue }
            rejected.insert(attempt.upstream)
        }
        guard !rejected.isEmpty else { return }
        for index in join.attempts.indices {
            let attempt = join.attempts[index]
            guard attempt.verdict?.cause == .connectTimeout, rejected.contains(attempt.upstream),
                join.timelines[attempt.connection].syns.count <= 2
            else { continue }
            doubt(
                index,
                of: attempt.parent.map { join.requests[$0] },
                missing: "the answer to the SYN: others to this port were rejected"
            )
        }
    }

    /// The same request is asked of the same server again inside itself, several times over: that is how a loop looks of which the capture holds
    /// the gateway's upstream side only. What ends the innermost of them says nothing of a server.
    mutating func doubtInnermost() {
        struct Way: Hashable {
            var host: Int
            var upstream: Endpoint
        }
        var ways: [Way: [Int]] = [:]
        let leadsBack = Set(loops.roots.values.map(\.upstream))
        for (index, attempt) in join.attempts.enumerated() where !attempt.isHealthCheck {
            let way = Way(host: join.host(attempt.dialler), upstream: attempt.upstream)
            if let cause = attempt.verdict?.cause, cause != .upstreamErrorResponse, cause != .undetermined,
                leadsBack.contains(attempt.upstream) || isInside(attempt, (ways[way] ?? []).suffix(Self.reach))
            {
                doubt(
                    index,
                    missing: "what asks for the same inside the request: proxy-loop is not ruled out"
                )
            }
            ways[way, default: []].append(index)
        }
    }

    /// How many attempts before one are looked at for such a nest, and how deep it is at least: like requests of several clients end in the
    /// order in which they began, or in none.
    private static let reach = 64
    private static let depth = 3

    private func isInside(_ attempt: Attempt, _ earlier: ArraySlice<Int>) -> Bool {
        let forever = Timestamp(nanoseconds: .max)
        var asked = join.request(of: attempt)
        var end = attempt.end ?? forever
        var depth = 0
        for index in earlier.reversed() {
            let outer = join.attempts[index]
            guard let wanted = join.request(of: outer), (outer.end ?? forever) >= attempt.start,
                asked.map({ $0.method == wanted.method && $0.target == wanted.target }) ?? true
            else { continue }
            if case .answered(let status) = outer.outcome, status < 500 { return false }
            guard outer.start < attempt.start, (outer.end ?? forever) >= end else { return false }
            asked = wanted
            end = outer.end ?? forever
            depth += 1
        }
        return depth >= Self.depth
    }

    private func isUnanswered(_ attempt: Attempt) -> Bool {
        attempt.verdict?.cause == .connectTimeout || attempt.verdict?.cause == .acceptQueueOverflow
    }

    /// One SYN that nothing seems to have answered.
    private func isSilent(_ attempt: Attempt) -> Bool {
        attempt.exchange == nil && isUnanswered(attempt) && join.timelines[attempt.connection].syns.count == 1
    }

    mutating func doubt(
        _ index: Int,
        of request: ClientRequest? = nil,
        missing: String = "the answer to the SYN: the gateway gave up too soon to have had none"
    ) {
        guard var verdict = join.attempts[index].verdict else { return }
        guard request?.isFailed ?? true else {
            join.attempts[index].outcome = .unused
            return
        }
        verdict.giveUp(missing: missing)
        join.attempts[index].outcome = .failed(verdict)
    }
}

extension Verdict {
    /// Names no cause any more, for want of `missing`.
    mutating func giveUp(missing what: String) {
        cause = .undetermined
        variant = nil
        confidence = .low
        blame = .unknown
        ruledOut = []
        missing = [what]
    }
}
