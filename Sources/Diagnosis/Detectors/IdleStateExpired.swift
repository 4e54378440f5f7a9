import Model

/// Something on the path (a NAT, a firewall, a load balancer), or the upstream's host itself, has forgotten an idle connection: the next
/// request on it is never acknowledged, or draws a reset without socket, with no FIN before; and a new connection works.
enum IdleStateExpired: Detector {
    static let cause = Cause.idleStateExpired
    /// No device forgets sooner, and no server closes sooner than that without a FIN.
    private static let shortestIdleness = Nanoseconds.milliseconds(500)
    /// Silence is also what loss makes, so that more idleness must speak for it.
    private static let shortestSilentIdleness = Nanoseconds.seconds(1)

    static func examine(_ attempt: AttemptContext) -> Verdict? {
        guard let request = attempt.request, let idle = attempt.idleBefore, idle >= shortestIdleness,
            attempt.stage == .nothing, attempt.timeline.serverFin == nil, !missedFin(attempt),
            idle > attempt.port.longestSurvivedIdleness ?? 0
        else { return nil }
        if let verdict = answered(attempt, request, idle) { return verdict }
        return idle >= shortestSilentIdleness ? silent(attempt, request, idle) : nil
    }

    /// The gateway acknowledged one number more than the upstream's bytes: the capture missed a FIN.
    private static func missedFin(_ attempt: AttemptContext) -> Bool {
        let server = attempt.connection.fromServer
        return server.acknowledgedEnd > server.highestEnd
            || attempt.connection.resets.contains {
                $0.event.isFromServer && !$0.event.flags.contains(.ack) && $0.event.offset > $0.sentEnd
            }
    }

    private static func answered(_ attempt: AttemptContext, _ request: RequestFacts, _ idle: Nanoseconds) -> Verdict? {
        guard let ending = attempt.ending, ending.isFromServer, ending.isReset else { return nil }
        let origin = attempt.origin(ending)
        let isStateless = !ending.flags.contains(.ack) && !ending.hasTimestampOption
        guard origin.isForeign || isStateless,
            let works = attempt.port.opening(
                from: request.firstFrame.time,
                to: Timestamp(nanoseconds: .max),
                except: attempt.connection.stream
            )
        else { return nil }
        let elapsed = Phrases.duration(ending.frame.time - request.firstFrame.time)
        let whose =
            origin.isForeign
            ? "that the upstream did not send (\(attempt.foreignStory(origin)))"
            : "of a host that knows no such connection"
        return Verdict(
            cause,
            variant: "reset",
            confidence: attempt.port.longestSurvivedIdleness == nil ? .medium : .high,
            blame: origin.isForeign ? .firewall : .network,
            frames: attempt.requestFrames + [attempt.frame(ending, "RST in the upstream's name, \(elapsed) after it")]
                + [EvidenceFrame(works, role: "a new connection is accepted", direction: .fromServer)],
            explanation:
                "After \(Phrases.duration(idle)) without traffic the request on the kept connection drew a reset "
                + "after \(elapsed), \(whose); no FIN had come, and a new connection to \(attempt.upstream) works.",
            ruledOut: [
                RuledOut(
                    .staleKeepaliveReuse,
                    "the upstream had not closed: neither a FIN nor an abort of its own came"
                ),
                RuledOut(.resetBeforeResponse, "the reset is none of a live socket"),
                RuledOut(.connectTimeout, "a new connection was accepted"),
            ] + survivors(attempt),
            missing: origin.isForeign
                ? [] : ["whether the upstream's host was restarted, or a device on the path forgot"]
        )
    }

    private static func silent(_ attempt: AttemptContext, _ request: RequestFacts, _ idle: Nanoseconds) -> Verdict? {
        let server = attempt.connection.fromServer
        guard !attempt.isRequestAcknowledged, attempt.connection.fromClient.acknowledgedEnd <= request.start,
            server.lastFrame.map({ $0.time < request.firstFrame.time }) ?? false
        else { return nil }
        let repeats = attempt.retransmissions(.fromClient, from: request.start)
        guard repeats.count >= 2, attempt.isAbandoned(repeats) else { return nil }
        // Its own repeats and FINs go on unanswered, or end with the gateway's reset.
        let end = max(attempt.connection.last.time, attempt.client?.end ?? request.lastFrame.time)
        guard
            let works = attempt.port.opening(
                from: request.firstFrame.time,
                to: end + .seconds(5),
                except: attempt.connection.stream
            ), !attempt.port.hasUnansweredSyn(from: request.firstFrame.time, to: end)
        else { return nil }
        return Verdict(
            cause,
            variant: "silent",
            confidence: works.time <= attempt.connection.last.time ? .high : .medium,
            blame: .firewall,
            frames: attempt.requestFrames
                + repeats.prefix(3).map { attempt.again($0, "request again, never acknowledged") }
                + attempt.endingFrames
                + [EvidenceFrame(works, role: "a new connection is accepted", direction: .fromServer)],
            explanation: "After \(Phrases.duration(idle)) without traffic the request on the kept connection was sent "
                + "\(repeats.count + 1) times and never acknowledged, while a new connection to \(attempt.upstream) works: "
                + "something on the path has forgotten the old one.",
            ruledOut: [
                RuledOut(
                    .lossStallRequest,
                    "a new connection to the same port was accepted meanwhile or right afterwards"
                ),
                RuledOut(.responseTimeout, "the request was never acknowledged"),
                RuledOut(.staleKeepaliveReuse, "no FIN and no reset came"),
            ] + survivors(attempt)
        )
    }

    private static func survivors(_ attempt: AttemptContext) -> [RuledOut] {
        guard let survived = attempt.port.longestSurvivedIdleness else { return [] }
        return [
            RuledOut(
                .middleboxReset,
                "it comes with idleness: connections of this upstream were used again after up to \(Phrases.duration(survived))"
            )
        ]
    }
}
