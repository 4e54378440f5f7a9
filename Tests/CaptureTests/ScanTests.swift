import Capture
import Foundation
import Model
import Testing

/// Packets handed on in batches are those that come one by one.
struct ScanTests {
    private func check(_ file: Savefile, count: Int) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("capture", file.bytes)
        let whole = try read(path: path).packets
        #expect(whole.count == count)
        // Records that lie across the end of a block, too.
        for blockSize in [4_096, SavefileReader.defaultBlockSize] {
            #expect(try readByScan(path: path, blockSize: blockSize) == whole)
        }
    }

    @Test("Who holds a block keeps what was shown of it, while reading goes on: long records, a cut file")
    func heldBlocks() throws {
        var file = Savefile.pcap()
        var seed: UInt32 = 7
        for number in 0..<200 {
            seed = seed &* 1_664_525 &+ 1_013_904_223
            // Most are short; some take several blocks, and several such follow each other.
            let size = number % 20 < 4 ? 100_000 + Int(seed >> 16) : Int(seed >> 24)
            file.record(UInt32(number), 5, [UInt8](repeating: UInt8(number), count: size), wire: UInt32(size))
        }
        let directory = try TemporaryDirectory()
        for bytes in [file.bytes, Array(file.bytes.dropLast(70_000)), Array(file.bytes.prefix(30))] {
            let path = try directory.write("capture", bytes)
            let plain = try read(path: path).packets
            for blockSize in [4_096, 65_536, SavefileReader.defaultBlockSize] {
                let reader = try SavefileReader(path: path, blockSize: blockSize)
                // The latest few are held at any time, and looked at when they are let go.
                var held: [(record: PacketRecord, bytes: UnsafeRawBufferPointer, block: InputBlock)] = []
                var seen: [ReadPacket] = []
                func letGo() {
                    let oldest = held.removeFirst()
                    withExtendedLifetime(oldest.block) {
                        seen.append(ReadPacket(oldest.record, [UInt8](oldest.bytes)))
                    }
                }
                while let record = try reader.advance() {
                    held.append((record, reader.withPacket { $0.withUnsafeBytes { $0 } }, reader.block))
                    if held.count > 7 { letGo() }
                }
                while !held.isEmpty { letGo() }
                #expect(seen == plain)
            }
        }
    }

    @Test(arguments: [false, true]) func pcap(bigEndian: Bool) throws {
        var file = Savefile.pcap(bigEndian: bigEndian)
        for number in 0..<500 {
            let size = number * 7 % 200
            file.record(
                UInt32(number),
                5,
                [UInt8](repeating: UInt8(number & 255), count: size),
                wire: UInt32(size + number % 3)
            )
        }
        try check(file, count: 500)
    }

    @Test(arguments: [false, true]) func pcapngOfSeveralInterfacesAndOtherBlocks(bigEndian: Bool) throws {
        var file = Savefile.pcapng(bigEndian: bigEndian)
        file.interface(linkType: 1)
        file.interface(linkType: 113)
        var count = 0
        for number in 0..<300 {
            let data = [UInt8](repeating: UInt8(number & 255), count: number % 50)
            switch number % 100 {
            case 40: file.simplePacket([1, 2, 3, 4])
            case 41: file.obsoletePacket(ticks: UInt64(number), data)
            case 42:
                file.block(9, Savefile(bigEndian: bigEndian))
                continue
            case 60...80: file.enhancedPacket(interface: UInt32(number & 1), ticks: UInt64(number), data)
            default: file.enhancedPacket(ticks: UInt64(number) << 20, data) { $0.option(1, [65, 66, 67]) }
            }
            count += 1
        }
        try check(file, count: count)
    }

    @Test func aPacketOfAnInterfaceThatIsNotDescribedEndsBothTheSame() throws {
        var file = Savefile.pcapng()
        file.interface()
        for number in 0..<10 { file.enhancedPacket(ticks: UInt64(number), [1]) }
        file.enhancedPacket(interface: 7, ticks: 11, [2])
        try check(file, count: 10)
    }
}
