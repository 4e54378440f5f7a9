import Capture
import Model
import Testing

/// The classic savefile, byte by byte.
struct PcapTests {
    private static let data: [UInt8] = (0..<20).map { $0 }

    struct Variant: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var magic: UInt32
        var version: (UInt16, UInt16) = (2, 4)
        var linkType: UInt32 = 1
        var headerExtra: [UInt8] = []
        var recordExtra: [UInt8] = []
        /// As in the record header, in this order.
        var lengths: (UInt32, UInt32) = (20, 90)
        var nanoseconds: Int64
        var readLinkType: UInt32 = 1
        var format: String
    }

    // Times: 7 s and 5 units. What libpcap 1.10.3 and Wireshark 4.0.17 say of the same bytes.
    static let variants: [Variant] = [
        Variant(testDescription: "micro", magic: 0xA1B2_C3D4, nanoseconds: 7_000_005_000, format: "pcap"),
        Variant(
            testDescription: "nano",
            magic: 0xA1B2_3C4D,
            nanoseconds: 7_000_000_005,
            format: "pcap (nanoseconds)"
        ),
        Variant(
            testDescription: "modified header",
            magic: 0xA1B2_CD34,
            recordExtra: [1, 0, 0, 0, 0, 8, 0, 0],
            nanoseconds: 7_000_005_000,
            format: "pcap (modified header)"
        ),
        Variant(
            testDescription: "Ixia hardware",
            magic: 0x1C00_01AC,
            headerExtra: [0, 0, 0, 0],
            nanoseconds: 7_000_005_000,
            format: "pcap"
        ),
        Variant(
            testDescription: "Ixia software",
            magic: 0x1C00_01AB,
            headerExtra: [0, 0, 0, 0],
            nanoseconds: 7_000_005_000,
            format: "pcap"
        ),
        Variant(
            testDescription: "2.2, lengths swapped",
            magic: 0xA1B2_C3D4,
            version: (2, 2),
            lengths: (90, 20),
            nanoseconds: 7_000_005_000,
            format: "pcap"
        ),
        Variant(
            testDescription: "2.3, lengths swapped",
            magic: 0xA1B2_C3D4,
            version: (2, 3),
            lengths: (90, 20),
            nanoseconds: 7_000_005_000,
            format: "pcap"
        ),
        Variant(
            testDescription: "2.3, lengths in order",
            magic: 0xA1B2_C3D4,
            version: (2, 3),
            nanoseconds: 7_000_005_000,
            format: "pcap"
        ),
        Variant(
            testDescription: "543.0, lengths swapped",
            magic: 0xA1B2_C3D4,
            version: (543, 0),
            lengths: (90, 20),
            nanoseconds: 7_000_005_000,
            format: "pcap"
        ),
        Variant(
            testDescription: "AIX Ethernet",
            magic: 0xA1B2_C3D4,
            version: (2, 2),
            linkType: 6,
            lengths: (90, 20),
            nanoseconds: 7_000_000_005,
            format: "pcap (nanoseconds)"
        ),
        Variant(
            testDescription: "frame check sequence",
            magic: 0xA1B2_C3D4,
            linkType: 0x4400_0001,
            nanoseconds: 7_000_005_000,
            format: "pcap"
        ),
        Variant(
            testDescription: "raw IP",
            magic: 0xA1B2_C3D4,
            linkType: 101,
            nanoseconds: 7_000_005_000,
            readLinkType: 101,
            format: "pcap"
        ),
    ]

    @Test(arguments: variants, [false, true])
    func everyVariantIsReadInBothByteOrders(_ variant: Variant, bigEndian: Bool) throws {
        var file = Savefile.pcap(
            magic: variant.magic,
            version: variant.version,
            linkType: variant.linkType,
            bigEndian: bigEndian
        )
        file.put(variant.headerExtra)
        for _ in 0..<2 {
            file.record(
                7,
                5,
                Self.data,
                captured: variant.lengths.0,
                wire: variant.lengths.1,
                extra: variant.recordExtra
            )
        }
        let result = try read(file.bytes)
        #expect(result.ending == .clean)
        #expect(result.packets.map(\.number) == [1, 2])
        for packet in result.packets {
            #expect(packet.nanoseconds == variant.nanoseconds)
            #expect(packet.bytes == Self.data)
            #expect(packet.wireLength == 90)
            #expect(packet.linkType == variant.readLinkType)
        }
        #expect(result.summary.format == variant.format)
        #expect(result.summary.linkTypes == [LinkType(rawValue: variant.readLinkType)])
        #expect(result.summary.packets == 2)
        #expect(result.summary.bytes == 180)
    }

    @Test func secondsBeyondTheSignedRangeAreOfThisCentury() throws {
        var file = Savefile.pcap()
        file.record(0xFFFF_FFFF, 999_999, [1])
        #expect(try read(file.bytes).packets.first?.nanoseconds == 4_294_967_295_999_999_000)
    }

    @Test func everyTruncationGivesThePacketsBeforeTheCut() throws {
        var file = Savefile.pcap()
        var ends: [Int] = [file.bytes.count]
        for index in 0..<3 {
            file.record(UInt32(index), 0, [UInt8](repeating: UInt8(index), count: 10 + index))
            ends.append(file.bytes.count)
        }
        for length in 0...file.bytes.count {
            let bytes = Array(file.bytes[0..<length])
            if length < 4 {
                #expect(throws: CaptureError.self) { try read(bytes) }
                continue
            }
            let result = try read(bytes)
            #expect(result.packets.count == ends.filter { $0 <= length }.count - (length >= 24 ? 1 : 0))
            if ends.contains(length) {
                #expect(result.ending == .clean)
            } else {
                let start = ends.last { $0 <= length } ?? 0
                guard case .cut(let offset, _) = result.ending else {
                    Issue.record("\(length) bytes end with \(String(describing: result.ending))")
                    continue
                }
                #expect(offset == start)
            }
        }
    }

    @Test(arguments: [262_145, 0x7FFF_FFFF, 0xFFFF_FFFF] as [UInt32])
    func aLengthThatNoPacketHasIsDamage(_ length: UInt32) throws {
        var file = Savefile.pcap()
        file.record(1, 0, [1, 2, 3])
        let start = Int64(file.bytes.count)
        file.record(2, 0, [1, 2, 3], captured: length)
        file.record(3, 0, [1, 2, 3])
        let result = try read(file.bytes)
        #expect(result.packets.count == 1)
        guard case .damaged(start, _) = result.ending else {
            Issue.record("ends with \(String(describing: result.ending))")
            return
        }
        #expect(result.summary.truncated != nil)
    }

    @Test func aPacketLargerThanABlockIsWhole() throws {
        var file = Savefile.pcap()
        let large = (0..<262_144).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        file.record(1, 0, [1])
        file.record(2, 0, large)
        file.record(3, 0, [3])
        let result = try read(file.bytes)
        #expect(result.packets.map(\.bytes) == [[1], large, [3]])
        #expect(result.ending == .clean)
    }

    @Test func theWireLengthIsNeverLessThanWhatWasCaptured() throws {
        var file = Savefile.pcap()
        file.record(1, 0, [1, 2, 3, 4], wire: 2)
        #expect(try read(file.bytes).packets.first?.wireLength == 4)
    }

    struct NoCapture: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [UInt8]
    }

    @Test(arguments: [
        NoCapture(testDescription: "empty", bytes: []),
        NoCapture(testDescription: "too short", bytes: [0xD4, 0xC3, 0xB2]),
        NoCapture(testDescription: "text", bytes: Array("GET / HTTP/1.1\r\n".utf8)),
        NoCapture(testDescription: "archaic version", bytes: Savefile.pcap(version: (1, 4)).bytes),
        NoCapture(testDescription: "future version", bytes: Savefile.pcap(version: (3, 0)).bytes),
        NoCapture(
            testDescription: "gzip of text",
            bytes: hex("1f8b0800000000000003cbcc2b5128c9480100b5a8e61c08000000")
        ),
        NoCapture(testDescription: "gzip header alone", bytes: [0x1F, 0x8B, 8, 0]),
        NoCapture(testDescription: "damaged gzip", bytes: [0x1F, 0x8B, 0xFF, 0xFF, 1, 2, 3, 4, 5, 6, 7, 8]),
    ])
    func whatIsNoCaptureIsRefusedInOneLine(_ file: NoCapture) throws {
        let error = #expect(throws: CaptureError.self) { try read(file.bytes) }
        #expect(error?.code == .notACapture)
        #expect(error?.exitStatus == 65)
        #expect(error?.message.contains("\n") == false)
    }

    @Test func aFileThatIsNotThereCannotBeOpened() {
        let error = #expect(throws: CaptureError.self) { try read(path: "/nonexistent/capture.pcap") }
        #expect(error?.code == .cannotOpen)
        #expect(error?.exitStatus == 66)
    }

    @Test func aDirectoryIsNoSavefile() throws {
        let directory = try TemporaryDirectory()
        let error = #expect(throws: CaptureError.self) { try read(path: directory.path) }
        #expect(error?.code == .cannotOpen)
    }
}

/// Bytes from pairs of hexadecimal digits.
func hex(_ text: String) -> [UInt8] {
    var digits = text.compactMap(\.hexDigitValue)[...]
    var bytes: [UInt8] = []
    while digits.count >= 2 {
        bytes.append(UInt8(digits.removeFirst() << 4 | digits.removeFirst()))
    }
    return bytes
}
