import Model

/// The connections of one lane: which of them are wholly ordinary, and which are to be looked at in full.
///
/// Ordinary is: HTTP/1 exchanges, one after the other, with complete answers below 500, over TCP that lost nothing but what a known body
/// hides. All else is told as `Suspect`, with its first frame as its name; nothing of it need be understood here.
struct SieveLane {
    var table: FlowTable
    var harvest = SieveHarvest()
    private(set) var servers: [ServerStatistics] = []
    private(set) var serverEndpoints: [Endpoint] = []
    private var serverNumbers: [Endpoint: Int32] = [:]
    private(set) var duplicates = 0
    private(set) var connections = 0
    private(set) var midstream = 0
    private(set) var oneWay = 0
    private(set) var evicted = 0
    /// Streams that only an ICMP error has named so far, by the frame of the error.
    private var quoted: [FlowWords: Int] = [:]
    /// Connections whose number an ICMP error took before them: first frame to that of the error.
    var numberedEarlier: [Int: Int] = [:]
    private var heads: [[UInt8]] = []
    private var freeHeads: [Int32] = []
    private let largestOpenCount: Int
    private var lastSweep: Int64 = .min

    static let largestServerCount = 1 << 10
    static let largestQuotedCount = 4_096
    static let idleTime: Nanoseconds = .seconds(7_200)

    init(seed: UInt64, memory: Int) {
        // A name takes 32 bytes, up to 1.6 times over; a state 400.
        table = FlowTable(seed: seed, largest: memory / 2 / 64)
        largestOpenCount = max(256, memory / 4 / MemoryLayout<FlowState>.stride)
    }

    // MARK: Segments

    mutating func accept(
        _ segment: Segment,
        _ words: FlowWords,
        sourceIsLow: Bool,
        _ record: PacketRecord,
        _ bytes: RawSpan,
        _ starts: inout FrameSet
    ) {
        let index: Int
        switch table.find(words.low, words.high) {
        case .open(let found):
            if !isSuperseded(found, by: segment, sourceIsLow) {
                index = found
                break
            }
            end(found, .seen)
            guard case .gone(let slot) = table.find(words.low, words.high) else { return }
            index = open(segment, words, sourceIsLow, record, bytes, at: slot, &starts)
        case .gone(let slot):
            let base = table.base(ofGone: slot, low: sourceIsLow)
            guard segment.flags.contains(.syn), !segment.flags.contains(.ack), let base, base != segment.sequence else {
                // Over is over here: what is sent again after a close changes nothing.
                return
            }
            index = open(segment, words, sourceIsLow, record, bytes, at: slot, &starts)
        case .unknown(let slot):
            index = open(segment, words, sourceIsLow, record, bytes, at: slot, &starts)
        }
        let isOver = follow(index, segment, sourceIsLow, record, bytes)
        if isOver { end(index, .closed) }
    }

    private func isSuperseded(_ index: Int, by segment: Segment, _ sourceIsLow: Bool) -> Bool {
        guard segment.flags.contains(.syn), !segment.flags.contains(.ack) else { return false }
        let state = table.states[index]
        let half = sourceIsLow == state.clientIsLow ? state.upward : state.downward
        return half.hasBase && half.base != segment.sequence
    }

    private mutating func open(
        _ segment: Segment,
        _ words: FlowWords,
        _ sourceIsLow: Bool,
        _ record: PacketRecord,
        _ bytes: RawSpan,
        at slot: Int,
        _ starts: inout FrameSet
    ) -> Int {
        let flags = segment.flags
        let isSYN = flags.contains(.syn)
        let sourceIsClient: Bool
        if isSYN {
            sourceIsClient = !flags.contains(.ack)
        } else if !segment.payload.isEmpty, let told = Orientation.sender(of: bytes.extracting(segment.payload)) {
            sourceIsClient = told == .fromClient
        } else {
            sourceIsClient = Orientation.guessesDestinationServes(
                source: segment.source.port,
                destination: segment.destination.port
            )
        }
        if let error = quoted.isEmpty ? nil : quoted.removeValue(forKey: words) {
            numberedEarlier[record.number] = error
        } else {
            starts.insert(record.number)
        }
        connections &+= 1
        if !isSYN { midstream &+= 1 }
        let state = FlowState(
            lowWord: words.low,
            highWord: words.high,
            client: sourceIsClient ? segment.source : segment.destination,
            server: sourceIsClient ? segment.destination : segment.source,
            clientIsLow: sourceIsClient == sourceIsLow,
            isMidstream: !isSYN,
            frame: record.number,
            time: record.timestamp.nanoseconds
        )
        if table.openCount >= largestOpenCount { evict() }
        guard case .unknown(let place) = table.find(words.low, words.high) else {
            return table.insert(state, at: slot)
        }
        return table.insert(state, at: place)
    }

    /// True once the connection is over.
    private mutating func follow(
        _ index: Int,
        _ segment: Segment,
        _ sourceIsLow: Bool,
        _ record: PacketRecord,
        _ bytes: RawSpan
    ) -> Bool {
        let isUp = sourceIsLow == table.states[index].clientIsLow
        let step = table.withState(index) { $0.step(isUp: isUp, segment, record) }
        switch step.event {
        case .nothing: break
        case .duplicate:
            duplicates &+= 1
            return false
        case .odd: disturb(index)
        case .payload, .jump:
            let sequence =
                segment.sequence &+ UInt32(truncatingIfNeeded: step.payload.lowerBound &- segment.payload.lowerBound)
            take(index, isUp, step, bytes, sequence, record)
        }
        if step.connectTime >= 0 { note(index) { $0.connectTimes.add(step.connectTime) } }
        if step.isRetransmission { note(index) { $0.retransmissions += 1 } }
        if step.isReset { return reset(index, isUp) }
        if step.isFIN { return finish(index, isUp) }
        return false
    }

    // MARK: Messages

    private mutating func take(
        _ index: Int,
        _ isUp: Bool,
        _ step: SieveStep,
        _ bytes: RawSpan,
        _ sequence: UInt32,
        _ record: PacketRecord
    ) {
        guard table.states[index].verdict == .ordinary else { return }
        let time = record.timestamp.nanoseconds
        if step.missing > 0 {
            let outcome = table.withState(index) {
                isUp ? $0.skipRequest(step.missing, time) : $0.skipResponse(step.missing)
            }
            act(on: outcome, index, isUp)
        }
        if !step.payload.isEmpty, table.states[index].verdict == .ordinary {
            read(index, isUp, bytes.extracting(step.payload), sequence, record.number, time)
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
        _ time: Int64
    ) {
        let buffer = Int(table.states[index].buffer)
        guard buffer >= 0 else {
            let outcome = table.withState(index) {
                isUp ? $0.takeRequest(bytes, sequence: sequence, at: frame, time) : $0.takeResponse(bytes, time)
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

    private mutating func release(_ index: Int) {
        let buffer = table.states[index].buffer
        guard buffer >= 0 else { return }
        heads[Int(buffer)].removeAll(keepingCapacity: heads[Int(buffer)].capacity <= 4_096)
        freeHeads.append(buffer)
        table.withState(index) { $0.buffer = -1 }
    }

    private mutating func act(on outcome: SieveOutcome, _ index: Int, _ isUp: Bool) {
        switch outcome {
        case .going, .partial: calm(index, isUp)
        case .answered:
            let (digest, wait) = table.withState(index) { state in
                (
                    state.takeDigest(at: state.lastFrame, state.lastTime),
                    state.answered == .min ? 0 : state.answered &- state.asked
                )
            }
            harvest.digests.append(digest)
            note(index) {
                $0.exchanges += 1
                $0.firstByteTimes.add(wait)
            }
        case .refused:
            // Its end is known, and what follows may be ordinary.
            let suspect = table.withState(index) { state in
                state.disturbances &+= 1
                return state.suspect(.exchange, through: state.lastFrame, state.lastTime, isInExchange: true)
            }
            harvest.suspects.append(suspect)
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
        harvest.calms.append(calm)
    }

    /// What is going on is to be looked at in full; with the next request it may be ordinary again.
    mutating func disturb(_ index: Int) {
        let state = table.states[index]
        guard state.verdict == .ordinary else { return }
        guard state.disturbances < FlowState.mostDisturbances else { return tell(index, .odd) }
        if !state.isDisturbed {
            harvest.suspects.append(
                state.suspect(.odd, through: .max, state.lastTime, isInExchange: state.isInExchange)
            )
        }
        table.withState(index) { $0.disturb() }
        release(index)
    }

    /// The connection is to be looked at in full; nothing more of it is read here.
    mutating func tell(_ index: Int, _ kind: Suspect.Kind, isInExchange: Bool = false) {
        let state = table.states[index]
        guard state.verdict != .told else { return }
        // What was told as odd has an open span already.
        if !state.isDisturbed || kind != .odd {
            harvest.suspects.append(
                state.suspect(
                    kind,
                    through: .max,
                    state.lastTime,
                    isInExchange: isInExchange || state.isInExchange
                )
            )
        }
        table.withState(index) { $0.verdict = .told }
        release(index)
    }

    // MARK: Ends

    private mutating func reset(_ index: Int, _ isUp: Bool) -> Bool {
        let state = table.states[index]
        if !isUp { note(index) { $0.resets += 1 } }
        guard state.verdict == .ordinary else { return true }
        if state.isInExchange {
            tell(index, .exchange)
        } else if state.exchanges == 0, !state.isMidstream, !state.isDisturbed {
            tell(index, .connect)
        } else if isUp {
            judgeClose(index)
        }
        return true
    }

    private mutating func finish(_ index: Int, _ isUp: Bool) -> Bool {
        let state = table.states[index]
        table.withState(index) { state in
            if isUp { state.upward.sawFIN = true } else { state.downward.sawFIN = true }
        }
        if state.verdict == .ordinary {
            if !isUp, state.responsePhase == .untilClose, state.requestPhase == .betweenMessages {
                let outcome = table.withState(index) { $0.endByClose() }
                act(on: outcome, index, false)
            } else if state.isInExchange {
                tell(index, .exchange)
            } else if isUp {
                judgeClose(index)
            }
        }
        return isUp ? state.downward.sawFIN : state.upward.sawFIN
    }

    /// The client ends the connection after a good answer, as far as the server's bytes tell.
    private mutating func judgeClose(_ index: Int) {
        let state = table.states[index]
        guard state.exchanges > 0 else { return }
        if state.isAnswerUnacknowledged {
            // The answer never arrived as a whole.
            tell(index, .exchange, isInExchange: true)
        } else if state.wasCutShort {
            harvest.suspects.append(state.suspect(.cut, through: .max, state.lastTime, isInExchange: true))
        }
    }

    private enum Ending {
        case closed, seen, captureEnd
    }

    /// States what is left to say of a connection and lets it go.
    private mutating func end(_ index: Int, _ ending: Ending) {
        let state = table.states[index]
        guard state.flow >= 0 else { return }
        if state.verdict == .ordinary {
            if state.isInExchange {
                tell(index, .exchange)
            } else if state.isAnswerUnacknowledged, ending != .closed {
                tell(index, .exchange, isInExchange: true)
            } else if state.upward.hasHole || state.downward.hasHole {
                tell(index, .odd)
            } else if state.exchanges == 0, state.disturbances == 0 {
                let isOpened = state.isConnected && state.downward.packets > 0
                tell(index, isOpened || state.isMidstream ? .foreign : .connect)
            }
        } else if state.verdict == .foreign {
            tell(index, .foreign)
        }
        note(index) { $0.connections += 1 }
        // A SYN that nobody answers is no hole in the capture.
        if min(state.upward.packets, state.downward.packets) == 0,
            state.upward.hasBrought || state.downward.hasBrought
        {
            oneWay += 1
        }
        release(index)
        table.remove(index)
    }

    /// Lets the longest silent connections go, an eighth of all: their places are needed.
    private mutating func evict() {
        var times = table.states.lazy.filter { $0.flow >= 0 }.map(\.lastTime)
            .sorted()
        guard !times.isEmpty else { return }
        let limit = times[times.count / 8]
        times = []
        for index in table.states.indices where table.states[index].flow >= 0 && table.states[index].lastTime <= limit {
            evicted += 1
            end(index, .seen)
        }
    }

    /// Packet time moved on: what was silent for two hours goes.
    mutating func sweep(at now: Timestamp) {
        guard lastSweep == .min || now.nanoseconds &- lastSweep > Self.idleTime / 8 else { return }
        lastSweep = now.nanoseconds
        for index in table.states.indices
        where table.states[index].flow >= 0 && now.nanoseconds &- table.states[index].lastTime > Self.idleTime {
            end(index, .seen)
        }
    }

    /// The capture is over.
    mutating func finish() {
        for index in table.states.indices where table.states[index].flow >= 0 { end(index, .captureEnd) }
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
            harvest.suspects.append(
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

    private mutating func note(_ index: Int, _ change: (inout ServerStatistics) -> Void) {
        var number = Int(table.states[index].serverNumber)
        if number < 0 {
            number = serverNumber(of: table.states[index].server)
            table.withState(index) { $0.serverNumber = Int32(number) }
        }
        change(&servers[number])
    }

    private mutating func serverNumber(of endpoint: Endpoint) -> Int {
        if let known = serverNumbers[endpoint] { return Int(known) }
        // A flood of invented servers shares the last place.
        if serverEndpoints.count >= Self.largestServerCount { return serverEndpoints.count - 1 }
        serverNumbers[endpoint] = Int32(serverEndpoints.count)
        serverEndpoints.append(endpoint)
        servers.append(ServerStatistics())
        return serverEndpoints.count - 1
    }
}
