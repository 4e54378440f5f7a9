import Model

extension Join {
    /// The beginnings of paths that clients ask a gateway for and that it asks its upstreams for: gateways rewrite by location, not by
    /// request.
    func findUnchangedTargets() -> [Int: Set<Substring>] {
        var sent: [Int: Set<Substring>] = [:]
        for attempt in attempts where !attempt.isHealthCheck {
            guard let asked = request(of: attempt) else { continue }
            sent[host(attempt.dialler), default: []].insert(TargetRelation.path(asked.target))
        }
        var result: [Int: Set<Substring>] = [:]
        for request in requests {
            guard let wanted = self.request(of: request) else { continue }
            let host = host(request.gateway.address)
            guard sent[host]?.contains(TargetRelation.path(wanted.target)) ?? false else { continue }
            result[host, default: []].insert(TargetRelation.start(wanted.target))
        }
        return result
    }

    /// Whether the attempt may be the first for that request although their targets have nothing in common: not where the gateway passes
    /// the request's like on unchanged. (A later attempt may be for an error's page; but the rest of a connection from before the capture,
    /// on which nobody answers any more, is none.)
    func mayBeRewritten(_ attempt: Attempt, _ index: Int) -> Bool {
        guard requests[index].attempts.isEmpty || isRemnant(attempt), let sent = request(of: attempt),
            let wanted = request(of: requests[index]), TargetRelation(wanted.target, sent.target) == .unrelated,
            unchangedTargets[host(requests[index].gateway.address)]?.contains(TargetRelation.start(wanted.target))
                ?? false
        else { return true }
        guard let id = wanted.field("x-request-id") else { return false }
        return sent.field("x-request-id") == id
    }

    /// Data of a connection that began before the capture, and not a packet of its upstream.
    private func isRemnant(_ attempt: Attempt) -> Bool {
        let connection = facts.connections[attempt.connection]
        return timelines[attempt.connection].syns.isEmpty && connection.fromServer.packets == 0
    }
}
