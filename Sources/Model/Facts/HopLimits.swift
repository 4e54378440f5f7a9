/// The hop limits (IPv4 TTL) that packets arrived with: which of the 256 occurred.
package struct HopLimits: Hashable, Sendable {
    private var bits = SIMD4<UInt64>(repeating: 0)

    package init() {}

    package mutating func insert(_ limit: UInt8) {
        bits[Int(limit >> 6)] |= 1 << UInt64(limit & 63)
    }

    package mutating func formUnion(_ other: HopLimits) {
        bits |= other.bits
    }

    package func contains(_ limit: UInt8) -> Bool {
        bits[Int(limit >> 6)] & (1 << UInt64(limit & 63)) != 0
    }

    package var isEmpty: Bool { bits == SIMD4<UInt64>(repeating: 0) }

    /// Ascending.
    package var values: [UInt8] { (0...UInt8.max).filter(contains) }
}
