import Model

/// The parts of connections that are to be dissected, up to a number of them.
struct KeptSpans {
    var spans: [Int: FlowSpan] = [:]
    /// Connections of which something is kept: where their last open span begins, or -1.
    var flows: [Int: (open: Int, clientIsLow: Bool)] = [:]
    /// The same, for asking at every exchange.
    var touched = FrameSet()
    /// Of connections that began before this frame it is not known.
    var touchedFrom = 0
    let largest: Int
    /// Of spans without end, which take memory for as long as their connections are open, so many at most.
    private let largestOpen: Int
    private var openCount = 0
    /// By the server on whose account they are kept: how many spans, and of each span whose.
    private var loads: [Endpoint: Int] = [:]
    private var owners: [Int: Endpoint] = [:]
    /// One server may have so many times what is still free: a flood leaves room for every other one, and the more servers fail, the less
    /// each may have (A. K. Choudhury, E. L. Hahne: Dynamic queue length thresholds for shared-memory packet switches, 1998).
    private static let greed = 4
    /// First frames of kept requests that have digests.
    var counted: Set<Int> = []

    /// Where spans begin that are new or longer or ended, in the order of the changes, for who does not wait for the end.
    var changes: [Int] = []
    var notesChanges = false

    init(largest: Int, largestOpen: Int = .max) {
        self.largest = largest
        self.largestOpen = largestOpen
    }

    /// Of kept upstream requests, by first frame: the first frame of the client's request that each was made for.
    var partners: [Int: Int] = [:]
    /// First frames of requests that are kept for their own sake, and of those that stand before one that is or are a sample.
    var own: Set<Int> = []
    var bystanders: Set<Int> = []

    /// Half of the room is taken: what is settled should go.
    var isHalfFull: Bool { spans.count * 2 > largest }
    /// Three quarters are: the rest is for what failed.
    var isNearlyFull: Bool { spans.count * 4 > largest * 3 }

    /// There is room for more spans on account of that server.
    func hasRoom(for owner: Endpoint, count: Int = 1) -> Bool {
        let left = largest - spans.count
        return count <= left && loads[owner, default: 0] / Self.greed < left
    }

    /// The span has an end, or is kept already, or there is room for one without end.
    private func mayBeOpen(_ span: FlowSpan) -> Bool {
        span.through != .max || openCount < largestOpen || spans[span.from]?.through == .max
    }

    /// Keeps an exchange with the one that it was made for, or neither of them.
    /// - Returns: false where there was no room.
    mutating func keep(_ inner: FlowSpan, inside outer: FlowSpan, for owner: Endpoint) -> Bool {
        let new = (spans[inner.from] == nil ? 1 : 0) + (spans[outer.from] == nil ? 1 : 0)
        guard new == 0 || hasRoom(for: owner, count: new), mayBeOpen(inner), mayBeOpen(outer) else { return false }
        enter(outer, owner)
        enter(inner, owner)
        if inner.counted.0 >= 0, outer.counted.0 >= 0 { partners[inner.counted.0] = outer.counted.0 }
        return true
    }

    @inline(__always)
    func contains(_ span: FlowSpan) -> Bool { isTouched(span.flow) && isInside(span) }

    @inline(__always)
    private func isTouched(_ flow: Int) -> Bool { touched.contains(flow) || flow < touchedFrom }

    @inline(never)
    private func isInside(_ span: FlowSpan) -> Bool {
        if let known = spans[span.from] { return known.through >= span.through }
        // Inside one that is open.
        guard let from = flows[span.flow]?.open, from >= 0 else { return false }
        return span.from >= from
    }

    /// - Parameter isPartner: its other half is kept, so that only the whole bounds it.
    /// - Returns: false where there was no room.
    mutating func keep(
        _ span: FlowSpan,
        for owner: Endpoint,
        asBystander: Bool = false,
        isPartner: Bool = false
    ) -> Bool {
        guard spans[span.from] != nil || hasRoom(for: owner) || isPartner && spans.count < largest, mayBeOpen(span)
        else { return false }
        enter(span, owner, asBystander: asBystander)
        return true
    }

    private mutating func enter(_ span: FlowSpan, _ owner: Endpoint, asBystander: Bool = false) {
        if span.through == .max, spans[span.from]?.through != .max { openCount += 1 }
        if var known = spans[span.from] {
            if notesChanges, span.through > known.through { changes.append(span.from) }
            known.through = max(known.through, span.through)
            spans[span.from] = known
        } else {
            spans[span.from] = span
            owners[span.from] = owner
            loads[owner, default: 0] += 1
            if notesChanges { changes.append(span.from) }
        }
        touched.insert(span.flow)
        if span.through == .max {
            flows[span.flow] = (span.from, span.clientIsLow)
        } else if flows[span.flow] == nil {
            flows[span.flow] = (-1, span.clientIsLow)
        }
        if span.counted.0 >= 0 {
            counted.insert(span.counted.0)
            if asBystander { bystanders.insert(span.counted.0) } else { own.insert(span.counted.0) }
        }
        if span.counted.1 >= 0 {
            counted.insert(span.counted.1)
            bystanders.insert(span.counted.1)
        }
    }

    /// An exchange has a digest although it lies in a span that is open: so an error of ICMP may say.
    mutating func note(_ span: FlowSpan) {
        guard isTouched(span.flow), let from = flows[span.flow]?.open, from >= 0, span.counted.0 >= from else {
            return
        }
        counted.insert(span.counted.0)
    }

    /// Spans that were let go are nobody's load any more.
    mutating func recountLoads() {
        owners = owners.filter { spans[$0.key] != nil }
        loads = owners.values.reduce(into: [:]) { $0[$1, default: 0] += 1 }
        openCount = spans.values.count { $0.through == .max }
    }

    /// The open span of the connection ends.
    mutating func close(_ calm: Calm) {
        guard let from = flows[calm.flow]?.open, from >= 0 else { return }
        if spans[from]?.through == .max { openCount -= 1 }
        spans[from]?.through = calm.frame - 1
        if notesChanges { changes.append(from) }
        flows[calm.flow]?.open = -1
    }

    /// What is known of whose attempts the kept upstream requests are: -1 where the request that it was made for is not kept.
    var joined: [Int: Int] {
        var result = partners
        for frame in bystanders where partners[frame] == nil && !own.contains(frame) { result[frame] = -1 }
        return result
    }

    /// Every span, with the openings of their connections.
    var all: [FlowSpan] {
        let openings = flows.filter { spans[$0.key] == nil }.map { flow, state in
            var span = FlowSpan(flow: flow, from: flow, through: flow)
            span.clientIsLow = state.clientIsLow
            return span
        }
        return Array(spans.values) + openings
    }
}
