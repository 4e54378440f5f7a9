import Capture
import Foundation
import Model
import Testing

/// What the writer writes, the reader reads.
struct WriterTests {
    private func record(interface: Int, linkType: LinkType, nanoseconds: Int64, wire: Int, count: Int) -> PacketRecord {
        PacketRecord(
            number: 1,
            timestamp: Timestamp(nanoseconds: nanoseconds),
            capturedLength: count,
            wireLength: wire,
            interface: interface,
            linkType: linkType,
            source: 0
        )
    }

    @Test func packetsComeBackAsTheyWere() throws {
        let packets: [(interface: Int, linkType: LinkType, nanoseconds: Int64, wire: Int, bytes: [UInt8])] = [
            (7, .ethernet, 1_700_000_000_123_456_789, 90, Array(0..<61)),
            (2, .linuxCooked2, 1_700_000_000_123_456_790, 3, [1, 2, 3]),
            (7, .ethernet, 1, 0, []),
        ]
        var image = PcapngImage(application: "gwsniff test", comment: "of an incident")
        for packet in packets {
            let record = record(
                interface: packet.interface,
                linkType: packet.linkType,
                nanoseconds: packet.nanoseconds,
                wire: packet.wire,
                count: packet.bytes.count
            )
            image.append(record, packet.bytes.span.bytes, comment: packet.interface == 7 ? "the proof" : nil)
        }
        let result = try read(image.bytes)
        #expect(result.ending == .clean)
        #expect(result.packets.map(\.bytes) == packets.map(\.bytes))
        #expect(result.packets.map(\.nanoseconds) == packets.map(\.nanoseconds))
        #expect(result.packets.map(\.wireLength) == packets.map(\.wire))
        #expect(result.packets.map(\.linkType) == packets.map(\.linkType.rawValue))
        #expect(result.packets.map(\.interface) == [0, 1, 0])
        let bytes = Data(image.bytes)
        for text in ["gwsniff test", "of an incident", "the proof"] {
            #expect(bytes.range(of: Data(text.utf8)) != nil)
        }
    }

    @Test func aFileOfManyBlocksIsWhole() throws {
        var image = PcapngImage(application: "gwsniff test", comment: nil)
        let bytes = [UInt8](repeating: 3, count: 1001)
        for index in 0..<300 {
            let record = record(
                interface: 0,
                linkType: .raw,
                nanoseconds: Int64(index),
                wire: bytes.count,
                count: bytes.count
            )
            image.append(record, bytes.span.bytes)
        }
        #expect(try read(image.bytes).packets.map(\.nanoseconds) == Array(0..<300))
    }
}
