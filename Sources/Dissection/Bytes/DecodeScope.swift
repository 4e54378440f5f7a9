import Model

/// Where the decoder stands: which packet, and up to where the enclosing layers say that it reaches.
struct DecodeScope {
    let frame: FrameReference
    /// Names the point of capture: interface, and what the link layer adds to it (index and packet type of a cooked
    /// header, VLAN). Only compared for equality.
    var place: UInt32
    /// Offset after the last byte that the tightest enclosing length grants on the wire; may lie behind the captured
    /// bytes.
    var end: Int
    /// Which length `end` comes from.
    var endSource: DecodeObservation.LengthSource
    /// Encapsulations passed so far.
    var depth = 0

    /// Nested deeper than this a packet is not followed: real stacks (mirror in VXLAN in VLAN, IPIP) need four.
    static let maximumDepth = 8

    @inline(__always)
    func capturedEnd(_ bytes: RawSpan) -> Int {
        Swift.min(bytes.byteCount, end)
    }

    mutating func mark(_ value: UInt32) {
        place = (place ^ value) &* 0x9e37_79b1
        place ^= place >> 15
    }
}
