import Model

extension RoleInference {
    /// What was asked and dialled, in the order of its beginning, and what of it may enclose others.
    struct Nesting {
        fileprivate var starts: [Start] = []
        /// Per connection, a number of its server and one of its client's address.
        fileprivate var servers: [Int] = []
        fileprivate var diallers: [Int] = []
        fileprivate var addressCount = 0
        /// Numbers of the servers' addresses.
        fileprivate var serverAddresses: [Int] = []
    }

    /// The head of an answer, for telling which of two exchanges waited for the other.
    fileprivate struct Answer {
        var time: Timestamp
        var status: Int

        init?(_ response: ResponseFacts?) {
            guard let response, let status = response.status else { return nil }
            time = response.firstFrame.time
            self.status = status
        }

        /// The same answer, given before the other: then it was not made of it.
        func isEarlier(than other: Self) -> Bool { status == other.status && time + Join.slack < other.time }
    }

    fileprivate struct Start {
        var time: Timestamp
        var end: Timestamp
        var answer: Answer?
        var connection: Int
        /// Nil for the SYN of a connection.
        var asked: MessageKeys.Question?
        /// Perhaps a health check, which no client's request need enclose.
        var mayBeProbe = false
        /// It may enclose others: nothing that never answers does.
        var encloses = false
    }

    /// Counts for each start the innermost exchange that encloses it, among those at `fronts` (nil: at any listener).
    mutating func sweep(_ nesting: Nesting, inside fronts: Set<Endpoint>?) {
        countBackground(inside: fronts)
        let isFront = facts.connections.map { fronts?.contains($0.server) ?? true }
        let enclosing = nesting.starts.indices.filter {
            nesting.starts[$0].encloses && isFront[nesting.starts[$0].connection]
        }
        for index in enclosing { served[facts.connections[nesting.starts[index].connection].server, default: 0] += 1 }
        var roots = Roots(count: nesting.addressCount)
        var next = 0
        var open: [Int] = []
        var limit = 64
        for place in nesting.starts.indices {
            let time = nesting.starts[place].time
            while next < enclosing.count, nesting.starts[enclosing[next]].time <= time {
                open.append(enclosing[next])
                next += 1
            }
            // Amortised: each enclosing exchange is dropped once, when the list has doubled since the last sweep.
            if open.count > limit {
                open.removeAll { nesting.starts[$0].end < time }
                limit = max(64, 2 * open.count)
            }
            if open.count > 16 * Self.reach { open.removeFirst(open.count - 8 * Self.reach) }
            count(place, in: open, nesting, &roots)
        }
    }

    /// The roots of addresses in `union`, which stays as it is during a sweep, by their numbers.
    private struct Roots {
        private var known: [Int]

        init(count: Int) { known = Array(repeating: -1, count: count) }

        mutating func root(_ number: Int, _ address: IPAddress, _ union: inout UnionFind) -> Int {
            if known[number] < 0 { known[number] = union.find(address) }
            return known[number]
        }
    }

    /// What was found to lie inside what, of the traffic that is not among the facts.
    private mutating func countBackground(inside fronts: Set<Endpoint>?) {
        for (passing, count) in facts.background?.passings ?? [:] where fronts?.contains(passing.front) ?? true {
            let dialled = Dialled(from: passing.dialler, to: passing.upstream)
            totals[dialled, default: EdgeTotal()].requests += count
            served[passing.front, default: 0] += count
            edges[Edge(front: passing.front, dialled: dialled), default: EdgeCount()].related += count
            edges[Edge(front: passing.front, dialled: dialled), default: EdgeCount()].nested += count
        }
    }

    private mutating func count(_ place: Int, in open: [Int], _ nesting: Nesting, _ roots: inout Roots) {
        let start = nesting.starts[place]
        let client = facts.connections[start.connection].client.address
        let dialled = Dialled(from: client, to: facts.connections[start.connection].server)
        let (server, dialler) = (nesting.servers[start.connection], nesting.diallers[start.connection])
        let isFailedHandshake = start.asked == nil && facts.connections[start.connection].failedInHandshake
        var best: (connection: Int, end: Timestamp, rank: Int)?
        for outer in open.suffix(Self.reach).reversed() {
            let candidate = nesting.starts[outer]
            guard candidate.time < start.time, candidate.end >= start.time, candidate.connection != start.connection,
                nesting.servers[candidate.connection] != server
            else { continue }
            // Nor is a client that fails to open TLS to another listener of the same address, while others ask there.
            let listener = nesting.serverAddresses[candidate.connection]
            if isFailedHandshake, listener == nesting.serverAddresses[start.connection], listener != dialler {
                continue
            }
            // Clients that ask the same at the same time lie inside each other's requests by chance.
            if let told = candidate.answer, let got = start.answer, told.isEarlier(than: got) { continue }
            let front = facts.connections[candidate.connection].server
            let isSameHost =
                roots.root(nesting.serverAddresses[candidate.connection], front.address, &union)
                == roots.root(dialler, client, &union)
            var rank = isSameHost ? 1 : 0
            if let asked = start.asked, let wanted = candidate.asked {
                let relation = keys.relation(wanted, asked)
                if asked.method == wanted.method, relation >= .suffix {
                    rank += 4
                } else if relation >= .sameQuery {
                    rank += 2
                }
            }
            // The innermost wins: `reversed` meets the latest start first.
            if let best, rank <= best.rank { continue }
            // A client of the listener is not the gateway, unless all share one address.
            guard isSameHost || !(clients[front]?.contains(client) ?? false) else { continue }
            best = (candidate.connection, candidate.end, rank)
            if rank == 5 { break }
        }
        if start.asked == nil {
            totals[dialled, default: EdgeTotal()].connects += 1
        } else if !start.mayBeProbe || best?.rank ?? 0 >= 2 {
            totals[dialled, default: EdgeTotal()].requests += 1
        } else {
            return
        }
        guard let best else { return }
        let edge = Edge(front: facts.connections[best.connection].server, dialled: dialled)
        var counted = edges[edge] ?? EdgeCount()
        if start.asked == nil {
            counted.connects += 1
        } else {
            if best.rank >= 2 { counted.related += 1 }
            if start.end <= best.end { counted.nested += 1 }
        }
        edges[edge] = counted
    }
}

extension RoleInference.Nesting {
    init(_ inference: RoleInference) {
        let facts = inference.facts
        let horizon = facts.counters.last ?? Timestamp(nanoseconds: .max)
        var endpoints: [Endpoint: Int] = [:]
        var addresses: [IPAddress: Int] = [:]
        func number(_ address: IPAddress) -> Int {
            if let known = addresses[address] { return known }
            addresses[address] = addresses.count
            return addresses.count - 1
        }
        for (index, connection) in facts.connections.enumerated() {
            let server = endpoints[connection.server] ?? endpoints.count
            endpoints[connection.server] = server
            servers.append(server)
            serverAddresses.append(number(connection.server.address))
            diallers.append(number(connection.client.address))
            addExchanges(of: connection, at: index, horizon, inference)
        }
        addressCount = addresses.count
        starts.sort { $0.time < $1.time }
    }

    private mutating func addExchanges(
        of connection: ConnectionFacts,
        at index: Int,
        _ horizon: Timestamp,
        _ inference: RoleInference
    ) {
        let answers = connection.fromServer.packets > 0
        let isPeriodic = inference.periodic.contains(index)
        // Of requests in another protocol not even the target may have been captured.
        var connects = connection.exchanges.isEmpty || connection.speaksForeign
        let firstMisjoined = connection.firstMisjoined
        let ending = connection.firstEnding?.time ?? (connection.isClosed ? connection.last.time : horizon)
        for (position, exchange) in connection.exchanges.enumerated() {
            guard let request = exchange.request, !request.method.isEmpty else { continue }
            connects = false
            // A gateway's probes are asked inside nothing, and as often as its requests.
            guard !HealthChecks.isProbe(request, at: connection.server) else { continue }
            // An answer that need not be this one's tells neither what was answered nor when.
            let response = position < firstMisjoined ? exchange.response : nil
            var end = ending
            if let response, response.completion == .complete {
                end = response.lastFrame.time
            } else if position >= firstMisjoined {
                // The first sign of its end: the closing handshake may go on while the next request comes.
                let next = connection.exchanges[(position + 1)...].first { $0.request != nil }
                end = next?.request?.firstFrame.time ?? ending
            }
            starts.append(
                RoleInference.Start(
                    time: request.firstFrame.time,
                    end: end,
                    answer: RoleInference.Answer(response),
                    connection: index,
                    asked: inference.keys[index, position],
                    mayBeProbe: isPeriodic,
                    encloses: answers
                )
            )
        }
        // A spare connection of a client is opened at any time; one that came to nothing was dialled for a purpose. So was one whose requests
        // cannot be read, in a protocol that gateways speak to applications.
        if connects, connection.orientation == .handshake, !connection.isNameService,
            connection.cameToNothing || connection.speaksForeign || connection.failedInHandshake
        {
            starts.append(
                RoleInference.Start(time: connection.first.time, end: connection.last.time, connection: index)
            )
        }
    }
}
