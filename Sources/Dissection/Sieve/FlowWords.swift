import Model

/// The two ends of a connection, the lower first, in two words: IPv4 ends themselves, a hash of IPv6 ends.
package struct FlowWords: Hashable, Sendable {
    package var low: UInt64
    package var high: UInt64

    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    /// Its own place among many, the same in every run.
    @inline(__always)
    package var hash: UInt64 {
        let product = (low ^ high &* 0xd6e8_feb8_6659_fd93).multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
        return product.high ^ product.low
    }

    /// By which a `PassageMap` knows it.
    @inline(__always)
    var tag: UInt16 { UInt16(truncatingIfNeeded: hash) }

    /// Which of the sieve's lanes follows it.
    @inline(__always)
    var lane: Int { Int(truncatingIfNeeded: hash >> 60) }
}

extension FlowWords {
    init(_ source: Endpoint, _ destination: Endpoint) {
        let (low, high) = source < destination ? (source, destination) : (destination, source)
        let ports = UInt64(low.port) << 16 | UInt64(high.port)
        guard low.address.isIPv6 || high.address.isIPv6 else {
            self.init(low: low.address.low << 32 | high.address.low, high: ports)
            return
        }
        var digest = PacketDigest()
        for word in [low.address.high, low.address.low, high.address.high, high.address.low] { digest.add(word) }
        let first = digest.value
        digest.add(ports | 1 << 40)
        self.init(low: first, high: digest.value | 1 << 63)
    }

    @inline(__always)
    init(_ source: UInt32, _ destination: UInt32, _ ports: UInt32, sourceIsLow isLow: Bool) {
        low = isLow ? UInt64(source) << 32 | UInt64(destination) : UInt64(destination) << 32 | UInt64(source)
        high = UInt64(isLow ? ports : ports >> 16 | ports << 16)
    }

    /// The ends are IPv6 ones, which the words do not tell.
    var isWide: Bool { high >> 63 != 0 }

    /// The ends of an IPv4 connection, the lower first.
    var ends: (low: Endpoint, high: Endpoint) {
        (
            Endpoint(address: IPAddress(v4: UInt32(low >> 32)), port: UInt16(truncatingIfNeeded: high >> 16)),
            Endpoint(
                address: IPAddress(v4: UInt32(truncatingIfNeeded: low)),
                port: UInt16(truncatingIfNeeded: high)
            )
        )
    }

    @inline(__always)
    static func isSourceLow(_ source: UInt32, _ destination: UInt32, _ ports: UInt32) -> Bool {
        source != destination ? source < destination : ports >> 16 < ports & 0xffff
    }
}
