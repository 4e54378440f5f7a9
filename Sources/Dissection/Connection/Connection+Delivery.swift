import Model

/// From segments to the parser: what is delivered at once, what waits, and when a hole is given up.
///
/// Each function takes the half-connection as `inout`, not through `self`, which is under exclusive access then.
extension Connection {
    /// Bytes and chunks that wait in one direction before its first hole is given up. The largest receive windows
    /// in use (Linux `tcp_rmem` ends at 6 MiB) rarely have more than this behind one lost segment.
    static var largestBuffer: Int { 4 << 20 }
    /// How long an acknowledgment of bytes not captured may run ahead of them: queues of one interface differ by
    /// milliseconds, captures of two interfaces by up to a second.
    static var queueWait: Nanoseconds { .milliseconds(30) }
    static var interfaceWait: Nanoseconds { .milliseconds(1500) }
    /// The same where time stamps do not move.
    static var packetWait: Int { 1024 }

    // MARK: Acknowledgments

    /// `half` is the direction that `event` acknowledges up to `offset`.
    func acknowledge(_ half: inout HalfConnection, upTo offset: Int64, _ event: TCPEvent) {
        let end = half.clipped(offset)
        let highest = max(half.facts.highestEnd, half.facts.acknowledgedEnd)
        guard end > half.facts.acknowledgedEnd, end <= highest &+ HalfConnection.largestWindow else { return }
        half.facts.acknowledgedEnd = end
        half.facts.acknowledgedFrame = event.frame
        if half.ahead == nil, end > half.facts.contiguousEnd {
            half.ahead = HalfConnection.AheadAcknowledgment(offset: end, event: event.with(.ackLostSegment))
        }
    }

    /// Gives up the bytes that the peer acknowledged once they have had time to appear.
    func expireWait(_ half: inout HalfConnection, _ direction: Direction) {
        guard var ahead = half.ahead else { return }
        ahead.packets += 1
        half.ahead = ahead
        let wait = interfaceCount > 1 ? Self.interfaceWait : Self.queueWait
        guard clock - ahead.event.frame.time >= wait || ahead.packets >= Self.packetWait else { return }
        giveUp(&half, direction, ahead)
    }

    /// Declares what is missing up to the acknowledgment `ahead` a gap.
    private func giveUp(
        _ half: inout HalfConnection,
        _ direction: Direction,
        _ ahead: HalfConnection.AheadAcknowledgment
    ) {
        half.ahead = nil
        let end = half.clipped(ahead.offset)
        guard end > half.facts.contiguousEnd else { return }
        // One number past everything seen is rather a FIN that was not captured than a byte.
        if half.finOffset == nil, half.buffer.isEmpty, end == half.facts.highestEnd &+ 1 { return }
        half.waitsForPeer = nil
        drain(&half, direction)
        var missed: Int64 = 0
        while half.delivered < end {
            let stop = min(end, half.buffer.nextHeld(from: half.delivered) ?? end)
            missed &+= stop &- half.delivered
            skip(&half, to: stop, direction, ahead.event.frame)
            drain(&half, direction)
        }
        half.facts.missedBytes &+= missed
        half.facts.highestEnd = max(half.facts.highestEnd, half.delivered)
        half.advanceContiguousEnd()
        if missed > 0 {
            half.facts.repetitions.count(.inCapture)
            var event = ahead.event
            event.lossPlace = .inCapture
            events.append(event)
        }
    }

    // MARK: Payload

    func receive(
        _ half: inout HalfConnection,
        _ range: Range<Int64>,
        _ segment: Segment,
        _ event: TCPEvent,
        _ bytes: RawSpan
    ) {
        // Nothing follows a FIN, and nothing lies beyond the largest window.
        let limit = half.finOffset ?? (half.facts.contiguousEnd &+ HalfConnection.largestWindow)
        guard range.lowerBound < limit, range.upperBound > half.delivered || range.upperBound > 0 else { return }
        let end = min(range.upperBound, limit)
        let context = DeliveryContext(frame: event.frame, direction: event.direction)
        let unseen = half.unseen(in: range.lowerBound..<end)
        if end &- max(0, range.lowerBound) > unseen, !isProbe(range, half) {
            parser?.retransmitted(max(0, range.lowerBound)..<range.upperBound, context)
        }
        if unseen > 0 {
            if half.facts.firstDataFrame == nil { half.facts.firstDataFrame = event.frame }
            half.facts.lastDataFrame = event.frame
        }
        half.facts.highestEnd = max(half.facts.highestEnd, end)
        guard end > half.delivered else { return }

        let skipped = max(0, half.delivered &- range.lowerBound)
        let captured = clip(segment.payload, skipping: skipped, upTo: end &- range.lowerBound, of: bytes.byteCount)
        let start = range.lowerBound &+ skipped
        if half.waitsForPeer == nil, start == half.delivered, half.buffer.isEmpty {
            deliver(&half, bytes, captured, length: end &- start, context)
            half.advanceContiguousEnd()
            return
        }
        let insertion = half.buffer.insert(
            bytes,
            captured: captured,
            at: start,
            length: end &- start,
            frame: event.frame
        )
        if insertion.mismatch { events.append(event.with(.overlapMismatch)) }
        half.advanceContiguousEnd()
        if half.waitsForPeer == nil { drain(&half, event.direction) }
        relieve(&half, event.direction)
    }

    /// One byte below the highest: a keep-alive probe, no retransmission of data.
    private func isProbe(_ range: Range<Int64>, _ half: HalfConnection) -> Bool {
        range.count == 1 && range.upperBound == half.facts.highestEnd
    }

    /// The captured part of the payload between two offsets relative to its first byte, as a range of the packet.
    private func clip(_ payload: Range<Int>, skipping: Int64, upTo end: Int64, of count: Int) -> Range<Int> {
        let upper = min(payload.upperBound, count)
        let lower = min(payload.lowerBound, upper)
        let available = Int64(upper - lower)
        let from = lower + Int(min(max(0, skipping), available))
        return from..<max(from, lower + Int(min(max(0, end), available)))
    }

    /// `length` bytes at `half.delivered`, of which the capture has those in `captured`; the rest was cut off by the
    /// snap length.
    private func deliver(
        _ half: inout HalfConnection,
        _ bytes: RawSpan,
        _ captured: Range<Int>,
        length: Int64,
        _ context: DeliveryContext
    ) {
        if !captured.isEmpty {
            let span = bytes.extracting(captured)
            half.keepFirstBytes(span, at: half.delivered)
            noteDelivery()
            parser?.consume(span, at: half.delivered, context)
        }
        half.delivered &+= Int64(captured.count)
        let cut = length &- Int64(captured.count)
        guard cut > 0 else { return }
        half.facts.snappedBytes &+= cut
        skip(&half, to: half.delivered &+ cut, context.direction, context.frame)
    }

    private func skip(_ half: inout HalfConnection, to offset: Int64, _ direction: Direction, _ frame: FrameReference) {
        let length = offset &- half.delivered
        guard length > 0 else { return }
        noteDelivery()
        parser?.gap(length, at: half.delivered, DeliveryContext(frame: frame, direction: direction))
        half.delivered = offset
    }

    /// Delivers what waits without a hole before it.
    private func drain(_ half: inout HalfConnection, _ direction: Direction) {
        while let next = half.buffer.first, next.offset <= half.delivered, let chunk = half.buffer.removeFirst() {
            let skipped = half.delivered &- chunk.offset
            guard skipped < chunk.length else { continue }
            let from = Int(min(skipped, Int64(chunk.bytes.count)))
            deliver(
                &half,
                chunk.bytes.span.bytes,
                from..<chunk.bytes.count,
                length: chunk.length &- skipped,
                DeliveryContext(frame: chunk.frame, direction: direction)
            )
        }
    }

    /// Gives up the first hole while more waits behind it than may.
    private func relieve(_ half: inout HalfConnection, _ direction: Direction) {
        while half.buffer.cost > Self.largestBuffer { skipFirstHole(&half, direction) }
    }

    /// Gives up the first hole and delivers what follows it; the way out when memory is short.
    func skipFirstHole(_ half: inout HalfConnection, _ direction: Direction) {
        half.waitsForPeer = nil
        drain(&half, direction)
        if let next = half.buffer.first { skip(&half, to: next.offset, direction, next.frame) }
        drain(&half, direction)
        half.advanceContiguousEnd()
    }

    // MARK: After each segment

    /// Lets go what waited for the peer, then tells the parser of acknowledgments and of the end.
    func settle(_ half: inout HalfConnection, _ peer: inout HalfConnection, _ direction: Direction) {
        if let ahead = half.ahead, half.facts.contiguousEnd >= half.clipped(ahead.offset) {
            half.ahead = nil
            // Where the time stamps have it right, only the file's order is wrong, as between two interfaces.
            if let last = half.facts.lastFrame, last.time >= ahead.event.frame.time {
                half.facts.acknowledgedEarly += 1
            }
        }
        if let needed = half.waitsForPeer, peer.ahead == nil || peer.facts.contiguousEnd >= needed {
            half.waitsForPeer = nil
            drain(&half, direction)
        }
        report(&half, direction)
    }

    private func report(_ half: inout HalfConnection, _ direction: Direction) {
        let acknowledged = min(half.facts.acknowledgedEnd, half.delivered)
        if acknowledged > half.reportedAcknowledgment, let frame = half.facts.acknowledgedFrame {
            half.reportedAcknowledgment = acknowledged
            parser?.acknowledged(upTo: acknowledged, DeliveryContext(frame: frame, direction: direction))
        }
        if !half.finWasDelivered, let offset = half.finOffset, offset == half.delivered, let frame = half.finFrame,
            half.waitsForPeer == nil
        {
            half.finWasDelivered = true
            parser?.finished(at: offset, DeliveryContext(frame: frame, direction: direction))
        }
    }

    /// At the end: acknowledged bytes that never showed are missed; other holes are skipped for the parser's sake
    /// while the facts keep where the stream broke off.
    func flush(_ half: inout HalfConnection, _ direction: Direction) {
        half.waitsForPeer = nil
        drain(&half, direction)
        if var ahead = half.ahead {
            ahead.offset = half.facts.acknowledgedEnd
            giveUp(&half, direction, ahead)
        }
        while let next = half.buffer.first {
            skip(&half, to: next.offset, direction, next.frame)
            drain(&half, direction)
        }
        if let offset = half.finOffset, offset > half.delivered, let frame = half.finFrame {
            skip(&half, to: offset, direction, frame)
        }
        report(&half, direction)
    }
}

extension TCPEvent {
    init(
        kind: Kind,
        direction: Direction,
        frame: FrameReference,
        offset: Int64,
        length: Int,
        acknowledgedOffset: Int64?,
        _ segment: Segment
    ) {
        self.init(
            kind: kind,
            direction: direction,
            frame: frame,
            offset: offset,
            length: length,
            acknowledgedOffset: acknowledgedOffset,
            flags: segment.flags,
            window: segment.window,
            hopLimit: segment.hopLimit,
            identification: segment.identification,
            hasTimestampOption: segment.timestampValue != nil || segment.hasCutOptions,
            forbidsFragments: segment.forbidsFragments,
            sequence: segment.sequence,
            acknowledgment: segment.acknowledgment
        )
    }

    func with(_ kind: Kind) -> TCPEvent {
        var event = self
        event.kind = kind
        return event
    }
}

extension TCPEvent.Kind {
    var isRepetition: Bool {
        switch self {
        case .retransmission, .fastRetransmission, .spuriousRetransmission, .outOfOrder: true
        default: false
        }
    }
}
