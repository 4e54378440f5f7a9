/// Arithmetic on TCP sequence numbers: 32 bits that wrap (RFC 9293 §3.4). Nothing here traps.
package enum SequenceNumber {
    /// The signed distance from `start` to `end`, in -2^31 ..< 2^31.
    package static func distance(from start: UInt32, to end: UInt32) -> Int64 {
        Int64(Int32(bitPattern: end &- start))
    }

    /// The stream offset of `sequence` when offset 0 carries `origin`, taking of all offsets 2^32 apart the one
    /// nearest to `reference`. Correct while a segment lies within 2 GiB of the reference, twice the largest window
    /// (RFC 7323 §2.3).
    package static func offset(of sequence: UInt32, origin: UInt32, near reference: Int64) -> Int64 {
        let expected = origin &+ UInt32(truncatingIfNeeded: reference)
        return reference &+ distance(from: expected, to: sequence)
    }
}
