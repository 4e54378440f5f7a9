/// Bytes of text as RFC 5234 (appendix B.1) names them; what is beyond ASCII is none of them.
package enum ASCII {
    static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte | 0x20) }
    static func isCapital(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) }
    static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    package static func lowered(_ byte: UInt8) -> UInt8 { isCapital(byte) ? byte | 0x20 : byte }

    /// The value of a hexadecimal digit, 0 to 15, in either case.
    package static func hexadecimal(_ byte: UInt8) -> UInt8? {
        if isDigit(byte) { return byte - 0x30 }
        let letter = byte | 0x20
        return (0x61...0x66).contains(letter) ? letter - 0x61 + 10 : nil
    }
}

extension [UInt8] {
    /// Where `needle` begins in `range`; nil for an empty one.
    package func firstIndex(of needle: [UInt8], in range: Range<Int>) -> Int? {
        guard let first = needle.first, range.count >= needle.count else { return nil }
        return (range.lowerBound...range.upperBound - needle.count).first { start in
            self[start] == first && needle.indices.allSatisfy { self[start + $0] == needle[$0] }
        }
    }
}
