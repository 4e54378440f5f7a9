import Model

/// What Wireshark's sequence analysis (`tcp.analysis.*`) says of one segment.
struct SegmentVerdict: Sendable {
    var flags = AnalysisFlags()

    /// As events: at most one of retransmission, fast, spurious, out of order; and what stands beside it. What is counted only, a duplicate ACK or
    /// a window update, is none.
    var kinds: [TCPEvent.Kind] {
        if flags.isEmpty { return [] }
        return Self.events.compactMap { flags.contains($0.flag) ? $0.kind : nil }
    }

    private static let events: [(flag: AnalysisFlags, kind: TCPEvent.Kind)] = [
        (.zeroWindowProbe, .zeroWindowProbe), (.zeroWindow, .zeroWindow), (.lostSegment, .lostSegment),
        (.keepAlive, .keepAlive), (.windowFull, .windowFull), (.keepAliveAck, .keepAliveAck),
        (.zeroWindowProbeAck, .zeroWindowProbeAck), (.spuriousRetransmission, .spuriousRetransmission),
        (.fastRetransmission, .fastRetransmission), (.outOfOrder, .outOfOrder), (.retransmission, .retransmission),
    ]
}

/// The state that Wireshark's analysis keeps for one direction, and its rules (`tcp_analyze_sequence_number` in packet-tcp.c, 4.0).
///
/// Single pass: a segment is judged by what came before it. `reverse` is the state of the other direction.
struct SegmentAnalysis: Sendable {
    /// The sequence number after the highest seen, SYN and FIN counted.
    private(set) var next: UInt32?
    private(set) var nextTime: Timestamp?
    /// The one up to which the peer may acknowledge: what follows a hole does not count.
    private(set) var acknowledgeable: UInt32?
    /// The field as it stands, whatever the flags say; 0 counts as none.
    private(set) var lastAcknowledgment: UInt32 = 0
    private(set) var lastAcknowledgmentTime: Timestamp?
    private(set) var window: UInt16?
    /// Shift of the window, known only after a SYN of this direction.
    private(set) var windowShift: UInt8?
    /// The window of a SYN itself is not scaled (RFC 7323 §2.2).
    private var lastWasSYN = false
    /// -1 after an acknowledgment of something unseen, until the next duplicate.
    private var duplicateAcknowledgments = 0
    private var lastFlags = AnalysisFlags()

    /// What comes this soon after the highest segment was overtaken by it where no round trip is known.
    static let defaultRoundTrip: Nanoseconds = .milliseconds(3)
    static let fastRetransmissionTime: Nanoseconds = .milliseconds(20)

    /// Judges a segment and takes it in.
    ///
    /// - Parameters:
    ///   - reverse: of the other direction.
    ///   - roundTrip: of the handshake, nil when it was not captured.
    mutating func judge(
        _ segment: Segment,
        at time: Timestamp,
        reverse: inout SegmentAnalysis,
        roundTrip: Nanoseconds?
    ) -> SegmentVerdict {
        var flags = AnalysisFlags()
        let length = segment.wirePayloadLength
        let opensOrCloses = !segment.flags.isDisjoint(with: .control)
        let relative = next.map { SequenceNumber.distance(from: $0, to: segment.sequence) }

        if length == 1, relative == 0, reverse.window == 0 {
            flags.add(.zeroWindowProbe)
        } else {
            if segment.window == 0, !opensOrCloses { flags.add(.zeroWindow) }
            if let relative, relative > 0, !segment.flags.contains(.rst) { flags.add(.lostSegment) }
            if length <= 1, relative == -1, !opensOrCloses { flags.add(.keepAlive) }
            if length > 0, !opensOrCloses, fillsWindow(segment, of: reverse) { flags.add(.windowFull) }
            if length == 0, relative == 0, !opensOrCloses {
                let advance = SequenceNumber.distance(from: lastAcknowledgment, to: segment.acknowledgment)
                judgeEmpty(segment, advance, reverse, &flags)
            }
        }
        if segment.acknowledgment != lastAcknowledgment { duplicateAcknowledgments = 0 }
        if segment.flags.contains(.ack), reverse.isAheadOfSeen(segment.acknowledgment) { flags.add(.ackLostSegment) }
        if length > 0 || !segment.flags.isDisjoint(with: .synOrFin), !flags.contains(.keepAlive) {
            flags.add(judgeOrder(segment, at: time, reverse, relative, roundTrip))
        }
        record(segment, at: time, flags)
        return SegmentVerdict(flags: flags)
    }

    /// An empty segment at the next number. `advance`: how much more it acknowledges than the one before.
    private mutating func judgeEmpty(
        _ segment: Segment,
        _ advance: Int64,
        _ reverse: SegmentAnalysis,
        _ flags: inout AnalysisFlags
    ) {
        guard advance == 0 || advance == 1 && segment.window == 0 else { return }
        guard segment.window == window else {
            if segment.window != 0 { flags.add(.windowUpdate) }
            return
        }
        if segment.window == 0 {
            if reverse.lastFlags.contains(.zeroWindowProbe) { flags.add(.zeroWindowProbeAck) }
        } else if reverse.lastFlags.contains(.keepAlive) {
            flags.add(.keepAliveAck)
        } else {
            duplicateAcknowledgments = max(0, duplicateAcknowledgments) + 1
            flags.add(.duplicateAck)
        }
    }

    /// The last byte stands exactly at the end of the window that the other side offered.
    private func fillsWindow(_ segment: Segment, of reverse: SegmentAnalysis) -> Bool {
        guard let shift = reverse.windowShift, let window = reverse.window else { return false }
        let end = segment.sequence &+ UInt32(truncatingIfNeeded: segment.wirePayloadLength)
        return end == reverse.lastAcknowledgment &+ (UInt32(window) << UInt32(reverse.lastWasSYN ? 0 : min(shift, 14)))
    }

    /// The peer acknowledges more than was seen without a hole. Said once more where more was seen since.
    private mutating func isAheadOfSeen(_ acknowledgment: UInt32) -> Bool {
        guard let limit = acknowledgeable, SequenceNumber.distance(from: limit, to: acknowledgment) > 0 else {
            return false
        }
        if let next, SequenceNumber.distance(from: limit, to: next) > 0 {
            acknowledgeable = next
            return true
        }
        defer { duplicateAcknowledgments = -1 }
        return duplicateAcknowledgments == 0
    }

    /// Names a segment that starts before the highest sequence number seen, or that was acknowledged already.
    private func judgeOrder(
        _ segment: Segment,
        at time: Timestamp,
        _ reverse: SegmentAnalysis,
        _ relative: Int64?,
        _ roundTrip: Nanoseconds?
    ) -> AnalysisFlags {
        let length = segment.wirePayloadLength
        let end = segment.sequence &+ UInt32(truncatingIfNeeded: length)
        if length > 0, reverse.lastAcknowledgment != 0,
            SequenceNumber.distance(from: end, to: reverse.lastAcknowledgment) >= 0
        {
            return .spuriousRetransmission
        }
        // More than one byte from one below the next: after a probe of a closed window, something new.
        guard let relative, relative < 0, length <= 1 || relative != -1 else { return AnalysisFlags() }
        // As Wireshark has no sign there, what follows an acknowledgment of something unseen counts as asked for.
        if !(0...1).contains(reverse.duplicateAcknowledgments), reverse.lastAcknowledgment == segment.sequence,
            let last = reverse.lastAcknowledgmentTime, (0..<Self.fastRetransmissionTime).contains(time - last)
        {
            return .fastRetransmission
        }
        let control: UInt32 = segment.flags.isDisjoint(with: .synOrFin) ? 0 : 1
        let limit = roundTrip ?? Self.defaultRoundTrip
        if let nextTime, time >= nextTime, time - nextTime < limit, end &+ control != next {
            return .outOfOrder
        }
        return .retransmission
    }

    private mutating func record(_ segment: Segment, at time: Timestamp, _ flags: AnalysisFlags) {
        lastFlags = flags
        lastWasSYN = segment.flags.contains(.syn)
        // RFC 7323 §2.2: both sides must offer the option.
        if lastWasSYN { windowShift = segment.windowScale ?? 0 }
        window = segment.window
        lastAcknowledgment = segment.acknowledgment
        lastAcknowledgmentTime = time
        if flags.contains(.zeroWindowProbe) { return }
        let control: UInt32 = segment.flags.isDisjoint(with: .synOrFin) ? 0 : 1
        let end = segment.sequence &+ UInt32(truncatingIfNeeded: segment.wirePayloadLength) &+ control
        if next.map({ SequenceNumber.distance(from: $0, to: end) > 0 }) ?? true {
            next = end
            nextTime = time
        }
        if acknowledgeable == nil || acknowledgeable == segment.sequence { acknowledgeable = next }
    }

    /// Ordinary segments up to `sequence` were left out.
    mutating func jump(to sequence: UInt32) {
        let (shift, window) = (windowShift, window)
        self = SegmentAnalysis()
        (windowShift, self.window, next, acknowledgeable) = (shift, window, sequence, sequence)
    }

    /// Forgets an end that belonged to an older life, when a SYN starts the numbering again.
    mutating func restart() {
        self = SegmentAnalysis()
    }
}
