/// Wireshark's sequence analysis of a segment (`tcp.analysis.*`), by its rules.
package struct AnalysisFlags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt16

    @inlinable package init(rawValue: UInt16) { self.rawValue = rawValue }
    @inlinable package init() { rawValue = 0 }

    @inlinable package static var retransmission: AnalysisFlags { AnalysisFlags(rawValue: 1 << 0) }
    @inlinable package static var fastRetransmission: AnalysisFlags { AnalysisFlags(rawValue: 1 << 1) }
    @inlinable package static var spuriousRetransmission: AnalysisFlags { AnalysisFlags(rawValue: 1 << 2) }
    @inlinable package static var outOfOrder: AnalysisFlags { AnalysisFlags(rawValue: 1 << 3) }
    @inlinable package static var lostSegment: AnalysisFlags { AnalysisFlags(rawValue: 1 << 4) }
    @inlinable package static var ackLostSegment: AnalysisFlags { AnalysisFlags(rawValue: 1 << 5) }
    @inlinable package static var duplicateAck: AnalysisFlags { AnalysisFlags(rawValue: 1 << 6) }
    @inlinable package static var zeroWindow: AnalysisFlags { AnalysisFlags(rawValue: 1 << 7) }
    @inlinable package static var zeroWindowProbe: AnalysisFlags { AnalysisFlags(rawValue: 1 << 8) }
    @inlinable package static var zeroWindowProbeAck: AnalysisFlags { AnalysisFlags(rawValue: 1 << 9) }
    @inlinable package static var windowFull: AnalysisFlags { AnalysisFlags(rawValue: 1 << 10) }
    @inlinable package static var windowUpdate: AnalysisFlags { AnalysisFlags(rawValue: 1 << 11) }
    @inlinable package static var keepAlive: AnalysisFlags { AnalysisFlags(rawValue: 1 << 12) }
    @inlinable package static var keepAliveAck: AnalysisFlags { AnalysisFlags(rawValue: 1 << 13) }
    @inlinable package static var reusedPorts: AnalysisFlags { AnalysisFlags(rawValue: 1 << 14) }

    /// What carries a byte to be answered, not to be delivered.
    @inlinable package static var probe: AnalysisFlags { AnalysisFlags(rawValue: 1 << 8 | 1 << 12) }

    // Asked and changed with every segment: the general machinery of option sets allocates.
    @inlinable package var isEmpty: Bool { rawValue == 0 }
    @inlinable package func contains(_ other: AnalysisFlags) -> Bool { rawValue & other.rawValue == other.rawValue }
    @inlinable package func isDisjoint(with other: AnalysisFlags) -> Bool { rawValue & other.rawValue == 0 }
    @inlinable package mutating func add(_ other: AnalysisFlags) {
        self = AnalysisFlags(rawValue: rawValue | other.rawValue)
    }

    /// All of them, each by itself.
    package static let all: [AnalysisFlags] = (0..<15).map { AnalysisFlags(rawValue: 1 << $0) }
}

/// How many segments of one direction had each flag.
package struct AnalysisCounts: Sendable, Hashable {
    private var counts = SIMD16<UInt32>()

    package init() {}

    /// Of one flag.
    package subscript(flag: AnalysisFlags) -> Int { Int(counts[flag.rawValue.trailingZeroBitCount & 15]) }

    package mutating func count(_ flags: AnalysisFlags) {
        var rest = flags.rawValue
        while rest != 0 {
            counts[rest.trailingZeroBitCount & 15] &+= 1
            rest &= rest &- 1
        }
    }
}
