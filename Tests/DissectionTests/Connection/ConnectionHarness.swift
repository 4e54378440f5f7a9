import Model
import TestSupport

@testable import Dissection

extension Segment {
    init(_ packet: ConversationPacket) {
        self.init(
            source: packet.source,
            destination: packet.destination,
            sequence: packet.sequence,
            acknowledgment: packet.acknowledgment,
            flags: packet.flags,
            window: packet.window,
            hopLimit: packet.hopLimit,
            identification: packet.identification,
            payload: 0..<packet.payload.count,
            wirePayloadLength: packet.wirePayloadLength
        )
        windowScale = packet.windowScale
        maximumSegmentSize = packet.maximumSegmentSize
        allowsSelectiveAcknowledgment = packet.allowsSelectiveAcknowledgment
        timestampValue = packet.timestampValue
        timestampEcho = packet.timestampEcho
        selectiveAcknowledgments =
            packet.payload.count..<packet.payload.count + 8 * packet.selectiveAcknowledgments.count
    }
}

extension ConversationPacket {
    /// Where `Segment(self)` looks for its parts: the payload, then the SACK blocks.
    var bytes: [UInt8] {
        selectiveAcknowledgments.reduce(into: payload) { bytes, block in
            for number in [block.left, block.right] {
                for shift in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: number >> UInt32(shift))) }
            }
        }
    }
}

/// Writes down its calls, a line each: `C 0 text`, `S 4 gap 6`, `C ack 4`, `C again 0..<4`, `S fin 9`.
struct RecordingParser: ConnectionParser {
    private(set) var lines: [String] = []
    func dnsMessages(client: Endpoint, server: Endpoint) -> [DNSFacts] { [] }

    init(startsAtBeginning: Bool) {}

    private func side(_ context: DeliveryContext) -> String { context.direction == .fromClient ? "C" : "S" }

    mutating func consume(_ bytes: RawSpan, at offset: Int64, _ context: DeliveryContext) {
        let text = String(decoding: bytes.withUnsafeBytes { Array($0) }, as: UTF8.self)
        lines.append("\(side(context)) \(offset) \(text)")
    }

    mutating func gap(_ length: Int64, at offset: Int64, _ context: DeliveryContext) {
        lines.append("\(side(context)) \(offset) gap \(length)")
    }

    mutating func acknowledged(upTo offset: Int64, _ context: DeliveryContext) {
        lines.append("\(side(context)) ack \(offset)")
    }

    mutating func retransmitted(_ range: Range<Int64>, _ context: DeliveryContext) {
        lines.append("\(side(context)) again \(range)")
    }

    mutating func finished(at offset: Int64, _ context: DeliveryContext) {
        lines.append("\(side(context)) fin \(offset)")
    }

    mutating func jump(client: Int64, server: Int64) {
        lines.append("jump \(client) \(server)")
    }

    /// The facts have no place for a recording: each line travels as the method of a made-up request.
    func state(into facts: inout ConnectionFacts) {
        let frame = facts.first
        facts.exchanges = lines.enumerated().map { index, line in
            var request = RequestFacts(start: 0, firstFrame: frame)
            request.method = line
            return ExchangeFacts(index: index, request: request)
        }
    }
}

extension ConnectionFacts {
    /// What the recording parser was told.
    var recording: [String] { exchanges.compactMap { $0.request?.method } }
    /// The same without acknowledgments.
    var streamLines: [String] { recording.filter { !$0.contains(" ack ") } }
    var eventKinds: [TCPEvent.Kind] { events.map(\.kind) }

    func events(_ kind: TCPEvent.Kind) -> [TCPEvent] { events.filter { $0.kind == kind } }
}

func feed(_ packets: [ConversationPacket], into table: inout ConnectionTable<RecordingParser>) {
    for packet in packets {
        table.accept(Segment(packet), packet.record, packet.bytes.span.bytes)
    }
}

/// The connections of a capture, over at its last packet.
func connections(_ packets: [ConversationPacket]) -> [ConnectionFacts] {
    var table = ConnectionTable<RecordingParser>()
    feed(packets, into: &table)
    table.finish()
    var facts = TrafficFacts()
    table.state(into: &facts)
    return facts.connections
}

func connection(_ conversation: Conversation) -> ConnectionFacts? {
    connections(conversation.packets).first
}
