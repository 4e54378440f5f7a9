import Model

/// Community ID version 1 (github.com/corelight/community-id-spec): the name that Zeek, Suricata, Arkime and others give
/// the same flow, so that their records of it are found.
enum CommunityID {
    /// "1:" and the SHA-1 of seed, addresses, protocol, a zero byte and ports, the smaller endpoint first.
    ///
    /// - Parameters:
    ///   - transport: IP protocol number; 6 is TCP.
    ///   - seed: 0 unless a site has chosen its own.
    static func of(_ one: Endpoint, _ other: Endpoint, transport: UInt8 = 6, seed: UInt16 = 0) -> String {
        let ordered = isSmaller(one, other) ? (one, other) : (other, one)
        var message = big(UInt64(seed), 2)
        message += bytes(ordered.0.address) + bytes(ordered.1.address)
        message += [transport, 0]
        message += big(UInt64(ordered.0.port), 2) + big(UInt64(ordered.1.port), 2)
        return "1:" + Base64.encoded(SHA1.digest(message))
    }

    private static func isSmaller(_ one: Endpoint, _ other: Endpoint) -> Bool {
        let left = bytes(one.address)
        let right = bytes(other.address)
        return left == right ? one.port < other.port : left.lexicographicallyPrecedes(right)
    }

    private static func bytes(_ address: IPAddress) -> [UInt8] {
        address.isIPv6 ? big(address.high, 8) + big(address.low, 8) : big(address.low, 4)
    }

    private static func big(_ value: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
    }
}
