/// Wireshark's sequence analysis of a segment (`tcp.analysis.*`), by its rules.
package struct AnalysisFlags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static var retransmission: AnalysisFlags { AnalysisFlags(rawValue: 1 << 0) }
    package static var fastRetransmission: AnalysisFlags { AnalysisFlags(rawValue: 1 << 1) }
    package static var spuriousRetransmission: AnalysisFlags { AnalysisFlags(rawValue: 1 << 2) }
    package static var outOfOrder: AnalysisFlags { AnalysisFlags(rawValue: 1 << 3) }
    package static var lostSegment: AnalysisFlags { AnalysisFlags(rawValue: 1 << 4) }
    package static var ackLostSegment: AnalysisFlags { AnalysisFlags(rawValue: 1 << 5) }
    package static var duplicateAck: AnalysisFlags { AnalysisFlags(rawValue: 1 << 6) }
    package static var zeroWindow: AnalysisFlags { AnalysisFlags(rawValue: 1 << 7) }
    package static var zeroWindowProbe: AnalysisFlags { AnalysisFlags(rawValue: 1 << 8) }
    package static var zeroWindowProbeAck: AnalysisFlags { AnalysisFlags(rawValue: 1 << 9) }
    package static var windowFull: AnalysisFlags { AnalysisFlags(rawValue: 1 << 10) }
    package static var windowUpdate: AnalysisFlags { AnalysisFlags(rawValue: 1 << 11) }
    package static var keepAlive: AnalysisFlags { AnalysisFlags(rawValue: 1 << 12) }
    package static var keepAliveAck: AnalysisFlags { AnalysisFlags(rawValue: 1 << 13) }
    package static var reusedPorts: AnalysisFlags { AnalysisFlags(rawValue: 1 << 14) }

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
