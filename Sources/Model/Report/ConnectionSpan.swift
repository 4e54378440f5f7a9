/// Where the packets of a connection lie that a report names: what evidence is cut out by.
package struct ConnectionSpan: Sendable, Hashable {
    /// Wireshark's `tcp.stream` in the unfiltered capture.
    package var stream: Int
    package var client: Endpoint
    package var server: Endpoint
    /// Frame of its first packet.
    package var first: Int
    /// Frame of the last packet that was dissected; where not all was, others of the same ends follow up to the next opening.
    package var last: Int

    package init(stream: Int, client: Endpoint, server: Endpoint, first: Int, last: Int) {
        self.stream = stream
        self.client = client
        self.server = server
        self.first = first
        self.last = last
    }

    init(_ facts: ConnectionFacts) {
        self.init(
            stream: facts.stream,
            client: facts.client,
            server: facts.server,
            first: facts.first.number,
            last: facts.last.number
        )
    }
}

extension Report {
    /// Notes where the packets of the connections lie that findings name, and which others each finding leans on.
    package mutating func locate(in facts: [ConnectionFacts]) {
        let context = ConnectionContext(facts)
        connections = [:]
        for index in findings.indices {
            var named: Set<Int> = []
            for occurrence in findings[index].occurrences {
                if let stream = occurrence.stream { named.insert(stream) }
                if let client = occurrence.client { named.insert(client.stream) }
            }
            let chosen = context.connections(around: findings[index]).map { facts[$0] }
            findings[index].context = chosen.map(\.stream).filter { !named.contains($0) }
            for connection in chosen { connections[connection.stream] = ConnectionSpan(connection) }
            for stream in named {
                if let connection = context.connection(stream) {
                    connections[stream] = ConnectionSpan(facts[connection])
                }
            }
        }
    }
}

/// Finds the connections by which a verdict was reached beside those that it names: other attempts for the same request, and what
/// else the same server was asked at that time.
private struct ConnectionContext {
    /// Other connections of the gateway at the time of an occurrence.
    private static let attemptCount = 16
    /// The same where a request went round: each pass is one.
    private static let passCount = 1_024
    /// Connections to the same port, and to the same address: the nearest in time.
    private static let samePortCount = 10
    private static let sameAddressCount = 6
    /// Other connections of clients to the gateway, each with what the gateway opened meanwhile: by them it is known for one.
    private static let roleCount = 4
    private static let roleAttemptCount = 2
    /// How many are looked at on either side of a time.
    private static let searched = 256
    /// A gateway may try again so long after the first attempt.
    private static let retryTime: Nanoseconds = .seconds(2)

    private let facts: [ConnectionFacts]
    private var positions: [Int: Int] = [:]
    /// In the order in which they begin.
    private var byServer: [IPAddress: [Int]] = [:]
    private let order: [Int]

    init(_ facts: [ConnectionFacts]) {
        self.facts = facts
        for index in facts.indices where positions[facts[index].stream] == nil {
            positions[facts[index].stream] = index
        }
        order = facts.indices.sorted { facts[$0].first.time < facts[$1].first.time }
        for index in order { byServer[facts[index].server.address, default: []].append(index) }
    }

    func connection(_ stream: Int) -> Int? { positions[stream] }

    func connections(around finding: Finding) -> [Int] {
        var chosen: Set<Int> = []
        for occurrence in finding.occurrences {
            var times = occurrence.frames.map(\.time) + [occurrence.time]
            // All of the client's request belongs to it, and all tries for it.
            if let client = occurrence.client.flatMap({ positions[$0.stream] }) {
                let exchange = facts[client].exchanges.last {
                    $0.request.map { $0.firstFrame.time <= occurrence.time } == true
                }
                times += [exchange?.request?.firstFrame.time, exchange?.response?.lastFrame.time].compactMap { $0 }
            }
            guard let first = times.min(), let last = times.max() else { continue }
            let count = finding.cause == .proxyLoop ? Self.passCount : Self.attemptCount
            chosen.formUnion(overlapping(first, last, count))
            if let client = occurrence.client.flatMap({ positions[$0.stream] }) {
                chosen.formUnion(joined(beside: client, at: occurrence.time))
            }
            guard let to = occurrence.to, let known = byServer[to.address] else { continue }
            let near = nearest(known, to: occurrence.time)
            chosen.formUnion(near.filter { facts[$0].server.port == to.port }.prefix(Self.samePortCount))
            chosen.formUnion(near.filter { facts[$0].server.port != to.port }.prefix(Self.sameAddressCount))
        }
        return chosen.sorted()
    }

    /// Those first that began meanwhile, then those that began soon after, then those that were there before.
    private func overlapping(_ first: Timestamp, _ last: Timestamp, _ count: Int) -> [Int] {
        let (start, middle, end) = (place(order, first), place(order, last), place(order, last + Self.retryTime))
        let before = order[max(0, start - Self.searched)..<start].reversed().filter { facts[$0].last.time >= first }
        return Array(
            (Array(order[start..<end].prefix(count)) + before.prefix(max(0, count - (middle - start)))).prefix(
                count * 2
            )
        )
    }

    /// Pairs of a client's connection and those that lie within it.
    private func joined(beside client: Int, at time: Timestamp) -> [Int] {
        let server = facts[client].server
        let others = nearest(byServer[server.address] ?? [], to: time)
            .filter { $0 != client && facts[$0].server == server && facts[$0].client.address != server.address }
        return others.prefix(Self.roleCount).flatMap { other -> [Int] in
            let (first, last) = (facts[other].first.time, facts[other].last.time)
            let inner = order[place(order, first)..<place(order, last)].prefix(Self.searched)
                .filter { facts[$0].server != server }
            return [other] + inner.prefix(Self.roleAttemptCount)
        }
    }

    /// The nearest first.
    private func nearest(_ indices: [Int], to time: Timestamp) -> [Int] {
        let middle = place(indices, time)
        let some = indices[max(0, middle - Self.searched)..<min(indices.count, middle + Self.searched)]
        return some.sorted {
            ((facts[$0].first.time - time).magnitude, $0) < ((facts[$1].first.time - time).magnitude, $1)
        }
    }

    /// How many begin no later than `time`.
    private func place(_ indices: [Int], _ time: Timestamp) -> Int {
        var (low, high) = (0, indices.count)
        while low < high {
            let middle = (low + high) / 2
            if facts[indices[middle]].first.time <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
