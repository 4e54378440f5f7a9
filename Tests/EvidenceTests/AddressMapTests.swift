import Model
import TestSupport
import Testing

@testable import Evidence

@Suite struct AddressMapTests {
    private let map = AddressMap(secret: Array("a key of sixteen bytes and more".utf8))

    private func shared(_ one: IPAddress, _ other: IPAddress) -> Int {
        one.isIPv6
            ? min((one.high ^ other.high).leadingZeroBitCount, 64) : (one.low ^ other.low).leadingZeroBitCount - 32
    }

    @Test("addresses share as many first bits as before, and are not what they were")
    func prefixes() {
        var random = SplitMix(state: 5)
        let base = IPAddress(v4: 10, 20, 30, 40)
        var kept = 0
        for _ in 0..<200 {
            let other = IPAddress(v4: 0x0a00_0000 | UInt32(truncatingIfNeeded: random.next() & 0xff_ffff))
            if shared(map.map(base), map.map(other)) == shared(base, other) { kept += 1 }
            #expect(map.map(other) != other)
        }
        // An address that would have become a loopback or multicast one is mapped once more.
        #expect(kept == 200)
        let six = IPAddress(v6High: 0x2001_0db8_0000_0001, low: 1)
        let near = IPAddress(v6High: 0x2001_0db8_0000_0003, low: 1)
        #expect(shared(map.map(six), map.map(near)) == shared(six, near))
        #expect(map.map(six).isIPv6)
    }

    @Test("the map is one to one, the same for the same key, and another for another")
    func isMap() {
        let addresses = (0..<2_000).map { IPAddress(v4: 0xc000_0200 &+ UInt32($0)) }
        #expect(Set(addresses.map(map.map)).count == addresses.count)
        let again = AddressMap(secret: Array("a key of sixteen bytes and more".utf8))
        let other = AddressMap(secret: Array("another key of sixteen bytes".utf8))
        #expect(addresses.map(again.map) == addresses.map(map.map))
        #expect(addresses.map(other.map) != addresses.map(map.map))
    }

    @Test(
        "what means something by itself stays",
        arguments: ["127.0.0.1", "0.0.0.0", "224.0.0.1", "169.254.1.1", "::1", "ff02::1", "fe80::1"]
    )
    func special(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(map.map(address) == address)
    }

    @Test("addresses in sentences are found with ports, brackets and full stops, and nothing else is")
    func sentences() throws {
        let one = map.map(IPAddress(v4: 10, 79, 0, 11)).description
        let six = try map.map(#require(IPAddress("fd00:79::52"))).description
        #expect(map.map("10.79.0.11:8081 closed; 10.79.0.11.") == "\(one):8081 closed; \(one).")
        #expect(map.map("to [fd00:79::52]:80") == "to [\(six)]:80")
        for text in [
            "at 17:30:02.249 UTC on 2026-11-22", "version 2.4.71", "cafe: bad", "F1 dead:beef",
        ] {
            #expect(map.map(text) == text)
        }
    }

    @Test("packets, quotes and what is said of them have mapped addresses and right checksums")
    func packets() {
        var wire = Wire(seed: 6)
        wire.handshake()
        let request = Array(
            "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.1, 198.51.100.2\r\n\r\n".utf8
        )
        for index in stride(from: 0, to: request.count, by: 7) {
            wire.segment(.fromClient, at: index, Array(request[index..<min(request.count, index + 7)]))
        }
        let quoted = Array(Wire.packet(.fromClient, wire.sequence(.fromClient, 0), request, [.ack])[14...])
        let unreachable = PacketBuilder.icmp(type: 3, code: 13, quoted)
        wire.append(
            PacketBuilder.ethernet(
                PacketBuilder.ipv4(
                    unreachable,
                    protocol: 1,
                    source: PacketBuilder.server,
                    destination: PacketBuilder.client
                )
            )
        )
        var evidence = wire.evidence().before
        evidence.redact(hidesAddresses: true)
        let errors = evidence.packets.map { Wire.checksumError($0.bytes) }
        evidence.mapAddresses(map)
        let (client, server) = (map.map(PacketBuilder.client), map.map(PacketBuilder.server))
        let old = [PacketBuilder.bytes(of: PacketBuilder.client), PacketBuilder.bytes(of: PacketBuilder.server)]
        var text = ""
        for (index, packet) in evidence.packets.enumerated() {
            for place in 0...(packet.bytes.count - 4) { #expect(!old.contains(Array(packet.bytes[place..<place + 4]))) }
            #expect(PacketBuilder.checksum(Array(packet.bytes[14..<34])) == 0)
            guard index < evidence.packets.count - 1 else { continue }
            #expect(Wire.checksum(Array(packet.bytes[34...]), client, server) == errors[index])
            text += String(decoding: packet.bytes[54...], as: UTF8.self)
        }
        #expect(text.hasPrefix("GET / HTTP/1.1\r\nHost: "))
        #expect(!text.contains("192.0.2.1") && !text.contains("198.51.100.2"))
        #expect(evidence.plan.legs[0].span.client.address == client)
    }
}
