import Model

/// Moments at which a gateway closed what it had in hand: it was stopped, killed, or an old process ran out of time after a reload.
///
/// A timer ends exchanges as far apart as they began; an end of the process ends all at once.
struct Shutdowns {
    struct Shutdown {
        var time: Timestamp
        var last: Timestamp
        /// Connections of the gateway that ended then, each with its closing packet.
        var closes: [(connection: Int, frame: FrameReference)]
        /// A connection to its listener that was refused afterwards.
        var refused: FrameReference?
    }

    private(set) var byHost: [Int: [Shutdown]] = [:]

    /// From one close to the next of one end (as run: nginx 1.22 and HAProxy 2.6 take 1 ms for six connections).
    private static let pause: Nanoseconds = .milliseconds(10)
    /// How long a listener that is down may stay unasked for.
    private static let outage: Nanoseconds = .seconds(10)

    private struct Close {
        var connection: Int
        var frame: FrameReference
        /// An exchange was under way, and this was its first ending.
        var cuts: Bool
        /// The exchange's last progress before the close.
        var progress: Timestamp
        var isUpstream: Bool
        /// Its request was cut, and had not got a byte of answer.
        var isSilent = false
        /// Of a client's connection: the upstream that worked for it is to be seen, and had not closed before.
        var isOwn = true
        /// It had been switched to another protocol (RFC 9110 §15.2.2): nothing tells whether more was to come.
        var isTunnel = false

        /// A client's connection that had been kept alive: a gateway that closes after each answer does so at once.
        var wasIdle: Bool { !isUpstream && !cuts && frame.time - progress >= .milliseconds(20) }
    }

    init(_ join: Join) {
        var closes: [Int: [Close]] = [:]
        var refused: [Int: [FrameReference]] = [:]
        let latest = Dictionary(join.requests.map { ($0.connection, $0) }) { $0.exchange > $1.exchange ? $0 : $1 }
        for (index, connection) in join.facts.connections.enumerated() {
            let timeline = join.timelines[index]
            if join.map.isUpstreamLeg[index], !join.map.isClientLeg[index] {
                if let close = Self.close(index, connection, timeline, by: .fromClient) {
                    closes[join.host(connection.client.address), default: []].append(close)
                }
            } else if join.map.isClientLeg[index], !join.map.isUpstreamLeg[index] {
                if var close = Self.close(index, connection, timeline, by: .fromServer) {
                    close.isOwn = latest[index].map { Self.isOwn(close.frame, $0, join) } ?? false
                    closes[join.host(connection.server.address), default: []].append(close)
                }
                if timeline.synAcks.isEmpty, let reset = timeline.serverReset, !timeline.syns.isEmpty {
                    refused[join.host(connection.server.address), default: []].append(reset.frame)
                }
            }
        }
        for (host, var list) in closes {
            list.sort { ($0.frame.time, $0.frame.number) < ($1.frame.time, $1.frame.number) }
            byHost[host] = Self.ends(list, (refused[host] ?? []).sorted { $0.time < $1.time })
        }
    }

    /// What an upstream ended, its gateway passes on to the client; only where that side is to be seen it is known not to have.
    private static func isOwn(_ close: FrameReference, _ request: ClientRequest, _ join: Join) -> Bool {
        request.attempts.contains { index in
            let connection = join.attempts[index].connection
            guard join.facts.connections[connection].fromServer.packets > 0 else { return false }
            guard let ending = join.timelines[connection].endings.first, ending.isFromServer else { return true }
            return ending.frame.time > close.time
        }
    }

    private static func close(
        _ index: Int,
        _ connection: ConnectionFacts,
        _ timeline: ConnectionTimeline,
        by side: Direction
    ) -> Close? {
        guard let ending = timeline.endings.first, ending.direction == side,
            side == .fromServer || connection.fromServer.packets > 0,
            !timeline.synAcks.isEmpty || connection.orientation != .handshake
        else { return nil }
        var cuts = false
        var isSilent = false
        var isTunnel = false
        var progress = ending.frame.time
        if let exchange = connection.exchanges.last, let request = exchange.request {
            if let response = exchange.response, response.firstFrame.number < ending.frame.number {
                // What the capture missed of it may have been its end.
                cuts =
                    !response.body.hasGap
                    && (response.completion == .incompleteBody || response.completion == .incompleteHead)
                if case .tunnel = response.body.framing { isTunnel = true }
                // The end of the connection is the end of such a body (RFC 9112 §6.3).
                if side == .fromServer, case .untilClose = response.body.framing { cuts = false }
                progress =
                    response.lastFrame.number < ending.frame.number ? response.lastFrame.time : response.firstFrame.time
            } else {
                cuts = true
                isSilent = true
                progress = request.lastFrame.time
            }
            // A response that came after the gateway's close.
            if let response = exchange.response, response.firstFrame.number > ending.frame.number { cuts = true }
        }
        return Close(
            connection: index,
            frame: ending.frame,
            cuts: cuts,
            progress: progress,
            isUpstream: side == .fromClient,
            isSilent: isSilent,
            isTunnel: isTunnel
        )
    }

    private static func ends(_ closes: [Close], _ refused: [FrameReference]) -> [Shutdown] {
        var result: [Shutdown] = []
        var start = closes.startIndex
        while start < closes.endIndex {
            var end = start
            while end + 1 < closes.endIndex, closes[end + 1].frame.time - closes[end].frame.time <= pause { end += 1 }
            let group = closes[start...end]
            start = end + 1
            if let shutdown = shutdown(group, refused) { result.append(shutdown) }
        }
        return result
    }

    private static func shutdown(_ group: ArraySlice<Close>, _ refused: [FrameReference]) -> Shutdown? {
        let cut = group.filter(\.cuts)
        guard let first = cut.first, let last = group.last, let opening = group.first else { return nil }
        let next = refused.partitionPoint { $0.time >= first.frame.time }
        let isDown = next < refused.count && refused[next].time - last.frame.time <= outage
        let shutdown = Shutdown(
            time: opening.frame.time,
            last: last.frame.time,
            closes: group.map { ($0.connection, $0.frame) },
            refused: isDown ? refused[next] : nil
        )
        // A listener that is gone explains any number of cut exchanges.
        if isDown { return shutdown }
        // Else several, of which each had waited for another time than the others.
        let leg = cut.contains(where: { !$0.isUpstream }) ? cut.filter { !$0.isUpstream && $0.isOwn } : cut
        // Tunnels that the gateway ends in the same moment are as good as requests: their upstreams had not closed.
        let tunnels = group.filter { $0.isTunnel && !$0.isUpstream && $0.isOwn }
        guard leg.count + (leg.isEmpty ? 0 : tunnels.count) >= 2, let earliest = cut.map(\.frame.time).min(),
            let latest = cut.map(\.frame.time).max()
        else {
            return nil
        }
        // httpd 2.4 closes its clients at once and reads what the upstreams still send (as run).
        let told = cut.contains(where: \.isUpstream) ? cut.filter(\.isUpstream) : cut
        let progress = told.map(\.progress)
        guard let oldest = progress.min(), let newest = progress.max() else { return nil }
        // A timer for the upstream ends in an error that the client is sent, by each of the gateways as run; who just closes is
        // leaving. Then less of a difference will do, or that idle clients had to go at the same moment: their timer is another.
        let isSilent = leg.allSatisfy { $0.isSilent && !$0.isUpstream }
        let isEven = newest - oldest >= 4 * (latest - earliest)
        let isTold = isEven && newest - oldest >= (isSilent ? .milliseconds(2) : .milliseconds(20))
        guard isTold || isSilent && (!tunnels.isEmpty || group.contains(where: \.wasIdle)) else { return nil }
        return shutdown
    }

    /// The end that cut this connection's last exchange; nil where it ended otherwise.
    func shutdown(of connection: Int, host: Int) -> Shutdown? {
        byHost[host]?.first { $0.closes.contains { $0.connection == connection } }
    }
}
