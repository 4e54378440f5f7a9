#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A window on a stream in which one record at a time lies in one piece, to be shown in place.
///
/// All offsets count from the first byte not yet consumed. Every access is checked: a read past the window gives 0 or
/// an empty span, so that hostile lengths cannot reach other memory.
final class InputBuffer {
    private let stream: any ByteStream
    private var memory: UnsafeMutableRawBufferPointer
    /// Where the next block is read to meanwhile, behind room for what is left of this one.
    private var spare: UnsafeMutableRawBufferPointer
    private let ahead: ReadAhead?
    private static let room = 64 << 10
    private var head = 0
    private var tail = 0
    private var hasEnded = false
    /// Where the window starts in the stream, in bytes.
    private(set) var offset: Int64 = 0

    /// - Parameter readsAhead: by a thread of its own; not for a stream that may wait for ever.
    init(_ stream: any ByteStream, blockSize: Int, readsAhead: Bool = false) {
        self.stream = stream
        let size = max(blockSize, 4096) + (readsAhead ? Self.room : 0)
        memory = .allocate(byteCount: size, alignment: 16)
        spare =
            readsAhead ? .allocate(byteCount: size, alignment: 16) : UnsafeMutableRawBufferPointer(start: nil, count: 0)
        ahead = readsAhead ? ReadAhead(stream) : nil
    }

    deinit {
        if let ahead, ahead.isUnderWay { _ = try? ahead.finish() }
        memory.deallocate()
        spare.deallocate()
    }

    var available: Int { tail &- head }
    var problem: StreamProblem? { stream.problem }

    /// True where `count` bytes can be read from the window; reads on where they are not there yet. The caller bounds
    /// `count`: the window grows to it.
    func require(_ count: Int) throws(CaptureError) -> Bool {
        if tail &- head >= count { return true }
        return try fill(count)
    }

    @inline(never)
    private func fill(_ count: Int) throws(CaptureError) -> Bool {
        if let ahead { return try fill(count, ahead) }
        moveToFront()
        if count > memory.count { grow(to: count) }
        while tail < count, !hasEnded {
            let got = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: memory[tail...]))
            if got == 0 { hasEnded = true }
            tail += got
        }
        return tail >= count
    }

    /// What is left is a part of one record, so that moving it costs less than reading it did.
    private func moveToFront() {
        guard head > 0 else { return }
        if tail > head, let base = memory.baseAddress { memmove(base, base + head, tail - head) }
        tail -= head
        head = 0
    }

    private func fill(_ count: Int, _ ahead: ReadAhead) throws(CaptureError) -> Bool {
        while tail &- head < count, !hasEnded {
            if !ahead.isUnderWay { ahead.begin(into: UnsafeMutableRawBufferPointer(rebasing: spare[Self.room...])) }
            let got: Int
            do throws(CaptureError) {
                got = try ahead.finish()
            } catch {
                hasEnded = true
                throw error
            }
            guard got > 0 else {
                hasEnded = true
                break
            }
            let left = UnsafeRawBufferPointer(rebasing: memory[head..<tail])
            if left.count <= Self.room {
                UnsafeMutableRawBufferPointer(rebasing: spare[(Self.room - left.count)...]).copyMemory(from: left)
                head = Self.room - left.count
                tail = Self.room + got
                swap(&memory, &spare)
            } else {
                // A record longer than the room.
                moveToFront()
                if memory.count - tail < got { grow(to: tail + got) }
                UnsafeMutableRawBufferPointer(rebasing: memory[tail...])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: spare[Self.room..<Self.room + got]))
                tail += got
            }
            ahead.begin(into: UnsafeMutableRawBufferPointer(rebasing: spare[Self.room...]))
        }
        return tail &- head >= count
    }

    private func grow(to count: Int) {
        var size = memory.count
        while size < count { size *= 2 }
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[0..<tail]))
        memory.deallocate()
        memory = larger
    }

    /// Leaves `count` bytes behind; false where the stream ends before.
    func skip(_ count: Int) throws(CaptureError) -> Bool {
        var rest = count
        while rest > 0 {
            if available == 0, try !require(1) { return false }
            let step = min(rest, available)
            consume(step)
            rest -= step
        }
        return true
    }

    func consume(_ count: Int) {
        let step = min(max(count, 0), available)
        head &+= step
        offset &+= Int64(step)
    }

    func byte(at position: Int) -> UInt8 {
        guard position >= 0, position < available else { return 0 }
        return memory[head &+ position]
    }

    func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at position: Int, bigEndian: Bool) -> T {
        let size = MemoryLayout<T>.size
        guard position >= 0, position <= available &- size else { return 0 }
        let value = UnsafeRawPointer(memory.baseAddress.unsafelyUnwrapped + head + position).loadUnaligned(as: T.self)
        return bigEndian ? T(bigEndian: value) : T(littleEndian: value)
    }

    func uint16(at position: Int, bigEndian: Bool) -> UInt16 { load(UInt16.self, at: position, bigEndian: bigEndian) }
    func uint32(at position: Int, bigEndian: Bool) -> UInt32 { load(UInt32.self, at: position, bigEndian: bigEndian) }

    /// What is there of the stream, until the next `require`.
    var window: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[head..<tail]) }

    /// Shows `count` bytes from `position` on, clipped to the window. They are gone with the next `require`.
    func withBytes<Result: ~Copyable, Failure: Error>(
        at position: Int,
        count: Int,
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let lower = min(max(position, 0), available)
        let upper = min(max(lower &+ count, lower), available)
        let bytes = UnsafeRawBufferPointer(rebasing: memory[(head &+ lower)..<(head &+ upper)])
        return try body(bytes.bytes)
    }
}
