import Model

/// The requests and attempts of all connections, each by itself.
extension Join {
    mutating func collect() {
        for (index, connection) in facts.connections.enumerated() {
            if map.isClientLeg[index] { collectRequests(index, connection) }
            if map.isUpstreamLeg[index] { collectAttempts(index, connection) }
        }
        requests.sort { $0.start < $1.start }
        attempts.sort { $0.start < $1.start }
    }

    private mutating func collectRequests(_ index: Int, _ connection: ConnectionFacts) {
        let unclaimed = connection.exchanges.last { $0.request == nil && $0.response != nil }?.response?.firstFrame
        for position in connection.exchanges.indices {
            let isLast = position == connection.exchanges.count - 1
            if let request = ClientRequest(
                connection: index,
                exchange: position,
                of: connection,
                timeline: timelines[index],
                isLast: isLast,
                isMisjoined: position >= firstMisjoined[index],
                unclaimed: unclaimed,
                captureStart: facts.counters.first
            ) {
                requests.append(request)
            }
        }
    }

    private mutating func collectAttempts(_ index: Int, _ connection: ConnectionFacts) {
        let timeline = timelines[index]
        var hasRequest = false
        for (position, exchange) in connection.exchanges.enumerated() {
            guard let request = exchange.request else { continue }
            let isFirst = !hasRequest && exchange.index == 0 && !timeline.syns.isEmpty
            hasRequest = true
            // An answer that came after the gateway had closed is no end of the attempt.
            let ending = position == connection.exchanges.count - 1 ? timeline.firstEnding : nil
            let isOver =
                exchange.response?.completion == .complete && !Self.isLate(exchange.response, ending, connection)
            attempts.append(
                Attempt(
                    connection: index,
                    exchange: position,
                    start: isFirst ? min(connection.first.time, request.firstFrame.time) : request.firstFrame.time,
                    end: isOver ? exchange.response?.lastFrame.time : ending?.frame.time,
                    upstream: connection.server,
                    dialler: connection.client.address
                )
            )
        }
        guard !hasRequest, connection.orientation == .handshake else { return }
        attempts.append(
            Attempt(
                connection: index,
                exchange: nil,
                start: connection.first.time,
                end: timeline.firstEnding?.frame.time ?? connection.icmpErrorThatEnded(timeline)?.frame.time,
                upstream: connection.server,
                dialler: connection.client.address
            )
        )
    }

    private static func isLate(_ response: ResponseFacts?, _ ending: TCPEvent?, _ facts: ConnectionFacts) -> Bool {
        guard let response, let ending else { return false }
        if ending.direction == .fromServer {
            // A reset in the upstream's name: what the upstream itself sends on finds no socket.
            let survived = facts.resets.contains { $0.event.frame == ending.frame && $0.wentOn != nil }
            return survived && response.lastFrame.number > ending.frame.number
        }
        return response.firstFrame.number > ending.frame.number
    }
}
