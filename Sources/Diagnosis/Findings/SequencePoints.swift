import Model

/// What a finding's examples show of the byte stream of their connection: the exchange that failed, the one before it, and
/// the segments that were notable meanwhile. Facts only, and only those that are kept.
struct SequencePoints {
    /// A drawing of more is a smudge.
    static let limit = 96

    private let connections: [ConnectionFacts]
    /// By `tcp.stream`.
    private let places: [Int: Int]

    init(_ connections: [ConnectionFacts]) {
        self.connections = connections
        places = Dictionary(connections.enumerated().map { ($0.element.stream, $0.offset) }, uniquingKeysWith: { $1 })
    }

    /// Fills in what is not known yet; of a connection that was let go it stays so.
    func add(to occurrence: inout Occurrence) {
        guard occurrence.sequence.isEmpty, let stream = occurrence.stream, let place = places[stream] else { return }
        occurrence.sequence = SequencePoints.points(connections[place], occurrence)
    }

    static func points(_ connection: ConnectionFacts, _ occurrence: Occurrence) -> [SequencePoint] {
        let times = occurrence.frames.filter { $0.direction != nil }.map(\.time)
        guard let last = times.max(), var first = times.min() else { return [] }
        let exchanges = connection.exchanges.map { messages($0) }.filter { !$0.isEmpty && $0[0].time <= last }
        // The one before says how long the connection was idle.
        let failing = exchanges.firstIndex { $0.contains { $0.endTime >= first } } ?? exchanges.endIndex
        let chosen = exchanges[max(0, failing - 1)...]
        if let start = chosen.first?.first?.time { first = min(first, start) }
        var points = chosen.flatMap { $0 }
        for event in connection.events where event.frame.time >= first && event.frame.time <= last {
            guard let kind = kind(event) else { continue }
            points.append(
                SequencePoint(
                    kind,
                    event.direction,
                    event.frame,
                    offset: event.offset,
                    end: event.offset.addingSaturating(Int64(event.length))
                )
            )
        }
        points.sort { ($0.time, $0.frame) < ($1.time, $1.frame) }
        guard points.count > limit else { return points }
        return Array(points.prefix(limit / 2) + points.suffix(limit / 2))
    }

    private static func messages(_ exchange: ExchangeFacts) -> [SequencePoint] {
        var result: [SequencePoint] = []
        if let request = exchange.request {
            // What is not complete reaches as far as was seen: head and body, chunk framing apart.
            let seen = (request.headEnd ?? request.start).addingSaturating(request.body.seen)
            result.append(
                SequencePoint(
                    .message,
                    .fromClient,
                    request.firstFrame,
                    offset: request.start,
                    endTime: request.lastFrame.time,
                    end: request.end ?? seen
                )
            )
        }
        if let response = exchange.response {
            let head = response.headEnd ?? response.start.addingSaturating(response.headBytes)
            result.append(
                SequencePoint(
                    .message,
                    .fromServer,
                    response.firstFrame,
                    offset: response.start,
                    endTime: response.lastFrame.time,
                    end: response.end ?? head.addingSaturating(response.body.seen)
                )
            )
        }
        return result
    }

    private static func kind(_ event: TCPEvent) -> SequencePoint.Kind? {
        switch event.kind {
        case .syn, .synAck: .syn
        case .fin: .fin
        case .rst: .reset
        case .retransmission, .fastRetransmission, .spuriousRetransmission: .retransmission
        case .outOfOrder: .outOfOrder
        case .lostSegment, .ackLostSegment: .notCaptured
        case .zeroWindow: .zeroWindow
        default: nil
        }
    }
}
