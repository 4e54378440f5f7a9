import Model

/// The report's table of upstreams.
enum Summaries {
    static func upstreams(_ join: Join) -> [UpstreamSummary] {
        struct Collected {
            var summary: UpstreamSummary
            var connects: [Nanoseconds] = []
            var firstBytes: [Nanoseconds] = []
        }
        var all: [Endpoint: Collected] = [:]
        for (index, connection) in join.facts.connections.enumerated() where join.map.isUpstreamLeg[index] {
            // Taken out while it grows: a second owner would make each append copy it.
            var entry =
                all.removeValue(forKey: connection.server)
                ?? Collected(summary: UpstreamSummary(endpoint: connection.server))
            entry.summary.connections += 1
            let timeline = join.timelines[index]
            if timeline.serverReset != nil { entry.summary.resets += 1 }
            entry.summary.retransmissions +=
                connection.fromClient.retransmissions + connection.fromServer.retransmissions
            entry.summary.repetitions += connection.fromClient.repetitions
            entry.summary.repetitions += connection.fromServer.repetitions
            if let synAck = timeline.synAcks.first,
                let syn = timeline.syns.last(where: { $0.frame.number < synAck.frame.number })
            {
                entry.connects.append(max(0, synAck.frame.time - syn.frame.time))
            }
            for exchange in connection.exchanges {
                guard let request = exchange.request else { continue }
                entry.summary.exchanges += 1
                if let response = exchange.response {
                    entry.firstBytes.append(max(0, response.firstFrame.time - request.lastFrame.time))
                }
            }
            all[connection.server] = entry
        }
        for attempt in join.attempts where attempt.verdict != nil && attempt.verdict?.cause != .clientAbort {
            all[attempt.upstream]?.summary.failures += 1
        }
        return all.values.map { entry in
            var summary = entry.summary
            summary.connectTime = DurationSummary(entry.connects)
            summary.firstByteTime = DurationSummary(entry.firstBytes)
            return summary
        }.sorted { $0.endpoint < $1.endpoint }
    }

    /// The same where the capture was not dissected whole: connections are counted in the background, and those exchanges of kept ones that
    /// are not.
    static func upstreams(_ join: Join, _ background: BackgroundFacts) -> [UpstreamSummary] {
        var all: [Endpoint: (summary: UpstreamSummary, firstBytes: DurationHistogram)] = [:]
        for endpoint in join.map.roles.upstreams {
            let known = background.servers[endpoint] ?? ServerStatistics()
            var summary = UpstreamSummary(endpoint: endpoint)
            summary.connections = known.connections
            summary.exchanges = known.exchanges
            summary.resets = known.resets
            summary.retransmissions = known.retransmissions
            summary.connectTime = DurationSummary(known.connectTimes)
            all[endpoint] = (summary, known.firstByteTimes)
        }
        for (index, connection) in join.facts.connections.enumerated() where join.map.isUpstreamLeg[index] {
            all[connection.server]?.summary.repetitions += connection.fromClient.repetitions
            all[connection.server]?.summary.repetitions += connection.fromServer.repetitions
            for exchange in connection.exchanges {
                guard let request = exchange.request, !background.counted.contains(request.firstFrame.number) else {
                    continue
                }
                all[connection.server]?.summary.exchanges += 1
                guard let response = exchange.response else { continue }
                all[connection.server]?.firstBytes.add(max(0, response.firstFrame.time - request.lastFrame.time))
            }
        }
        for attempt in join.attempts where attempt.verdict != nil && attempt.verdict?.cause != .clientAbort {
            all[attempt.upstream]?.summary.failures += 1
        }
        return all.values.map { entry in
            var summary = entry.summary
            summary.firstByteTime = DurationSummary(entry.firstBytes)
            return summary
        }.sorted { $0.endpoint < $1.endpoint }
    }
}
