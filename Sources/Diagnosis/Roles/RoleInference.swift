import Model

/// Finds gateways by nesting: what a gateway asks upstream begins inside the client exchange that it serves, and carries its target.
struct RoleInference {
    let facts: TrafficFacts
    let options: DiagnosisOptions
    var union = UnionFind()
    /// Clients of each listener.
    var clients: [Endpoint: Set<IPAddress>] = [:]
    var edges: [Edge: EdgeCount] = [:]
    var accepted: Set<Edge> = []
    var totals: [Dialled: EdgeTotal] = [:]
    /// Requests that each listener was asked.
    var served: [Endpoint: Int] = [:]
    let keys: MessageKeys
    /// Connections on which the same is asked by the clock.
    let periodic: Set<Int>

    struct Dialled: Hashable {
        var from: IPAddress
        var to: Endpoint
    }
    struct Edge: Hashable {
        var front: Endpoint
        var dialled: Dialled
    }
    struct Passage: Hashable {
        var outer: Endpoint
        var inner: Endpoint
    }
    struct EdgeCount {
        /// Requests whose innermost enclosing client exchange has a related target.
        var related = 0
        /// Requests that lie wholly inside a client exchange.
        var nested = 0
        /// Connections that began inside a client exchange.
        var connects = 0
    }
    struct EdgeTotal {
        var requests = 0
        var connects = 0
    }

    init(_ facts: TrafficFacts, _ options: DiagnosisOptions, _ keys: MessageKeys) {
        self.facts = facts
        self.options = options
        self.keys = keys
        periodic = HealthChecks.periodicQuestions(facts, keys)
        for connection in facts.connections {
            clients[connection.server, default: []].insert(connection.client.address)
        }
    }

    /// How many enclosing exchanges are looked at for one start: bounds the work under thousands of open requests.
    static let reach = 64

    /// First by what requests ask for; then, with the listeners known, by when connections begin.
    mutating func findEdges() {
        let nesting = Nesting(self)
        sweep(nesting, inside: nil)
        acceptRelated()
        let fronts = Set(accepted.map(\.front))
        if !fronts.isEmpty {
            edges = [:]
            totals = [:]
            served = [:]
            sweep(nesting, inside: fronts)
        }
        acceptNested()
        for edge in accepted { union.join(edge.front.address, edge.dialled.from) }
    }

    private struct Sender: Hashable {
        var front: Endpoint
        var from: IPAddress
    }

    /// Edges that are more than chance: half of what was asked there has a related request around it, or half of what the listener was
    /// asked has one inside (where it listens for TLS as well, the most may have none).
    private mutating func acceptRelated() {
        var passedOn: [Sender: Int] = [:]
        for (edge, count) in edges {
            passedOn[Sender(front: edge.front, from: edge.dialled.from), default: 0] += count.related
        }
        for (edge, count) in edges where count.related > 0 {
            let total = totals[edge.dialled]?.requests ?? 0
            let sent = passedOn[Sender(front: edge.front, from: edge.dialled.from)] ?? 0
            let isMost = sent > 1 && sent * 2 >= served[edge.front] ?? 0
            if count.related * 2 >= total || isMost { accepted.insert(edge) }
        }
        // Where packets are missing, most of what was asked may have lost its like. Some of it inside, and no other order, is more than chance.
        if accepted.isEmpty, facts.connections.contains(where: \.hasMissedBytes),
            let most = edges.values.map(\.related).max(), most > 0
        {
            for (edge, count) in edges where count.related == most { accepted.insert(edge) }
        }
        // Two listeners cannot lie inside each other: an answer that never came makes the inner one look open for long. The true outer one
        // encloses the greater share.
        var related: [Passage: Int] = [:]
        var asked: [Endpoint: Int] = [:]
        for (edge, count) in edges {
            related[Passage(outer: edge.front, inner: edge.dialled.to), default: 0] += count.related
        }
        for (dialled, total) in totals { asked[dialled.to, default: 0] += total.requests }
        // What looks like a gateway's request is asked inside, not outside.
        let forwarded = forwardedTo()
        func share(_ outer: Endpoint, _ inner: Endpoint) -> Double {
            let isLikely = forwarded.contains(inner) && !forwarded.contains(outer)
            return (isLikely ? 1 : 0) + Double(related[Passage(outer: outer, inner: inner)] ?? 0)
                / Double(max(1, asked[inner] ?? 0))
        }
        accepted = accepted.filter { edge in
            share(edge.front, edge.dialled.to) >= share(edge.dialled.to, edge.front)
        }
        dropSiblings()
    }

    /// Where most connections carry what looks like a gateway's request: a client of HTTP/1.0 now and then looks so, too.
    private func forwardedTo() -> Set<Endpoint> {
        var counts: [Endpoint: (forwarded: Int, all: Int)] = [:]
        for connection in facts.connections {
            guard let request = connection.exchanges.lazy.compactMap(\.request).first else { continue }
            counts[connection.server, default: (0, 0)].all += 1
            if request.looksForwarded { counts[connection.server, default: (0, 0)].forwarded += 1 }
        }
        return Set(counts.lazy.filter { $0.value.forwarded * 2 > $0.value.all }.map(\.key))
    }

    /// What carries nothing to compare must lie inside as a rule.
    private mutating func acceptNested() {
        let known = Set(accepted.map(\.dialled))
        let explained = Set(known.map(\.from))
        let passings = Set(accepted.map { Passage(outer: $0.front, inner: $0.dialled.to) })
        for (edge, count) in edges where !known.contains(edge.dialled) {
            // Two listeners cannot lie inside each other.
            if passings.contains(Passage(outer: edge.dialled.to, inner: edge.front)) { continue }
            let total = totals[edge.dialled] ?? EdgeTotal()
            let isSameAddress = edge.front.address == edge.dialled.from
            if explained.contains(edge.dialled.from), !isSameAddress { continue }
            if total.requests == 0 ? count.connects * 5 >= total.connects * 4 : count.nested * 10 >= total.requests * 9
            {
                accepted.insert(edge)
            }
        }
    }

    mutating func assign() -> RoleMap {
        let count = facts.connections.count
        var map = RoleMap(
            isUpstreamLeg: Array(repeating: false, count: count),
            isClientLeg: Array(repeating: false, count: count)
        )
        map.givenUpstreams = options.upstreams
        let isGiven = !options.gateways.isEmpty || !options.upstreams.isEmpty
        if isGiven {
            assignGiven(&map)
        } else {
            assignInferred(&map)
        }
        finish(&map, isGiven: isGiven)
        return map
    }

    private mutating func assignGiven(_ map: inout RoleMap) {
        var first: IPAddress?
        for connection in facts.connections {
            for address in [connection.client.address, connection.server.address]
            where options.gateways.contains(where: { $0.contains(address) }) {
                union.join(first ?? address, address)
                first = first ?? address
            }
        }
        for (index, connection) in facts.connections.enumerated() {
            let dials =
                options.gateways.isEmpty || options.gateways.contains { $0.contains(connection.client.address) }
            let serves = options.gateways.contains { $0.contains(connection.server) }
            let isUpstream = options.upstreams.contains { $0.contains(connection.server) }
            let mayBeUpstream = !serves && !connection.isNameService
            map.isUpstreamLeg[index] = dials && (options.upstreams.isEmpty ? mayBeUpstream : isUpstream)
            map.isClientLeg[index] = serves && !(isUpstream && dials)
            if options.gateways.isEmpty, isUpstream { union.touch(connection.client.address) }
        }
        // Only upstreams were said: the listeners of those who dial them are the fronts.
        if options.gateways.isEmpty {
            let diallers = Set(
                facts.connections.indices.filter { map.isUpstreamLeg[$0] }
                    .map { union.find(facts.connections[$0].client.address) }
            )
            for (index, connection) in facts.connections.enumerated()
            where !map.isUpstreamLeg[index] && diallers.contains(union.find(connection.server.address)) {
                map.isClientLeg[index] = true
            }
        }
    }

    private mutating func assignInferred(_ map: inout RoleMap) {
        let fronts = Set(accepted.map(\.front))
        let dialled = Set(accepted.map(\.dialled))
        let diallers = Set(dialled.map(\.from))
        for (index, connection) in facts.connections.enumerated() {
            let pair = Dialled(from: connection.client.address, to: connection.server)
            let isFront = fronts.contains(connection.server)
            if isFront { map.isClientLeg[index] = true }
            if dialled.contains(pair) {
                map.isUpstreamLeg[index] = true
            } else if diallers.contains(pair.from), !isFront, !connection.isNameService {
                // Everything else that a gateway dials is an upstream of it, unless its own clients share its address.
                let isAmbiguous = fronts.contains {
                    union.find($0.address) == union.find(pair.from) && clients[$0]?.contains(pair.from) == true
                }
                if !isAmbiguous { map.isUpstreamLeg[index] = true }
            } else if !isFront, fronts.contains(where: { $0.address == connection.server.address }),
                !connection.exchanges.isEmpty
            {
                // Another listener of a known gateway.
                map.isClientLeg[index] = true
            }
        }
        if accepted.isEmpty { assignSingleLeg(&map) }
    }

    /// No nesting anywhere: one leg was captured. It is the upstream leg, unless the answers are a gateway's own and the requests are no gateway's.
    private mutating func assignSingleLeg(_ map: inout RoleMap) {
        var made: Set<Endpoint> = []
        let forwarded = forwardedTo()
        for connection in facts.connections {
            for exchange in connection.exchanges {
                guard let response = exchange.response, let status = response.status, status >= 500 else { continue }
                if GatewayKind(response: response) != nil { made.insert(connection.server) }
            }
        }
        let fronts = made.subtracting(forwarded)
        let scanners = scanners()
        let frontClients = Set(fronts.flatMap { clients[$0] ?? [] })
        for (index, connection) in facts.connections.enumerated() {
            if fronts.contains(connection.server) {
                map.isClientLeg[index] = true
                union.touch(connection.server.address)
            } else if scanners.contains(connection.client.address) || connection.isNameService {
                continue
            } else if case .tls = connection.application {
                continue
            } else if connection.exchanges.isEmpty, !connection.speaksForeign || connection.orientation != .handshake,
                connection.fromServer.payloadBytes > 0 || connection.orientation == .guess
            {
                continue
            } else {
                map.isUpstreamLeg[index] = true
            }
        }
        // Health checks next to failing clients: the one other dialler is the gateway's other address.
        let others = Set(
            facts.connections.indices.filter { map.isUpstreamLeg[$0] }.map { facts.connections[$0].client.address }
        ).subtracting(frontClients)
        if let other = others.first, others.count == 1, let front = fronts.first,
            Set(fronts.map(\.address)).count == 1
        {
            union.join(front.address, other)
        }
    }

    private mutating func finish(_ map: inout RoleMap, isGiven: Bool) {
        var listeners: [Int: Set<Endpoint>] = [:]
        var upstreams: Set<Endpoint> = []
        for (index, connection) in facts.connections.enumerated() {
            if map.isUpstreamLeg[index] {
                let host = union.find(connection.client.address)
                map.diallers[host, default: []].insert(connection.client.address)
                upstreams.insert(connection.server)
            }
            if map.isClientLeg[index] {
                listeners[union.find(connection.server.address), default: []].insert(connection.server)
            }
        }
        for connection in facts.connections {
            for address in [connection.client.address, connection.server.address] where map.host[address] == nil {
                map.host[address] = union.find(address)
            }
            if case .tls = connection.application, connection.fromServer.payloadBytes > 0 {
                map.opaqueHosts.insert(union.find(connection.server.address))
            }
        }
        for host in map.diallers.keys where listeners[host] == nil { map.opaqueHosts.insert(host) }
        // A TLS listener on an address of its own cannot be tied to the dialling address by what it carries: where
        // nothing readable was tied to that dialler either, it counts as unseen already.
        let hosts = Set(map.diallers.keys).union(listeners.keys).sorted()
        var gateways: Set<IPAddress> = []
        for host in hosts {
            let listening = (listeners[host] ?? []).sorted()
            let dialling = (map.diallers[host] ?? []).sorted()
            gateways.formUnion(listening.map(\.address))
            gateways.formUnion(dialling)
            map.roles.reasons.append(reason(listening, dialling, isGiven: isGiven))
        }
        map.roles.gateways = gateways.sorted()
        map.roles.upstreams = upstreams.sorted()
        map.roles.isGiven = isGiven
    }

    private func reason(_ listening: [Endpoint], _ dialling: [IPAddress], isGiven: Bool) -> String {
        func list(_ items: [String]) -> String {
            items.prefix(4).joined(separator: ", ") + (items.count > 4 ? " and \(items.count - 4) more" : "")
        }
        let fronts = list(listening.map(\.description))
        let dials = list(dialling.map(\.description))
        if isGiven { return "\(dials.isEmpty ? fronts : dials) was given" }
        if listening.isEmpty { return "\(dials) sends the requests; no client leg of it can be read" }
        if dialling.isEmpty {
            return "\(fronts) answers with a gateway's own error pages; no upstream leg was captured"
        }
        return "requests from \(dials) begin inside the client exchanges at \(fronts)"
    }
}
