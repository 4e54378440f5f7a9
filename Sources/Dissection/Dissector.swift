package import Model

/// From captured packets to facts about connections, names, neighbours and the capture itself.
///
/// One owner; nothing is shared. Packet time is the only clock. Memory is bounded by what is open plus the facts of
/// what is over.
package final class Dissector {
    var decoder = PacketDecoder()
    /// For packets that are taken once more.
    var again = PacketDecoder()
    var table = ConnectionTable<ApplicationDispatcher>()
    var dns: [DNSFacts] = []
    private var isFinished = false
    /// Messages over UDP that are kept; the rest is counted.
    private static let largestDNSCount = 1 << 16
    private var droppedDNS = 0
    private let active: ActiveFlows?
    private let flows: KeptFlows?
    /// Ends of connections that were followed and are not any more, until another one begins there.
    var settled: Set<FlowKey> = []

    /// - Parameters:
    ///   - flows: which connections to follow; all, where nil.
    ///   - largestBuffer: bytes of payload that may wait for what is missing before it; nil for the usual.
    package init(_ flows: KeptFlows? = nil, largestBuffer: Int? = nil) {
        if let largestBuffer { table.largestBuffer = largestBuffer }
        self.flows = flows
        active = flows.map(ActiveFlows.init)
    }

    /// Takes one packet, in the order of the capture. `bytes` are only used during the call.
    package func process(_ record: PacketRecord, _ bytes: RawSpan) {
        if let active, let head = PlainHead(record, bytes) {
            let answer = active.examine(
                head.words,
                sourceIsLow: head.sourceIsLow,
                frame: record.number,
                hasPayload: head.hasPayload
            )
            switch answer {
            case .skip, .leave: return
            case .keep, .resume: break
            }
            decoder.decode(record, bytes) { segment, packet in accept(segment, record, packet, answer) }
            return
        }
        decoder.decode(record, bytes) { segment, packet in
            let answer =
                active?.examine(
                    FlowWords(segment.source, segment.destination),
                    sourceIsLow: segment.source < segment.destination,
                    frame: record.number,
                    hasPayload: segment.wirePayloadLength > 0
                ) ?? .keep
            accept(segment, record, packet, answer)
        }
        for error in decoder.drainICMPErrors() { table.attach(error) }
        let messages = decoder.drainDNS()
        if dns.count < Self.largestDNSCount { dns += messages } else { droppedDNS += messages.count }
    }

    /// Takes several packets at once; `window` has their bytes.
    /// - Parameter wanted: which of them, a bit each, as a `FlowGate` tells.
    package func process(_ batch: PacketBatch, _ window: RawSpan, wanted: UInt32 = .max) {
        for index in 0..<batch.count where wanted & 1 << UInt32(truncatingIfNeeded: index) != 0 {
            process(batch.record(at: index), window.extracting(batch.range(at: index)))
        }
    }

    private func accept(_ segment: Segment, _ record: PacketRecord, _ bytes: RawSpan, _ answer: ActiveFlows.Answer) {
        if !settled.isEmpty {
            let key = FlowKey(segment.source, segment.destination)
            if settled.contains(key) {
                guard flows?.startsConnection(record.number) ?? true else { return }
                settled.remove(key)
            }
        }
        switch answer {
        case .skip, .leave: return
        case .keep: break
        case .resume(let span): table.resume(segment, span)
        }
        table.accept(segment, record, bytes)
    }

    /// The capture is over: what still waits is delivered as far as it goes. Packets after it are still taken.
    package func finish() {
        guard !isFinished else { return }
        isFinished = true
        decoder.finish()
        table.finish()
    }

    /// Everything stated so far; open connections as they stand, `isClosed` false. A snapshot disturbs nothing.
    ///
    /// - Parameter final: finish first.
    package func facts(final: Bool) -> TrafficFacts {
        if final { finish() }
        var facts = TrafficFacts()
        facts.dns = dns
        facts.droppedDNS = droppedDNS
        facts.neighbours = decoder.neighbours
        facts.counters = decoder.counters
        table.state(into: &facts)
        if let flows { facts.renumber(flows) }
        return facts
    }
}

extension TrafficFacts {
    /// Gives the connections the numbers that they have among all of the capture.
    fileprivate mutating func renumber(_ flows: KeptFlows) {
        for index in connections.indices {
            connections[index].stream = flows.stream(startingAt: connections[index].first.number)
        }
        connections.sort { ($0.stream, $0.first.number) < ($1.stream, $1.first.number) }
    }
}

extension ApplicationDispatcher: ConnectionParser {}
