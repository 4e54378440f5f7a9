import Model

/// Per upstream port: when it was provably alive.
struct PortHistory {
    private(set) var ports: [Endpoint: PortActivity] = [:]
    /// Hop limits of each host's packets other than resets: what a reset is compared with.
    private(set) var hopLimits: [IPAddress: Set<UInt8>] = [:]

    init(_ facts: TrafficFacts, _ map: RoleMap, _ timelines: [ConnectionTimeline], horizon: Timestamp) {
        for (index, connection) in facts.connections.enumerated() where map.isUpstreamLeg[index] {
            if let limit = connection.fromServer.hopLimit {
                hopLimits[connection.server.address, default: []].insert(limit)
            }
            // Taken out while it grows: a second owner would make each append copy it.
            var activity = ports.removeValue(forKey: connection.server) ?? PortActivity()
            let timeline = timelines[index]
            let stream = connection.stream
            for event in timeline.synAcks { activity.proofs.append((event.frame.time, stream, event.frame)) }
            let server = connection.fromServer
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
    }

    subscript(endpoint: Endpoint) -> PortActivity { ports[endpoint] ?? PortActivity() }
}
