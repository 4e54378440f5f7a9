import Model

/// One cause for each failed attempt.
struct Verdicts {
    let ports: PortHistory
    private let conducts: PortConducts
    let hosts: HostProfiles
    let horizon: Timestamp
    let isFinal: Bool
    private let sight: UpstreamSight
    private var habits: [Int: ClosingHabit] = [:]
    private let gateways: Recognition
    private let isLossy: Bool
    /// Hosts that talked on a connection of whose other end the capture has no packet.
    private let blindHosts: Set<Int>

    init(_ join: Join, gateways: Recognition, horizon: Timestamp, isFinal: Bool) {
        self.horizon = horizon
        self.isFinal = isFinal
        self.gateways = gateways
        ports = PortHistory(join.facts, join.map, join.timelines, horizon: horizon)
        conducts = PortConducts(join)
        sight = UpstreamSight(join)
        hosts = HostProfiles(join.facts, join.timelines)
        isLossy = join.isLossy
        blindHosts = join.blindHosts
        for attempt in join.attempts {
            let host = join.host(attempt.dialler)
            guard let response = join.response(of: attempt), response.completion == .complete,
                response.headBytes < HeaderTooLarge.smallestLimit, response.deviations.isEmpty
            else { continue }
            let timeline = join.timelines[attempt.connection]
            habits[host, default: ClosingHabit()].note(
                timeline,
                after: response,
                isLast: attempt.exchange == join.facts.connections[attempt.connection].exchanges.count - 1
            )
        }
    }

    func outcome(of attempt: Attempt, in join: Join) -> (Attempt.Outcome, remarks: [Verdict]) {
        let connection = join.facts.connections[attempt.connection]
        let exchange = attempt.exchange.map { connection.exchanges[$0] }
        let client = attempt.parent.map { join.requests[$0] }
        let isLast = attempt.exchange.map { $0 == connection.exchanges.count - 1 } ?? true
        let timeline = isLast ? join.timelines[attempt.connection] : join.timelines[attempt.connection].withoutEnding
        let previous = attempt.exchange.flatMap { position in
            connection.exchanges[..<position].last { $0.response != nil }
        }
        let context = AttemptContext(
            connection: connection,
            exchange: exchange,
            timeline: timeline,
            client: client,
            nextAttempt: client?.attempts.lazy.map { join.attempts[$0].start }.first { $0 > attempt.start },
            clientResponse: client.flatMap { join.response(of: $0) },
            clientAnswerMayBeMissed: client.map { Self.mayHoldMore(join.facts.connections[$0.connection]) } ?? false,
            isFirst: (exchange?.index ?? 0) == 0 && !(timeline.syns.isEmpty && timeline.synAcks.isEmpty),
            idleBefore: previous.flatMap { previous in
                guard let response = previous.response, let request = exchange?.request else { return nil }
                return request.firstFrame.time - response.lastFrame.time
            },
            kind: gateways.kind(at: client?.gateway, host: join.host(attempt.dialler)),
            habit: habits[join.host(attempt.dialler)] ?? ClosingHabit(),
            previousResponseEnd: previous?.response?.end ?? (previous == nil ? 0 : .max),
            port: ports[connection.server],
            conduct: conducts[connection.server],
            previousResponse: previous?.response,
            hosts: hosts,
            sizes: ports.sizes[connection.server.address] ?? SegmentSizes(),
            isServerSideMissed: isLossy || blindHosts.contains(join.host(attempt.dialler)),
            hiddenAnswer: attempt.exchange == nil
                ? sight.hidesAnswers(
                    to: join.host(attempt.dialler),
                    from: attempt.start,
                    until: client?.end ?? connection.last.time + .seconds(3)
                ) : nil,
            horizon: horizon,
            isFinal: isFinal
        )
        let isMisjoined = attempt.exchange.map { $0 >= join.firstMisjoined[attempt.connection] } ?? false
        let outcome = isMisjoined ? .open : Self.outcome(context)
        guard case .failed = outcome else { return (outcome, Remarks.examine(context)) }
        return (outcome, [])
    }

    /// The server of the connection has sent bytes that the capture does not show.
    private static func mayHoldMore(_ connection: ConnectionFacts) -> Bool {
        let server = connection.fromServer
        return server.missedBytes > 0 || max(server.highestEnd, server.acknowledgedEnd) > server.contiguousEnd
            || connection.events.contains { $0.isFromServer && $0.offset > server.contiguousEnd }
    }

    private static func outcome(_ context: AttemptContext) -> Attempt.Outcome {
        // A connection on which nothing was asked is a failure only in its connect phase: probes and spare connections
        // are opened and closed all day.
        guard context.exchange != nil else { return connectOutcome(context) }
        // Of what was not captured nothing can be missed; a slow client is known by its own side.
        if context.isUpstreamUnseen, context.client?.slowness != nil { return .open }
        if context.isUpstreamUnseen { return context.client?.isFailed == true ? .failed(unknown(context)) : .open }
        if let verdict = Detectors.examine(context) { return .failed(verdict) }
        switch context.stage {
        case .complete:
            return .answered(status: context.response?.status ?? 0)
        case .unseen:
            // The status line may be all that the capture kept of it.
            guard let status = context.response?.status else { return .unused }
            return .answered(status: status)
        case .nothing, .partialHead, .partialBody:
            guard context.ending != nil || context.client?.isFailed == true else { return .open }
            if context.wasGivenUpUnsent { return .unused }
            // Without the client's leg a close by the gateway says nothing by itself.
            if context.client == nil, context.ending?.direction == .fromClient { return .failed(unknown(context)) }
            return context.clientFailed ? .failed(unknown(context)) : .open
        case .notHTTP, .invalidStatusLine, .brokenBody:
            return context.clientFailed ? .failed(unknown(context)) : .answered(status: 0)
        }
    }

    private static func connectOutcome(_ context: AttemptContext) -> Attempt.Outcome {
        if context.connection.fromClient.packets == 0 { return .unused }
        let isEstablished = context.timeline.isEstablished(context.connection)
        if !isEstablished, let verdict = ClientAbort.examine(context) { return .failed(verdict) }
        let detectors: [any Detector.Type] =
            isEstablished
            ? [MiddleboxReset.self, ForeignConnection.self] + TLSHandshake.detectors
                + [ResetAfterAccept.self, AcceptQueueOverflow.self]
            : [
                ICMPPortUnreachable.self, ICMPAdminProhibited.self, HostUnreachable.self, HandshakeResetByFirewall.self,
                ConnectRefused.self,
                StaleTuple.self, AcceptQueueOverflow.self, ConnectTimeout.self,
            ]
        for detector in detectors {
            guard let verdict = detector.examine(context) else { continue }
            return .failed(verdict)
        }
        if !isEstablished, context.hiddenAnswer != nil, context.ending == nil, context.client?.isFailed == true {
            return .failed(unknown(context))
        }
        return context.ending == nil && !isEstablished ? .open : .unused
    }

    private static func unknown(_ context: AttemptContext) -> Verdict {
        var missing: [String] = []
        if context.client == nil { missing.append("client leg: whether the client left first") }
        if let hidden = context.hiddenAnswer {
            missing.append(hidden)
        } else if context.ending == nil {
            missing.append("how the upstream exchange ended: the capture does not show it")
        }
        if context.connection.fromServer.missedBytes > 0 || context.connection.fromClient.missedBytes > 0 {
            missing.append("bytes of this connection that the capture missed")
        }
        if let request = context.request, context.stage == .nothing, context.mayBeSending(request) {
            missing.append("whether the request was complete: the capture cut what tells its length")
        }
        if missing.isEmpty { missing.append("the gateway's own log line for this request") }
        return .undetermined(
            (context.request == nil ? context.synFrames : context.requestFrames) + context.responseFrames
                + context.endingFrames,
            "The exchange with \(context.upstream) did not complete, and the packets do not say why.",
            missing: missing
        )
    }
}

extension ConnectionTimeline {
    /// For an exchange that others followed on the same connection: its end says nothing about this one.
    var withoutEnding: ConnectionTimeline {
        var copy = self
        copy.clientFin = nil
        copy.serverFin = nil
        copy.clientReset = nil
        copy.serverReset = nil
        copy.clientFins = 0
        copy.endings = []
        return copy
    }
}
