import Capture
import Model
import Testing

/// The pcapng savefile, block by block.
struct PcapngTests {
    private static let data: [UInt8] = (0..<21).map { $0 }

    @Test(arguments: [false, true])
    func everyPacketBlockIsRead(bigEndian: Bool) throws {
        var file = Savefile.pcapng(bigEndian: bigEndian)
        file.interface(linkType: 1, snapLength: 10)
        file.enhancedPacket(ticks: 5_000_001, Self.data, wire: 90) { $0.option(1, Array("a comment".utf8)) }
        file.simplePacket(Array(Self.data[0..<10]), wire: 77)
        file.obsoletePacket(drops: 3, ticks: 6_000_002, Self.data)
        let result = try read(file.bytes)
        #expect(result.ending == .clean)
        #expect(result.packets.map(\.number) == [1, 2, 3])
        #expect(result.packets.map(\.bytes) == [Self.data, Array(Self.data[0..<10]), Self.data])
        #expect(result.packets.map(\.wireLength) == [90, 77, 21])
        // The simple packet has no time of its own.
        #expect(result.packets.map(\.nanoseconds) == [5_000_001_000, 5_000_001_000, 6_000_002_000])
        #expect(result.summary.format == "pcapng")
    }

    @Test func aSimplePacketWithoutSnapLengthIsWhole() throws {
        var file = Savefile.pcapng()
        file.interface(snapLength: 0)
        file.simplePacket(Self.data)
        #expect(try read(file.bytes).packets.first?.bytes == Self.data)
    }

    struct Resolution: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var option: UInt8?
        var ticks: UInt64
        var offset: Int64?
        var nanoseconds: Int64
    }

    @Test(
        arguments: [
            Resolution(testDescription: "default", option: nil, ticks: 1_500_000, nanoseconds: 1_500_000_000),
            Resolution(testDescription: "seconds", option: 0, ticks: 3, nanoseconds: 3_000_000_000),
            Resolution(testDescription: "10^-3", option: 3, ticks: 1500, nanoseconds: 1_500_000_000),
            Resolution(testDescription: "10^-9", option: 9, ticks: 1_500_000_001, nanoseconds: 1_500_000_001),
            Resolution(testDescription: "10^-12", option: 12, ticks: 1_500_000_001_999, nanoseconds: 1_500_000_001),
            Resolution(testDescription: "10^-127", option: 127, ticks: .max, nanoseconds: 0),
            Resolution(testDescription: "2^0", option: 0x80, ticks: 3, nanoseconds: 3_000_000_000),
            Resolution(testDescription: "2^-1", option: 0x81, ticks: 3, nanoseconds: 1_500_000_000),
            Resolution(testDescription: "2^-10", option: 0x8A, ticks: 1536, nanoseconds: 1_500_000_000),
            Resolution(testDescription: "2^-20", option: 0x94, ticks: 1 << 20 | 1, nanoseconds: 1_000_000_953),
            Resolution(testDescription: "2^-63", option: 0xBF, ticks: 3 << 62, nanoseconds: 1_500_000_000),
            Resolution(testDescription: "2^-64", option: 0xC0, ticks: 1 << 63, nanoseconds: 500_000_000),
            Resolution(testDescription: "2^-127", option: 0xFF, ticks: .max, nanoseconds: 0),
            Resolution(testDescription: "offset", option: nil, ticks: 1, offset: 100, nanoseconds: 100_000_001_000),
            Resolution(testDescription: "negative offset", option: 9, ticks: 5, offset: -1, nanoseconds: -999_999_995),
            Resolution(
                testDescription: "binary and offset",
                option: 0x81,
                ticks: 1,
                offset: 2,
                nanoseconds: 2_500_000_000
            ),
            Resolution(testDescription: "saturated", option: 0, ticks: .max, nanoseconds: .max),
            Resolution(testDescription: "saturated offset", option: nil, ticks: 0, offset: .min, nanoseconds: .min),
        ],
        [false, true]
    )
    func timeStampsFollowResolutionAndOffset(_ resolution: Resolution, bigEndian: Bool) throws {
        var file = Savefile.pcapng(bigEndian: bigEndian)
        file.interface { options in
            if let option = resolution.option { options.option(9, [option]) }
            if let offset = resolution.offset {
                var value = Savefile(bigEndian: bigEndian)
                value.put(offset)
                options.option(14, value.bytes)
            }
        }
        file.enhancedPacket(ticks: resolution.ticks, [1])
        #expect(try read(file.bytes).packets.map(\.nanoseconds) == [resolution.nanoseconds])
    }

    @Test func sectionsOfBothByteOrdersFollowEachOther() throws {
        var first = Savefile.pcapng(bigEndian: true)
        first.interface(linkType: 1)
        first.interface(linkType: 113)
        first.enhancedPacket(interface: 1, ticks: 1, [1])
        first.enhancedPacket(interface: 0, ticks: 2, [2])
        var second = Savefile.pcapng(bigEndian: false)
        second.interface(linkType: 276) { $0.option(9, [9]) }
        second.enhancedPacket(interface: 0, ticks: 3, [3])
        let result = try read(first.bytes + second.bytes + first.bytes)
        #expect(result.ending == .clean)
        #expect(result.packets.map(\.bytes) == [[1], [2], [3], [1], [2]])
        #expect(result.packets.map(\.linkType) == [113, 1, 276, 113, 1])
        #expect(result.packets.map(\.interface) == [1, 0, 2, 4, 3])
        #expect(result.packets.map(\.nanoseconds) == [1000, 2000, 3, 1000, 2000])
        #expect(result.summary.linkTypes.map(\.rawValue) == [1, 113, 276])
    }

    @Test func otherBlocksArePassedOver() throws {
        var file = Savefile.pcapng()
        file.interface()
        var body = Savefile()
        body.put([UInt8](repeating: 0xEE, count: 100_000))
        // Name resolution, secrets, and a type that nobody has defined.
        for type in [4, 10, 0x8000_0001] as [UInt32] { file.block(type, body) }
        file.enhancedPacket(ticks: 1, [7])
        let result = try read(file.bytes)
        #expect(result.packets.map(\.bytes) == [[7]])
        #expect(result.packets.map(\.number) == [1])
    }

    @Test func customBlocksCountAsFramesAsInWireshark() throws {
        var file = Savefile.pcapng()
        file.interface()
        var body = Savefile()
        body.put(0x7ED9 as UInt32)
        file.block(0x0BAD, body)
        file.enhancedPacket(ticks: 1, [7])
        let result = try read(file.bytes)
        #expect(result.packets.map(\.number) == [2])
        #expect(result.summary.packets == 1)
    }

    @Test func dropsAreThoseOfTheLastStatisticsOfEachInterface() throws {
        var file = Savefile.pcapng()
        file.interface()
        file.interface()
        #expect(try read(file.bytes).summary.dropped == nil)
        file.statistics(interface: 0, interfaceDrops: 1, systemDrops: 2)
        file.statistics(interface: 0, interfaceDrops: 2, systemDrops: 3)
        file.statistics(interface: 1, interfaceDrops: 0, systemDrops: 4)
        file.statistics(interface: 9, interfaceDrops: 100, systemDrops: 100)
        file.section()
        file.interface()
        file.statistics(interface: 0, interfaceDrops: 10, systemDrops: 0)
        #expect(try read(file.bytes).summary.dropped == 19)
        file.statistics(interface: 0, interfaceDrops: .max, systemDrops: .max)
        #expect(try read(file.bytes).summary.dropped == .max)
    }

    @Test func dropsHappenedBetweenTheStatisticsThatTellOfThem() throws {
        func time(_ microseconds: Int64) -> Timestamp { Timestamp(nanoseconds: microseconds * 1_000) }
        var file = Savefile.pcapng()
        file.interface()
        file.enhancedPacket(ticks: 10, [1])
        file.enhancedPacket(ticks: 11, [2])
        file.statistics(ticks: 20, interfaceDrops: 1, systemDrops: 2)
        file.statistics(ticks: 30, interfaceDrops: 1, systemDrops: 2)
        file.enhancedPacket(ticks: 35, [3])
        file.statistics(ticks: 40, interfaceDrops: 4, systemDrops: 4)
        // Before the packets: a writer that does not know the time.
        file.statistics(ticks: 0, interfaceDrops: 4, systemDrops: 5)
        // Fewer than before: no loss, and nothing that traps.
        file.statistics(ticks: 50, interfaceDrops: 0, systemDrops: 0)
        let summary = try read(file.bytes).summary
        #expect(
            summary.losses == [
                CaptureLoss(from: nil, through: time(20), dropped: 3, captured: 2),
                CaptureLoss(from: time(30), through: time(40), dropped: 5, captured: 1),
                CaptureLoss(from: time(40), through: nil, dropped: 1, captured: 0),
            ]
        )
    }

    @Test func everyTruncationGivesThePacketsBeforeTheCut() throws {
        var file = Savefile.pcapng()
        var blockEnds = [file.bytes.count]
        var packetEnds: [Int] = []
        file.interface { $0.option(2, Array("eth0".utf8)) }
        blockEnds.append(file.bytes.count)
        for index in 0..<3 {
            file.enhancedPacket(ticks: 1, [UInt8](repeating: 1, count: index + 5))
            blockEnds.append(file.bytes.count)
            packetEnds.append(file.bytes.count)
        }
        var names = Savefile()
        names.put([0, 0, 0, 0])
        file.block(4, names)
        blockEnds.append(file.bytes.count)
        for length in 4...file.bytes.count {
            let result = try read(Array(file.bytes[0..<length]))
            #expect(result.packets.count == packetEnds.filter { $0 <= length }.count)
            if blockEnds.contains(length) {
                #expect(result.ending == .clean)
            } else if case .cut = result.ending {
                #expect(result.summary.truncated != nil)
            } else {
                Issue.record("\(length) bytes end with \(String(describing: result.ending))")
            }
        }
    }

    /// A block after a section, an interface and one packet, and whether it may be damage.
    struct Hostile: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var append: @Sendable (inout Savefile) -> Void
    }

    @Test(arguments: [
        Hostile(testDescription: "length 0") { $0.put([6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) },
        Hostile(testDescription: "length 11") { $0.put([1, 2, 3, 4, 11, 0, 0, 0, 0, 0, 0, 0]) },
        Hostile(testDescription: "packet of 2 GB") { $0.put([6, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0]) },
        Hostile(testDescription: "captured beyond the block") { $0.enhancedPacket(ticks: 1, [1], captured: 5) },
        Hostile(testDescription: "captured 4 GB") { $0.enhancedPacket(ticks: 1, [1], captured: .max) },
        Hostile(testDescription: "unknown interface") { $0.enhancedPacket(interface: 1, ticks: 1, [1]) },
        Hostile(testDescription: "unknown old interface") { $0.obsoletePacket(interface: 65_535, ticks: 1, [1]) },
        Hostile(testDescription: "empty enhanced packet") { $0.block(6, Savefile()) },
        Hostile(testDescription: "empty packet") { $0.block(2, Savefile()) },
        Hostile(testDescription: "empty simple packet") { $0.block(3, Savefile()) },
        Hostile(testDescription: "empty interface") { $0.block(1, Savefile()) },
        Hostile(testDescription: "future section") { $0.section(version: (2, 0)) },
        Hostile(testDescription: "section without magic") { $0.put([10, 13, 13, 10, 28, 0, 0, 0, 1, 2, 3, 4]) },
        Hostile(testDescription: "simple packet without interface") {
            $0.section()
            $0.simplePacket([1])
        },
        Hostile(testDescription: "lengths differ") {
            $0.enhancedPacket(ticks: 1, [1])
            $0.bytes[$0.bytes.count - 4] ^= 0xFF
        },
        Hostile(testDescription: "lengths of an unknown block differ") {
            $0.block(99, Savefile())
            $0.bytes[$0.bytes.count - 4] ^= 0xFF
        },
    ])
    func whatCannotBeABlockIsDamageAndWhatCameBeforeIsKept(_ hostile: Hostile) throws {
        var file = Savefile.pcapng()
        file.interface()
        file.enhancedPacket(ticks: 1, [1])
        hostile.append(&file)
        file.enhancedPacket(ticks: 1, [1])
        let result = try read(file.bytes)
        #expect(result.packets.count == 1)
        guard case .damaged = result.ending else {
            Issue.record("ends with \(String(describing: result.ending))")
            return
        }
    }

    @Test func aBlockThatClaimsMoreThanTheFileIsACut() throws {
        var file = Savefile.pcapng()
        file.put([99, 0, 0, 0, 0xFC, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0])
        guard case .cut = try read(file.bytes).ending else {
            Issue.record("not a cut")
            return
        }
    }

    @Test func aMillionInterfacesAreRefusedBeforeTheyTakeMemory() throws {
        var description = Savefile()
        description.interface()
        var bytes = Savefile.pcapng().bytes
        for _ in 0..<70_000 { bytes += description.bytes }
        guard case .damaged = try read(bytes).ending else {
            Issue.record("not refused")
            return
        }
    }

    @Test func optionsThatDoNotFitEndTheOptions() throws {
        var file = Savefile.pcapng()
        file.interface { $0.put([9, 0, 0xFF, 0xFF, 9, 0, 0, 0]) }
        file.enhancedPacket(ticks: 1, [1])
        #expect(try read(file.bytes).packets.map(\.nanoseconds) == [1000])
    }

    @Test func flippingAnyByteNeverTraps() throws {
        var file = Savefile.pcapng()
        file.interface { $0.option(9, [9]) }
        file.enhancedPacket(ticks: 1, [1, 2, 3])
        file.simplePacket([1])
        file.statistics(interfaceDrops: 1, systemDrops: 1)
        for position in file.bytes.indices {
            for flip in [0x01, 0x80, 0xFF] as [UInt8] {
                var bytes = file.bytes
                bytes[position] ^= flip
                do {
                    #expect(try read(bytes).packets.count <= 2)
                } catch let error as CaptureError {
                    #expect(error.code == .notACapture)
                }
            }
        }
    }
}
