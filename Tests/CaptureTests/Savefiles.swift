import Capture
import Foundation
import Model
import Testing

/// Builds savefiles byte by byte, in either byte order.
struct Savefile {
    var isBigEndian = false
    var bytes: [UInt8] = []

    init(bigEndian: Bool = false) {
        isBigEndian = bigEndian
    }

    mutating func put(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: isBigEndian ? value.bigEndian : value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func put(_ values: [UInt8]) {
        bytes.append(contentsOf: values)
    }

    // MARK: pcap

    /// The file header: 2.4, snap length 65,535.
    static func pcap(
        magic: UInt32 = 0xA1B2_C3D4,
        version: (UInt16, UInt16) = (2, 4),
        linkType: UInt32 = 1,
        bigEndian: Bool = false
    ) -> Savefile {
        var file = Savefile(bigEndian: bigEndian)
        file.put(magic)
        file.put(version.0)
        file.put(version.1)
        file.put(0 as Int32)
        file.put(0 as UInt32)
        file.put(65_535 as UInt32)
        file.put(linkType)
        return file
    }

    /// A record; `extra` are the bytes that a modified header adds.
    mutating func record(
        _ seconds: UInt32,
        _ fraction: UInt32,
        _ data: [UInt8],
        captured: UInt32? = nil,
        wire: UInt32? = nil,
        extra: [UInt8] = []
    ) {
        put(seconds)
        put(fraction)
        put(captured ?? UInt32(data.count))
        put(wire ?? UInt32(data.count))
        put(extra)
        put(data)
    }

    // MARK: pcapng

    static func pcapng(bigEndian: Bool = false) -> Savefile {
        var file = Savefile(bigEndian: bigEndian)
        file.section()
        return file
    }

    mutating func block(_ type: UInt32, _ body: Savefile) {
        var padded = body.bytes
        while padded.count % 4 != 0 { padded.append(0) }
        put(type)
        put(UInt32(padded.count + 12))
        put(padded)
        put(UInt32(padded.count + 12))
    }

    private func body() -> Savefile { Savefile(bigEndian: isBigEndian) }

    mutating func section(version: (UInt16, UInt16) = (1, 0)) {
        var body = body()
        body.put(0x1A2B_3C4D as UInt32)
        body.put(version.0)
        body.put(version.1)
        body.put(UInt64.max)
        block(0x0A0D_0D0A, body)
    }

    mutating func option(_ code: UInt16, _ value: [UInt8]) {
        put(code)
        put(UInt16(value.count))
        put(value)
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    mutating func interface(linkType: UInt16 = 1, snapLength: UInt32 = 0, options: (inout Savefile) -> Void = { _ in })
    {
        var body = body()
        body.put(linkType)
        body.put(0 as UInt16)
        body.put(snapLength)
        options(&body)
        block(1, body)
    }

    mutating func enhancedPacket(
        interface: UInt32 = 0,
        ticks: UInt64,
        _ data: [UInt8],
        captured: UInt32? = nil,
        wire: UInt32? = nil,
        options: (inout Savefile) -> Void = { _ in }
    ) {
        var body = body()
        body.put(interface)
        body.put(UInt32(truncatingIfNeeded: ticks >> 32))
        body.put(UInt32(truncatingIfNeeded: ticks))
        body.put(captured ?? UInt32(data.count))
        body.put(wire ?? UInt32(data.count))
        body.put(data)
        while body.bytes.count % 4 != 0 { body.bytes.append(0) }
        options(&body)
        block(6, body)
    }

    mutating func obsoletePacket(interface: UInt16 = 0, drops: UInt16 = 0, ticks: UInt64, _ data: [UInt8]) {
        var body = body()
        body.put(interface)
        body.put(drops)
        body.put(UInt32(truncatingIfNeeded: ticks >> 32))
        body.put(UInt32(truncatingIfNeeded: ticks))
        body.put(UInt32(data.count))
        body.put(UInt32(data.count))
        body.put(data)
        block(2, body)
    }

    mutating func simplePacket(_ data: [UInt8], wire: UInt32? = nil) {
        var body = body()
        body.put(wire ?? UInt32(data.count))
        body.put(data)
        block(3, body)
    }

    mutating func statistics(
        interface: UInt32 = 0,
        ticks: UInt64 = 0,
        interfaceDrops: UInt64,
        systemDrops: UInt64
    ) {
        var body = body()
        body.put(interface)
        body.put(UInt32(truncatingIfNeeded: ticks >> 32))
        body.put(UInt32(truncatingIfNeeded: ticks))
        for (code, value) in [(5, interfaceDrops), (7, systemDrops)] {
            var option = self.body()
            option.put(value)
            body.option(UInt16(code), option.bytes)
        }
        block(5, body)
    }
}

/// A directory that goes with the test.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "gwsniff-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let file = path + "/" + name
        let folder = (file as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        return file
    }
}

/// A packet with its bytes, copied for comparison.
struct ReadPacket: Equatable {
    var number: Int
    var nanoseconds: Int64
    var wireLength: Int
    var interface: Int
    var linkType: UInt32
    var bytes: [UInt8]

    init(_ record: PacketRecord, _ bytes: [UInt8]) {
        number = record.number
        nanoseconds = record.timestamp.nanoseconds
        wireLength = record.wireLength
        interface = record.interface
        linkType = record.linkType.rawValue
        self.bytes = bytes
    }
}

func copy(_ span: RawSpan) -> [UInt8] {
    span.withUnsafeBytes { [UInt8]($0) }
}

struct ReadResult {
    var packets: [ReadPacket] = []
    var ending: CaptureEnding?
    var summary: SourceSummary
}

/// Reads a whole file. The small block makes every record meet the end of a block.
func read(path: String, blockSize: Int = 4096) throws -> ReadResult {
    let reader = try SavefileReader(path: path, blockSize: blockSize)
    var packets: [ReadPacket] = []
    while let record = try reader.advance() {
        packets.append(ReadPacket(record, reader.withPacket(copy)))
    }
    return ReadResult(packets: packets, ending: reader.ending, summary: reader.summary)
}

func read(_ bytes: [UInt8]) throws -> ReadResult {
    let directory = try TemporaryDirectory()
    return try read(path: directory.write("capture", bytes))
}

func readAll(_ input: CaptureInput) throws -> [ReadPacket] {
    var packets: [ReadPacket] = []
    while let record = try input.advance() {
        packets.append(ReadPacket(record, input.withPacket(copy)))
    }
    return packets
}

/// The packets of a file as `scan` hands them on, with those that `advance` gives between.
func readByScan(path: String, blockSize: Int = SavefileReader.defaultBlockSize) throws -> [ReadPacket] {
    let reader = try SavefileReader(path: path, blockSize: blockSize)
    var packets: [ReadPacket] = []
    while let record = try reader.advance() {
        packets.append(reader.withPacket { ReadPacket(record, copy($0)) })
        // A limit that is no multiple of a batch's size.
        let before = packets.count
        let count = reader.scan(limit: 71) { batch, window in
            for index in 0..<batch.count {
                let bytes = copy(window.extracting(batch.range(at: index)))
                packets.append(ReadPacket(batch.record(at: index), bytes))
            }
        }
        #expect(packets.count - before == count && count <= 71)
    }
    return packets
}
