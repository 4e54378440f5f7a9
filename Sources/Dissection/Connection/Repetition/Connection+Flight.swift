import Model

/// Follows what each direction has on the way, and judges what it brings again.
extension Connection {
    /// `forward` sent the segment of `event`.
    func follow(
        _ forward: inout HalfConnection,
        _ reverse: borrowing HalfConnection,
        _ segment: Segment,
        _ event: inout TCPEvent,
        _ flags: AnalysisFlags,
        isRepeatedSYN: Bool
    ) {
        guard !segment.flags.contains(.rst) else { return }
        if segment.flags.contains(.syn) {
            guard isRepeatedSYN else { return }
            // Nothing but its timer repeats a SYN; a SYN-ACK also answers a repeated SYN.
            let repetition: Repetition = segment.flags.contains(.ack) ? .unclear : .timeout
            event.repetition = repetition
            event.lossPlace = reverse.facts.packets > 0 ? .afterCapture : nil
            forward.facts.repetitions.count(repetition, event.lossPlace)
            return
        }
        // Probes carry a byte to be answered, not to be delivered.
        guard forward.anchor == .fixed, flags.isDisjoint(with: .probe) else { return }
        let control: Int64 = segment.flags.contains(.fin) ? 1 : 0
        let range = event.offset..<(event.offset &+ Int64(event.length) &+ control)
        if forward.flight.repeats(range) {
            let path = FlightPath(
                roundTrip: roundTrip,
                toSender: reverse.flight.leastRoundTrip,
                isReceiverSeen: reverse.facts.packets > 0,
                allowsSelective: forward.allowsSelective.flatMap { own in reverse.allowsSelective.map { own && $0 } },
                identificationsCount: forward.facts.identificationSteps > 4 * forward.facts.identificationJumps
                    && forward.flight.identificationMoves
            )
            // What lies beyond the highest byte is new, whatever it comes with.
            let old = event.offset..<max(event.offset, min(event.offset &+ Int64(event.length), forward.flight.highest))
            let judgment = forward.flight.judge(range, unseen: forward.unseen(in: old), segment, event.frame, path)
            event.repetition = judgment.repetition
            event.lossPlace = judgment.place
            forward.facts.repetitions.count(judgment.repetition, judgment.place)
            revise(&forward)
        }
        forward.flight.record(range, segment, at: event.frame.time, event.repetition)
    }

    /// `half` is the direction that `segment`, of its peer, acknowledges up to `offset`.
    func hear(
        _ half: inout HalfConnection,
        _ offset: Int64,
        _ segment: Segment,
        _ frame: FrameReference,
        _ bytes: RawSpan
    ) {
        let limit = half.flight.highest &+ HalfConnection.largestWindow
        guard offset <= limit else { return }
        var blocks: [Range<Int64>] = []
        var index = 0
        while let (left, right) = segment.selectiveAcknowledgment(index, of: bytes) {
            index += 1
            let start = half.offset(of: left)
            let end = half.offset(of: right)
            if start < end, end <= limit { blocks.append(start..<end) }
        }
        half.flight.acknowledge(offset, segment, at: frame.time, blocks: blocks)
        revise(&half)
    }

    private func revise(_ half: inout HalfConnection) {
        for revision in half.flight.takeRevisions() {
            half.facts.repetitions.discount(revision.was.repetition, revision.was.place)
            half.facts.repetitions.count(revision.now.repetition, revision.now.place)
            events.revise(frame: revision.frame, revision.now.repetition, revision.now.place)
        }
    }
}
