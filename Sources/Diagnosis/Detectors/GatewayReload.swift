import Model

extension Shutdowns.Shutdown {
    func verdict(_ own: [EvidenceFrame]) -> Verdict {
        var frames = own
        for close in closes.prefix(4) where !frames.contains(where: { $0.number == close.frame.number }) {
            frames.append(EvidenceFrame(close.frame, role: "closed at the same moment"))
        }
        if let refused { frames.append(EvidenceFrame(refused, role: "the listener refuses a client")) }
        let many = Phrases.count(closes.count, "connection")
        let down = refused.map { "; \(Phrases.duration($0.time - time)) later its listener refused a client" } ?? ""
        return Verdict(
            .gatewayReload,
            confidence: refused != nil || closes.count > 3 ? .high : .medium,
            blame: .gateway,
            frames: frames,
            explanation:
                "The gateway closed \(many) within \(Phrases.duration(last - time)), this one with its request in hand\(down).",
            ruledOut: [
                RuledOut(.responseTimeout, "timers end requests as far apart as they began; these ended together"),
                RuledOut(.clientAbort, "the gateway closed first"),
            ],
            missing: ["the gateway's own log: whether it was stopped, reloaded or died"]
        )
    }
}

extension ClientRequest {
    /// The client got an error status, whole: no end of the process cut that.
    var isAnsweredWithError: Bool {
        if case .error = outcome { return true }
        return false
    }
}

extension Incidents {
    /// What the gateway cut when it ended is no fault of the upstream.
    mutating func adoptShutdowns() {
        for index in join.attempts.indices {
            let attempt = join.attempts[index]
            let connection = join.facts.connections[attempt.connection]
            let host = join.host(attempt.dialler)
            guard attempt.exchange == connection.exchanges.indices.last, mayBeCut(attempt) else { continue }
            var shutdown = shutdowns.shutdown(of: attempt.connection, host: host)
            if let parent = attempt.parent {
                let request = join.requests[parent]
                let ofClient = shutdowns.shutdown(of: request.connection, host: join.host(request.gateway.address))
                // Both legs, or the one that the capture shows.
                guard !request.isAnsweredWithError, ofClient != nil || shutdown?.refused != nil else { continue }
                shutdown = shutdown ?? ofClient
                if Self.upstreamEnded(join.timelines[attempt.connection]) { continue }
            }
            guard let shutdown, let asked = join.request(of: attempt) else { continue }
            var frames = [
                EvidenceFrame(asked.firstFrame, role: "\(asked.method) request to the upstream", direction: .fromClient)
            ]
            if let close = shutdown.closes.first(where: { $0.connection == attempt.connection }) {
                frames.append(EvidenceFrame(close.frame, role: "the gateway closes", direction: .fromClient))
            }
            join.attempts[index].outcome = .failed(shutdown.verdict(frames))
        }
    }

    /// It failed, or its answer came when its client was gone already.
    private func mayBeCut(_ attempt: Attempt) -> Bool {
        if let verdict = attempt.verdict { return verdict.cause != .clientAbort }
        guard attempt.isAnswered, let parent = attempt.parent, join.requests[parent].isFailed,
            let over = join.requests[parent].end, let answer = join.response(of: attempt)
        else { return false }
        return answer.firstFrame.time > over
    }

    private static func upstreamEnded(_ timeline: ConnectionTimeline) -> Bool {
        timeline.endings.first?.isFromServer ?? false
    }
}
