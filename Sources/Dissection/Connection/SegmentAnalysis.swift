import Model

/// What Wireshark's sequence analysis (`tcp.analysis.*`) says of one segment.
struct SegmentVerdict: Sendable {
    /// At most one of retransmission, fast, spurious, out of order; and the flags that stand beside it.
    var kinds: [TCPEvent.Kind] = []
    var isDuplicateAcknowledgment = false
    var isKeepAlive = false
    var isZeroWindowProbe = false
    /// It starts before the highest number seen, with something that takes a number, and is no keep-alive.
    var isRepeated = false
}

/// The state that Wireshark's analysis keeps for one direction, and its rules (packet-tcp.c, 4.0).
///
/// Single pass: a segment is judged by what came before it. `reverse` is the state of the other direction.
struct SegmentAnalysis: Sendable {
    /// The sequence number after the highest seen, SYN and FIN counted.
    private(set) var next: UInt32?
    private(set) var lastAcknowledgment: UInt32?
    private(set) var lastAcknowledgmentTime: Timestamp?
    private(set) var highestTime: Timestamp?
    private(set) var window: UInt16?
    /// Shift of the window, known only after a SYN of this direction.
    private(set) var windowShift: UInt8?
    private(set) var duplicateAcknowledgments = 0
    private(set) var lastWasKeepAlive = false
    private(set) var lastWasZeroWindowProbe = false

    /// A segment this soon after the other side's acknowledgment cannot be its answer when no round trip is known.
    static let defaultRoundTrip: Nanoseconds = .milliseconds(3)
    static let fastRetransmissionTime: Nanoseconds = .milliseconds(20)

    /// - Parameters:
    ///   - unseen: how many payload bytes of the segment the capture had not shown before.
    ///   - roundTrip: of the handshake, nil when it was not captured.
    func judge(
        _ segment: Segment,
        at time: Timestamp,
        reverse: SegmentAnalysis,
        unseen: Int64,
        roundTrip: Nanoseconds?
    ) -> SegmentVerdict {
        var verdict = SegmentVerdict()
        let flags = segment.flags
        let length = segment.wirePayloadLength
        let opensOrCloses = !flags.isDisjoint(with: .control)
        let relative = next.map { SequenceNumber.distance(from: $0, to: segment.sequence) }

        if length == 1, relative == 0, reverse.window == 0, !opensOrCloses {
            verdict.isZeroWindowProbe = true
            verdict.kinds.append(.zeroWindowProbe)
            return verdict
        }
        if segment.window == 0, !opensOrCloses { verdict.kinds.append(.zeroWindow) }
        if let relative, relative > 0, !flags.contains(.rst) { verdict.kinds.append(.lostSegment) }
        if length <= 1, relative == -1, !opensOrCloses {
            verdict.isKeepAlive = true
            verdict.kinds.append(.keepAlive)
        }
        if length > 0, !opensOrCloses, fillsWindow(segment, of: reverse) { verdict.kinds.append(.windowFull) }

        if length == 0, !opensOrCloses, relative == 0, segment.window == window, let last = lastAcknowledgment {
            let advance = SequenceNumber.distance(from: last, to: segment.acknowledgment)
            if segment.window != 0, advance == 0, reverse.lastWasKeepAlive {
                verdict.kinds.append(.keepAliveAck)
            } else if segment.window == 0, advance == 0 || advance == 1, reverse.lastWasZeroWindowProbe {
                verdict.kinds.append(.zeroWindowProbeAck)
            } else if segment.window != 0, advance == 0 {
                verdict.isDuplicateAcknowledgment = true
            }
        }
        if !verdict.isKeepAlive, let relative, relative < 0, length > 0 || !flags.isDisjoint(with: .synOrFin) {
            verdict.isRepeated = true
            verdict.kinds.append(repeated(segment, at: time, reverse: reverse, unseen: unseen, roundTrip: roundTrip))
        }
        return verdict
    }

    /// The last byte stands exactly at the end of the window that the other side offered.
    private func fillsWindow(_ segment: Segment, of reverse: SegmentAnalysis) -> Bool {
        guard let shift = reverse.windowShift, let window = reverse.window, let last = reverse.lastAcknowledgment
        else { return false }
        let end = segment.sequence &+ UInt32(truncatingIfNeeded: segment.wirePayloadLength)
        return end == last &+ (UInt32(window) << UInt32(min(shift, 14)))
    }

    /// Names a segment that starts before the highest sequence number seen.
    private func repeated(
        _ segment: Segment,
        at time: Timestamp,
        reverse: SegmentAnalysis,
        unseen: Int64,
        roundTrip: Nanoseconds?
    ) -> TCPEvent.Kind {
        let end = segment.sequence &+ UInt32(truncatingIfNeeded: segment.wirePayloadLength)
        if segment.wirePayloadLength > 0, let last = reverse.lastAcknowledgment,
            SequenceNumber.distance(from: end, to: last) >= 0
        {
            return .spuriousRetransmission
        }
        let sinceAcknowledgment = reverse.lastAcknowledgmentTime.map { time - $0 }
        if reverse.duplicateAcknowledgments >= 2, reverse.lastAcknowledgment == segment.sequence,
            let sinceAcknowledgment, sinceAcknowledgment < Self.fastRetransmissionTime
        {
            return .fastRetransmission
        }
        let elapsed = sinceAcknowledgment ?? highestTime.map { time - $0 } ?? .max
        return unseen > 0 && elapsed < (roundTrip ?? Self.defaultRoundTrip) ? .outOfOrder : .retransmission
    }

    mutating func record(_ segment: Segment, at time: Timestamp, _ verdict: SegmentVerdict) {
        let flags = segment.flags
        if verdict.isDuplicateAcknowledgment {
            duplicateAcknowledgments += 1
        } else if flags.contains(.ack), segment.acknowledgment != lastAcknowledgment {
            duplicateAcknowledgments = 0
        }
        lastWasKeepAlive = verdict.isKeepAlive
        lastWasZeroWindowProbe = verdict.isZeroWindowProbe
        if flags.contains(.syn) {
            // RFC 7323 §2.2: the window of a SYN itself is not scaled, and both sides must offer the option.
            windowShift = segment.windowScale ?? 0
        }
        if flags.contains(.rst) { return }
        window = segment.window
        if flags.contains(.ack) {
            lastAcknowledgment = segment.acknowledgment
            lastAcknowledgmentTime = time
        }
        guard !verdict.isZeroWindowProbe else { return }
        let control: UInt32 = flags.isDisjoint(with: .synOrFin) ? 0 : 1
        let end = segment.sequence &+ UInt32(truncatingIfNeeded: segment.wirePayloadLength) &+ control
        guard let next, SequenceNumber.distance(from: next, to: end) <= 0 else {
            self.next = end
            highestTime = time
            return
        }
    }

    /// Ordinary segments up to `sequence` were left out.
    mutating func jump(to sequence: UInt32) {
        next = sequence
        lastAcknowledgment = nil
        lastAcknowledgmentTime = nil
        duplicateAcknowledgments = 0
        lastWasKeepAlive = false
        lastWasZeroWindowProbe = false
    }

    /// Forgets an end that belonged to an older life, when a SYN starts the numbering again.
    mutating func restart() {
        self = SegmentAnalysis()
    }
}
