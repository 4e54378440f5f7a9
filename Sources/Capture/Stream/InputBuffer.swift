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
    /// What the window lies in.
    private(set) var block: InputBlock
    /// Earlier ones that somebody held when the window went on. One that is let go is filled again.
    private var lent: [InputBlock] = []
    private var head = 0
    private var tail = 0
    private var hasEnded = false
    /// Where the window starts in the stream, in bytes.
    private(set) var offset: Int64 = 0
    /// What stands from here on in the stream is not read before it is asked for.
    var horizon = Int64.max

    init(_ stream: any ByteStream, blockSize: Int) {
        self.stream = stream
        block = InputBlock(byteCount: max(blockSize, 4096))
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
        makeRoom(for: count)
        while tail < count, !hasEnded {
            let ahead = max(0, horizon &- min(horizon, offset &+ Int64(tail)))
            let room = block.memory.count &- tail
            let end = ahead < Int64(room) ? max(count, tail &+ Int(ahead)) : tail &+ room
            let got = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: block.memory[tail..<end]))
            if got == 0 { hasEnded = true }
            tail += got
        }
        return tail >= count
    }

    /// What is left is a part of one record, so that moving it costs less than reading it did.
    private func makeRoom(for count: Int) {
        var size = block.memory.count
        while size < count { size *= 2 }
        let left = UnsafeRawBufferPointer(rebasing: block.memory[head..<tail])
        if size > block.memory.count || head > 0 && !isKnownUniquelyReferenced(&block) {
            let next = idleBlock(of: size)
            next.memory.copyMemory(from: left)
            if !isKnownUniquelyReferenced(&block) { lent.append(block) }
            block = next
        } else if head > 0, let base = block.memory.baseAddress, let source = left.baseAddress {
            memmove(base, source, left.count)
        }
        tail -= head
        head = 0
    }

    private func idleBlock(of size: Int) -> InputBlock {
        for index in lent.indices where isKnownUniquelyReferenced(&lent[index]) {
            let block = lent.remove(at: index)
            // One that is too small is not needed again.
            return block.memory.count >= size ? block : InputBlock(byteCount: size)
        }
        return InputBlock(byteCount: size)
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

    /// The same over many bytes, which are not read where the stream can do without.
    func leap(_ count: Int64) throws(CaptureError) {
        let inside = min(count, Int64(available))
        consume(Int(inside))
        let rest = count &- inside
        guard rest > 0 else { return }
        if stream.leap(rest) { offset &+= rest } else { _ = try skip(Int(rest)) }
    }

    func consume(_ count: Int) {
        let step = min(max(count, 0), available)
        head &+= step
        offset &+= Int64(step)
    }

    func byte(at position: Int) -> UInt8 {
        guard position >= 0, position < available else { return 0 }
        return block.memory[head &+ position]
    }

    func load<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type, at position: Int, bigEndian: Bool) -> T {
        let size = MemoryLayout<T>.size
        guard position >= 0, position <= available &- size else { return 0 }
        let value = UnsafeRawPointer(block.memory.baseAddress.unsafelyUnwrapped + head + position).loadUnaligned(
            as: T.self
        )
        return bigEndian ? T(bigEndian: value) : T(littleEndian: value)
    }

    func uint16(at position: Int, bigEndian: Bool) -> UInt16 { load(UInt16.self, at: position, bigEndian: bigEndian) }
    func uint32(at position: Int, bigEndian: Bool) -> UInt32 { load(UInt32.self, at: position, bigEndian: bigEndian) }

    /// What was read into the block, until the next `require`, or as long as somebody holds the block. The window is its end.
    var filled: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: block.memory[..<tail]) }

    /// Shows `count` bytes from `position` on, clipped to the window. They are gone with the next `require`.
    func withBytes<Result: ~Copyable, Failure: Error>(
        at position: Int,
        count: Int,
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let lower = min(max(position, 0), available)
        let upper = min(max(lower &+ count, lower), available)
        let bytes = UnsafeRawBufferPointer(rebasing: block.memory[(head &+ lower)..<(head &+ upper)])
        return try body(bytes.bytes)
    }
}
