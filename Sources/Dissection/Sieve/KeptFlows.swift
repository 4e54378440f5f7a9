package import Model

/// Which parts of which connections of a capture are dissected, by what the sieve found.
package struct KeptFlows: Sendable {
    /// First frames of all connections, and of ICMP errors that named one before.
    private var starts: FrameSet
    /// First frames of the spans.
    private var froms = FrameSet()
    private var spans: [Int: FlowSpan] = [:]
    /// Connections that an ICMP error had numbered before their first frame.
    private let numberedEarlier: [Int: Int]

    package init(starts: FrameSet, spans: [FlowSpan], numberedEarlier: [Int: Int]) {
        self.starts = starts
        self.numberedEarlier = numberedEarlier
        self.starts.countRanks()
        for span in spans {
            froms.insert(span.from)
            let known = self.spans[span.from]
            if known == nil || known?.through ?? 0 < span.through { self.spans[span.from] = span }
        }
    }

    /// The span that begins with this frame.
    @inline(__always)
    func span(from frame: Int) -> FlowSpan? { froms.contains(frame) ? spans[frame] : nil }

    /// A span begins with this frame.
    @inline(__always)
    func isBeginning(_ frame: Int) -> Bool { froms.contains(frame) }

    @inline(__always)
    func startsConnection(_ frame: Int) -> Bool { starts.contains(frame) }

    /// Wireshark's number of the connection that begins with this frame.
    package func stream(startingAt frame: Int) -> Int {
        starts.rank(numberedEarlier[frame] ?? frame)
    }
}

/// The names of connections that are being followed, for asking at every packet.
final class ActiveFlows {
    enum Answer {
        case skip
        case keep
        /// Keep, and what lies between the last packet kept and this one was left out.
        case resume(FlowSpan)
    }

    private struct Slot {
        var words = FlowWords(low: 0, high: 0)
        var isUsed = false
        /// Last frame that may bring payload of the client; -1 where the connection is not followed.
        var through = -1
        var clientIsLow = false
    }

    private let flows: KeptFlows
    private var slots = [Slot](repeating: Slot(), count: 1 << 10)
    private var used = 0
    /// Whose hash has no bit here has no slot: small enough for the nearest cache.
    private var filter = [UInt64](repeating: 0, count: 1 << 11)

    init(_ flows: KeptFlows) {
        self.flows = flows
    }

    /// A packet of a connection of which nothing was kept so far, and nothing is from here on.
    @inline(__always)
    func isStranger(_ words: FlowWords, frame: Int) -> Bool {
        let hash = words.hash
        return filter[Int(hash >> 6 & 0x7ff)] & 1 << (hash & 63) == 0 && !flows.isBeginning(frame)
    }

    /// Whether a packet between these ends belongs to a part of a connection that is kept.
    @inline(__always)
    func examine(_ words: FlowWords, sourceIsLow: Bool, frame: Int, hasPayload: Bool) -> Answer {
        let index = place(of: words)
        if let span = flows.span(from: frame) { return start(span, words) }
        guard slots[index].isUsed, slots[index].through >= 0 else { return .skip }
        let isNext = hasPayload && sourceIsLow == slots[index].clientIsLow
        if frame > slots[index].through && isNext || flows.startsConnection(frame) {
            slots[index].through = -1
            return .skip
        }
        return .keep
    }

    private func start(_ span: FlowSpan, _ words: FlowWords) -> Answer {
        let isOpening = span.from == span.flow
        var index = place(of: words)
        if !slots[index].isUsed {
            slots[index] = Slot(words: words, isUsed: true, through: -1)
            filter[Int(words.hash >> 6 & 0x7ff)] |= 1 << (words.hash & 63)
            used += 1
            if used * 2 > slots.count {
                grow()
                index = place(of: words)
            }
        }
        let isFollowed = slots[index].through >= span.from && !isOpening
        slots[index].through = isFollowed ? max(slots[index].through, span.through) : span.through
        slots[index].clientIsLow = span.clientIsLow
        return isOpening || isFollowed ? .keep : .resume(span)
    }

    @inline(__always)
    private func place(of words: FlowWords) -> Int {
        var index = Int(truncatingIfNeeded: words.hash) & (slots.count &- 1)
        while slots[index].isUsed, slots[index].words != words { index = (index &+ 1) & (slots.count &- 1) }
        return index
    }

    private func grow() {
        let old = slots
        slots = Array(repeating: Slot(), count: old.count * 2)
        for slot in old where slot.isUsed { slots[place(of: slot.words)] = slot }
    }
}
