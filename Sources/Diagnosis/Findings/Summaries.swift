import Model

/// The report's tables: upstreams and the capture's quality.
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

    static func quality(_ facts: TrafficFacts) -> CaptureQuality {
        var quality = CaptureQuality()
        let counters = facts.counters
        quality.duplicatePackets = counters.duplicatePackets
        quality.snappedPackets = counters.snappedPackets
        quality.undecodedPackets = counters.undecodedLinkTypes.values.reduce(0, +)
        for connection in facts.connections {
            quality.missedBytes += connection.fromClient.missedBytes + connection.fromServer.missedBytes
            if connection.orientation != .handshake { quality.midstreamConnections += 1 }
            let packets = (connection.fromClient.packets, connection.fromServer.packets)
            // A SYN that nobody answers is a finding, not a hole in the capture.
            if min(packets.0, packets.1) == 0,
                connection.fromClient.payloadBytes + connection.fromServer.payloadBytes > 0
            {
                quality.oneWayConnections += 1
            }
        }
        if facts.droppedDNS > 0 {
            quality.notes.append(
                "\(facts.droppedDNS) DNS messages were too many to keep: the first ones were looked at"
            )
        }
        quality.noteDropped(exchanges: facts.connections.reduce(0) { $0 + $1.droppedExchanges })
        if let background = facts.background {
            quality.midstreamConnections = background.midstreamConnections
            quality.oneWayConnections = background.oneWayConnections
            if background.givenUp > 0 {
                quality.notes.append(
                    "\(background.givenUp) connections that did not go well were not looked at, for want of memory: "
                        + "raise --max-memory, or choose a part with --filter"
                )
            }
            if background.forgottenConnections > 0 {
                quality.notes.append(
                    "\(background.forgottenConnections) connections were let go before they were over, for want of memory"
                )
            }
        }
        // The counters speak for themselves; a note says what they cannot.
        if quality.undecodedPackets > 0 {
            let types = counters.undecodedLinkTypes.keys.map(\.rawValue).sorted().map(String.init)
            quality.notes.append(
                "\(quality.undecodedPackets) packets of link type \(types.joined(separator: ", ")) are not decoded"
            )
        }
        let total = max(1, facts.background?.connections ?? facts.connections.count)
        let damaged = quality.oneWayConnections * 4 > total || quality.undecodedPackets * 2 > max(1, counters.packets)
        if damaged {
            quality.verdict = .poor
        } else if quality.missedBytes > 0 || quality.oneWayConnections > 0 || quality.snappedPackets > 0 {
            quality.verdict = .fair
        }
        return quality
    }
}

extension CaptureQuality {
    fileprivate mutating func noteDropped(exchanges count: Int) {
        guard count > 0 else { return }
        notes.append("\(count) exchanges of connections with very many were let go, for want of memory")
    }

    /// What is to be said of connections whose facts are not there any more.
    mutating func add(missedBytes count: Int64, droppedExchanges: Int) {
        missedBytes = missedBytes.addingSaturating(count)
        noteDropped(exchanges: droppedExchanges)
        if missedBytes > 0, verdict == .good { verdict = .fair }
    }
}
