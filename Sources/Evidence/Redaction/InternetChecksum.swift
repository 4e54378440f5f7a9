/// Keeps the Internet checksum (RFC 1071) of bytes that are overwritten as right or as wrong as it was.
///
/// Updated by the difference (RFC 1624), never computed anew: that way it does not matter whether the packet was cut, or its
/// checksum left to the network card.
enum InternetChecksum {
    /// What the sum grows by, in words that begin at `base`.
    static func difference(_ old: [UInt8], _ new: [UInt8], _ range: Range<Int>, base: Int) -> Int64 {
        var sum: Int64 = 0
        for index in range where old[index] != new[index] {
            let change = Int64(new[index]) - Int64(old[index])
            sum += (index - base) & 1 == 0 ? change << 8 : change
        }
        return sum
    }

    /// - Parameter isOptional: zero says that there is none (UDP over IPv4).
    static func update(_ bytes: inout [UInt8], at offset: Int, by difference: Int64, isOptional: Bool = false) {
        guard offset >= 0, offset + 2 <= bytes.count, difference % 0xffff != 0 else { return }
        let old = UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1])
        if isOptional, old == 0 { return }
        let sum = (Int64(~old) + difference) % 0xffff
        var new = ~UInt16(truncatingIfNeeded: sum < 0 ? sum + 0xffff : sum)
        if isOptional, new == 0 { new = 0xffff }
        bytes[offset] = UInt8(new >> 8)
        bytes[offset + 1] = UInt8(new & 0xff)
    }
}
