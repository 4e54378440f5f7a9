package import Model

/// The first look at a capture: tells the ordinary connections, which are counted, from those to be dissected in full.
///
/// Connections are spread over sixteen lanes by their endpoints, whatever the number of threads, and each thread's sieve reads every
/// packet and follows those of its own lanes. Everything that it says depends on the packets alone.
package final class Sieve {
    package static let laneCount = 16

    private var decoder = PacketDecoder()
    private let basket = SieveBasket()
    var lanes: [SieveLane]
    private let part: Int
    private let parts: Int
    var starts = FrameSet()
    /// Packets of more than one interface were seen.
    package private(set) var hasSeveralInterfaces = false
    private var clock = ClockWatch()
    private let desk = SieveHeads()
    /// What comes of touching memory ahead: nothing, but the compiler may not know.
    private var touched: UInt32 = 0
    private var tcpPackets = 0
    private var offloadSegments = 0

    /// - Parameters:
    ///   - part: which of `parts` threads this one is, from 0.
    ///   - memory: bytes that all parts together may take for names and states.
    package init(part: Int = 0, of parts: Int = 1, memory: Int) {
        self.part = part
        self.parts = parts
        var random = SystemRandomNumberGenerator()
        let seed = random.next()
        let basket = basket
        lanes = (0..<Self.laneCount).map { _ in SieveLane(seed: seed, memory: memory / Self.laneCount, basket) }
    }

    /// Takes one packet, in the order of the capture.
    package func process(_ record: PacketRecord, _ bytes: RawSpan) {
        if record.interface > 0 { hasSeveralInterfaces = true }
        decoder.count(record, bytes)
        if clock.pass(record.timestamp.nanoseconds, frame: record.number) { beginGap() }
        guard let head = PlainHead(record, bytes) else {
            takeOther(record, bytes) { _ in }
            return
        }
        let segment = SieveSegment(
            head,
            time: record.timestamp.nanoseconds,
            frame: record.number,
            interface: record.interface
        )
        if isOurs(segment.words.lane) { takePlain(segment, bytes) }
    }

    /// Takes several packets at once; `window` has their bytes.
    package func process(_ batch: PacketBatch, _ window: RawSpan) {
        desk.look(batch, window)
        process(desk, batch, window)
    }

    /// The same where somebody has looked at them before.
    package func process(_ heads: SieveHeads, _ batch: PacketBatch, _ window: RawSpan) {
        if batch.interface > 0 { hasSeveralInterfaces = true }
        decoder.count(batch)
        // The table is far larger than the caches. Asked for ahead and together, its places are there when they are needed: nothing but these
        // loads, so that the processor has many of them under way at once.
        for index in 0..<heads.count where heads.isPlain(index) {
            let words = heads[index].words
            let lane = words.lane
            guard isOurs(lane) else { continue }
            touched &+= lanes[lane].table.touch(lanes[lane].table.home(words.low, words.high))
        }
        decoded.clear()
        for index in 0..<heads.count {
            if clock.pass(batch[index].timestamp.nanoseconds, frame: batch.firstNumber &+ index) { beginGap() }
            if !heads.isPlain(index) {
                takeOther(batch.record(at: index), window.extracting(batch.range(at: index))) {
                    decoded.note($0, at: index)
                }
            } else if isOurs(heads[index].words.lane) {
                takePlain(heads[index], window, heads.scan(at: index))
            }
        }
    }

    /// Segments of the last batch that were found the long way, by their place in it.
    private let decoded = SieveHeads()

    /// What a packet of the last batch was that was handed over by itself, for who keeps packets.
    package func trace(at index: Int) -> SieveTrace {
        if index < desk.count, desk.isPlain(index) { return SieveTrace(desk[index]) }
        return index < decoded.count && decoded.isPlain(index) ? SieveTrace(decoded[index]) : SieveTrace()
    }

    /// The connections are asked what their own clocks say of it.
    @inline(never)
    private func beginGap() {
        guard let gap = clock.gaps.last else { return }
        let voices = ClockVoices(start: gap.start, end: gap.frame.time.nanoseconds)
        // The voices of the gap before: it is the last but one by now.
        clock.close(lanes.map(\.voices))
        for lane in lanes.indices { lanes[lane].voices = voices }
    }

    @inline(__always)
    private func takePlain(_ segment: SieveSegment, _ bytes: RawSpan, _ scan: SieveHeads.ScanReference? = nil) {
        tcpPackets &+= 1
        if segment.length &+ UInt32(segment.headerLength) > 1_500 { offloadSegments &+= 1 }
        lanes[segment.words.lane].accept(segment, bytes, &starts, scan)
    }

    @inline(never)
    private func takeOther(_ record: PacketRecord, _ bytes: RawSpan, _ found: (SieveSegment) -> Void) {
        decoder.decodeCounted(record, bytes) { segment, packet in
            let short = SieveSegment(segment, record)
            let lane = short.words.lane
            guard isOurs(lane) else { return }
            if short.words.isWide {
                let ends = (segment.source, segment.destination)
                lanes[lane].wideEnds = short.sourceIsLow ? ends : (ends.1, ends.0)
            }
            lanes[lane].accept(short, packet, &starts)
            found(short)
        }
        for error in decoder.drainICMPErrors() where error.quotedProtocol == ProtocolNumber.tcp {
            let words = FlowWords(error.quotedSource, error.quotedDestination)
            let lane = words.lane
            if isOurs(lane) { lanes[lane].quote(words, error, &starts) }
        }
        _ = decoder.drainDNS()
    }

    @inline(__always)
    func isOurs(_ lane: Int) -> Bool { parts == 1 || lane % parts == part }

    // MARK: Results

    /// Where all parts of a sieve together find that the clock was set forward.
    package static func clockAdvances(_ parts: [Sieve]) -> [ClockAdvance] {
        ClockWatch.advances(parts.map { $0.clock.gaps(with: $0.lanes.map(\.voices)) })
    }

    /// What was found since the last call.
    package func drain(into harvest: inout SieveHarvest) {
        if harvest.isEmpty {
            // Its memory comes back for what is found next.
            swap(&harvest, &basket.found)
        } else {
            harvest.add(basket.found)
        }
        basket.found.clear()
    }

    /// Packet time has come to `now`.
    package func sweep(at now: Timestamp) {
        for lane in lanes.indices where isOurs(lane) { lanes[lane].sweep(at: now) }
    }

    /// The capture is over.
    package func finish() {
        decoder.finish()
        for lane in lanes.indices where isOurs(lane) { lanes[lane].finish() }
    }

    /// First frames of all connections that this part follows, and of the errors that named one before.
    package var streamStarts: FrameSet { starts }

    /// Connections that an ICMP error had numbered before their first frame: first frame to the error's.
    package var numberedEarlier: [Int: Int] {
        lanes.reduce(into: [:]) { $0.merge($1.numberedEarlier) { first, _ in first } }
    }

    /// Adds what this part counted.
    /// - Parameter withServers: the figures of each server, too.
    package func state(
        into facts: inout TrafficFacts,
        _ background: inout BackgroundFacts,
        withServers: Bool = true
    ) {
        if part == 0 {
            facts.counters = decoder.counters
            facts.counters.tcpPackets = 0
            facts.counters.offloadSegments = 0
        }
        facts.counters.tcpPackets += tcpPackets + (part == 0 ? decoder.counters.tcpPackets : 0)
        facts.counters.offloadSegments += offloadSegments + (part == 0 ? decoder.counters.offloadSegments : 0)
        for lane in lanes {
            facts.counters.duplicatePackets += lane.duplicates
            background.connections += lane.connections
            background.midstreamConnections += lane.midstream
            background.oneWayConnections += lane.oneWay
            background.forgottenConnections += lane.evicted + lane.table.forgotten
        }
        if withServers { basket.add(to: &background.servers) }
    }
}
