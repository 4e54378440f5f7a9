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
        let directory = try TemporaryDirectory()
        let path = directory.path + "/out.pcapng"
        let writer = try PcapngWriter(path: path, application: "gwsniff test")
        writer.describe(interface: 7, snapLength: 65_535, name: "eth0")
        let packets: [(interface: Int, linkType: LinkType, nanoseconds: Int64, wire: Int, bytes: [UInt8])] = [
            (7, .ethernet, 1_700_000_000_123_456_789, 90, Array(0..<61)),
            (2, .linuxCooked2, 1_700_000_000_123_456_790, 3, [1, 2, 3]),
            (7, .ethernet, 1, 0, []),
        ]
        for packet in packets {
            let record = record(
                interface: packet.interface,
                linkType: packet.linkType,
                nanoseconds: packet.nanoseconds,
                wire: packet.wire,
                count: packet.bytes.count
            )
            try writer.write(record, packet.bytes.span.bytes, comment: packet.interface == 7 ? "the proof" : nil)
        }
        try writer.finish()
        let result = try read(path: path)
        #expect(result.ending == .clean)
        #expect(result.packets.map(\.bytes) == packets.map(\.bytes))
        #expect(result.packets.map(\.nanoseconds) == packets.map(\.nanoseconds))
        #expect(result.packets.map(\.wireLength) == packets.map(\.wire))
        #expect(result.packets.map(\.linkType) == packets.map(\.linkType.rawValue))
        #expect(result.packets.map(\.interface) == [0, 1, 0])
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect(Int64(bytes.count) == writer.bytesWritten)
        for text in ["gwsniff test", "eth0", "the proof"] { #expect(bytes.range(of: Data(text.utf8)) != nil) }
    }

    @Test func dropsComeBackAsTheyWere() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/out.pcapng"
        let writer = try PcapngWriter(path: path, application: "gwsniff test")
        let times: [Int64] = [1_700_000_000_000_000_000, 1_700_000_001_000_000_000]
        for (index, time) in times.enumerated() {
            let record = record(interface: 3, linkType: .ethernet, nanoseconds: time, wire: 1, count: 1)
            try writer.write(record, ([9] as [UInt8]).span.bytes)
            try writer.writeDropped(
                4 + 3 * index,
                interface: 3,
                linkType: .ethernet,
                at: Timestamp(nanoseconds: time)
            )
        }
        try writer.finish()
        let result = try read(path: path)
        #expect(result.packets.map(\.interface) == [0, 0])
        #expect(result.summary.dropped == 7)
        let ends = times.map(Timestamp.init(nanoseconds:))
        #expect(
            result.summary.losses == [
                CaptureLoss(from: nil, through: ends[0], dropped: 4, captured: 1),
                CaptureLoss(from: ends[0], through: ends[1], dropped: 3, captured: 1),
            ]
        )
    }

    @Test func aFileOfManyBlocksIsWhole() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path + "/out.pcapng"
        let writer = try PcapngWriter(path: path, application: "gwsniff test")
        let bytes = [UInt8](repeating: 3, count: 1001)
        for index in 0..<300 {
            let record = record(
                interface: 0,
                linkType: .raw,
                nanoseconds: Int64(index),
                wire: bytes.count,
                count: bytes.count
            )
            try writer.write(record, bytes.span.bytes)
        }
        try writer.finish()
        #expect(try read(path: path).packets.map(\.nanoseconds) == Array(0..<300))
    }

    @Test func aFullDiskIsAnError() throws {
        let writer = try PcapngWriter(path: "/dev/full", application: "gwsniff test")
        let error = #expect(throws: CaptureError.self) { try writer.flush() }
        #expect(error?.code == .writeFailed)
        #expect(error?.exitStatus == 74)
    }

    @Test func aPlaceThatIsNotThereCannotBeWritten() {
        let error = #expect(throws: CaptureError.self) {
            try PcapngWriter(path: "/nonexistent/out.pcapng", application: "gwsniff test")
        }
        #expect(error?.code == .writeFailed)
    }
}
