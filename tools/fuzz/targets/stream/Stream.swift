import Model

@testable import Dissection

/// Segments of a few connections in any order, through the connection table into the real parsers.
///
/// Input: options, initial sequence numbers of both sides (4 + 4), then segments as `Sender` reads them.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    var input = Input(data, size)
    let options = input.uint8()
    var sender = Sender(isIPv6: options & 1 != 0, client: input.uint32(), server: input.uint32())
    var table = ConnectionTable<CheckedParser>()
    var payloads = 0
    if options & 2 == 0 {
        sender.handshake { segment, record, bytes in table.accept(segment, record, bytes) }
    }
    while !input.isAtEnd, sender.number < 512 {
        sender.next(&input) { segment, record, bytes in
            if bytes.byteCount > 0 { payloads += 1 }
            table.accept(segment, record, bytes)
        }
        // A look in the middle must disturb nothing.
        if options & 4 != 0, sender.number == 7 {
            var facts = TrafficFacts()
            table.state(into: &facts)
        }
    }
    table.finish()
    var facts = TrafficFacts()
    table.state(into: &facts)
    for connection in facts.connections where connection.exchanges.count > sender.bytesSent + 1 {
        fail("\(connection.exchanges.count) exchanges in \(sender.bytesSent) bytes")
    }
    Share.count(payloads > 0, "carried payload")
    return 0
}

/// The sides of up to four connections between the same hosts; keeps the sequence numbers that would be right.
private struct Sender {
    private struct Connection {
        var next: (client: UInt32, server: UInt32)
    }

    private let isIPv6: Bool
    private var connections: [Connection]
    private var time: Int64 = 1_760_000_000_000_000_000
    private(set) var number = 0
    private(set) var bytesSent = 0

    init(isIPv6: Bool, client: UInt32, server: UInt32) {
        self.isIPv6 = isIPv6
        connections = (0..<4).map { Connection(next: (client &+ $0, server &- $0)) }
    }

    private func address(_ isServer: Bool) -> IPAddress {
        if isIPv6 { return IPAddress(v6High: 0x20010db8_00000000, low: isServer ? 2 : 1) }
        return isServer ? IPAddress(v4: 10, 79, 0, 1) : IPAddress(v4: 10, 78, 0, 9)
    }

    mutating func handshake(_ accept: (Segment, PacketRecord, RawSpan) -> Void) {
        let start = connections[0].next
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        send(0, false, start.client &- 1, 0, .syn, none, missing: 0, accept)
        send(0, true, start.server &- 1, start.client, [.syn, .ack], none, missing: 0, accept)
        send(0, false, start.client, start.server, .ack, none, missing: 0, accept)
    }

    /// One segment: kind (1), what the kind asks for, length (1), payload.
    mutating func next(_ input: inout Input, _ accept: (Segment, PacketRecord, RawSpan) -> Void) {
        let kind = input.uint8()
        let isServer = kind & 1 != 0
        let which = kind & 2 == 0 ? 0 : Int(input.uint8() & 3)
        let right = connections[which].next
        var sequence = isServer ? right.server : right.client
        var acknowledgment = isServer ? right.client : right.server
        var flags: TCPFlags = [.ack, .psh]
        var missing = 0
        switch kind >> 2 & 7 {
        case 0: break
        case 1: sequence &+= UInt32(bitPattern: Int32(Int16(bitPattern: input.uint16())))
        case 2: flags = TCPFlags(rawValue: UInt16(input.uint8()))
        case 3: acknowledgment &+= UInt32(bitPattern: Int32(Int16(bitPattern: input.uint16())))
        case 4:
            flags = TCPFlags(rawValue: UInt16(input.uint8()))
            sequence &+= UInt32(bitPattern: Int32(Int8(bitPattern: input.uint8())))
        case 5: missing = Int(input.uint16())
        case 6: sequence = input.uint32()
        default: time &+= Int64(input.uint8()) << Int64(input.uint8() & 40)
        }
        if kind & 32 != 0 { time &+= 1_000_000 }
        let payload = input.take(Int(kind & 64 == 0 ? input.uint8() : 0))
        let end = sequence &+ UInt32(payload.count + missing)
        if kind & 128 == 0, Int32(bitPattern: end &- (isServer ? right.server : right.client)) > 0 {
            if isServer { connections[which].next.server = end } else { connections[which].next.client = end }
        }
        send(which, isServer, sequence, acknowledgment, flags, payload, missing: missing, accept)
    }

    private mutating func send(
        _ which: Int,
        _ isServer: Bool,
        _ sequence: UInt32,
        _ acknowledgment: UInt32,
        _ flags: TCPFlags,
        _ payload: UnsafeRawBufferPointer,
        missing: Int,
        _ accept: (Segment, PacketRecord, RawSpan) -> Void
    ) {
        number += 1
        time &+= 50_000
        bytesSent += payload.count
        let client = Endpoint(address: address(false), port: 40_000 + UInt16(which))
        let server = Endpoint(address: address(true), port: 8080)
        let segment = Segment(
            source: isServer ? server : client,
            destination: isServer ? client : server,
            sequence: sequence,
            acknowledgment: acknowledgment,
            flags: flags,
            window: 512,
            hopLimit: 64,
            identification: isIPv6 ? nil : UInt16(truncatingIfNeeded: number),
            payload: 0..<payload.count,
            wirePayloadLength: payload.count + missing
        )
        let record = PacketRecord(
            number: number,
            timestamp: Timestamp(nanoseconds: time),
            capturedLength: payload.count,
            wireLength: payload.count + missing,
            interface: 0,
            linkType: .raw,
            source: 0
        )
        accept(segment, record, payload.bytes)
    }
}
