package import Capture
import Diagnosis
import Dissection
package import Model

/// From packets in a ring to findings, for as long as it takes: the same sieve, reducer and dissector as for files.
///
/// The sieve reads every packet. What turns out to matter is read again, from the ring, or from the archive of what left it: see
/// docs/decisions/2026-11-27-live-engine.md. While a run is small, everything is dissected.
package final class LiveEngine {
    /// A connect that nobody answers for so long is looked at.
    private static let unansweredTime: Nanoseconds = .milliseconds(900)

    let request: AnalysisRequest
    let window: LiveWindow
    package let ring: PacketRing
    let index = FlowIndex()
    var archive: PacketArchive
    let sieve: Sieve
    var reducer: Reducer
    let dissector: Dissector
    package private(set) var statistics = RunStatistics()

    /// The first position that the sieve has not read.
    package private(set) var position = 0
    /// What the sieve reads at a time.
    private let batch = PacketBatch(linkType: .ethernet)
    private var harvest = SieveHarvest()
    /// Connections that were seen to begin.
    private var startCount = 0
    /// Segments that opened a connection, until an answer is due.
    private var openings: [Opening] = []
    private var firstOpening = 0
    var followed: [Int: FollowedFlow] = [:]
    /// Of them, those of which something is new, and those whose packets matter as they come.
    private var changed: Set<Int> = []
    var active: [Int: FlowWords] = [:]
    /// Of them, those that are to be read again from the beginning.
    private var restarted: Set<Int> = []
    /// Connections by the first frame that was handed over: their number.
    var streams: [Int: Int] = [:]
    var oldNumbers: [Int: Int] = [:]

    /// Nothing was left out so far.
    package private(set) var isWhole: Bool
    /// While everything is dissected: the connections, and the first frames of requests that have a digest.
    private var wholeFlows: [FlowWords: Int] = [:]
    var wholeCounted: Set<Int> = []
    private var wholeThrough = 0

    /// Packet time and frame about every quarter of a second.
    var checkpoints: [(time: Timestamp, frame: Int)] = []
    var totals = RunningTotals()
    var lastFold: Timestamp?
    var lastForgotten = 0
    /// What a look knows that goes on meanwhile, and the connections of which packets were handed over since that belong before it.
    var lookReach: (frame: Int, time: Timestamp)?
    var late: Set<Int> = []
    /// Of the look before.
    var lastHorizon = Timestamp(nanoseconds: .min)
    var pressedPause = LiveEngine.pressedStep
    var windowStart = Timestamp(nanoseconds: .min)
    private(set) var lastFrame = 0
    /// Somebody reads the ring from here on: packets from it on stay while there is room elsewhere.
    package var pinned = Int.max
    package internal(set) var clientErrorCount = 0
    /// Something was handed to the dissector since the last look.
    package internal(set) var hasNews = false

    private struct Opening {
        var flow: FlowWords
        var frame: Int
        var time: Timestamp
    }

    package init(_ request: AnalysisRequest, ring: PacketRing, window: LiveWindow = LiveWindow()) {
        self.request = request
        self.ring = ring
        self.window = window
        let memory = LiveMemory(request.maximumMemory)
        sieve = Sieve(memory: memory.sieve)
        dissector = Dissector(largestBuffer: memory.reassembly)
        reducer = Reducer(largestKeptCount: min(window.largestSpanCount, memory.spanCount))
        reducer.noteChanges()
        reducer.disorder = window.disorder
        if request.sampleCount == 0 { reducer.sampleEnd = 0 }
        isWhole = request.largestWhole > 0
        archive = PacketArchive(largest: min(ring.capacity / 2, memory.archive))
    }

    package var connectionCount: Int { sieve.connectionCount }
    package var openCount: Int { sieve.openCount }

    private(set) var losses: [CaptureLoss] = []
    /// Per source, what it had dropped when it was asked last, and how far the capture was then.
    private var reported: [(dropped: Int, time: Timestamp?, packets: Int)] = []

    /// Takes what the sources say of packets that were dropped before they were looked at, since the start.
    package func noteDropped(_ counts: [Int?]) {
        while reported.count < counts.count { reported.append((0, nil, 0)) }
        for (index, count) in counts.enumerated() {
            guard let dropped = count else { continue }
            let before = reported[index]
            losses.note(
                CaptureLoss(
                    from: before.time,
                    through: statistics.last,
                    dropped: max(0, dropped &- before.dropped),
                    captured: statistics.packets &- before.packets
                )
            )
            reported[index] = (dropped, statistics.last, statistics.packets)
        }
    }

    // MARK: Reading

    /// Reads a stretch of what the ring has. False where it had nothing new.
    /// - Parameter tap: is shown every packet.
    package func readStretch(_ tap: ((PacketRecord, RawSpan) -> Void)? = nil) -> Bool {
        let end = ring.end
        var others: [Int] = []
        let start = position
        var count = 0
        while count < window.stretch, let next = ring.position(at: position, before: end) {
            position = ring.fill(batch, from: next, before: end, limit: window.stretch - count)
            takeBatch(from: next, &others, tap)
            count += batch.count
        }
        guard count > 0 else { return false }
        advance(others, from: start)
        return true
    }

    private func takeBatch(from place: Int, _ others: inout [Int], _ tap: ((PacketRecord, RawSpan) -> Void)?) {
        statistics.count(batch)
        ring.withBytes(of: batch, from: place) { bytes in
            sieve.process(batch, bytes)
            guard let tap else { return }
            for packet in 0..<batch.count { tap(batch.record(at: packet), bytes.extracting(batch.range(at: packet))) }
        }
        for packet in 0..<batch.count { note(packet, at: ring.position(of: packet, in: batch, from: place), &others) }
        lastFrame = batch.firstNumber &+ batch.count &- 1
    }

    private func note(_ packet: Int, at place: Int, _ others: inout [Int]) {
        let trace = sieve.trace(at: packet)
        guard trace.isSegment else {
            others.append(place)
            return
        }
        let frame = batch.firstNumber &+ packet
        let isStart = sieve.startsConnection(frame)
        index.note(trace, isStart: isStart, at: place, in: ring)
        guard isStart else { return }
        startCount &+= 1
        if startCount == request.sampleCount { reducer.sampleEnd = frame }
        if isWhole { wholeFlows[trace.flow] = frame }
        if trace.isSYN { openings.append(Opening(flow: trace.flow, frame: frame, time: batch[packet].timestamp)) }
    }

    /// What the packets up to `position` brought is looked at.
    private func advance(_ others: [Int], from start: Int) {
        let now = statistics.last ?? Timestamp(nanoseconds: 0)
        noteCheckpoint(now)
        sieve.sweep(at: now)
        askUnanswered(at: now)
        takeHarvest(now)
        settle(others, from: start)
        makeRoom()
    }

    /// Time went on without packets.
    package func idle(at now: Timestamp) {
        askUnanswered(at: now)
        takeHarvest(now)
        settle([], from: position)
    }

    private func noteCheckpoint(_ now: Timestamp) {
        if let last = checkpoints.last, now - last.time < .milliseconds(250) { return }
        checkpoints.append((now, lastFrame))
    }

    private func askUnanswered(at now: Timestamp) {
        while firstOpening < openings.count, now - openings[firstOpening].time >= Self.unansweredTime {
            let opening = openings[firstOpening]
            _ = sieve.disturbUnanswered(opening.flow, startedAt: opening.frame)
            firstOpening += 1
        }
        if firstOpening >= 1_024, firstOpening * 2 > openings.count {
            openings.removeFirst(firstOpening)
            firstOpening = 0
        }
    }

    private func takeHarvest(_ now: Timestamp) {
        sieve.drain(into: &harvest)
        // What goes on inside what failed must be there when the verdict is.
        sieve.disturbInside(harvest.suspects, slack: Self.slack)
        sieve.drain(into: &harvest)
        if isWhole {
            for digest in harvest.digests where digest.span.counted.0 >= 0 {
                wholeCounted.insert(digest.span.counted.0)
            }
        } else if wholeThrough > 0 {
            for digest in harvest.digests where (0...wholeThrough).contains(digest.span.counted.0) {
                wholeCounted.insert(digest.span.counted.0)
            }
        }
        reducer.selection = request.options(firstPacket: statistics.first).selection
        reducer.hasSeveralInterfaces = sieve.hasSeveralInterfaces
        reducer.take(harvest, now: now)
        reducer.hasten(harvest.suspects)
        harvest.clear()
    }

    private static let slack: Nanoseconds = 300_000

    // MARK: Handing over

    /// Hands to the dissector what matters of the packets from `start` to `position` and of those before.
    private func settle(_ others: [Int], from start: Int) {
        if isWhole {
            feedAll(from: start)
            guard
                sieve.connectionCount > request.largestWhole || reducer.eventCount > window.largestWholeEventCount
                    || isLong
            else { return }
            leaveWhole()
        }
        for span in reducer.takeChanges() { take(span) }
        feed(others, from: start)
    }

    /// A quiet run that has gone on for long is not kept whole either.
    private var isLong: Bool {
        guard let first = statistics.first, let last = statistics.last else { return false }
        return last - first > window.longestWhole
    }

    private func feedAll(from start: Int) {
        var place = start
        while let next = ring.position(at: place, before: position) {
            let record = ring.record(at: next)
            ring.withBytes(at: next) { dissector.process(record, $0) }
            place = ring.after(next)
            hasNews = true
        }
    }

    /// From here on only what matters is dissected; what was dissected so far stays.
    private func leaveWhole() {
        isWhole = false
        wholeThrough = lastFrame
        for (words, flow) in wholeFlows {
            guard sieve.openFlow(words) == flow else { continue }
            followed[flow] = FollowedFlow(
                whole: words,
                flow: flow,
                clientIsLow: sieve.clientIsLow(words) ?? false,
                through: lastFrame
            )
            active[flow] = words
        }
        sieve.countStarts()
        for flow in wholeFlows.values { streams[flow] = sieve.number(of: flow) }
        wholeFlows = [:]
    }

    private func take(_ span: FlowSpan) {
        // All of it was dissected, or is not to be followed any more.
        if span.through <= wholeThrough { return }
        if followed[span.flow] == nil, span.flow <= wholeThrough, span.from <= wholeThrough {
            // The connection was over by then.
            return
        }
        changed.insert(span.flow)
        let wasLeftOut = followed[span.flow, default: FollowedFlow(span)].take(span)
        guard wasLeftOut, let flow = followed[span.flow] else { return }
        // Read again from the beginning, where that is still there.
        guard isThere(flow.firstWanted, of: flow.words) else {
            followed[span.flow]?.giveUp(span)
            return
        }
        if flow.firstFed >= 0 {
            dissector.discard(first: flow.firstFed)
            streams[flow.firstFed] = nil
        }
        followed[span.flow]?.restart()
        restarted.insert(span.flow)
    }

    /// Whether a packet of the connection can be read again.
    private func isThere(_ frame: Int, of flow: FlowWords) -> Bool {
        if let last = index.positions(of: flow, after: frame - 1, in: ring).last, ring.number(at: last) == frame {
            return true
        }
        return archive[flow]?.packets.contains { $0.record.number == frame } ?? false
    }

    /// A packet to be handed over.
    private struct Due {
        var number: Int
        /// In the ring; -1 for the archive.
        var position: Int
        var archived: PacketArchive.Packet?
        var flow: Int
        var step: FollowedFlow.Step
        var isAgain = false
    }

    /// - Parameter start: packets before it were looked at, but for connections that changed.
    private func feed(_ others: [Int], from start: Int) {
        var due: [Due] = others.map {
            Due(number: ring.number(at: $0), position: $0, archived: nil, flow: -1, step: .keep)
        }
        for flow in changed { collect(flow, into: &due) }
        for (flow, words) in active where !changed.contains(flow) && index.newestPosition(of: words) >= start {
            collect(flow, into: &due)
        }
        changed.removeAll(keepingCapacity: true)
        guard !due.isEmpty else { return }
        hasNews = true
        if !restarted.isEmpty {
            for place in due.indices where restarted.contains(due[place].flow) { due[place].isAgain = true }
            restarted = []
            dissector.beginAgain()
        }
        // What is sorted is small: the packets themselves are large to move.
        let order = due.indices.map { (number: due[$0].number, place: $0) }.sorted { $0.number < $1.number }
        for (_, place) in order { handOver(due[place]) }
    }

    private func collect(_ flow: Int, into due: inout [Due]) {
        guard var state = followed[flow] else { return }
        if let entry = archive[state.words] {
            for packet in entry.packets where packet.record.number > state.lookedThrough {
                let step = state.step(
                    FollowedFlow.Candidate(number: packet.record.number, flags: packet.flags, isArchived: true)
                )
                if case .skip = step { continue }
                due.append(
                    Due(number: packet.record.number, position: -1, archived: packet, flow: flow, step: step)
                )
            }
        }
        for place in index.positions(of: state.words, after: state.lookedThrough, in: ring).reversed()
        where place < position {
            let number = ring.number(at: place)
            let step = state.step(FollowedFlow.Candidate(number: number, flags: ring.note(at: place).flags))
            if case .skip = step { continue }
            due.append(Due(number: number, position: place, archived: nil, flow: flow, step: step))
        }
        state.lookedAtAll()
        followed[flow] = state
        active[flow] = state.isActive ? state.words : nil
    }

    private func handOver(_ packet: Due) {
        if let archived = packet.archived {
            handOver(archived.record, archived.bytes.span.bytes, packet)
        } else {
            let record = ring.record(at: packet.position)
            ring.withBytes(at: packet.position) { handOver(record, $0, packet) }
        }
    }

    private func handOver(_ record: PacketRecord, _ bytes: RawSpan, _ packet: Due) {
        // What is no segment, or may be one in fragments, goes the whole way.
        guard packet.flow >= 0 else { return dissector.process(record, bytes) }
        // By its time, too: clocks are set back.
        if let lookReach, record.number <= lookReach.frame || record.timestamp < lookReach.time {
            late.insert(packet.flow)
        }
        switch packet.step {
        case .skip: break
        case .keep: dissector.process(record, bytes, resuming: nil, isAgain: packet.isAgain)
        case .resume(let span): dissector.process(record, bytes, resuming: span, isAgain: packet.isAgain)
        }
    }

    // MARK: Room

    /// Lets the oldest packets go, so that a quarter of the ring is free; what may be wanted of them goes to the archive.
    private func makeRoom() {
        guard ring.room < ring.capacity / 4 else { return }
        var remembered: [FlowWords: [ClosedRange<Int>]] = [:]
        for span in reducer.remembered {
            remembered[FlowWords(low: span.ends.low, high: span.ends.high), default: []]
                .append(span.from...max(span.from, span.through))
        }
        while ring.room < ring.capacity * 3 / 8 {
            let end = min(position, (ring.start >> 20 + 1) << 20)
            guard end > ring.start, end <= pinned || ring.room < ring.capacity / 8 else { break }
            var place = ring.start
            while let next = ring.position(at: place, before: end) {
                archive(next, remembered)
                place = ring.after(next)
            }
            ring.letGo(before: end)
        }
        if archive.isFull || archive.entries.count > lastSweptCount * 2 + 1_024 { sweepArchive(remembered) }
    }

    private var lastSweptCount: Int { sweptCount }
    private var sweptCount = 0

    private func archive(_ place: Int, _ remembered: [FlowWords: [ClosedRange<Int>]]) {
        let note = ring.note(at: place)
        guard note.flags & FlowIndex.Flag.isSegment != 0 else { return }
        let flow = FlowWords(low: note.low, high: note.high)
        let record = ring.record(at: place)
        let need = sieve.need(of: flow, frame: record.number, isSYN: note.flags & FlowIndex.Flag.isSYN != 0)
        var flags = note.flags
        // After SYN and SYN-ACK it is what makes the connection one.
        let endsHandshake =
            flags & (FlowIndex.Flag.hasPayload | FlowIndex.Flag.isSYN) == 0 && archive.packetCount(flow) == 2
            && sieve.openFlow(flow).map { $0 < record.number } ?? false
        if endsHandshake { flags |= FlowIndex.Flag.isHandshake }
        switch need {
        case .none:
            if endsHandshake { break }
            guard remembered[flow]?.contains(where: { $0.contains(record.number) }) ?? false else { return }
        case .foreign:
            guard archive.packetCount(flow) < PacketArchive.largestForeignCount else { return }
        case .remember, .inExchange: break
        }
        let cost = ring.withBytes(at: place) { archive.append(flow, record, flags, $0) }
        // It takes too long to be kept until it is over.
        if need == .inExchange, cost > PacketArchive.largestEntry { sieve.disturb(flow) }
    }

    private func sweepArchive(_ remembered: [FlowWords: [ClosedRange<Int>]]) {
        archive.sweep { flow, packet in
            let isSYN = packet.flags & (FlowIndex.Flag.isSYN | FlowIndex.Flag.isHandshake) != 0
            return sieve.need(of: flow, frame: packet.record.number, isSYN: isSYN) != .none
                || remembered[flow]?.contains { $0.contains(packet.record.number) } ?? false
        }
        sweptCount = archive.entries.count
    }

    // MARK: End

    /// The capture is over: what is open is taken as it stands.
    func finishReading() {
        sieve.finish()
        sieve.drain(into: &harvest)
        reducer.take(harvest, now: statistics.last ?? Timestamp(nanoseconds: 0))
        if isWhole || wholeThrough > 0 {
            for digest in harvest.digests where digest.span.counted.0 >= 0 && digest.span.counted.0 <= wholeThrough {
                wholeCounted.insert(digest.span.counted.0)
            }
        }
        harvest.clear()
        reducer.finish()
        guard !isWhole else { return }
        for span in reducer.takeChanges() { take(span) }
        feed([], from: position)
    }
}
