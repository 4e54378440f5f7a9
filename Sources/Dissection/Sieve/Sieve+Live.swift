package import Model

/// What the sieve saw in a packet, for who keeps packets for a second reading.
package struct SieveTrace: Sendable {
    /// A TCP segment; nothing else of this is set for other packets.
    package internal(set) var isSegment = false
    package internal(set) var flow = FlowWords(low: 0, high: 0)
    package internal(set) var sourceIsLow = false
    package internal(set) var hasPayload = false
    package internal(set) var isSYN = false

    init() {}

    @inline(__always)
    init(_ segment: SieveSegment) {
        isSegment = true
        flow = segment.words
        sourceIsLow = segment.sourceIsLow
        hasPayload = segment.length > 0
        isSYN = segment.flags.contains(.syn)
    }
}

/// What a capture that never ends asks of the sieve: which packets may still be wanted, and what must not wait for the end.
extension Sieve {
    /// Why a packet of the past may still be read again.
    package enum Need {
        case none
        /// It opened a connection that is still there, or belongs to its latest exchange, which is over.
        case remember
        /// It belongs to an exchange that goes on.
        case inExchange
        /// It belongs to a connection of another protocol, of which the beginning tells all.
        case foreign
    }

    @inline(__always)
    private func index(of flow: FlowWords) -> (lane: Int, index: Int)? {
        let lane = flow.lane
        guard case .open(let index) = lanes[lane].table.find(flow.low, flow.high) else { return nil }
        return (lane, index)
    }

    /// Whether the packet `frame` of the connection may be wanted.
    package func need(of flow: FlowWords, frame: Int, isSYN: Bool) -> Need {
        guard let (lane, index) = index(of: flow) else { return .none }
        let state = lanes[lane].table.states[index]
        guard frame >= state.flow else { return .none }
        if state.verdict == .foreign { return .foreign }
        // What was told, and what was disturbed while it is, is read as it comes, from its latest exchange on.
        if state.verdict == .told || state.isDisturbed { return isSYN ? .remember : .none }
        if frame >= state.previous.frame { return state.isInExchange ? .inExchange : .remember }
        return isSYN ? .remember : .none
    }

    /// First frame of the connection that is open between these ends.
    package func openFlow(_ flow: FlowWords) -> Int? {
        index(of: flow).map { lanes[$0.lane].table.states[$0.index].flow }
    }

    package func clientIsLow(_ flow: FlowWords) -> Bool? {
        index(of: flow).map { lanes[$0.lane].table.states[$0.index].clientIsLow }
    }

    /// What goes on there is to be looked at in full from its beginning: it takes too long to be kept.
    package func disturb(_ flow: FlowWords) {
        guard let (lane, index) = index(of: flow) else { return }
        lanes[lane].disturb(index)
    }

    /// A connect that nobody has answered is to be looked at.
    /// - Returns: false where it was answered, or is not there any more.
    package func disturbUnanswered(_ flow: FlowWords, startedAt frame: Int) -> Bool {
        guard let (lane, index) = index(of: flow) else { return false }
        let state = lanes[lane].table.states[index]
        guard state.flow == frame, state.verdict == .ordinary, !state.isDisturbed, state.exchanges == 0,
            !state.downward.hasSent, state.upward.sawSYN
        else { return false }
        lanes[lane].disturb(index)
        return true
    }

    /// Looks in full at what goes on and may have been made for a request that just failed: exchanges that ask the same, else those that
    /// ask alike, else those that began soonest after it; and connects that nobody has answered.
    package func disturbInside(_ suspects: [Suspect], slack: Nanoseconds) {
        let failed = suspects.filter { $0.kind == .exchange }.suffix(Self.largestNeighbourCount)
        guard let earliest = failed.map(\.start).min() else { return }
        var open: [OpenExchange] = []
        for lane in lanes.indices where isOurs(lane) {
            for index in lanes[lane].table.states.indices {
                let state = lanes[lane].table.states[index]
                guard state.flow >= 0, state.verdict == .ordinary, !state.isDisturbed,
                    state.lastTime >= (earliest - slack).nanoseconds
                else { continue }
                let isConnect = state.exchanges == 0 && !state.downward.hasSent
                guard state.isInExchange || isConnect else { continue }
                open.append(OpenExchange(state, lanes[lane].ends(index).server, lane, index))
            }
        }
        open.sort { ($0.start, $0.flow) < ($1.start, $1.flow) }
        var chosen: Set<Int> = []
        for suspect in failed {
            var budget = Self.largestOpenCount
            for rank in [OpenExchange.Likeness.same, .alike, .near] {
                let found = open.filter { $0.likeness(to: suspect, slack: slack) == rank }.prefix(budget)
                chosen.formUnion(found.map(\.flow))
                budget = found.isEmpty ? budget : 0
            }
            let connects = open.filter { $0.likeness(to: suspect, slack: slack) == .connect }
            chosen.formUnion(connects.prefix(Self.largestOpenCount).map(\.flow))
        }
        for exchange in open where chosen.contains(exchange.flow) { lanes[exchange.lane].disturb(exchange.index) }
    }

    private static var largestNeighbourCount: Int { 64 }
    private static var largestOpenCount: Int { 4 }

    /// Frames before `frame` were read again as far as they ever will be. The numbers of connections that are still open are
    /// kept in `numbers`, by their first frames.
    package func forgetStarts(before frame: Int, keeping numbers: inout [Int: Int]) {
        var open: [Int: Int] = [:]
        starts.countRanks()
        for lane in lanes.indices where isOurs(lane) {
            for state in lanes[lane].table.states where state.flow >= 0 && state.flow < frame {
                open[state.flow] = numbers[state.flow] ?? number(of: state.flow)
            }
            let isThere = { open[$0] != nil || $0 >= frame }
            lanes[lane].numberedEarlier = lanes[lane].numberedEarlier.filter { isThere($0.key) }
        }
        numbers = open
        starts.forget(before: frame)
        starts.countRanks()
    }

    /// Wireshark's number of the connection that begins with this frame, which was not forgotten.
    package func number(of frame: Int) -> Int {
        for lane in lanes {
            if let earlier = lane.numberedEarlier[frame] { return starts.rank(earlier) }
        }
        return starts.rank(frame)
    }

    /// To be called before `number(of:)` where packets came in between.
    package func countStarts() { starts.countRanks() }

    package func startsConnection(_ frame: Int) -> Bool { starts.contains(frame) }

    /// Frames of which it is known whether they begin a connection.
    package var startsSize: Int { starts.size }

    /// Connections so far.
    package var connectionCount: Int { lanes.reduce(0) { $0 + $1.connections } }

    /// Connections that are open.
    package var openCount: Int { lanes.reduce(0) { $0 + $1.table.openCount } }

    /// Names of closed connections that were let go: all in a day's work where a capture never ends.
    package var forgottenNames: Int { lanes.reduce(0) { $0 + $1.table.forgotten } }
}

/// What goes on while something else failed.
private struct OpenExchange {
    enum Likeness {
        case none, near, alike, same, connect
    }

    let flow: Int
    let lane: Int
    let index: Int
    let start: Int64
    private let isConnect: Bool
    private let server: Endpoint
    private let question: UInt64
    private let tail: UInt64

    init(_ state: FlowState, _ server: Endpoint, _ lane: Int, _ index: Int) {
        flow = state.flow
        self.lane = lane
        self.index = index
        isConnect = !state.isInExchange
        start = isConnect ? state.firstTime : state.begun
        self.server = server
        question = state.question
        tail = state.tail
    }

    func likeness(to suspect: Suspect, slack: Nanoseconds) -> Likeness {
        guard flow != suspect.span.flow, server != suspect.server,
            start >= (suspect.start - slack).nanoseconds, start <= (suspect.end + slack).nanoseconds
        else { return .none }
        if isConnect { return .connect }
        if suspect.question != 0, question == suspect.question { return .same }
        if suspect.tail != 0, tail == suspect.tail { return .alike }
        return start &- suspect.start.nanoseconds <= 100_000_000 ? .near : .none
    }
}
