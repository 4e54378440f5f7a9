/// How far the capture can be trusted. The counters are of the whole capture; those of the stream (`missedBytes`, `disorderedPackets`,
/// `cutHeads`) are of the connections that were dissected, which are all of a capture that is not large.
package struct CaptureQuality: Sendable {
    package enum Verdict: String, Sendable, Comparable {
        /// Nothing that could change a finding.
        case good
        /// Some findings may rest on less than there was: each one says whether it does.
        case fair
        /// A proof is likely to lack a packet.
        case poor

        package static func < (left: Verdict, right: Verdict) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .good: 0
            case .fair: 1
            case .poor: 2
            }
        }
    }

    package var verdict: Verdict = .good
    /// What is wrong, with its figure, and what to do about it: a line each. Empty where nothing is.
    package var notes: [String] = []
    /// Bytes that their receiver acknowledged and the capture never showed.
    package var missedBytes: Int64 = 0
    /// Packets that were captured more than once and counted once.
    package var duplicatePackets = 0
    /// Packets that the snap length cut.
    package var snappedPackets = 0
    /// HTTP heads of which a part is not in the capture.
    package var cutHeads = 0
    package var oneWayConnections = 0
    /// Connections that were open when the capture began.
    package var midstreamConnections = 0
    package var undecodedPackets = 0
    /// Packets that the kernel or the interface dropped.
    package var droppedPackets = 0
    /// TCP packets above 1,500 bytes of IP: offload joined them. Harmless.
    package var offloadSegments = 0
    /// Packets that stand behind their own acknowledgment, or behind what their sender sent later.
    package var disorderedPackets = 0
    /// Packets with a time stamp before that of their interface's packet before them, and by how much at most.
    package var backwardPackets = 0
    package var largestBackwardStep: Nanoseconds = 0
    /// Those of them that only a clock that was set explains.
    package var clockSteps = 0
    /// How often the clock was set forward.
    package var clockAdvances = 0

    package init() {}
}
