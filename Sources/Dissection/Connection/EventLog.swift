import Model

/// The notable segments of one connection, bounded: the first 96 stay, of the later ones the last 160.
///
/// When room is needed the oldest later event goes, one that is neither SYN, SYN-ACK, handshake ACK, FIN nor RST
/// before one that is: a storm of retransmissions must not push out how the connection opened and closed.
struct EventLog: Sendable {
    static let headCapacity = 96
    static let tailCapacity = 160

    private(set) var events: [TCPEvent] = []
    private(set) var dropped = 0

    mutating func append(_ event: TCPEvent) {
        if events.count >= Self.headCapacity + Self.tailCapacity {
            let tail = events[Self.headCapacity...]
            events.remove(at: tail.firstIndex { !$0.kind.marksLifeCycle } ?? Self.headCapacity)
            dropped += 1
        }
        events.append(event)
    }

    /// A repetition turned out to be of another class.
    mutating func revise(frame number: Int, _ repetition: Repetition, _ place: LossPlace?) {
        for index in events.indices.reversed()
        where events[index].frame.number == number && events[index].repetition != nil {
            events[index].repetition = repetition
            events[index].lossPlace = place
        }
    }

    /// Turns every event round, for a connection whose client turned out to be the server.
    mutating func flip() {
        for index in events.indices { events[index].direction = events[index].direction.reversed }
    }

    /// In capture order: an event that was decided late stands where its packet does.
    var inCaptureOrder: [TCPEvent] {
        var isSorted = true
        for index in events.indices.dropFirst() where events[index].frame.number < events[index - 1].frame.number {
            isSorted = false
            break
        }
        if isSorted { return events }
        return events.enumerated().sorted {
            ($0.element.frame.number, $0.offset) < ($1.element.frame.number, $1.offset)
        }.map(\.element)
    }
}

extension TCPEvent.Kind {
    /// Opens or closes a connection.
    var marksLifeCycle: Bool {
        switch self {
        case .syn, .synAck, .handshakeAck, .challengeAck, .fin, .rst: true
        default: false
        }
    }
}
