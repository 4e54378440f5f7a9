import Model

/// The turning points of a connection's TCP life, picked out of its events once.
struct ConnectionTimeline {
    /// SYNs of the client, repeated ones included.
    var syns: [TCPEvent] = []
    var synAcks: [TCPEvent] = []
    var handshakeAck: TCPEvent?
    var challengeAcks: [TCPEvent] = []
    /// First FIN and first RST of each end.
    var clientFin: TCPEvent?
    var serverFin: TCPEvent?
    var clientReset: TCPEvent?
    var serverReset: TCPEvent?
    var clientFins = 0
    /// Directions whose FIN is known by its acknowledgment only.
    private(set) var inferred: Set<Direction> = []
    /// In capture order: who ended it, one entry for each of the four above.
    var endings: [TCPEvent] = []
    var serverZeroWindows: [TCPEvent] = []

    init(_ connection: ConnectionFacts) {
        for event in connection.events {
            switch event.kind {
            case .syn where event.direction == .fromClient: syns.append(event)
            case .synAck where event.direction == .fromServer: synAcks.append(event)
            case .handshakeAck: handshakeAck = handshakeAck ?? event
            case .challengeAck: challengeAcks.append(event)
            case .fin: noteFin(event)
            case .rst: noteReset(event)
            case .zeroWindow where event.direction == .fromServer,
                .zeroWindowProbeAck where event.direction == .fromServer:
                serverZeroWindows.append(event)
            default: if event.flags.contains(.fin) { noteFin(event) }
            }
        }
        inferFin(.fromServer, of: connection)
        inferFin(.fromClient, of: connection)
        orderByAcknowledgment()
    }

    /// Who acknowledges the other's FIN closed second, however the capture orders the two packets.
    private mutating func orderByAcknowledgment() {
        guard let first = endings.first,
            let place = endings.firstIndex(where: { $0.direction != first.direction && !$0.isReset }), place > 0,
            let acknowledged = first.acknowledgedOffset, acknowledged > endings[place].offset
        else { return }
        endings.insert(endings.remove(at: place), at: 0)
    }

    /// A FIN takes a sequence number (RFC 9293 §3.4), so its acknowledgment shows it where the capture missed the packet itself: it was
    /// there before the packet that acknowledges it.
    private mutating func inferFin(_ direction: Direction, of connection: ConnectionFacts) {
        let half = connection[direction]
        guard direction == .fromClient ? clientFin == nil : serverFin == nil,
            half.acknowledgedEnd == half.highestEnd + 1, connection[direction.reversed].packets > 0, half.packets > 0,
            let frame = half.acknowledgedFrame
        else { return }
        let fin = TCPEvent(
            kind: .fin,
            direction: direction,
            frame: frame,
            offset: half.highestEnd,
            flags: [.fin, .ack],
            hopLimit: half.hopLimit ?? 0
        )
        if direction == .fromClient { clientFin = fin } else { serverFin = fin }
        inferred.insert(direction)
        let place = endings.firstIndex { $0.frame.number >= frame.number }
        endings.insert(fin, at: place ?? endings.count)
    }

    private mutating func noteFin(_ event: TCPEvent) {
        if event.direction == .fromClient {
            clientFins += 1
            guard clientFin == nil else { return }
            clientFin = event
        } else {
            guard serverFin == nil else { return }
            serverFin = event
        }
        endings.append(event)
    }

    private mutating func noteReset(_ event: TCPEvent) {
        if event.direction == .fromClient {
            // RFC 9293 §3.10.7.3: an ACK that is none of this SYN is answered by a reset of the older connection that it belongs to; the SYN is
            // repeated.
            if synAcks.isEmpty, !event.flags.contains(.ack),
                challengeAcks.contains(where: { $0.acknowledgment == event.sequence })
            {
                return
            }
            guard clientReset == nil else { return }
            clientReset = event
        } else {
            guard serverReset == nil else { return }
            serverReset = event
        }
        endings.append(event)
    }

    /// The server's SYN-ACK was seen and the client's ACK of it, or what only an open connection carries.
    func isEstablished(_ connection: ConnectionFacts) -> Bool {
        if syns.isEmpty && synAcks.isEmpty { return true }
        if handshakeAck != nil { return true }
        // Data in a SYN itself (RFC 7413) is sent before anything is known.
        let carriesMore = connection.fromClient.packets > syns.count + (clientReset == nil ? 0 : 1)
        return connection.fromClient.payloadBytes > 0 && (!synAcks.isEmpty || carriesMore)
            || connection.fromServer.payloadBytes > 0
    }

    /// SYN to the client's ACK of the SYN-ACK: the full round trip wherever the capture was taken. Nil where the
    /// handshake was not seen or its SYN was repeated (it is not known which one was answered).
    var roundTrip: Nanoseconds? {
        guard let ack = handshakeAck, let syn = syns.last, let synAck = synAcks.first,
            syn.frame.number < synAck.frame.number,
            // Where the capture missed that ACK, the next packet of the client says nothing about the round trip.
            ack.length == 0, ack.acknowledgedOffset ?? 0 <= 0
        else { return nil }
        let trip = ack.frame.time - syn.frame.time
        return trip >= 0 ? trip : nil
    }

    /// The ICMP error that ended the attempt: the first after its last SYN. Routers that held back more of its SYNs report those later.
    func refusal(among errors: [ICMPErrorFacts]) -> FrameReference? {
        let last = syns.last?.frame.number ?? 0
        return (errors.first { $0.frame.number > last } ?? errors.last)?.frame
    }

    /// The first sign that either end closed: FIN or RST.
    var firstEnding: TCPEvent? { endings.first }
}

extension TCPEvent {
    var isReset: Bool { kind == .rst }
    var isFromServer: Bool { direction == .fromServer }
}
