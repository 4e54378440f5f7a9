import Model

/// The names of connections that are being followed, for asking at every packet.
final class ActiveFlows {
    enum Answer {
        case skip
        /// Skip, and what follows, too.
        case leave
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
    /// By tag: how many connections are followed.
    private var followed = [Int32](repeating: 0, count: 1 << 16)

    init(_ flows: KeptFlows) {
        self.flows = flows
    }

    /// A packet of a connection of which nothing was kept so far, and nothing is from here on.
    @inline(__always)
    func isStranger(_ words: FlowWords, frame: Int) -> Bool {
        let hash = words.hash
        return filter[Int(hash >> 6 & 0x7ff)] & 1 << (hash & 63) == 0 && !flows.isBeginning(frame)
    }

    /// A connection whose name has this tag may be followed right now.
    @inline(__always)
    func isFollowed(_ tag: UInt16) -> Bool { followed[Int(tag)] != 0 }

    /// Whether a packet between these ends belongs to a part of a connection that is kept.
    @inline(__always)
    func examine(_ words: FlowWords, sourceIsLow: Bool, frame: Int, hasPayload: Bool) -> Answer {
        let index = place(of: words)
        if let span = flows.span(from: frame) { return start(span, words) }
        guard slots[index].isUsed, slots[index].through >= 0 else { return .skip }
        let isNext = hasPayload && sourceIsLow == slots[index].clientIsLow
        if frame > slots[index].through && isNext || flows.startsConnection(frame) {
            slots[index].through = -1
            followed[Int(words.tag)] &-= 1
            return .leave
        }
        return .keep
    }

    /// A span begins, whatever its first packet is like.
    @inline(__always)
    func start(_ span: FlowSpan, _ words: FlowWords) -> Answer {
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
        if slots[index].through < 0 { followed[Int(words.tag)] &+= 1 }
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
