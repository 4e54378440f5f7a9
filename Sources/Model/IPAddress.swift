/// An IPv4 or IPv6 address as a number, most significant byte first; an IPv4 address sits in the low 32 bits of `low`.
package struct IPAddress: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64
    package var isIPv6: Bool

    @inlinable package static func == (left: IPAddress, right: IPAddress) -> Bool {
        left.low == right.low && left.high == right.high && left.isIPv6 == right.isIPv6
    }

    @inlinable package static func != (left: IPAddress, right: IPAddress) -> Bool { !(left == right) }

    @inlinable package init(v4 value: UInt32) {
        high = 0
        low = UInt64(value)
        isIPv6 = false
    }

    package init(v6High high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
        isIPv6 = true
    }

    package init(v4 a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) {
        self.init(v4: UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d))
    }

    package var bitWidth: Int { isIPv6 ? 128 : 32 }

    /// 127.0.0.0/8 (RFC 1122 §3.2.1.3) or ::1 (RFC 4291 §2.5.3).
    package var isLoopback: Bool {
        isIPv6 ? (high == 0 && low == 1) : (low >> 24 == 127)
    }
}

extension IPAddress: Comparable {
    package static func < (left: IPAddress, right: IPAddress) -> Bool {
        if left.isIPv6 != right.isIPv6 { return !left.isIPv6 }
        return (left.high, left.low) < (right.high, right.low)
    }
}

extension IPAddress: CustomStringConvertible {
    /// Dotted decimal, or the canonical form of RFC 5952.
    package var description: String {
        guard isIPv6 else {
            return "\(low >> 24 & 255).\(low >> 16 & 255).\(low >> 8 & 255).\(low & 255)"
        }
        let groups = (0..<8).map { index -> UInt16 in
            let word = index < 4 ? high : low
            return UInt16(truncatingIfNeeded: word >> UInt64(48 - 16 * (index % 4)))
        }
        // RFC 5952 §4.2: the longest run of two or more zero groups is "::", the first of equal runs.
        var best = 0..<0
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, groups[end] == 0 { end += 1 }
            if end - index > max(best.count, 1) { best = index..<end }
            index = max(end, index + 1)
        }
        func text(_ part: ArraySlice<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard !best.isEmpty else { return text(groups[...]) }
        return text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
    }
}
