import Model

/// Finds where the capture's clock was set forward: nothing was captured for a while, and by the clocks of several senders (their TCP
/// timestamps, RFC 7323) hardly any time passed meanwhile.
///
/// Who sent shortly before the gap and again shortly behind it has something to say. Two connections have to agree, and hardly any may
/// object: one packet alone may have been held up on its way.
struct ClockWatch {
    /// One gap of the capture, from the latest time stamp before it to the first behind it.
    struct Gap {
        var start: Int64
        var frame: FrameReference
        /// Connections of which a sender's clock stood still, and of which it ran on.
        var witnesses = 0
        var objectors = 0

        mutating func add(_ voices: ClockVoices) {
            witnesses += voices.witnesses
            objectors += voices.objectors
        }
    }

    /// Shorter ones are too near to what senders' clocks can tell.
    static let shortest: Nanoseconds = .seconds(1)
    private static let largestCount = 256
    private static let fewestWitnesses = 2
    /// Of so many witnesses one may object: a segment that was sent again may carry a clock of another host.
    private static let witnessesPerObjector = 8

    private var latest = Int64.max
    private(set) var gaps: [Gap] = []

    /// A packet is captured.
    /// - Returns: true where a gap lies before it.
    @inline(__always)
    mutating func pass(_ time: Int64, frame: Int) -> Bool {
        // Of the first packet, too: nothing is later than `latest`.
        guard time > latest else {
            if latest == .max { latest = time }
            return false
        }
        let silence = time.subtractingSaturating(latest)
        defer { latest = time }
        return silence >= Self.shortest && note(time, frame)
    }

    private mutating func note(_ time: Int64, _ frame: Int) -> Bool {
        guard gaps.count < Self.largestCount else { return false }
        gaps.append(Gap(start: latest, frame: FrameReference(number: frame, time: Timestamp(nanoseconds: time))))
        return true
    }

    /// Nobody is asked any more about the gap before the last one.
    mutating func close(_ voices: [ClockVoices]) {
        guard gaps.count > 1 else { return }
        for voice in voices { gaps[gaps.count - 2].add(voice) }
    }

    /// All gaps, with what is said of the last one so far.
    func gaps(with voices: [ClockVoices]) -> [Gap] {
        var gaps = gaps
        guard !gaps.isEmpty else { return [] }
        for voice in voices { gaps[gaps.count - 1].add(voice) }
        return gaps
    }

    /// The gaps of all parts of a sieve, which saw the same packets and asked other connections.
    static func advances(_ parts: [[Gap]]) -> [ClockAdvance] {
        guard let first = parts.first else { return [] }
        return first.indices.compactMap { index in
            let same = parts.compactMap { index < $0.count ? $0[index] : nil }
            let witnesses = same.reduce(0) { $0 + $1.witnesses }
            let objectors = same.reduce(0) { $0 + $1.objectors }
            guard witnesses >= fewestWitnesses, objectors * witnessesPerObjector <= witnesses else { return nil }
            let gap = first[index]
            return ClockAdvance(frame: gap.frame, amount: gap.frame.time - Timestamp(nanoseconds: gap.start))
        }
    }
}

/// What the connections of one lane say of the last gap in the capture.
struct ClockVoices {
    private var start = Int64.min
    private var end = Int64.max
    /// Who sent before it and sends again behind it is asked: captures of several interfaces are written in blocks, of which each has the gap
    /// in a place of its own.
    private(set) var middle = Int64.max
    private(set) var witnesses = 0
    private(set) var objectors = 0
    /// First frames of the connections that were heard.
    private var heard: [Int] = []
    private static let largestCount = 64
    /// The slowest clock that is reckoned with: 10 ms a tick (RFC 7323 §5.4 allows a second; Linux, BSD and Windows tick once a millisecond,
    /// older ones every ten).
    private static let slowestTick: Nanoseconds = .milliseconds(10)

    init() {}

    init(start: Int64, end: Int64) {
        (self.start, self.end) = (start, end)
        middle = start.addingSaturating(end.subtractingSaturating(start) / 2)
    }

    /// A sender sends again.
    /// - Parameters:
    ///   - before: when it sent last, and its clock then.
    ///   - flow: first frame of the connection.
    mutating func hear(
        _ before: (time: Int64, clock: UInt32),
        _ now: (time: Int64, clock: UInt32),
        flow: Int
    ) {
        let gap = end.subtractingSaturating(start)
        // Who was silent by himself for long says nothing.
        let near = gap / 4
        guard (-near...near).contains(start.subtractingSaturating(before.time)),
            (-near...near).contains(now.time.subtractingSaturating(end)),
            heard.count < Self.largestCount, !heard.contains(flow)
        else { return }
        let ticks = Int64(Int32(bitPattern: now.clock &- before.clock))
        // Of the clock of an earlier packet that came late nothing can be told.
        guard ticks >= 0 else { return }
        heard.append(flow)
        let passed = ticks &* Self.slowestTick
        if passed < now.time.subtractingSaturating(before.time) / 2 { witnesses += 1 } else { objectors += 1 }
    }
}
