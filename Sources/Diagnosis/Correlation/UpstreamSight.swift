import Model

/// What the capture cannot show of the upstream side: why an answer to a SYN may be missing that was there.
struct UpstreamSight {
    /// Hosts that talk to upstreams which answered, without a packet of any upstream: only the gateway's own direction was captured.
    private var oneWay: Set<Int> = []
    /// ICMP messages cut so short that what they quote is lost, in time order.
    private var cutErrors: [Timestamp] = []

    init(_ join: Join) {
        var heard: Set<Int> = []
        for (index, connection) in join.facts.connections.enumerated() where join.map.isUpstreamLeg[index] {
            let host = join.host(connection.client.address)
            if connection.fromServer.packets > 0 {
                heard.insert(host)
            } else if Self.wasAnswered(connection, join.timelines[index]) {
                oneWay.insert(host)
            }
        }
        oneWay.subtract(heard)
        cutErrors = join.facts.counters.observations.filter {
            $0.layer == .icmp && $0.lengthSource == .capturedLength
        }.map(\.frame.time).sorted()
    }

    /// The gateway acknowledged something, or sent on an open connection.
    private static func wasAnswered(_ connection: ConnectionFacts, _ timeline: ConnectionTimeline) -> Bool {
        connection.fromServer.acknowledgedEnd > 0 || !timeline.syns.isEmpty && timeline.isEstablished(connection)
    }

    func isOneWay(_ host: Int) -> Bool { oneWay.contains(host) }

    /// Why it proves nothing that no answer to a SYN of that host was captured between the two times; nil where it does.
    func hidesAnswers(to host: Int, from: Timestamp, until: Timestamp) -> String? {
        if oneWay.contains(host) {
            return "what the upstreams sent: of that leg the capture holds the gateway's own packets only"
        }
        let next = cutErrors.partitionPoint { $0 >= from }
        guard next < cutErrors.count, cutErrors[next] <= until else { return nil }
        return "whole ICMP errors: the snap length cut off which packet they are about"
    }
}
