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
    private var head = 0
    private var tail = 0
    private var hasEnded = false
    /// Where the window starts in the stream, in bytes.
    private(set) var offset: Int64 = 0

    init(_ stream: any ByteStream, blockSize: Int) {
        self.stream = stream
        memory = .allocate(byteCount: max(blockSize, 4096), alignment: 16)
    }

    deinit {
        memory.deallocate()
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
        if head > 0 {
            // The rest is a part of one record, so that moving it costs less than reading it did.
            if tail > head, let base = memory.baseAddress { memmove(base, base + head, tail - head) }
            tail -= head
            head = 0
        }
        if count > memory.count { grow(to: count) }
        while tail < count, !hasEnded {
            let got = try stream.read(into: UnsafeMutableRawBufferPointer(rebasing: memory[tail...]))
            if got == 0 { hasEnded = true }
            tail += got
        }
        return tail >= count
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

    /// Shows the whole window; `body` returns how many bytes of it are consumed.
    func withWindow(_ body: (RawSpan) -> Int) {
        let bytes = UnsafeRawBufferPointer(rebasing: memory[head..<tail])
        consume(body(bytes.bytes))
    }

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
