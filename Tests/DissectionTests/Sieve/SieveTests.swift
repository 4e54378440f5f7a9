import Model
import TestSupport
import Testing

@testable import Dissection

/// What the sieve tells of whole connections.
@Suite struct SieveTests {
    private static let request = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
    private static let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    private func harvest(_ packets: [ConversationPacket]) -> SieveHarvest {
        let sieve = Sieve(memory: 64 << 20)
        var last = Timestamp(nanoseconds: 0)
        for packet in packets {
            let bytes = Self.ethernet(packet)
            var record = packet.record
            (record.linkType, record.capturedLength, record.wireLength) = (.ethernet, bytes.count, bytes.count)
            sieve.process(record, bytes.span.bytes)
            last = max(last, packet.record.timestamp)
        }
        sieve.sweep(at: last)
        sieve.finish()
        var harvest = SieveHarvest()
        sieve.drain(into: &harvest)
        return harvest
    }

    private static func ethernet(_ packet: ConversationPacket) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 12) + [8, 0]
        func put(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.bigEndian) { bytes += $0 } }
        put(0x4500 as UInt16)
        put(UInt16(40 + packet.payload.count))
        put(packet.identification)
        put(0x4000 as UInt16)
        put(packet.hopLimit)
        put(6 as UInt8)
        put(0 as UInt16)
        put(UInt32(packet.source.address.low))
        put(UInt32(packet.destination.address.low))
        put(packet.source.port)
        put(packet.destination.port)
        put(packet.sequence)
        put(packet.acknowledgment)
        put(0x5000 | packet.flags.rawValue)
        put(packet.window)
        put(0 as UInt32)
        return bytes + packet.payload
    }

    private func exchange() -> Conversation {
        var talk = Conversation()
        talk.handshake()
        talk.send(.fromClient, Self.request)
        talk.send(.fromServer, Self.answer)
        talk.acknowledge(.fromClient)
        return talk
    }

    @Test("An idle connection that the server resets has nothing to tell")
    func idleReset() {
        var talk = exchange()
        talk.rst(.fromServer)
        let harvest = harvest(talk.packets)
        #expect(harvest.digests.count == 1 && harvest.suspects.isEmpty)
    }

    @Test("A request that crosses the reset of its idle connection is looked at")
    func crossedReset() {
        var talk = exchange()
        talk.rst(.fromServer)
        talk.send(.fromClient, Self.request)
        let harvest = harvest(talk.packets)
        #expect(harvest.digests.count == 1)
        #expect(harvest.suspects.map(\.kind) == [.odd, .exchange])
        #expect(harvest.suspects.first?.span.through == .max)
    }

    @Test("A reset that the connection survives is looked at")
    func forgedReset() {
        var talk = exchange()
        talk.rst(.fromServer)
        talk.send(.fromClient, Self.request)
        talk.send(.fromServer, Self.answer)
        talk.acknowledge(.fromClient)
        let harvest = harvest(talk.packets)
        #expect(harvest.digests.count == 2)
        #expect(harvest.suspects.map(\.kind) == [.odd])
    }
}
