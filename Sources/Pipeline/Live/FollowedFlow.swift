import Dissection
import Model

/// One connection of which parts are dissected, and how far that has come.
struct FollowedFlow {
    enum Step {
        case skip
        case keep
        /// Keep, and what lies between the last packet kept and this one was left out.
        case resume(FlowSpan)
    }

    /// One packet, as far as the choice needs it.
    struct Candidate {
        var number: Int
        var flags: UInt8
        /// From the archive, which need not have what came before it.
        var isArchived = false
    }

    let words: FlowWords
    /// First frame.
    let flow: Int
    private(set) var clientIsLow: Bool
    /// In the order of their first frames.
    private var spans: [FlowSpan] = []
    private var nextSpan = 0
    /// The last frame that was looked at.
    private(set) var lookedThrough: Int
    /// The first one that was handed over; -1 for none.
    private(set) var firstFed = -1
    /// Runs of frames in which nothing was left out.
    private var runs: [ClosedRange<Int>] = []
    private var isFollowing = false
    /// Only the opening is wanted so far, and it left the ring: what comes next need not be what followed it.
    private var isBareOpening = false
    /// The packet before was handed over.
    private var isInRun = false
    private var through = -1
    /// Another connection took its place.
    private(set) var isOver = false
    private(set) var needsPackets = true

    init(_ span: FlowSpan) {
        words = FlowWords(low: span.ends.low, high: span.ends.high)
        flow = span.flow
        clientIsLow = span.clientIsLow
        lookedThrough = span.flow - 1
    }

    /// A connection that was dissected whole as far as frame `last`, which may be in the midst of an exchange.
    init(whole words: FlowWords, flow: Int, clientIsLow: Bool, through last: Int) {
        self.words = words
        self.flow = flow
        self.clientIsLow = clientIsLow
        lookedThrough = last
        firstFed = flow
        runs = [flow...max(flow, last)]
        isFollowing = true
        isInRun = true
        through = last
        var span = FlowSpan(flow: flow, from: flow, through: last)
        span.clientIsLow = clientIsLow
        span.ends = (words.low, words.high)
        spans = [span]
        nextSpan = 1
    }

    /// More of it is to come, whenever packets do.
    var isActive: Bool { isFollowing && !isOver }

    /// Takes a span that is new, longer, or has ended.
    /// - Returns: whether it begins before something that was handed over and was left out then.
    mutating func take(_ span: FlowSpan) -> Bool {
        clientIsLow = span.clientIsLow
        let place = insert(span)
        needsPackets = true
        guard span.from <= lookedThrough else { return false }
        let lastFed = runs.last?.upperBound ?? flow - 1
        if let run = runs.last, run.contains(span.from) {
            // Nothing was handed over since: it goes on where it stopped.
            lookedThrough = min(lookedThrough, max(lastFed, flow - 1))
            nextSpan = max(nextSpan, place + 1)
            if !isFollowing || through != .max { through = max(isFollowing ? through : -1, span.through) }
            isFollowing = through > lastFed || isFollowing
            isInRun = isFollowing
            return false
        }
        if span.from > lastFed {
            lookedThrough = max(lastFed, flow - 1)
            nextSpan = place
            (isFollowing, isInRun) = (false, false)
            return false
        }
        return !runs.contains { $0.contains(span.from) && $0.upperBound >= span.through }
    }

    /// Enters a span or its new end; where it stands.
    private mutating func insert(_ span: FlowSpan) -> Int {
        if let known = spans.firstIndex(where: { $0.from == span.from }) {
            // An open one that ended may have been overtaken.
            if known < nextSpan, spans[known].through == .max, through == .max { through = span.through }
            spans[known].through = span.through
            return known
        }
        let place = spans.firstIndex { $0.from > span.from } ?? spans.count
        spans.insert(span, at: place)
        if place < nextSpan { nextSpan += 1 }
        return place
    }

    /// The packets of a span are not there any more.
    mutating func giveUp(_ span: FlowSpan) {
        guard let place = spans.firstIndex(where: { $0.from == span.from }) else { return }
        spans.remove(at: place)
        if place < nextSpan { nextSpan -= 1 }
    }

    /// The first frame that the spans need.
    var firstWanted: Int { spans.first.map(\.from) ?? flow }

    /// All of it is to be handed over anew.
    mutating func restart() {
        lookedThrough = flow - 1
        nextSpan = 0
        firstFed = -1
        runs = []
        isFollowing = false
        isBareOpening = false
        isInRun = false
        through = -1
        needsPackets = true
    }

    /// What is to be done with the next packet of the connection.
    mutating func step(_ packet: Candidate) -> Step {
        lookedThrough = max(lookedThrough, packet.number)
        guard !isOver else { return .skip }
        if packet.flags & FlowIndex.Flag.isStart != 0, packet.number > flow {
            isOver = true
            isFollowing = false
            isInRun = false
            return .skip
        }
        var started: FlowSpan?
        while nextSpan < spans.count, spans[nextSpan].from <= packet.number {
            started = spans[nextSpan]
            let wasFollowing = isFollowing && through >= spans[nextSpan].from
            through = wasFollowing ? max(through, spans[nextSpan].through) : spans[nextSpan].through
            if wasFollowing { started = nil }
            isFollowing = true
            nextSpan += 1
        }
        if packet.number == flow {
            // The opening is looked at whatever matters of the rest.
            isBareOpening = !isFollowing && packet.isArchived
            if !isFollowing { through = flow }
            isFollowing = true
            started = nil
        } else if isBareOpening {
            isBareOpening = through == flow
            let isHandshake = packet.flags & (FlowIndex.Flag.isSYN | FlowIndex.Flag.isHandshake) != 0
            if isBareOpening, !isHandshake { return .skip }
        }
        guard isFollowing else { return .skip }
        let isNext =
            packet.flags & FlowIndex.Flag.hasPayload != 0
            && (packet.flags & FlowIndex.Flag.sourceIsLow != 0) == clientIsLow
        if packet.number > through, isNext {
            isFollowing = false
            isInRun = false
            return .skip
        }
        feed(packet.number, anew: started != nil)
        if let started { return .resume(started) }
        return .keep
    }

    private mutating func feed(_ number: Int, anew: Bool) {
        if firstFed < 0 { firstFed = number }
        if anew || runs.isEmpty || !isInRun {
            runs.append(number...number)
            if runs.count > 64 { runs.removeFirst() }
        } else if let last = runs.popLast() {
            runs.append(last.lowerBound...max(last.lowerBound, number))
        }
        isInRun = true
    }

    mutating func lookedAtAll() { needsPackets = false }

    /// Spans that were over before `frame` are not asked for again.
    mutating func forget(before frame: Int) {
        let count = spans.prefix { $0.through < frame }.prefix(nextSpan).count
        spans.removeFirst(count)
        nextSpan -= count
        runs.removeAll { $0.upperBound < frame && $0.upperBound < lookedThrough }
    }
}
