import Capture
import Model
import Testing

/// Compressed savefiles, recognised by content. The bytes were made by gzip 1.12, zstd 1.5.4 and lz4 1.9.4.
struct CompressionTests {
    /// Three packets of 20 bytes, at 1000, 1001 and 1002 s and 5 us.
    static let plain: [UInt8] = {
        var file = Savefile.pcap()
        for index in 0..<3 { file.record(1000 + UInt32(index), 5, [UInt8](repeating: UInt8(index), count: 20)) }
        return file.bytes
    }()

    struct Form: Sendable, CustomTestStringConvertible {
        var testDescription: String { name }
        var name: String
        var bytes: [UInt8]
    }

    static let forms = [
        Form(
            name: "gzip",
            bytes: hex(
                """
                1f8b0800000000000203bb7278d3422606160618f8ff9f81811148bf6066606005d222508c0dbc4453c38805bc4253c384050000147a46
                b584000000
                """
            )
        ),
        Form(
            name: "zstd",
            bytes: hex(
                """
                28b52ffd2484850100e8d4c3b2a102000400ffff000001000000e80300000500000014e901ea020700b8448eea0e97b0a33a0114dcb9f5
                022e066ce43f
                """
            )
        ),
        Form(
            name: "lz4",
            bytes: hex(
                """
                04224d186440a73b00000084d4c3b2a1020004000100f302ffff000001000000e8030000050000001404000f0200011be924
                001f010100001bea24001a02010050020202020200000000636345a5
                """
            )
        ),
    ]

    @Test(arguments: forms)
    func aCompressedFileReadsAsItsContent(_ form: Form) throws {
        let expected = try read(Self.plain)
        let result = try read(form.bytes)
        #expect(expected.packets.count == 3)
        #expect(result.packets == expected.packets)
        #expect(result.ending == .clean)
        #expect(result.summary.format == form.name + " pcap")
    }

    @Test(arguments: forms)
    func everyCutOfACompressedFileIsACut(_ form: Form) throws {
        for length in 2..<form.bytes.count {
            do {
                let result = try read(Array(form.bytes[0..<length]))
                #expect(result.packets.count <= 3)
                if case .cut = result.ending { continue }
                Issue.record("\(length) bytes end with \(String(describing: result.ending))")
            } catch let error as CaptureError {
                #expect(error.code == .notACapture)
            }
        }
    }

    @Test(arguments: forms)
    func flippingAnyByteNeverTraps(_ form: Form) throws {
        for position in form.bytes.indices {
            var bytes = form.bytes
            bytes[position] ^= 0xFF
            do {
                #expect(try read(bytes).packets.count <= 3)
            } catch let error as CaptureError {
                #expect(error.code == .notACapture)
            }
        }
    }

    @Test func framesOfAnyKindFollowEachOther() throws {
        // The content of the second is another file header, which reads as one record without bytes, then as damage.
        let skippable = hex("502a4d1804000000deadbeef")
        for form in Self.forms {
            for second in Self.forms {
                let result = try read(form.bytes + skippable + second.bytes)
                #expect(Array(result.packets.prefix(3)) == (try read(Self.plain).packets))
                #expect(result.packets.count > 3, "the second frame was not reached")
            }
        }
    }

    @Test func aRecordMayBeginInOneMemberAndEndInTheNext() throws {
        // A member of the first 50 bytes of the plain file, then one of the rest.
        let result = try read(
            hex(
                """
                1f8b0800000000000203bb7278d3422606160618f8ff9f81811148bf6066606005d222508c0000c03fa211320000001f8b08
                000000000002036360808197cc0c0cac405a048a19b18057686a98b000003b9a7bbe52000000
                """
            )
        )
        #expect(result.packets == (try read(Self.plain).packets))
        #expect(result.ending == .clean)
    }

    @Test func zerosBehindTheLastMemberAreCleanAndOtherBytesAreDamage() throws {
        let gzip = Self.forms[0].bytes
        #expect(try read(gzip + [UInt8](repeating: 0, count: 5000)).ending == .clean)
        guard case .damaged = try read(gzip + Array("garbage".utf8)).ending else {
            Issue.record("not damaged")
            return
        }
    }

    @Test func aSkippableFrameMayComeFirst() throws {
        let result = try read(hex("5f2a4d1804000000deadbeef") + Self.forms[1].bytes)
        #expect(result.packets.count == 3)
        #expect(result.ending == .clean)
    }
}
