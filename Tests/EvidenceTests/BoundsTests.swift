import Model
import TestSupport
import Testing

@testable import Evidence

@Suite struct BoundsTests {
    @Test(
        "a long connection keeps its opening, its decisive packets with those around, and its end; the rest is counted"
    )
    func bounds() throws {
        var wire = Wire(seed: 1)
        wire.handshake()
        for index in 0..<5_000 { wire.segment(.fromServer, at: index * 10, Array("0123456789".utf8)) }
        var report = wire.report()
        let decisive = 2_500
        let frame = FrameReference(number: decisive, time: wire.packets[decisive - 1].record.timestamp)
        report.findings[0].occurrences[0].frames = [EvidenceFrame(frame, role: "the one")]
        var limits = EvidenceLimits()
        limits.packets = 200
        var collector = EvidenceCollector(report, limits)
        for packet in wire.packets { collector.process(packet.record, packet.bytes.span.bytes) }
        let evidence = collector.finish()
        let numbers = evidence.packets.map(\.record.number)
        #expect(numbers.count == 200)
        #expect(numbers.starts(with: 1...12))
        #expect(Set(numbers).isSuperset(of: decisive - 20...decisive + 20))
        #expect(numbers.last == 5_002)
        #expect(evidence.leftOut[0] == 4_802)
        var sink = MemorySink(prefix: "")
        _ = try evidence.write(EvidenceLabel(sources: ["a"], isRedacted: true), to: &sink)
        let file = try #require(sink.files.first { $0.name == "F1-reset-before-response.pcapng" })
        let text = String(decoding: file.bytes, as: UTF8.self)
        #expect(text.contains("packets of this connection before it are left out"))
        #expect(text.contains("frame 2500; F1 reset-before-response: the one"))
    }

    @Test("headers only are what a small snap length would have left")
    func headersOnly() {
        var wire = Wire(seed: 2)
        wire.handshake()
        wire.segment(.fromClient, at: 0, Array("GET / HTTP/1.1\r\n\r\n".utf8))
        var evidence = wire.evidence().before
        evidence.dropPayload()
        #expect(evidence.packets.map(\.bytes.count) == [54, 54, 54])
        #expect(evidence.packets[2].record.wireLength == 72)
    }

    @Test("the same packets give the same bytes, and those of another connection are left out")
    func reproducible() throws {
        var wire = Wire(seed: 3)
        wire.handshake()
        wire.exchange(Array("GET /?a=secret HTTP/1.1\r\n\r\n".utf8), Array("HTTP/1.1 200 OK\r\n\r\n".utf8))
        let foreign = PacketBuilder.ethernet(
            PacketBuilder.ipv4(PacketBuilder.tcp(Array("other".utf8), sourcePort: 1, destinationPort: 2))
        )
        wire.append(foreign)
        var images: [[ArchiveFile]] = []
        for _ in 0..<2 {
            let evidence = wire.evidence().after
            #expect(evidence.packets.count == wire.packets.count - 1)
            var sink = MemorySink(prefix: "")
            _ = try evidence.write(EvidenceLabel(sources: ["a"], isRedacted: true), to: &sink)
            images.append(sink.files)
        }
        #expect(images[0].map(\.bytes) == images[1].map(\.bytes))
        #expect(images[0].map(\.name) == ["F1-reset-before-response.pcapng", "all.pcapng", "manifest.json"])
    }

    @Test("hostile packets end no process", arguments: 0..<30 as Range<UInt64>)
    func hostile(seed: UInt64) {
        var wire = Wire(seed: seed)
        wire.handshake()
        wire.exchange(
            Array("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".utf8),
            [0x16, 3, 1, 0xff]
        )
        for index in wire.packets.indices {
            for _ in 0..<1 + wire.random.next() % 6 {
                let place = Int(wire.random.next() % UInt64(wire.packets[index].bytes.count))
                wire.packets[index].bytes[place] = UInt8(truncatingIfNeeded: wire.random.next())
            }
            if wire.random.next() % 3 == 0 {
                let count = Int(wire.random.next() % UInt64(wire.packets[index].bytes.count))
                wire.packets[index].bytes.removeLast(count)
            }
        }
        var (before, after) = wire.evidence()
        after.mapAddresses(AddressMap(secret: [1, 2, 3]))
        before.dropPayload()
        #expect(after.packets.count == before.packets.count)
    }
}
