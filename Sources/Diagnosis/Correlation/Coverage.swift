import Model

/// What the capture shows of a gateway's upstream side at a time without saying whose it is: remains of something that it missed. Nothing
/// may be concluded there from the absence of an attempt.
struct Coverage {
    private struct Remains {
        var time: Timestamp
        var connection: Int
    }

    private let join: Join
    private let isLossy: Bool
    /// Per host and in time order: packets that belong to no attempt that a request explains.
    private var loose: [Int: [Remains]] = [:]
    /// Per host and in time order: how upstream connections ended.
    private var endings: [Int: [Remains]] = [:]
    /// Per host and in time order: ICMP errors about packets of the gateway that the capture does not hold.
    private var strayErrors: [Int: [Timestamp]] = [:]
    /// Hosts of whose own packets towards the upstreams the capture holds none on some connection.
    private var oneWay: Set<Int> = []
    /// Per host and in time order: attempts that no request explains.
    private var orphans: [Int: [(start: Timestamp, attempt: Int)]] = [:]
    /// Per host and by when they begin: connections to upstreams of which it cannot be read what was asked on them, from the first to the last
    /// byte of the gateway.
    private var unreadable: [Int: [(from: Timestamp, to: Timestamp)]] = [:]
    /// Requests that used a connection.
    private var users: [Int: [Int]] = [:]
    /// Since when the upstream side is not to be seen any more: requests were answered without a packet of it. Nil where it is.
    private var blindSince: Timestamp?
    /// When the last packet of the upstream side came, per host.
    private var lastSeen: [Int: Timestamp] = [:]

    /// How close in time two events are one after the other by cause.
    private static let near = Nanoseconds.milliseconds(50)

    init(_ join: Join) {
        self.join = join
        isLossy = join.isLossy
        var attempts: [Int: [Attempt]] = [:]
        for (index, attempt) in join.attempts.enumerated() {
            attempts[attempt.connection, default: []].append(attempt)
            if !attempt.isHealthCheck, !Self.isExplained(attempt, join) || Self.isOneTooMany(index, in: join) {
                orphans[join.host(attempt.dialler), default: []].append((attempt.start, index))
            }
            if let parent = attempt.parent { users[attempt.connection, default: []].append(parent) }
        }
        for (index, connection) in join.facts.connections.enumerated() where !join.map.isClientLeg[index] {
            let own = attempts[index] ?? []
            if own.contains(where: \.isHealthCheck) { continue }
            // Which end dialled is a guess where neither SYN nor payload told.
            let ends =
                join.map.isUpstreamLeg[index]
                ? [connection.client.address] : [connection.client.address, connection.server.address]
            for host in Set(ends.map(join.host)) where join.map.diallers[host] != nil {
                note(index, connection, own, host)
            }
        }
        for error in join.facts.strayICMPErrors where error.quotedProtocol == 6 {
            strayErrors[join.host(error.quotedSource.address), default: []].append(error.frame.time)
        }
        findEnd()
        for host in loose.keys { loose[host]?.sort { $0.time < $1.time } }
        for host in endings.keys { endings[host]?.sort { $0.time < $1.time } }
        for host in strayErrors.keys { strayErrors[host]?.sort() }
        for host in unreadable.keys { unreadable[host]?.sort { $0.from < $1.from } }
    }

    /// The request that it was joined to is known to have ended no earlier than it.
    private static func isExplained(_ attempt: Attempt, _ join: Join) -> Bool {
        guard let parent = attempt.parent, let over = join.requests[parent].end else { return false }
        return attempt.end.map { $0 <= over + Join.slack } ?? true
    }

    /// A connect that its request repeats at once at the server that had just refused it: out of order, it may be another request's.
    private static func isOneTooMany(_ index: Int, in join: Join) -> Bool {
        let attempt = join.attempts[index]
        guard attempt.exchange == nil, let parent = attempt.parent else { return false }
        // Retries at the same server wait (HAProxy a second).
        return join.requests[parent].attempts.prefix(16).contains { other in
            let before = join.attempts[other]
            return other != index && before.exchange == nil && before.upstream == attempt.upstream
                && before.start <= attempt.start && attempt.start - before.start < .milliseconds(100)
        }
    }

    private mutating func note(_ index: Int, _ connection: ConnectionFacts, _ own: [Attempt], _ host: Int) {
        for ending in join.timelines[index].endings {
            endings[host, default: []].append(Remains(time: ending.frame.time, connection: index))
            // It may end what was asked in the bytes that the capture missed.
            guard connection.fromClient.missedBytes > 0 else { continue }
            loose[host, default: []].append(Remains(time: ending.frame.time, connection: index))
        }
        lastSeen[host] = max(lastSeen[host] ?? connection.last.time, connection.last.time)
        if connection.fromClient.packets == 0,
            connection.fromServer.payloadBytes > 0 || !join.timelines[index].synAcks.isEmpty
        {
            oneWay.insert(host)
        }
        let isDialler = join.host(connection.client.address) == host || connection.orientation == .guess
        if isDialler, connection.carriesUnreadRequests, let first = connection.fromClient.firstDataFrame,
            let last = connection.fromClient.lastDataFrame
        {
            unreadable[host, default: []].append((first.time, last.time))
        }
        for event in connection.events where event.kind == .ackLostSegment || event.kind == .lostSegment {
            loose[host, default: []].append(Remains(time: event.frame.time, connection: index))
        }
        for exchange in connection.exchanges where exchange.request == nil {
            guard let response = exchange.response else { continue }
            loose[host, default: []].append(Remains(time: response.firstFrame.time, connection: index))
        }
        // Without its beginning or with bytes, and no request explains it.
        guard !own.contains(where: { $0.parent != nil }) else { return }
        let carriesNothing = connection.fromClient.highestEnd <= 0 && connection.fromServer.highestEnd <= 0
        if !join.timelines[index].syns.isEmpty, carriesNothing { return }
        for frame in [connection.first, connection.last] {
            loose[host, default: []].append(Remains(time: frame.time, connection: index))
        }
    }

    /// Why an attempt for this request may only have escaped the capture; nil where nothing speaks for that.
    func gap(for request: ClientRequest) -> String? {
        guard let end = request.end else { return nil }
        let host = join.host(request.gateway.address)
        let from = request.start - Join.slack
        if isLossy { return "many packets: what the capture does not show may have been all the same" }
        if oneWay.contains(host) { return "what the gateway sent to its upstreams: the capture has the answers only" }
        if let times = join.facts.background?.givenUpTimes,
            times.contains(where: { $0.lowerBound <= end + Self.near && from <= $0.upperBound })
        {
            return
                "connections of this time that there was no room to look at: give it more memory, or choose a part with a filter"
        }
        // The latest few suffice, and bound the work.
        let unread = unreadable[host] ?? []
        let before = unread.partitionPoint { $0.from > end }
        if unread[..<before].suffix(256).contains(where: { $0.to >= from }) {
            return "what was asked on a connection to an upstream that is encrypted or in a protocol that is not read"
        }
        if let blindSince, request.start >= blindSince {
            return "the upstream side, at the end of the capture: good requests have no packet there either"
        }
        if isCut(request, end, host) {
            return "the end of the capture: packets of its other interface may be missing there"
        }
        if first(in: loose[host], from: from, to: end + Self.near, where: { _ in true }) {
            return "the rest of an upstream connection of which the capture shows only a part"
        }
        // What ended when the request came or just before the client was told, or was reset meanwhile, and served nobody else at that time.
        let isUnexplained = { (remains: Remains) in
            let isNear =
                remains.time <= request.start + Self.near || remains.time >= end - Self.near
                || join.timelines[remains.connection].serverReset?.frame.time == remains.time
            return isNear
                && !(users[remains.connection] ?? []).suffix(64).contains { other in
                    let user = join.requests[other]
                    return user.start <= remains.time && user.end.map { $0 + Self.near >= remains.time } ?? true
                }
        }
        // The nearest to the error first: the look is bounded.
        if [max(from, end - Self.near), from].contains(where: {
            first(in: endings[host], from: $0, to: end + Join.slack, where: isUnexplained)
        }) {
            return "what was asked on the upstream connection that ended at that time"
        }
        if hasOrphan(near: request, end, host) {
            return "which request an attempt of that time belongs to: the order of the packets may not be theirs"
        }
        let errors = strayErrors[host] ?? []
        let next = errors.partitionPoint { $0 >= from }
        if next < errors.count, errors[next] <= end + Join.slack {
            return "the SYN that an ICMP error of that time answers"
        }
        return nil
    }

    /// How far a capture may put packets of two interfaces out of order that follow one from the other.
    private static let disorder = Nanoseconds.milliseconds(2)

    /// An attempt for the same target, or a connect that failed, that begins a little before the request or while it is open.
    private func hasOrphan(near request: ClientRequest, _ end: Timestamp, _ host: Int) -> Bool {
        guard let list = orphans[host], let asked = join.keys[request.connection, request.exchange] else {
            return false
        }
        let from = request.start - Self.disorder
        let start = list.partitionPoint { $0.start >= from }
        // The nearest few suffice, and bound the work.
        return list[start...].prefix(256).prefix { $0.start <= end }.contains { orphan in
            let attempt = join.attempts[orphan.attempt]
            if let parent = attempt.parent, join.requests[parent].connection == request.connection,
                !Self.isOneTooMany(orphan.attempt, in: join)
            {
                return false
            }
            guard let other = join.question(of: orphan.attempt) else { return attempt.verdict != nil }
            return join.keys.relation(asked, other) >= .suffix
        }
    }

    /// The file ends while the client's connection is open, and within one block of that: the upstream side's last block may be missing.
    private func isCut(_ request: ClientRequest, _ end: Timestamp, _ host: Int) -> Bool {
        let counters = join.facts.counters
        guard counters.largestStepBack > Join.slack, let last = counters.last,
            end + counters.largestStepBack >= last, lastSeen[host].map({ $0 < request.start }) ?? true
        else { return false }
        return join.timelines[request.connection].endings.isEmpty
    }

    /// A file of several interfaces holds them in blocks (`largestStepBack`): cut, it ends for one of them earlier than for the other.
    private mutating func findEnd() {
        // Where not all was dissected, answered requests lack their attempts for that.
        guard join.facts.counters.largestStepBack > Join.slack, join.facts.background == nil else { return }
        var last = Timestamp(nanoseconds: .min)
        for (index, connection) in join.facts.connections.enumerated() where join.map.isUpstreamLeg[index] {
            last = max(last, connection.last.time)
        }
        blindSince =
            join.requests.filter { request in
                guard case .answered(let status) = request.outcome, status < 500 else { return false }
                return request.start > last && request.attempts.isEmpty
            }.map(\.start).min().map { _ in last }
    }

    private func first(
        in list: [Remains]?,
        from: Timestamp,
        to: Timestamp,
        where isWanted: (Remains) -> Bool
    ) -> Bool {
        guard let list else { return false }
        let start = list.partitionPoint { $0.time >= from }
        // The nearest few suffice, and bound the work.
        return list[start...].prefix(256).prefix { $0.time <= to }.contains(where: isWanted)
    }
}

extension ConnectionFacts {
    /// The client sent what may be requests, and none of them can be read.
    var carriesUnreadRequests: Bool {
        guard exchanges.isEmpty, fromClient.payloadBytes > 0, !isNameService else { return false }
        switch application {
        case .tls: return true
        // Each protocol that carries requests is known by its beginning.
        case .unknown: return orientation != .handshake
        case .http1, .other: return speaksForeign
        }
    }
}

extension Join {
    /// Hosts that carried on a connection to an upstream, of whose packets the capture has none.
    var blindHosts: Set<Int> {
        var hosts: Set<Int> = []
        for (index, connection) in facts.connections.enumerated()
        where map.isUpstreamLeg[index] && connection.fromServer.packets == 0 && connection.fromClient.payloadBytes > 0
            && timelines[index].isEstablished(connection)
        {
            hosts.insert(host(connection.client.address))
        }
        return hosts
    }

    /// The capture missed packets on one connection in ten and more, though others of the same connections show them.
    var isLossy: Bool {
        var signs = 0
        for (connection, timeline) in zip(facts.connections, timelines) {
            let isHalfOpened =
                timeline.syns.isEmpty != timeline.synAcks.isEmpty && connection.fromServer.payloadBytes > 0
                && connection.fromClient.payloadBytes > 0
            if connection.fromClient.missedBytes > 0 || connection.fromServer.missedBytes > 0
                || !timeline.inferred.isEmpty || isHalfOpened
            {
                signs += 1
            }
        }
        return signs >= 2 && signs * 10 >= facts.connections.count
    }
}
