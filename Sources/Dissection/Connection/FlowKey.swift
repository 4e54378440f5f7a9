import Model

/// The two endpoints of a TCP flow, the lower one first, so that both directions give the same key.
struct FlowKey: Hashable, Sendable {
    let lowerHigh: UInt64
    let lowerLow: UInt64
    let upperHigh: UInt64
    let upperLow: UInt64
    /// Lower port in the high half, upper port in the low half.
    let ports: UInt32
    let isIPv6: Bool

    init(_ one: Endpoint, _ other: Endpoint) {
        let (lower, upper) = other < one ? (other, one) : (one, other)
        lowerHigh = lower.address.high
        lowerLow = lower.address.low
        upperHigh = upper.address.high
        upperLow = upper.address.low
        ports = UInt32(lower.port) << 16 | UInt32(upper.port)
        isIPv6 = lower.address.isIPv6
    }
}
