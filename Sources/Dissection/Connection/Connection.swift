import Model

/// One TCP life: takes its segments in capture order, hands the stream to a parser, and keeps what was notable.
///
/// Offsets count payload bytes from 0 (see `TCPEvent`). A class, because the table keeps it and changes it in place.
final class Connection<Parser: ConnectionParser> {
    let stream: Int
    let key: FlowKey
    let first: FrameReference
    /// Where the facts of the previous life on the same endpoints stand among the finished ones.
    var previousLife: Int?
    private(set) var last: FrameReference
    /// The end that `client` sends from.
    private(set) var clientEndpoint: Endpoint
    private(set) var serverEndpoint: Endpoint
    private(set) var orientation: ConnectionFacts.Orientation
    private(set) var client = HalfConnection()
    private(set) var server = HalfConnection()
    var events = EventLog()
    private(set) var interfaces: [Int] = []
    private(set) var icmpErrors: [ICMPErrorFacts] = []
    /// Nil once the connection is over and its parser has stated everything.
    var parser: Parser?
    private(set) var statedFacts: ConnectionFacts?
    private(set) var statedDNS: [DNSFacts] = []
    /// The latest packet time seen on this connection: time stamps may run backwards.
    private(set) var clock: Timestamp
    /// Client's SYN to its first ACK of the SYN-ACK.
    private(set) var roundTrip: Nanoseconds?
    private var synTime: Timestamp?
    /// The next pure ACK of the client answers a SYN-ACK.
    private var awaitsHandshakeAck = false
    private var deliveredAnything = false
    /// Where the reset that closed the connection stood, and who sent it.
    private var reset: (direction: Direction, offset: Int64)?
    private(set) var isClosed = false
    private(set) var resets: [ResetFacts] = []

    init(
        stream: Int,
        key: FlowKey,
        previousLife: Int?,
        segment: Segment,
        payload: RawSpan,
        frame: FrameReference
    ) {
        self.previousLife = previousLife
        self.stream = stream
        self.key = key
        first = frame
        last = frame
        clock = frame.time
        parser = Parser(startsAtBeginning: segment.flags.contains(.syn))
        let sourceIsClient: Bool
        if segment.flags.contains(.syn) {
            sourceIsClient = !segment.flags.contains(.ack)
            orientation = .handshake
        } else if let direction = Orientation.sender(of: payload) {
            sourceIsClient = direction == .fromClient
            orientation = .payload
        } else {
            sourceIsClient = Orientation.guessesDestinationServes(
                source: segment.source.port,
                destination: segment.destination.port
            )
            orientation = .guess
        }
        clientEndpoint = sourceIsClient ? segment.source : segment.destination
        serverEndpoint = sourceIsClient ? segment.destination : segment.source
    }

    /// Payload bytes that wait in memory.
    var bufferedCost: Int { client.buffer.cost + server.buffer.cost }

    /// Wireshark's rule for a new `tcp.stream` on a known pair of endpoints: a SYN without ACK whose number differs
    /// from the one by which this direction began (packet-tcp.c, 4.0).
    func isSuperseded(by segment: Segment) -> Bool {
        guard segment.flags.contains(.syn), !segment.flags.contains(.ack) else { return false }
        let base = (segment.source == clientEndpoint ? client : server).baseSequence
        return base != nil && base != segment.sequence
    }

    /// Its SYN superseded another life on the same endpoints.
    func noteReusedPorts() { client.facts.analysis.count(.reusedPorts) }

    func accept(_ segment: Segment, _ record: PacketRecord, _ bytes: RawSpan) {
        let frame = FrameReference(number: record.number, time: record.timestamp)
        last = frame
        clock = max(clock, frame.time)
        noteInterface(record.interface)
        orient(segment, bytes)
        if segment.source == clientEndpoint {
            step(&client, &server, .fromClient, segment, frame, bytes)
        } else {
            step(&server, &client, .fromServer, segment, frame, bytes)
        }
    }

    private func noteInterface(_ interface: Int) {
        if interfaces.contains(interface) || interfaces.count == 8 { return }
        interfaces.append(interface)
        interfaces.sort()
    }

    // MARK: Orientation

    /// Corrects a guess about who is the client while nothing was delivered under it.
    private func orient(_ segment: Segment, _ bytes: RawSpan) {
        guard orientation != .handshake, !deliveredAnything else { return }
        let sender: Direction
        if segment.flags.contains(.syn) {
            sender = segment.flags.contains(.ack) ? .fromServer : .fromClient
            orientation = .handshake
            parser = Parser(startsAtBeginning: true)
        } else if orientation == .guess, !segment.payload.isEmpty,
            let told = Orientation.sender(of: bytes.extracting(segment.payload))
        {
            sender = told
            orientation = .payload
        } else {
            return
        }
        if (segment.source == clientEndpoint) != (sender == .fromClient) { flipRoles() }
    }

    private func flipRoles() {
        swap(&client, &server)
        swap(&clientEndpoint, &serverEndpoint)
        events.flip()
        client.ahead?.event.direction = .fromServer
        server.ahead?.event.direction = .fromClient
        if let old = reset { reset = (old.direction.reversed, old.offset) }
        for index in resets.indices { resets[index].event.direction = resets[index].event.direction.reversed }
    }

    /// Ordinary exchanges of this connection were left out: both directions go on at the numbers that the span gives.
    func resume(_ span: FlowSpan) {
        guard !isClosed else { return }
        client.jump(to: span.upward)
        server.jump(to: span.downward)
        parser?.jump(client: client.delivered, server: server.delivered)
    }

    // MARK: One segment

    private func step(
        _ forward: inout HalfConnection,
        _ reverse: inout HalfConnection,
        _ direction: Direction,
        _ segment: Segment,
        _ frame: FrameReference,
        _ bytes: RawSpan
    ) {
        let flags = segment.flags
        let isSYN = flags.contains(.syn)
        let length = Int64(segment.wirePayloadLength)
        let dataSequence = isSYN ? segment.sequence &+ 1 : segment.sequence
        if isSYN, flags.contains(.ack), let base = forward.baseSequence, base != segment.sequence {
            // Wireshark, as for a SYN.
            forward.facts.analysis.count(.reusedPorts)
            forward.baseSequence = segment.sequence
        }
        if forward.baseSequence == nil {
            forward.baseSequence = isSYN ? segment.sequence : segment.sequence &- 1
        }
        if reverse.baseSequence == nil, flags.contains(.ack) { reverse.baseSequence = segment.acknowledgment &- 1 }
        let previous = (frame: forward.facts.lastFrame, identification: forward.lastIdentification)
        forward.countPacket(segment, frame)

        if isForeign(segment, forward, reverse) {
            noteForeign(segment, direction, frame, reverse)
            return
        }
        expireWait(&forward, direction)
        expireWait(&reverse, direction.reversed)

        let isRepeatedSYN = isSYN && forward.sawSYN
        if isSYN, !flags.contains(.rst) {
            if forward.anchor == .provisional { forward.analysis.restart() }
            forward.anchorFirmly(at: dataSequence)
            forward.sawSYN = true
        } else {
            forward.anchorProvisionally(at: dataSequence)
            // A lone byte without PSH at the start of what was captured is rather a keep-alive probe (RFC 9293
            // §3.8.4 allows one garbage byte) than data: it fixes nothing.
            let mayBeProbe = length == 1 && !flags.contains(.psh) && !flags.contains(.fin)
            if forward.anchor == .provisional, (length > 0 && !mayBeProbe) || flags.contains(.fin),
                !flags.contains(.rst)
            {
                forward.anchorFirmly(atFirstPayload: dataSequence)
            }
        }
        if flags.contains(.ack) { reverse.anchorProvisionally(at: segment.acknowledgment) }

        let offset = forward.offset(of: dataSequence)
        let acknowledged = flags.contains(.ack) ? reverse.offset(of: segment.acknowledgment) : nil
        let range = offset..<(offset &+ length)
        let verdict = forward.analysis.judge(segment, at: frame.time, reverse: &reverse.analysis, roundTrip: roundTrip)
        var event = TCPEvent(
            kind: .rst,
            direction: direction,
            frame: frame,
            offset: offset,
            length: segment.wirePayloadLength,
            acknowledgedOffset: acknowledged,
            segment
        )
        follow(&forward, reverse, segment, &event, verdict.flags, isRepeatedSYN: isRepeatedSYN)
        if flags.contains(.rst) {
            noteReset(event, forward, reverse, previous)
        } else if !resets.isEmpty {
            noteSurvivor(event)
        }
        if length > 0, !flags.contains(.rst) {
            forward.noteLength(
                segment.wirePayloadLength,
                at: offset,
                limit: Int(reverse.facts.maximumSegmentSize ?? 1_460)
            )
        }
        note(verdict, event, &forward)
        noteHandshake(segment, event, forward, reverse)

        if let acknowledged, !flags.contains(.rst) {
            acknowledge(&reverse, upTo: acknowledged, event)
            hear(&reverse, acknowledged, segment, frame, bytes)
            reverse.settleLengths(upTo: reverse.facts.acknowledgedEnd)
        }
        // The parser hears of an acknowledgment, and gets what waited for the peer, before what this segment carries.
        settle(&reverse, &forward, direction.reversed)
        settle(&forward, &reverse, direction)
        if length > 0, !flags.contains(.rst), forward.anchor == .fixed {
            if let acknowledged, forward.waitsForPeer == nil, reverse.ahead != nil, reverse.facts.packets > 0,
                reverse.clipped(acknowledged) > reverse.facts.contiguousEnd
            {
                forward.waitsForPeer = reverse.clipped(acknowledged)
            }
            receive(&forward, range, segment, event, bytes)
        }
        if flags.contains(.fin) { noteFIN(&forward, at: range.upperBound, event) }
        settle(&forward, &reverse, direction)
        settle(&reverse, &forward, direction.reversed)
        updateClosing(segment, event, forward, reverse)
    }

    /// A packet of an older life on the same endpoints, or a challenge ACK: it comes from the side that has not
    /// answered our SYN yet and acknowledges something that this life never sent.
    private func isForeign(_ segment: Segment, _ forward: borrowing HalfConnection, _ reverse: borrowing HalfConnection)
        -> Bool
    {
        guard reverse.sawSYN, !forward.sawSYN, segment.flags.contains(.ack) else { return false }
        guard forward.anchor != .fixed else { return false }
        let acknowledged = reverse.offset(of: segment.acknowledgment)
        // The capture may have missed the SYN-ACK and what followed it, hence the allowance.
        return acknowledged < 0 || acknowledged > reverse.facts.highestEnd &+ 1 << 20
    }

    private func noteForeign(
        _ segment: Segment,
        _ direction: Direction,
        _ frame: FrameReference,
        _ reverse: borrowing HalfConnection
    ) {
        let kind: TCPEvent.Kind
        if segment.flags.contains(.rst) {
            kind = .rst
        } else if segment.flags.contains(.syn) {
            kind = .synAck
        } else if segment.flags.contains(.fin) {
            kind = .fin
        } else if segment.wirePayloadLength == 0 {
            kind = .challengeAck
        } else {
            return
        }
        events.append(
            TCPEvent(
                kind: kind,
                direction: direction,
                frame: frame,
                offset: 0,
                length: segment.wirePayloadLength,
                acknowledgedOffset: reverse.offset(of: segment.acknowledgment),
                segment
            )
        )
    }

    private func note(_ verdict: SegmentVerdict, _ event: TCPEvent, _ forward: inout HalfConnection) {
        forward.facts.analysis.count(verdict.flags)
        for kind in verdict.kinds {
            // A repeated SYN or bare FIN already stands in the events as what it is.
            if event.length == 0, kind.isRepetition { continue }
            events.append(event.with(kind))
        }
    }

    static var largestResetCount: Int { 8 }
    /// Later than any packet that queues on the way can have been put behind the reset that followed it.
    static var longestReordering: Nanoseconds { .milliseconds(50) }

    private func noteReset(
        _ event: TCPEvent,
        _ forward: borrowing HalfConnection,
        _ reverse: borrowing HalfConnection,
        _ previous: (frame: FrameReference?, identification: UInt16?)
    ) {
        guard resets.count < Self.largestResetCount else { return }
        let sent = max(forward.facts.highestEnd, forward.facts.acknowledgedEnd)
        var facts = ResetFacts(event: event.with(.rst), sentEnd: forward.finOffset.map { $0 &+ 1 } ?? sent)
        facts.previous = previous.frame
        facts.previousIdentification = previous.identification
        facts.answered = reverse.facts.lastFrame
        resets.append(facts)
    }

    /// A packet of an end that is said to have reset the connection before. What was merely overtaken by the reset neither carries
    /// nor acknowledges anything beyond it; what has the earlier time stamp was captured late.
    private func noteSurvivor(_ event: TCPEvent) {
        for index in resets.indices
        where resets[index].wentOn == nil && resets[index].event.direction == event.direction {
            let reset = resets[index].event
            guard event.frame.time >= reset.frame.time else { continue }
            let end = event.offset &+ Int64(event.length)
            let acknowledgesMore =
                reset.flags.contains(.ack)
                && reset.acknowledgedOffset.map { event.acknowledgedOffset ?? .min > $0 } ?? false
            if event.flags.contains(.syn) || event.length > 0 && end > reset.offset || acknowledgesMore
                || event.frame.time - reset.frame.time >= Self.longestReordering
            {
                resets[index].wentOn = event.frame
            }
        }
    }

    private func noteHandshake(
        _ segment: Segment,
        _ event: TCPEvent,
        _ forward: borrowing HalfConnection,
        _ reverse: borrowing HalfConnection
    ) {
        let flags = segment.flags
        if flags.contains(.rst) {
            events.append(event.with(.rst))
        } else if flags.contains(.syn) {
            if flags.contains(.ack) {
                events.append(event.with(.synAck))
                awaitsHandshakeAck = forward.facts.highestEnd == 0
            } else {
                events.append(event.with(.syn))
                if event.direction == .fromClient { synTime = event.frame.time }
            }
        } else if awaitsHandshakeAck, event.direction == .fromClient, flags.contains(.ack), reverse.sawSYN {
            awaitsHandshakeAck = false
            events.append(event.with(.handshakeAck))
            if roundTrip == nil, let synTime { roundTrip = max(0, event.frame.time - synTime) }
        }
    }

    // MARK: Closing

    private func noteFIN(_ forward: inout HalfConnection, at offset: Int64, _ event: TCPEvent) {
        events.append(event.with(.fin))
        guard forward.finOffset == nil, offset >= forward.facts.highestEnd else { return }
        guard offset <= forward.facts.contiguousEnd &+ HalfConnection.largestWindow else { return }
        forward.finOffset = offset
        forward.finFrame = event.frame
        forward.facts.acknowledgedEnd = min(forward.facts.acknowledgedEnd, offset)
        if let ahead = forward.ahead, ahead.offset > offset { forward.ahead?.offset = offset }
    }

    private func updateClosing(
        _ segment: Segment,
        _ event: TCPEvent,
        _ forward: borrowing HalfConnection,
        _ reverse: borrowing HalfConnection
    ) {
        if segment.flags.contains(.rst) {
            // RFC 9293 §3.10.7.4: the receiver ignores a reset below what it has already acknowledged.
            if forward.anchor != .fixed || event.offset >= forward.facts.acknowledgedEnd {
                isClosed = true
                reset = (event.direction, event.offset)
            }
        } else if let reset, reset.direction == event.direction, event.length > 0,
            event.offset + Int64(event.length) > reset.offset, forward.finOffset == nil || reverse.finOffset == nil
        {
            // The end that is said to have reset the connection goes on with new data: somebody else sent it.
            isClosed = false
            self.reset = nil
        }
        if forward.finOffset != nil, reverse.finOffset != nil { isClosed = true }
    }

    /// Both ends said that they are done, and the parser has all that they sent.
    var ranOut: Bool { client.finWasDelivered && server.finWasDelivered }

    // MARK: ICMP

    static var largestICMPCount: Int { 16 }

    /// Whether the quoted segment can have been sent on this life.
    func matches(_ error: ICMPErrorFacts) -> Bool {
        let half = error.quotedSource == clientEndpoint ? client : server
        guard let sequence = error.quotedSequence, half.anchor != .unknown, half.facts.packets > 0 else { return true }
        let offset = half.offset(of: sequence)
        return offset >= -1 && offset <= half.facts.highestEnd &+ 1
    }

    func attach(_ error: ICMPErrorFacts) {
        if icmpErrors.count < Self.largestICMPCount { icmpErrors.append(error) }
    }

    /// Gives up every hole and lets all waiting bytes go.
    func shed() {
        while !client.buffer.isEmpty { skipFirstHole(&client, .fromClient) }
        while !server.buffer.isEmpty { skipFirstHole(&server, .fromServer) }
    }

    // MARK: Facts

    /// Delivers what still waits, as far as it goes, and lets the parser go.
    func retire() {
        guard parser != nil else { return }
        flush(&client, .fromClient)
        flush(&server, .fromServer)
        var facts = baseFacts()
        parser?.state(into: &facts)
        statedFacts = facts
        statedDNS = dnsMessages
        parser = nil
        client.flight = Flight()
        server.flight = Flight()
    }

    /// What is known now. Changes nothing.
    func snapshot() -> ConnectionFacts {
        var facts = baseFacts()
        if let statedFacts {
            facts.application = statedFacts.application
            facts.exchanges = statedFacts.exchanges
        } else {
            parser?.state(into: &facts)
        }
        return facts
    }

    var dnsMessages: [DNSFacts] {
        parser?.dnsMessages(client: clientEndpoint, server: serverEndpoint) ?? statedDNS
    }

    private func baseFacts() -> ConnectionFacts {
        var facts = ConnectionFacts(stream: stream, client: clientEndpoint, server: serverEndpoint, first: first)
        facts.orientation = orientation
        facts.last = last
        facts.interfaces = interfaces
        facts.fromClient = client.facts
        facts.fromServer = server.facts
        facts.events = events.inCaptureOrder
        facts.droppedEvents = events.dropped
        facts.icmpErrors = icmpErrors
        facts.resets = resets
        facts.isClosed = isClosed
        return facts
    }

    func noteDelivery() { deliveredAnything = true }
    var interfaceCount: Int { interfaces.count }
}
