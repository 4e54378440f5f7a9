import Model
import TestSupport
import Testing

@testable import Capture

/// A second reading that leaves out passages of a file still gets all of the others, under their own numbers.
struct LeaveOutTests {
    /// Where the packets lie, as a first reading finds it; not all of them are noted.
    private func map(_ path: String, _ blockSize: Int, _ random: inout SeededGenerator) throws -> PassageMap {
        let map = PassageMap(memory: 1 << 20)
        let reader = try SavefileReader(path: path, blockSize: blockSize)
        while let record = try reader.advance() {
            let place = reader.place
            if Int.random(in: 0..<10, using: &random) > 0 {
                #expect(
                    map.append(
                        start: place.start,
                        length: place.length,
                        firstNumber: record.number,
                        count: 1,
                        mustBeRead: false
                    )
                )
                map.append(tag: 0)
            }
            _ = reader.scan(limit: .max) { batch, _ in
                _ = map.append(
                    start: batch.position,
                    length: batch.size,
                    firstNumber: batch.firstNumber,
                    count: batch.count,
                    mustBeRead: false
                )
                for _ in 0..<batch.count { map.append(tag: 0) }
            }
        }
        return map
    }

    private func check(_ file: Savefile) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("capture", file.bytes)
        let whole = try read(path: path).packets
        var random = SeededGenerator(seed: 5)
        for (blockSize, share) in [(4_096, 3), (4_096, 20), (16_384, 5), (16_384, 60)] {
            let map = try map(path, blockSize, &random)
            let passages = map.passages
            let needed = Set(passages.map(\.firstNumber).filter { _ in Int.random(in: 0..<share, using: &random) == 0 })
            let reader = try SavefileReader(path: path, blockSize: blockSize)
            var packets: [ReadPacket] = []
            var leftOut = 0
            while let record = try reader.advance() {
                packets.append(ReadPacket(record, reader.withPacket(copy)))
                _ = reader.scan(limit: .max) { batch, window in
                    for index in 0..<batch.count {
                        let bytes = copy(window.extracting(batch.range(at: index)))
                        packets.append(ReadPacket(batch.record(at: index), bytes))
                    }
                }
                leftOut += try reader.leaveOut(map) { needed.contains($0.firstNumber) }
            }
            #expect(packets.count + leftOut == whole.count)
            #expect(leftOut > 0)
            let byNumber = Dictionary(uniqueKeysWithValues: whole.map { ($0.number, $0) })
            #expect(packets.allSatisfy { byNumber[$0.number] == $0 })
            let seen = Set(packets.map(\.number))
            for passage in passages where needed.contains(passage.firstNumber) {
                #expect((passage.firstNumber..<passage.firstNumber + Int(passage.count)).allSatisfy(seen.contains))
            }
            let noted = Set(passages.flatMap { $0.firstNumber..<$0.firstNumber + Int($0.count) })
            #expect(whole.allSatisfy { noted.contains($0.number) || seen.contains($0.number) })
            #expect(reader.ending == .clean)
        }
    }

    @Test(arguments: [false, true]) func pcap(bigEndian: Bool) throws {
        var file = Savefile.pcap(bigEndian: bigEndian)
        var random = SeededGenerator(seed: 3)
        for number in 0..<800 {
            // A few are longer than a block.
            let size = number % 250 == 77 ? 9_000 : Int.random(in: 0..<900, using: &random)
            file.record(UInt32(number), 5, [UInt8](repeating: UInt8(number & 255), count: size))
        }
        try check(file)
    }

    @Test func pcapng() throws {
        var file = Savefile.pcapng()
        file.interface(linkType: 1)
        file.interface(linkType: 113)
        var random = SeededGenerator(seed: 9)
        for number in 0..<800 {
            let data = [UInt8](repeating: UInt8(number & 255), count: Int.random(in: 0..<700, using: &random))
            switch number % 100 {
            case 42: file.block(9, Savefile())
            default: file.enhancedPacket(interface: UInt32(number / 50 & 1), ticks: UInt64(number) << 20, data)
            }
        }
        try check(file)
    }

    @Test("packets without a time of their own take that of the packet before")
    func borrowedTimes() throws {
        let directory = try TemporaryDirectory()
        for hasSimple in [false, true] {
            var file = Savefile.pcapng()
            file.interface(linkType: 1)
            file.enhancedPacket(ticks: 5, [1, 2, 3])
            if hasSimple { file.simplePacket([1, 2, 3, 4]) }
            let input = try CaptureInput(paths: [directory.write("capture", file.bytes)])
            #expect(input.canLeaveOut)
            _ = try readAll(input)
            #expect(input.borrowsTimes == hasSimple)
        }
    }

    @Test("a map of small packets is given up, and one has its bounds")
    func bounds() {
        let small = PassageMap(memory: 1 << 20)
        for number in 0..<5_000 {
            let isAdded = small.append(
                start: Int64(number) * 3_200,
                length: 3_200,
                firstNumber: number * 32 + 1,
                count: 32,
                mustBeRead: false
            )
            if isAdded { for _ in 0..<32 { small.append(tag: 1) } }
        }
        #expect(small.passages.isEmpty)
        let large = PassageMap(memory: 1 << 14)
        for number in 0..<5_000 {
            let isAdded = large.append(
                start: Int64(number) * 1_000,
                length: 1_000,
                firstNumber: number + 1,
                count: 1,
                mustBeRead: false
            )
            if isAdded { large.append(tag: 1) }
        }
        #expect((1...5_000).contains(large.passages.count) && large.passages.count < 5_000)
    }
}
