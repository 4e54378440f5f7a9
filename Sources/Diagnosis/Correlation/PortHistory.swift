import Model

/// Per upstream port: when it was provably alive.
struct PortHistory {
    private(set) var ports: [Endpoint: PortActivity] = [:]
    /// Per upstream host.
    private(set) var sizes: [IPAddress: SegmentSizes] = [:]

    init(_ facts: TrafficFacts, _ map: RoleMap, _ timelines: [ConnectionTimeline], horizon: Timestamp) {
        for (index, connection) in facts.connections.enumerated() where map.isUpstreamLeg[index] {
            sizes[connection.server.address, default: SegmentSizes()].note(connection)
            // Taken out while it grows: a second owner would make each append copy it.
            var activity = ports.removeValue(forKey: connection.server) ?? PortActivity()
            let timeline = timelines[index]
            let stream = connection.stream
            for event in timeline.synAcks { activity.proofs.append((event.frame.time, stream, event.frame)) }
            let server = connection.fromServer
            if let syn = timeline.syns.first {
                if let accepted = timeline.synAcks.first {
                    activity.openings.append((syn.frame.time, accepted.frame, stream))
                } else if timeline.serverReset == nil, server.packets == 0 {
                    activity.unanswered.append((syn.frame.time, connection.last.time))
                }
            }
            if let reset = timeline.serverReset, timeline.mayRefuse(reset, connection) {
                activity.refusals.append(reset.frame.time)
            }
            activity.noteIdleness(connection.exchanges)
            activity.noteLosses(connection)
            if connection.fromServer.payloadBytes > 0 || !timeline.synAcks.isEmpty || timeline.syns.isEmpty {
                for frame in [server.firstDataFrame, server.lastDataFrame, server.lastFrame] {
                    if let frame { activity.proofs.append((frame.time, stream, frame)) }
                }
            }
            for exchange in connection.exchanges {
                if let response = exchange.response {
                    activity.proofs.append((response.firstFrame.time, stream, response.firstFrame))
                    if response.lastFrame.number != response.firstFrame.number {
                        activity.responses.append(
                            (response.firstFrame.time, response.lastFrame.time, stream, response.lastFrame)
                        )
                    }
                }
                if let frame = exchange.request?.acknowledged {
                    activity.proofs.append((frame.time, stream, frame))
                    // Acknowledged and not answered yet while the connection stayed open: it waits in a queue.
                    let end = exchange.response?.firstFrame.time ?? timeline.firstEnding?.frame.time ?? horizon
                    activity.waiting.append((frame.time, end, stream, frame))
                }
            }
            ports[connection.server] = activity
        }
        for key in ports.keys { ports[key]?.sort() }
        for key in sizes.keys { sizes[key]?.sort() }
    }

    subscript(endpoint: Endpoint) -> PortActivity { ports[endpoint] ?? PortActivity() }
}

extension PortActivity {
    /// What was sent before the server had said anything may have met a full accept queue. What was sent again in vain counts: its
    /// acknowledgment was lost.
    fileprivate mutating func noteLosses(_ connection: ConnectionFacts) {
        guard let accepted = connection.fromServer.firstDataFrame else { return }
        var losses = connection.events.count {
            $0.length > 0 && $0.repetition?.isResend ?? false && ($0.isFromServer || $0.frame.number > accepted.number)
        }
        for direction in [Direction.fromClient, .fromServer] {
            losses += max(0, connection.events.count { $0.kind == .fin && $0.direction == direction } - 1)
        }
        let packets = connection.fromClient.packets + connection.fromServer.packets
        paths.append((connection.first.time, connection.last.time, losses, losses * 20 >= packets))
    }

    /// - Parameter exchanges: of one connection, in their order.
    fileprivate mutating func noteIdleness(_ exchanges: [ExchangeFacts]) {
        for (before, after) in zip(exchanges, exchanges.dropFirst()) {
            guard let response = before.response, let request = after.request, after.response != nil else { continue }
            let idle = request.firstFrame.time - response.lastFrame.time
            longestSurvivedIdleness = max(longestSurvivedIdleness ?? idle, idle)
        }
    }
}
