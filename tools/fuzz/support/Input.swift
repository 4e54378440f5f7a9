/// Reads an input of the fuzzer front to back. What is not there reads as nothing: every input means something.
struct Input: ~Copyable {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ data: UnsafePointer<UInt8>?, _ size: Int) {
        bytes = UnsafeRawBufferPointer(start: data, count: data == nil ? 0 : size)
    }

    var isAtEnd: Bool { position >= bytes.count }
    var all: UnsafeRawBufferPointer { bytes }

    mutating func uint8() -> UInt8 {
        guard position < bytes.count else { return 0 }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func uint16() -> UInt16 {
        UInt16(uint8()) << 8 | UInt16(uint8())
    }

    mutating func uint32() -> UInt32 {
        UInt32(uint16()) << 16 | UInt32(uint16())
    }

    /// At most `count` bytes.
    mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
        let end = min(position + count, bytes.count)
        defer { position = end }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<end])
    }
}
