/// A place where the clock of the capture was set forward.
package struct ClockAdvance: Sendable, Hashable {
    /// The first packet behind it.
    package var frame: FrameReference
    /// The time from the packet before it by the clock that was set: hardly any of it passed.
    package var amount: Nanoseconds

    package init(frame: FrameReference, amount: Nanoseconds) {
        self.frame = frame
        self.amount = amount
    }
}

/// A place where the clock of one interface ran backwards from one packet to the next.
package struct ClockStep: Sendable, Hashable {
    /// Queues of one interface hand packets over out of order by up to this much (what `Connection.queueWait` allows for); a clock
    /// that is set moves by more: ntpd steps from 128 ms on (STEPT, RFC 5905 §11.3), chronyd's `makestep` from a second.
    package static let smallest: Nanoseconds = .milliseconds(30)

    /// The first packet behind the step.
    package var frame: FrameReference
    package var interface: Int
    /// How far its time stamp lies before that of the packet before it.
    package var amount: Nanoseconds
    /// The latest time stamp before it, on any interface: they share the clock, and on a silent one the step does not show.
    package var latest: Timestamp

    package init(frame: FrameReference, interface: Int, amount: Nanoseconds, latest: Timestamp? = nil) {
        self.frame = frame
        self.interface = interface
        self.amount = amount
        self.latest = max(latest ?? frame.time, frame.time + amount)
    }
}

/// Packets that the kernel or the interface dropped, and when: between two reports of the capturing side.
package struct CaptureLoss: Sendable, Hashable {
    /// Nil: since the beginning.
    package var from: Timestamp?
    /// Nil: not known, up to the end.
    package var through: Timestamp?
    package var dropped: Int
    /// Packets captured meanwhile.
    package var captured: Int

    package init(from: Timestamp?, through: Timestamp?, dropped: Int, captured: Int) {
        self.from = from
        self.through = through
        self.dropped = dropped
        self.captured = captured
    }

    package func touches(_ start: Timestamp, _ end: Timestamp) -> Bool {
        (from.map { $0 <= end } ?? true) && (through.map { $0 >= start } ?? true)
    }
}

extension [CaptureLoss] {
    /// More are told as one with the last.
    private static var largestCount: Int { 256 }

    /// Appends a loss; neither memory nor sums grow without bound.
    package mutating func note(_ loss: CaptureLoss) {
        guard loss.dropped > 0 else { return }
        guard count >= Self.largestCount, var last = popLast() else { return append(loss) }
        last.from = last.from.flatMap { from in loss.from.map { Swift.min(from, $0) } }
        last.through = last.through.flatMap { through in loss.through.map { Swift.max(through, $0) } }
        last.dropped = Int(clamping: Int64(last.dropped).addingSaturating(Int64(loss.dropped)))
        last.captured = Int(clamping: Int64(last.captured).addingSaturating(Int64(loss.captured)))
        append(last)
    }

    package var dropped: Int {
        Int(clamping: reduce(Int64(0)) { $0.addingSaturating(Int64($1.dropped)) })
    }
}

/// What the capture itself can be trusted with.
package struct CaptureCounters: Sendable {
    package var packets = 0
    package var capturedBytes: Int64 = 0
    package var wireBytes: Int64 = 0
    package var first: Timestamp?
    package var last: Timestamp?
    /// Packets shorter in the capture than on the wire.
    package var snappedPackets = 0
    package var duplicatePackets = 0
    /// Those of them that were seen on both sides of a router, and by how many hops they differed at most.
    package var routedDuplicates = 0
    package var routedHops: UInt8 = 0
    package var ipFragments = 0
    package var incompleteFragments = 0
    package var tcpPackets = 0
    package var udpPackets = 0
    package var icmpPackets = 0
    /// TCP segments larger than 1,500 bytes of IP: offload coalesced them before the capture saw them.
    package var offloadSegments = 0
    /// Packets whose time stamp lies before that of their predecessor on the same interface, and by how much at most.
    package var timeRegressions = 0
    package var largestRegression: Nanoseconds = 0
    /// Those of them that no queue explains (`ClockStep.smallest`): how many, and the first `largestClockStepCount`.
    package var clockSteps: [ClockStep] = []
    package var clockStepCount = 0
    /// In the order of the capture; at most 256.
    package var clockAdvances: [ClockAdvance] = []
    /// The farthest that a packet lies before the latest one that stands before it in the file: captures of several interfaces are written
    /// in blocks.
    package var largestStepBack: Nanoseconds = 0
    /// Packets of link types that are not decoded, per link type.
    package var undecodedLinkTypes: [LinkType: Int] = [:]
    /// Packets that are not IP (ARP excepted) or whose transport is none that we decode.
    package var otherPackets = 0
    package var observations: [DecodeObservation] = []
    package var observationCount = 0

    /// Packets that were lost before the capture, where the capturing side said so.
    package var losses: [CaptureLoss] = []

    package static let largestClockStepCount = 256

    package init() {}
}
