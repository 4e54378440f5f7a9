package import Model
import Synchronization

/// The packets of the recent past, in blocks of memory: one thread appends, another one reads, notes and lets go.
///
/// A position counts bytes since the beginning, over all blocks that ever were; no packet crosses a block. Appending allocates a block the
/// first time that it is used and nothing else.
package final class PacketRing: @unchecked Sendable {
    /// What the reader notes of a packet: whose it is, and where the one before it of the same place stands.
    package struct Note {
        package var low: UInt64
        package var high: UInt64
        package var link: Int
        package var flags: UInt8

        package init(low: UInt64, high: UInt64, link: Int, flags: UInt8) {
            self.low = low
            self.high = high
            self.link = link
            self.flags = flags
        }
    }

    /// Written as it is; `number` 0 says that the block has no more packets.
    private struct Entry {
        var number: Int
        var time: Int64
        var note: Note
        var captured: UInt32
        var wire: UInt32
        var linkType: UInt32
        var interface: UInt16
    }

    package static let blockSize = 1 << 20
    private static let shift = 20
    private static let headerSize = MemoryLayout<Entry>.stride
    /// No more bytes of a packet are kept.
    package static let largestPacket = 1 << 18

    private let blocks: UnsafeMutablePointer<UnsafeMutableRawPointer?>
    package let blockCount: Int
    /// After the last packet.
    private let published = Atomic<Int>(0)
    /// The first position that is still there.
    private let kept = Atomic<Int>(0)
    /// The appending thread's own: where the next packet goes, and the numbers of the last.
    private var next = 0

    /// - Parameter bytes: what it may hold, in whole blocks, at least 4.
    package init(bytes: Int) {
        blockCount = max(4, bytes >> Self.shift)
        blocks = .allocate(capacity: blockCount)
        blocks.initialize(repeating: nil, count: blockCount)
    }

    deinit {
        for index in 0..<blockCount { blocks[index]?.deallocate() }
        blocks.deallocate()
    }

    // MARK: The appending thread

    /// False where there is no room: the reader has not let go of enough.
    package func append(_ record: PacketRecord, _ bytes: RawSpan) -> Bool {
        let count = min(bytes.byteCount, Self.largestPacket)
        let size = Self.headerSize &+ (count &+ 7) & ~7
        var place = next & (Self.blockSize &- 1)
        var block = next >> Self.shift
        let crosses = place &+ size > Self.blockSize &- Self.headerSize
        if crosses {
            block &+= 1
            place = 0
        }
        if place == 0, block &- kept.load(ordering: .acquiring) >> Self.shift >= blockCount { return false }
        if crosses, let old = blocks[(block &- 1) % blockCount] {
            // The rest of the block before stays empty.
            old.storeBytes(of: 0, toByteOffset: next & (Self.blockSize &- 1), as: Int.self)
        }
        let slot = block % blockCount
        let memory: UnsafeMutableRawPointer
        if let known = blocks[slot] {
            memory = known
        } else {
            memory = .allocate(byteCount: Self.blockSize, alignment: 64)
            blocks[slot] = memory
        }
        let entry = Entry(
            number: record.number,
            time: record.timestamp.nanoseconds,
            note: Note(low: 0, high: 0, link: -1, flags: 0),
            captured: UInt32(truncatingIfNeeded: count),
            wire: UInt32(clamping: record.wireLength),
            linkType: record.linkType.rawValue,
            interface: UInt16(truncatingIfNeeded: record.interface)
        )
        memory.storeBytes(of: entry, toByteOffset: place, as: Entry.self)
        bytes.withUnsafeBytes { source in
            guard count > 0, let base = source.baseAddress else { return }
            (memory + place + Self.headerSize).copyMemory(from: base, byteCount: count)
        }
        next = block << Self.shift &+ place &+ size
        published.store(next, ordering: .releasing)
        return true
    }

    /// Bytes that can surely be appended before the reader lets go of more.
    package var room: Int {
        (blockCount &+ kept.load(ordering: .acquiring) >> Self.shift) << Self.shift &- next
    }

    // MARK: The reading thread

    /// After the newest packet.
    package var end: Int { published.load(ordering: .acquiring) }
    /// The oldest position.
    package var start: Int { kept.load(ordering: .relaxed) }
    /// Bytes that it may hold.
    package var capacity: Int { blockCount << Self.shift }

    /// Packets of one interface that stand beside each other, from the one at `position` on. The batch's offsets are from the beginning of
    /// the block.
    /// - Returns: where the packet after them may stand.
    package func fill(_ batch: PacketBatch, from position: Int, before end: Int, limit: Int) -> Int {
        let block = memory(position & ~(Self.blockSize &- 1))
        // What lies from there on is being written, or was of another time.
        let bound = min(end &- position & ~(Self.blockSize &- 1), Self.blockSize &- Self.headerSize &+ 1)
        var place = position & (Self.blockSize &- 1)
        let first = block.load(fromByteOffset: place, as: Entry.self)
        batch.removeAll()
        batch.firstNumber = first.number
        batch.linkType = LinkType(rawValue: first.linkType)
        batch.interface = Int(first.interface)
        while place < bound, batch.count < limit, batch.count < PacketBatch.capacity {
            let entry = block.load(fromByteOffset: place, as: Entry.self)
            guard entry.number == first.number &+ batch.count, entry.interface == first.interface,
                entry.linkType == first.linkType
            else { break }
            batch.append(
                PacketBatch.Packet(
                    timestamp: Timestamp(nanoseconds: entry.time),
                    offset: Int32(truncatingIfNeeded: place &+ Self.headerSize),
                    capturedLength: Int32(bitPattern: entry.captured),
                    wireLength: entry.wire
                )
            )
            place &+= Self.headerSize &+ (Int(entry.captured) &+ 7) & ~7
        }
        return position & ~(Self.blockSize &- 1) &+ place
    }

    /// Where the packet of a batch stands that was filled from `position` on.
    package func position(of index: Int, in batch: PacketBatch, from position: Int) -> Int {
        position & ~(Self.blockSize &- 1) &+ Int(batch[index].offset) &- Self.headerSize
    }

    /// The memory that has the packets of a batch that was filled from `position` on.
    package func withBytes<Result>(of batch: PacketBatch, from position: Int, _ body: (RawSpan) -> Result) -> Result {
        let count = batch.count > 0 ? batch.range(at: batch.count &- 1).upperBound : 0
        return body(
            UnsafeRawBufferPointer(start: memory(position & ~(Self.blockSize &- 1)), count: count).bytes
        )
    }

    /// The packet at or after `position`, before `end`; nil where there is none.
    package func position(at position: Int, before end: Int) -> Int? {
        guard position < end else { return nil }
        let place = position & (Self.blockSize &- 1)
        if place <= Self.blockSize &- Self.headerSize, number(at: position) != 0 { return position }
        let following = (position >> Self.shift &+ 1) << Self.shift
        return following < end ? following : nil
    }

    /// The first packet of the block in which packets of `time` or later begin; some before them may follow it.
    package func position(atTime time: Timestamp) -> Int {
        let last = end
        var result = start
        var block = (result >> Self.shift &+ 1) << Self.shift
        while block < last, entry(block).time <= time.nanoseconds {
            result = block
            block &+= Self.blockSize
        }
        return result
    }

    /// Where the packet after the one at `position` may stand.
    package func after(_ position: Int) -> Int {
        position &+ Self.headerSize &+ (Int(entry(position).captured) &+ 7) & ~7
    }

    @inline(__always)
    private func memory(_ position: Int) -> UnsafeMutableRawPointer {
        // Blocks of packets that were published are there.
        blocks[(position >> Self.shift) % blockCount].unsafelyUnwrapped + position & (Self.blockSize &- 1)
    }

    @inline(__always)
    private func entry(_ position: Int) -> Entry { memory(position).load(as: Entry.self) }

    package func number(at position: Int) -> Int { memory(position).load(as: Int.self) }

    package func record(at position: Int) -> PacketRecord {
        let entry = entry(position)
        return PacketRecord(
            number: entry.number,
            timestamp: Timestamp(nanoseconds: entry.time),
            capturedLength: Int(entry.captured),
            wireLength: Int(entry.wire),
            interface: Int(entry.interface),
            linkType: LinkType(rawValue: entry.linkType),
            source: Int(entry.interface)
        )
    }

    package func note(at position: Int) -> Note { entry(position).note }

    package func setNote(_ note: Note, at position: Int) {
        (memory(position) + MemoryLayout<Entry>.offset(of: \.note).unsafelyUnwrapped)
            .storeBytes(of: note, as: Note.self)
    }

    /// Shows a packet's bytes, which stay where they are until they are let go.
    package func withBytes<Result>(at position: Int, _ body: (RawSpan) -> Result) -> Result {
        let count = Int(entry(position).captured)
        return body(UnsafeRawBufferPointer(start: memory(position) + Self.headerSize, count: count).bytes)
    }

    /// Nothing before `position` is needed any more.
    package func letGo(before position: Int) {
        guard position > kept.load(ordering: .relaxed) else { return }
        kept.store(position, ordering: .releasing)
    }
}
