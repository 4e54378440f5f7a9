import Model

/// The connections of one lane: which of them are wholly ordinary, and which are to be looked at in full.
///
/// Ordinary is: HTTP/1 exchanges, one after the other, with complete answers below 500, over TCP that lost nothing but what a known body
/// hides. All else is told as `Suspect`, with its first frame as its name; nothing of it need be understood here.
struct SieveLane {
    var table: FlowTable
    let harvest: SieveBasket
    /// Of each server, where its figures stand in the basket.
    private var places: [Int] = []
    private var serverNumbers = NumberTable<Endpoint>(largest: Self.largestServerCount)
    /// Of each server, good answers whose receiver ended the connection at once.
    var cuts: [Int64] = []
    private(set) var duplicates = 0
    private(set) var connections = 0
    private(set) var midstream = 0
    var oneWay = 0
    var evicted = 0
    /// Streams that only an ICMP error has named so far, by the frame of the error.
    private var quoted: [FlowWords: Int] = [:]
    /// Connections whose number an ICMP error took before them: first frame to that of the error.
    var numberedEarlier: [Int: Int] = [:]
    /// Ends of the next segment, and of open connections, where the words do not tell them.
    var wideEnds: (low: Endpoint, high: Endpoint)?
    var wide: [FlowWords: Ends] = [:]
    private var heads: [[UInt8]] = []
    private var freeHeads: [Int32] = []
    private let largestOpenCount: Int
    var lastSweep: Int64 = .min
    /// Of the last gap in the capture.
    var voices = ClockVoices()
    /// In the order of their resets.
    var lingering: [Lingering] = []
    var firstLingering = 0

    /// An open connection that a reset ended while it was idle.
    struct Lingering {
        var index: Int
        var flow: Int
        var time: Int64
    }

    struct Ends {
        var low: Endpoint
        var high: Endpoint
    }

    static let largestServerCount = 1 << 10
    static let cutsPerServer: Int64 = 64
    static let largestQuotedCount = 4_096
    /// Far more than a packet takes to cross another.
    static let lingeringTime: Nanoseconds = .seconds(5)
    static let largestLingeringCount = 4_096
    static let idleTime: Nanoseconds = .seconds(7_200)

    init(seed: UInt64, memory: Int, _ harvest: SieveBasket) {
        self.harvest = harvest
        // A name takes 32 bytes, up to 1.6 times over; a state 400.
        table = FlowTable(seed: seed, largest: memory / 2 / 64)
        largestOpenCount = max(256, memory / 4 / MemoryLayout<FlowState>.stride)
    }

    // MARK: Segments

    /// - Parameters:
    ///   - bytes: where the segment's payload lies.
    ///   - scan: the head that the payload begins with, where it was read before.
    mutating func accept(
        _ segment: SieveSegment,
        _ bytes: RawSpan,
        _ starts: inout FrameSet,
        _ scan: SieveHeads.ScanReference? = nil
    ) {
        let words = segment.words
        let index: Int
        switch table.find(words.low, words.high) {
        case .open(let found):
            if !isSuperseded(found, by: segment) {
                index = found
                break
            }
            end(found, .seen)
            guard case .gone(let slot) = table.find(words.low, words.high) else { return }
            index = open(segment, bytes, at: slot, &starts)
        case .gone(let slot):
            let base = table.base(ofGone: slot, low: segment.sourceIsLow)
            guard segment.flags.contains(.syn), !segment.flags.contains(.ack), let base, base != segment.sequence else {
                // Over is over here: what is sent again after a close changes nothing.
                return
            }
            index = open(segment, bytes, at: slot, &starts)
        case .unknown(let slot):
            index = open(segment, bytes, at: slot, &starts)
        }
        guard follow(index, segment, bytes, scan) else { return }
        let isIdle = table.states[index].verdict == .ordinary && table.states[index].exchanges > 0
        if segment.flags.contains(.rst), isIdle {
            linger(index)
        } else {
            end(index, .closed)
        }
    }

    @inline(__always)
    private func isSuperseded(_ index: Int, by segment: SieveSegment) -> Bool {
        guard segment.flags.contains(.syn), !segment.flags.contains(.ack) else { return false }
        return segment.sourceIsLow == table.states[index].clientIsLow
            ? table.states[index].upward.hasBase && table.states[index].upward.base != segment.sequence
            : table.states[index].downward.hasBase && table.states[index].downward.base != segment.sequence
    }

    private mutating func open(
        _ segment: SieveSegment,
        _ bytes: RawSpan,
        at slot: Int,
        _ starts: inout FrameSet
    ) -> Int {
        let words = segment.words
        let isSYN = segment.flags.contains(.syn)
        if words.isWide, let wideEnds { wide[words] = Ends(low: wideEnds.low, high: wideEnds.high) }
        let sourceIsClient: Bool
        if isSYN {
            sourceIsClient = !segment.flags.contains(.ack)
        } else if !segment.payload.isEmpty, let told = Orientation.sender(of: bytes.extracting(segment.payload)) {
            sourceIsClient = told == .fromClient
        } else {
            let ends = ends(of: words)
            sourceIsClient = Orientation.guessesDestinationServes(
                source: segment.sourceIsLow ? ends.low.port : ends.high.port,
                destination: segment.sourceIsLow ? ends.high.port : ends.low.port
            )
        }
        if let error = quoted.isEmpty ? nil : quoted.removeValue(forKey: words) {
            numberedEarlier[segment.frame] = error
        } else {
            starts.insert(segment.frame)
        }
        connections &+= 1
        if !isSYN { midstream &+= 1 }
        let state = FlowState(segment, clientIsLow: sourceIsClient == segment.sourceIsLow, isMidstream: !isSYN)
        guard table.openCount >= largestOpenCount else { return table.insert(state, at: slot) }
        evict()
        guard case .unknown(let place) = table.find(words.low, words.high) else {
            return table.insert(state, at: slot)
        }
        return table.insert(state, at: place)
    }

    private func ends(of words: FlowWords) -> Ends {
        if words.isWide, let known = wide[words] { return known }
        let ends = words.ends
        return Ends(low: ends.low, high: ends.high)
    }

    /// Client and server.
    func ends(_ index: Int) -> (client: Endpoint, server: Endpoint) {
        let ends = ends(of: table.states[index].words)
        return table.states[index].clientIsLow ? (ends.low, ends.high) : (ends.high, ends.low)
    }

    /// True once the connection is over.
    @inline(__always)
    private mutating func follow(
        _ index: Int,
        _ segment: SieveSegment,
        _ bytes: RawSpan,
        _ scan: SieveHeads.ScanReference?
    ) -> Bool {
        let isUp = segment.sourceIsLow == table.states[index].clientIsLow
        let lastTime = isUp ? table.states[index].upward.lastTime : table.states[index].downward.lastTime
        if segment.time >= voices.middle, lastTime < voices.middle, lastTime != .min { hear(index, isUp, segment) }
        let step = table.withState(index) { $0.step(isUp: isUp, segment) }
        switch step.event {
        case .nothing: break
        case .duplicate:
            duplicates &+= 1
            return false
        case .odd: disturb(index)
        case .payload, .jump:
            // After its reset: it crossed that, or that was forged.
            if table.states[index].isLingering {
                table.withState(index) { $0.isLingering = false }
                disturb(index)
            }
            let skipped = step.payload.lowerBound &- segment.payload.lowerBound
            let sequence = segment.sequence &+ UInt32(truncatingIfNeeded: skipped)
            take(index, isUp, step, bytes, sequence, segment.frame, segment.time, skipped == 0 ? scan : nil)
        }
        if step.connectTime >= 0 { note(index) { $0.connectTimes.add(step.connectTime) } }
        if step.isRetransmission { note(index) { $0.retransmissions += 1 } }
        if step.isReset { return reset(index, isUp) }
        if step.isFIN { return finish(index, isUp) }
        return false
    }

    /// Who sends for the first time since a gap tells how long it was by his own clock.
    @inline(never)
    private mutating func hear(_ index: Int, _ isUp: Bool, _ segment: SieveSegment) {
        let half = isUp ? table.states[index].upward : table.states[index].downward
        // A clock that never moves is made up.
        guard half.clock != 0, segment.clock != 0, half.hasMovingClock || half.clock != segment.clock else { return }
        voices.hear((half.lastTime, half.clock), (segment.time, segment.clock), flow: table.states[index].flow)
    }

    // MARK: Messages

    private mutating func take(
        _ index: Int,
        _ isUp: Bool,
        _ step: SieveStep,
        _ bytes: RawSpan,
        _ sequence: UInt32,
        _ frame: Int,
        _ time: Int64,
        _ scan: SieveHeads.ScanReference?
    ) {
        guard table.states[index].verdict == .ordinary else { return }
        if step.missing > 0 {
            let outcome = table.withState(index) {
                isUp ? $0.skipRequest(step.missing, time) : $0.skipResponse(step.missing)
            }
            act(on: outcome, index, isUp)
        }
        if !step.payload.isEmpty, table.states[index].verdict == .ordinary {
            read(index, isUp, bytes.extracting(step.payload), sequence, frame, time, scan)
        }
        if step.cut > 0, table.states[index].verdict == .ordinary {
            let outcome = table.withState(index) { isUp ? $0.skipRequest(step.cut, time) : $0.skipResponse(step.cut) }
            act(on: outcome, index, isUp)
        }
    }

    private mutating func read(
        _ index: Int,
        _ isUp: Bool,
        _ bytes: RawSpan,
        _ sequence: UInt32,
        _ frame: Int,
        _ time: Int64,
        _ scan: SieveHeads.ScanReference?
    ) {
        let buffer = Int(table.states[index].buffer)
        guard buffer >= 0 else {
            let outcome = table.withState(index) {
                isUp
                    ? $0.takeRequest(bytes, sequence: sequence, at: frame, time, scan)
                    : $0.takeResponse(bytes, time, scan)
            }
            if outcome == .partial { hold(index, bytes) } else { act(on: outcome, index, isUp) }
            return
        }
        // Only one direction can be inside a head.
        let isOurs = isUp ? table.states[index].requestPhase == .head : table.states[index].responsePhase == .head
        guard isOurs, heads[buffer].count + bytes.byteCount <= 4 * HeadScan.largest else { return disturb(index) }
        bytes.withUnsafeBytes { heads[buffer].append(contentsOf: $0) }
        let whole = heads[buffer]
        let outcome = table.withState(index) {
            isUp
                ? $0.takeRequest(whole.span.bytes, sequence: sequence, at: frame, time)
                : $0.takeResponse(whole.span.bytes, time)
        }
        guard outcome != .partial else { return }
        release(index)
        act(on: outcome, index, isUp)
    }

    private mutating func hold(_ index: Int, _ bytes: RawSpan) {
        let buffer = freeHeads.popLast() ?? Int32(heads.count)
        if Int(buffer) == heads.count { heads.append([]) }
        bytes.withUnsafeBytes { heads[Int(buffer)].append(contentsOf: $0) }
        table.withState(index) { $0.buffer = buffer }
    }

    mutating func release(_ index: Int) {
        let buffer = table.states[index].buffer
        guard buffer >= 0 else { return }
        heads[Int(buffer)].removeAll(keepingCapacity: heads[Int(buffer)].capacity <= 4_096)
        freeHeads.append(buffer)
        table.withState(index) { $0.buffer = -1 }
    }

    mutating func act(on outcome: SieveOutcome, _ index: Int, _ isUp: Bool) {
        switch outcome {
        case .going, .partial: calm(index, isUp)
        case .answered:
            let ends = ends(index)
            let answered = table.states[index].answered
            let wait = answered == .min ? 0 : answered.subtractingSaturating(table.states[index].asked)
            harvest.found.digests.append(table.withState(index) { $0.takeDigest(ends) })
            note(index) {
                $0.exchanges += 1
                $0.firstByteTimes.add(wait)
            }
        case .refused:
            // Its end is known, and what follows may be ordinary.
            let ends = ends(index)
            let suspect = table.withState(index) { state in
                state.disturbances &+= 1
                return state.suspect(.exchange, through: state.lastFrame, ends, isInExchange: true)
            }
            harvest.found.suspects.append(suspect)
        case .odd: disturb(index)
        case .foreign:
            table.withState(index) { $0.verdict = .foreign }
            release(index)
        }
    }

    /// A request begins after a disturbance: what follows is read again.
    private mutating func calm(_ index: Int, _ isUp: Bool) {
        guard isUp, table.states[index].isDisturbed, table.states[index].requestPhase != .lost else { return }
        let calm = table.withState(index) { state in
            state.isDisturbed = false
            return Calm(
                flow: state.flow,
                frame: state.current.frame,
                time: Timestamp(nanoseconds: state.lastTime)
            )
        }
        harvest.found.calms.append(calm)
    }

    /// What is going on is to be looked at in full; with the next request it may be ordinary again.
    mutating func disturb(_ index: Int) {
        guard table.states[index].verdict == .ordinary else { return }
        guard table.states[index].disturbances < FlowState.mostDisturbances else { return tell(index, .odd) }
        if !table.states[index].isDisturbed {
            let isInExchange = table.states[index].isInExchange
            harvest.found.suspects.append(
                table.states[index].suspect(.odd, through: .max, ends(index), isInExchange: isInExchange)
            )
        }
        table.withState(index) { $0.disturb() }
        release(index)
    }

    /// The connection is to be looked at in full; nothing more of it is read here.
    mutating func tell(_ index: Int, _ kind: Suspect.Kind, isInExchange: Bool = false) {
        guard table.states[index].verdict != .told else { return }
        // What was told as odd has an open span already.
        if !table.states[index].isDisturbed || kind != .odd {
            let isInExchange = isInExchange || table.states[index].isInExchange
            harvest.found.suspects.append(
                table.states[index].suspect(kind, through: .max, ends(index), isInExchange: isInExchange)
            )
        }
        table.withState(index) { $0.verdict = .told }
        release(index)
    }

    // MARK: ICMP

    /// An error that quotes a connection makes it one to look at; one that is not known takes its number.
    mutating func quote(_ words: FlowWords, _ error: ICMPErrorFacts, _ starts: inout FrameSet) {
        switch table.find(words.low, words.high) {
        case .open(let index):
            tell(index, .odd)
        case .gone(let slot):
            var span = FlowSpan(flow: table.flow(ofGone: slot), from: table.flow(ofGone: slot), through: .max)
            span.ends = (words.low, words.high)
            harvest.found.suspects.append(
                Suspect(
                    kind: .odd,
                    span: span,
                    start: error.frame.time,
                    end: error.frame.time,
                    frame: error.frame.number,
                    client: error.quotedSource.address,
                    server: error.quotedDestination
                )
            )
        case .unknown:
            guard quoted[words] == nil, quoted.count < Self.largestQuotedCount else { return }
            quoted[words] = error.frame.number
            starts.insert(error.frame.number)
        }
    }

    // MARK: Figures

    mutating func note(_ index: Int, _ change: (inout ServerStatistics) -> Void) {
        var number = Int(table.states[index].serverNumber)
        if number < 0 {
            number = serverNumber(of: ends(index).server)
            table.withState(index) { $0.serverNumber = Int32(number) }
        }
        change(&harvest.servers[places[number]])
    }

    private mutating func serverNumber(of endpoint: Endpoint) -> Int {
        // A flood of invented servers shares the last place.
        let number = serverNumbers.number(of: endpoint)
        if number == places.count { places.append(harvest.place(of: endpoint)) }
        return number
    }
}
