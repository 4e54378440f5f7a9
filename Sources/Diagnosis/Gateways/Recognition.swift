import Model

/// Which product each gateway is, by the marks that its answers and its requests bear.
struct Recognition {
    /// By host (see `RoleMap.host`).
    private(set) var marks: [Int: Fingerprint] = [:]
    /// By the address and port that clients ask: one host may run two products.
    private var listening: [Endpoint: Fingerprint] = [:]

    subscript(host: Int) -> GatewayKind? { marks[host]?.kind }

    /// For an attempt made for a request to `front`.
    func kind(at front: Endpoint?, host: Int) -> GatewayKind? {
        front.flatMap { listening[$0]?.kind } ?? marks[host]?.kind
    }

    private struct Votes {
        var counts: [GatewayKind: (strong: Int, weak: Int, first: Fingerprint)] = [:]

        mutating func add(_ mark: Fingerprint) {
            var entry = counts[mark.kind] ?? (0, 0, mark)
            if mark.strength == .strong { entry.strong += 1 } else { entry.weak += 1 }
            if mark.strength > entry.first.strength { entry.first = mark }
            counts[mark.kind] = entry
        }

        /// Strong marks decide; a tie decides nothing.
        var winner: Fingerprint? {
            let order = counts.values.sorted { ($0.strong, $0.weak) > ($1.strong, $1.weak) }
            guard let best = order.first else { return nil }
            if order.count > 1, (order[1].strong, order[1].weak) == (best.strong, best.weak) { return nil }
            return best.first
        }
    }

    init(_ join: Join) {
        var hosts: [Int: Votes] = [:]
        var fronts: [Endpoint: Votes] = [:]
        for request in join.requests {
            guard request.isFailed, let response = join.response(of: request) else { continue }
            // A relayed error page names the one who made it, not the one who passed it on.
            let isRelayed = request.attempts.contains {
                join.response(of: join.attempts[$0])?.status == response.status
            }
            guard !isRelayed, let mark = Fingerprint(response: response) else { continue }
            hosts[join.host(request.gateway.address), default: Votes()].add(mark)
            fronts[request.gateway, default: Votes()].add(mark)
        }
        for attempt in join.attempts where !attempt.isHealthCheck {
            guard let asked = join.request(of: attempt), var mark = Fingerprint(request: asked) else { continue }
            let parent = attempt.parent.map { join.requests[$0] }
            // What the client had sent already is no mark of the gateway.
            if let parent, let original = join.request(of: parent), let own = Fingerprint(request: original),
                own.kind == mark.kind
            {
                mark.strength = .weak
            }
            hosts[join.host(attempt.dialler), default: Votes()].add(mark)
            if let parent { fronts[parent.gateway, default: Votes()].add(mark) }
        }
        marks = hosts.compactMapValues(\.winner)
        listening = fronts.compactMapValues(\.winner)
    }
}
