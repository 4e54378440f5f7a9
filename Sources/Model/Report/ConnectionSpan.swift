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
}

extension Report {
    /// Those of `connections` that a finding names, by their numbers.
    package func spans(in connections: [ConnectionFacts]) -> [Int: ConnectionSpan] {
        var named: Set<Int> = []
        for occurrence in findings.lazy.flatMap(\.occurrences) {
            if let stream = occurrence.stream { named.insert(stream) }
            if let client = occurrence.client { named.insert(client.stream) }
        }
        var spans: [Int: ConnectionSpan] = [:]
        for facts in connections where named.contains(facts.stream) && spans[facts.stream] == nil {
            spans[facts.stream] = ConnectionSpan(
                stream: facts.stream,
                client: facts.client,
                server: facts.server,
                first: facts.first.number,
                last: facts.last.number
            )
        }
        return spans
    }
}
