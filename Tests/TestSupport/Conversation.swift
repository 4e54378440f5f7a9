package import Model

/// One captured TCP segment of a `Conversation`: header fields, payload, and the record that it came in.
package struct ConversationPacket: Sendable {
    package var source: Endpoint
    package var destination: Endpoint
    package var sequence: UInt32
    package var acknowledgment: UInt32
    package var flags: TCPFlags
    package var window: UInt16 = 502
    package var hopLimit: UInt8 = 64
    package var identification: UInt16 = 0
    package var windowScale: UInt8?
    package var maximumSegmentSize: UInt16?
    package var allowsSelectiveAcknowledgment = false
    package var timestampValue: UInt32?
    package var timestampEcho: UInt32?
    /// SACK blocks: the first sequence number of each and the one after its last.
    package var selectiveAcknowledgments: [(left: UInt32, right: UInt32)] = []
    /// Captured payload.
    package var payload: [UInt8] = []
    /// Payload bytes on the wire.
    package var wirePayloadLength = 0
    package var record: PacketRecord
}

/// A scripted TCP conversation: handshake, request, response, reset ... as the segments that a capture would show.
///
/// Sequence numbers follow by themselves; what a test wants odd it sets on the packet (`packets[i]`), or sends with
/// explicit offsets. Frames are numbered from 1 in the order of the calls, 1 ms apart.
package struct Conversation: Sendable {
    package var client: Endpoint
    package var server: Endpoint
    /// Initial sequence numbers: offset 0 of each direction is one above.
    package var clientISN: UInt32
    package var serverISN: UInt32
    package var packets: [ConversationPacket] = []
    package var time: Timestamp
    package var step: Nanoseconds = .milliseconds(1)
    package var clientHopLimit: UInt8 = 64
    package var serverHopLimit: UInt8 = 60
    package var interface = 0
    /// Stream offset of the next byte of each side; a FIN counts one.
    package var clientNext: Int64 = 0
    package var serverNext: Int64 = 0
    /// What each side acknowledges: the offset in the other direction.
    package var clientAcknowledges: Int64 = 0
    package var serverAcknowledges: Int64 = 0

    package init(
        client: Endpoint = Endpoint(address: IPAddress(v4: 10, 0, 0, 1), port: 40000),
        server: Endpoint = Endpoint(address: IPAddress(v4: 10, 0, 0, 2), port: 8080),
        clientISN: UInt32 = 1000,
        serverISN: UInt32 = 5000,
        time: Timestamp = Timestamp(seconds: 1_700_000_000)
    ) {
        self.client = client
        self.server = server
        self.clientISN = clientISN
        self.serverISN = serverISN
        self.time = time
    }

    package mutating func wait(_ span: Nanoseconds) {
        time = time + span
    }

    // MARK: Whole steps

    package mutating func syn() {
        append(.fromClient, sequence: clientISN, acknowledgment: 0, [.syn])
        packets[packets.count - 1].windowScale = 7
        packets[packets.count - 1].maximumSegmentSize = 1460
    }

    package mutating func synAck() {
        append(.fromServer, sequence: serverISN, acknowledgment: clientISN &+ 1, [.syn, .ack])
        packets[packets.count - 1].windowScale = 7
        packets[packets.count - 1].maximumSegmentSize = 1460
    }

    package mutating func handshake() {
        syn()
        synAck()
        acknowledge(.fromClient)
    }

    /// Sends the next bytes of one side. `captured` false: they travelled, and the capture missed them.
    package mutating func send(
        _ direction: Direction,
        _ text: String,
        flags: TCPFlags = [.ack, .psh],
        captured: Bool = true
    ) {
        send(direction, Array(text.utf8), flags: flags, captured: captured)
    }

    package mutating func send(
        _ direction: Direction,
        _ bytes: [UInt8],
        flags: TCPFlags = [.ack, .psh],
        captured: Bool = true
    ) {
        let offset = next(direction)
        if captured { segment(direction, at: offset, bytes, flags: flags) }
        advance(direction, to: offset + Int64(bytes.count))
    }

    /// A pure ACK of everything that the other side sent.
    package mutating func acknowledge(_ direction: Direction) {
        acknowledge(direction, upTo: next(direction.reversed))
    }

    package mutating func acknowledge(_ direction: Direction, upTo offset: Int64) {
        if direction == .fromClient { clientAcknowledges = offset } else { serverAcknowledges = offset }
        segment(direction, at: next(direction), [], flags: [.ack])
    }

    package mutating func fin(_ direction: Direction) {
        segment(direction, at: next(direction), [], flags: [.ack, .fin])
        advance(direction, to: next(direction) + 1)
    }

    /// A reset with ACK, as an endpoint that has the connection sends it.
    package mutating func rst(_ direction: Direction) {
        segment(direction, at: next(direction), [], flags: [.ack, .rst])
    }

    /// A closed port's answer to a SYN (RFC 9293 §3.10.7.1).
    package mutating func refuse() {
        append(.fromServer, sequence: 0, acknowledgment: clientISN &+ 1, [.ack, .rst])
        packets[packets.count - 1].window = 0
    }

    // MARK: One segment

    /// A segment at an explicit offset; moves nothing.
    package mutating func segment(
        _ direction: Direction,
        at offset: Int64,
        _ bytes: [UInt8],
        flags: TCPFlags = [.ack, .psh]
    ) {
        let own = direction == .fromClient ? clientISN : serverISN
        let other = direction == .fromClient ? serverISN : clientISN
        let acknowledged = direction == .fromClient ? clientAcknowledges : serverAcknowledges
        append(
            direction,
            sequence: own &+ 1 &+ UInt32(truncatingIfNeeded: offset),
            acknowledgment: other &+ 1 &+ UInt32(truncatingIfNeeded: acknowledged),
            flags,
            bytes
        )
    }

    package mutating func segment(
        _ direction: Direction,
        at offset: Int64,
        _ text: String,
        flags: TCPFlags = [.ack, .psh]
    ) {
        segment(direction, at: offset, Array(text.utf8), flags: flags)
    }

    package mutating func append(
        _ direction: Direction,
        sequence: UInt32,
        acknowledgment: UInt32,
        _ flags: TCPFlags,
        _ bytes: [UInt8] = []
    ) {
        let isClient = direction == .fromClient
        packets.append(
            ConversationPacket(
                source: isClient ? client : server,
                destination: isClient ? server : client,
                sequence: sequence,
                acknowledgment: acknowledgment,
                flags: flags,
                hopLimit: isClient ? clientHopLimit : serverHopLimit,
                identification: UInt16(truncatingIfNeeded: packets.count),
                payload: bytes,
                wirePayloadLength: bytes.count,
                record: PacketRecord(
                    number: packets.count + 1,
                    timestamp: time,
                    capturedLength: 54 + bytes.count,
                    wireLength: 54 + bytes.count,
                    interface: interface,
                    linkType: .ethernet,
                    source: 0
                )
            )
        )
        time = time + step
    }

    private func next(_ direction: Direction) -> Int64 {
        direction == .fromClient ? clientNext : serverNext
    }

    /// The other side acknowledges what it got with its next segment.
    private mutating func advance(_ direction: Direction, to offset: Int64) {
        if direction == .fromClient {
            clientNext = offset
            serverAcknowledges = offset
        } else {
            serverNext = offset
            clientAcknowledges = offset
        }
    }

    // MARK: Several

    /// Several conversations as one capture, in time order, frames numbered anew.
    package static func merged(_ conversations: [Conversation]) -> [ConversationPacket] {
        renumbered(
            conversations.flatMap(\.packets).enumerated()
                .sorted { ($0.element.record.timestamp, $0.offset) < ($1.element.record.timestamp, $1.offset) }
                .map(\.element)
        )
    }

    /// The packets in the order given, frames numbered from 1.
    package static func renumbered(_ packets: [ConversationPacket]) -> [ConversationPacket] {
        var packets = packets
        for index in packets.indices { packets[index].record.number = index + 1 }
        return packets
    }
}
