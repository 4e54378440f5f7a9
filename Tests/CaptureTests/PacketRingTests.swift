import Capture
import Model
import Testing

/// The packets of the recent past.
struct PacketRingTests {
    private func record(_ number: Int, _ count: Int) -> PacketRecord {
        PacketRecord(
            number: number,
            timestamp: Timestamp(nanoseconds: Int64(number) * 1_000),
            capturedLength: count,
            wireLength: count + 1,
            interface: number % 3,
            linkType: .linuxCooked2,
            source: number % 3
        )
    }

    private func append(_ number: Int, _ count: Int, to ring: PacketRing) -> Bool {
        let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: count)
        return ring.append(record(number, count), bytes.span.bytes)
    }

    private func numbers(_ ring: PacketRing) -> [Int] {
        var found: [Int] = []
        var place = ring.start
        while let next = ring.position(at: place, before: ring.end) {
            let record = ring.record(at: next)
            found.append(record.number)
            let isRight = ring.withBytes(at: next) { bytes in
                bytes.byteCount == record.capturedLength
                    && (0..<bytes.byteCount).allSatisfy {
                        bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) == UInt8(truncatingIfNeeded: record.number)
                    }
            }
            #expect(isRight)
            #expect(record.wireLength == record.capturedLength + 1)
            #expect(record.interface == record.number % 3)
            place = ring.after(next)
        }
        return found
    }

    @Test("packets of any length come back as they were, over the bounds of blocks")
    func roundTrip() {
        let ring = PacketRing(bytes: 0)
        let lengths = [0, 1, 7, 8, 9, 60, 1_514, 65_535, 262_144]
        var count = 0
        while append(count + 1, lengths[count % lengths.count], to: ring) { count += 1 }
        #expect(count > 60)
        #expect(numbers(ring) == Array(1...count))
    }

    @Test("batches have every packet once, in order, of one interface each, and not more than is asked for")
    func batches() {
        let ring = PacketRing(bytes: 0)
        var count = 0
        while true {
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: count + 1), count: count * 37 % 3_000)
            var record = record(count + 1, bytes.count)
            record.interface = count / 50 % 3
            guard ring.append(record, bytes.span.bytes) else { break }
            count += 1
        }
        let batch = PacketBatch(linkType: .ethernet)
        var (found, sizes, place) = ([Int](), Set<Int>(), ring.start)
        while let next = ring.position(at: place, before: ring.end) {
            place = ring.fill(batch, from: next, before: ring.end, limit: 20)
            sizes.insert(batch.count)
            #expect(batch.linkType == .linuxCooked2)
            ring.withBytes(of: batch, from: next) { window in
                for index in 0..<batch.count {
                    let (record, range) = (batch.record(at: index), batch.range(at: index))
                    found.append(record.number)
                    let stored = ring.record(at: ring.position(of: index, in: batch, from: next))
                    #expect(stored.number == record.number && stored.timestamp == record.timestamp)
                    #expect(record.interface == (record.number - 1) / 50 % 3)
                    #expect(record.wireLength == record.capturedLength + 1)
                    #expect(range.count == (record.number - 1) * 37 % 3_000)
                    let isRight = range.allSatisfy {
                        window.unsafeLoad(fromByteOffset: $0, as: UInt8.self)
                            == UInt8(truncatingIfNeeded: record.number)
                    }
                    #expect(isRight)
                }
            }
        }
        #expect(found == Array(1...count))
        #expect(sizes.max() == 20)
    }

    @Test("a batch ends where what was appended ended when its reader looked")
    func batchEnd() {
        let ring = PacketRing(bytes: 0)
        var ends: [Int] = []
        for number in 1...4 {
            var record = record(number, 60)
            record.interface = 0
            let isTaken = ring.append(record, [UInt8](repeating: 1, count: 60).span.bytes)
            #expect(isTaken)
            ends.append(ring.end)
        }
        let batch = PacketBatch(linkType: .ethernet)
        for (index, end) in ends.enumerated() {
            #expect(ring.fill(batch, from: ring.start, before: end, limit: 20) == end)
            #expect(batch.count == index + 1)
        }
    }

    @Test("a full ring takes nothing until something is let go, and then the oldest is gone")
    func full() throws {
        let ring = PacketRing(bytes: 0)
        var count = 0
        while append(count + 1, 100_000, to: ring) { count += 1 }
        #expect(ring.room < PacketRing.blockSize)
        #expect(!append(count + 1, 100_000, to: ring))
        ring.letGo(before: PacketRing.blockSize)
        let before = count
        while append(count + 1, 100_000, to: ring) { count += 1 }
        #expect(count > before)
        let left = numbers(ring)
        #expect(left.last == count)
        #expect(try #require(left.first) > 1)
        #expect(left == Array((count - left.count + 1)...count))
    }

    @Test("a time is found by its block")
    func byTime() {
        let ring = PacketRing(bytes: 0)
        for number in 1...35 { #expect(append(number, 100_000, to: ring)) }
        let place = ring.position(atTime: Timestamp(nanoseconds: 20_000))
        let first = ring.record(at: place).number
        #expect(first <= 20 && first > 9)
        #expect(ring.position(atTime: Timestamp(nanoseconds: 0)) == 0)
    }
}
