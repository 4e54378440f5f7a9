package import Model

/// The first look at a capture: tells the ordinary connections, which are counted, from those to be dissected in full.
///
/// Connections are spread over sixteen lanes by their endpoints, whatever the number of threads, and each thread's sieve reads every
/// packet and follows those of its own lanes. Everything that it says depends on the packets alone.
package final class Sieve {
    package static let laneCount = 16

    private var decoder = PacketDecoder()
    var lanes: [SieveLane]
    private let part: Int
    private let parts: Int
    var starts = FrameSet()
    /// What the last packet was, for who keeps packets.
    package private(set) var trace = SieveTrace()
    /// Packets of more than one interface were seen.
    package private(set) var hasSeveralInterfaces = false
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
        lanes = (0..<Self.laneCount).map { _ in SieveLane(seed: seed, memory: memory / Self.laneCount) }
    }

    /// Takes one packet, in the order of the capture.
    package func process(_ record: PacketRecord, _ bytes: RawSpan) {
        if record.interface > 0 { hasSeveralInterfaces = true }
        trace.isSegment = false
        if record.isPlain(bytes) {
            if part == 0 { decoder.count(record, bytes) }
            takePlain(record, bytes)
        } else {
            takeOther(record, bytes)
        }
    }

    @inline(__always)
    private func takePlain(_ record: PacketRecord, _ bytes: RawSpan) {
        let words = FlowWords(plain: bytes)
        let lane = words.lane
        guard isOurs(lane) else { return }
        let source = bytes.uint32(26)
        let destination = bytes.uint32(30)
        let ports = bytes.uint32(34)
        let sourceIsLow = FlowWords.isSourceLow(source, destination, ports)
        let total = Int(bytes.uint16(16))
        let header = Int(bytes.byte(46) >> 4) &* 4
        tcpPackets &+= 1
        if total > 1_500 { offloadSegments &+= 1 }
        let payload = 34 &+ header
        let captured = min(bytes.byteCount, 14 &+ total)
        let segment = Segment(
            source: Endpoint(address: IPAddress(v4: source), port: UInt16(ports >> 16)),
            destination: Endpoint(address: IPAddress(v4: destination), port: UInt16(truncatingIfNeeded: ports)),
            sequence: bytes.uint32(38),
            acknowledgment: bytes.uint32(42),
            flags: TCPFlags(rawValue: bytes.uint16(46) & 0xff),
            window: bytes.uint16(48),
            hopLimit: bytes.byte(22),
            identification: bytes.uint16(18),
            payload: payload..<captured,
            wirePayloadLength: total &- 20 &- header
        )
        lanes[lane].accept(segment, words, sourceIsLow: sourceIsLow, record, bytes, &starts)
        trace = SieveTrace(words, segment, sourceIsLow: sourceIsLow)
    }

    @inline(never)
    private func takeOther(_ record: PacketRecord, _ bytes: RawSpan) {
        decoder.decode(record, bytes) { segment, packet in
            let sourceIsLow = segment.source < segment.destination
            let words = FlowWords(segment.source, segment.destination)
            let lane = words.lane
            guard isOurs(lane) else { return }
            lanes[lane].accept(segment, words, sourceIsLow: sourceIsLow, record, packet, &starts)
            trace = SieveTrace(words, segment, sourceIsLow: sourceIsLow)
        }
        for error in decoder.drainICMPErrors() where error.quotedProtocol == ProtocolNumber.tcp {
            let words = FlowWords(error.quotedSource, error.quotedDestination)
            let lane = words.lane
            if isOurs(lane) { lanes[lane].quote(words, error, &starts) }
        }
        _ = decoder.drainDNS()
    }

    func isOurs(_ lane: Int) -> Bool { parts == 1 || lane % parts == part }

    // MARK: Results

    /// What was found since the last call.
    package func drain(into harvest: inout SieveHarvest) {
        for lane in lanes.indices where isOurs(lane) {
            harvest.digests += lanes[lane].harvest.digests
            harvest.suspects += lanes[lane].harvest.suspects
            harvest.calms += lanes[lane].harvest.calms
            lanes[lane].harvest.clear()
        }
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
            guard withServers else { continue }
            for (endpoint, statistics) in zip(lane.serverEndpoints, lane.servers) {
                background.servers[endpoint, default: ServerStatistics()].add(statistics)
            }
        }
    }
}
