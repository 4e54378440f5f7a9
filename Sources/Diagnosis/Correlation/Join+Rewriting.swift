import Model

extension Join {
    /// The beginnings of paths that clients ask a gateway for and that it asks its upstreams for: gateways rewrite by location, not by
    /// request.
    func findUnchangedTargets() -> [Int: Set<Int>] {
        var sent: [Int: Set<Int>] = [:]
        for index in attempts.indices where !attempts[index].isHealthCheck {
            guard let asked = question(of: index) else { continue }
            sent[diallingHost[attempts[index].connection], default: []].insert(asked.target.path)
        }
        var result: [Int: Set<Int>] = [:]
        for index in requests.indices {
            guard let wanted = question(ofRequest: index) else { continue }
            let host = servingHost[requests[index].connection]
            guard sent[host]?.contains(wanted.target.path) ?? false else { continue }
            result[host, default: []].insert(wanted.target.start)
        }
        return result
    }

    /// Whether the attempt may be the first for that request although their targets have nothing in common: not where the gateway passes
    /// the request's like on unchanged. (A later attempt may be for an error's page; but the rest of a connection from before the capture,
    /// on which nobody answers any more, is none.)
    func mayBeRewritten(_ attempt: Int, _ index: Int) -> Bool {
        guard let sent = question(of: attempt), let wanted = question(ofRequest: index),
            keys.relation(wanted, sent) == .unrelated, requests[index].attempts.isEmpty || isRemnant(attempt),
            unchangedTargets[servingHost[requests[index].connection]]?.contains(wanted.target.start) ?? false
        else { return true }
        return wanted.identity != nil && sent.identity == wanted.identity
    }

    /// Data of a connection that began before the capture, and not a packet of its upstream.
    private func isRemnant(_ attempt: Int) -> Bool {
        let connection = attempts[attempt].connection
        return timelines[connection].syns.isEmpty && facts.connections[connection].fromServer.packets == 0
    }
}
