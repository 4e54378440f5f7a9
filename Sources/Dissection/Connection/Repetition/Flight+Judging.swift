import Model

/// What is known of the way that a direction's segments take, besides what became of them.
struct FlightPath {
    /// Of the handshake: from the client to the server and back, wherever it was captured.
    var roundTrip: Nanoseconds?
    /// From here to the sender and back, the shortest.
    var toSender: Nanoseconds?
    /// Packets of the receiver were captured.
    var isReceiverSeen: Bool
    /// Both ends offered SACK; nil where the handshake was not captured.
    var allowsSelective: Bool?
    /// The sender counts its packets up in the IPv4 identification.
    var identificationsCount: Bool
}

extension Flight {
    /// No retransmission timer runs out sooner: Linux `TCP_RTO_MIN` (RFC 6298 §2.4 wants a second).
    static let shortestTimer: Nanoseconds = .milliseconds(200)
    /// Identifications wrap, and neighbours of one connection are close by.
    private static let nearbyIdentifications = 256
    /// A capture shows a packet twice within its own queues' delay, sooner than any timer sends it again: a stack may give that the same
    /// identification (RFC 1122 §3.2.1.5).
    private static let longestCopyDelay: Nanoseconds = .milliseconds(100)

    /// Judges a segment that starts before the highest byte seen.
    ///
    /// - Parameter unseen: how many of its bytes the capture had not shown before.
    mutating func judge(
        _ range: Range<Int64>,
        unseen: Int64,
        _ segment: Segment,
        _ frame: FrameReference,
        _ path: FlightPath
    ) -> (repetition: Repetition, place: LossPlace?) {
        let time = frame.time
        let known = unseen == 0 ? transmission(in: range) : nil
        let before = known?.last ?? (unseen > 0 ? transmission(after: range.lowerBound)?.first : nil)
        var result: (repetition: Repetition, place: LossPlace?)
        if let known, isCopy(of: known, segment, at: time) {
            return (.captureCopy, nil)
        } else if unseen > 0, isOvertaken(range, segment, at: time, path) {
            return (.outOfOrder, nil)
        } else if isDelivered(range) {
            result = (.spurious, unseen > 0 ? .inCapture : nil)
        } else {
            result.repetition = trigger(
                range,
                before: before,
                hasRepeats: known.map { $0.repeats > 0 } ?? false,
                time,
                path
            )
            result.place = path.isReceiverSeen ? unseen > 0 ? .beforeCapture : .afterCapture : nil
        }
        if result.repetition == .timeout || result.repetition == .fast && recovery == nil {
            recovery = Recovery(end: highest, since: time, repetition: result.repetition)
        }
        keep(
            Judged(
                range: range,
                frame: frame.number,
                repetition: result.repetition,
                place: result.place,
                timestampValue: segment.timestampValue,
                gap: before.map { time - $0 } ?? 0,
                hadOriginal: unseen == 0
            )
        )
        return result
    }

    /// Stacks give a retransmission an identification of its own, and a timestamp that is not older.
    private func isCopy(of known: Transmission, _ segment: Segment, at time: Timestamp) -> Bool {
        guard identificationMoves, let identification = segment.identification, identification != 0 else {
            return false
        }
        return identification == known.identification && segment.timestampValue == known.timestampValue
            && (time - known.first).magnitude < Self.longestCopyDelay.magnitude
    }

    /// It was sent before what the capture showed before it.
    private func isOvertaken(_ range: Range<Int64>, _ segment: Segment, at time: Timestamp, _ path: FlightPath) -> Bool
    {
        guard let later = transmission(after: range.lowerBound) else { return false }
        // RFC 7323 §4.1: a sender's timestamps never run backwards.
        if let own = segment.timestampValue, let other = later.timestampValue, own != other {
            return Int32(bitPattern: own &- other) < 0
        }
        if path.identificationsCount, let own = segment.identification, own != 0, later.identification != 0 {
            let step = Int(Int16(bitPattern: own &- later.identification))
            if step != 0, abs(step) < Self.nearbyIdentifications { return step < 0 }
        }
        let elapsed = time - later.first
        guard path.isReceiverSeen else { return path.roundTrip.map { elapsed < $0 } ?? false }
        // The sender learns of a hole by what passes here, or by its timer. Its answer takes the way to it and back.
        guard let complaint else { return elapsed < Self.shortestTimer }
        return path.toSender.map { time - complaint.since < $0 } ?? false
    }

    /// - Parameter before: when the same bytes were sent before; where the capture does not have them, when those that followed were.
    private func trigger(
        _ range: Range<Int64>,
        before: Timestamp?,
        hasRepeats: Bool,
        _ time: Timestamp,
        _ path: FlightPath
    ) -> Repetition {
        guard let before else { return .unclear }
        let gap = time - before
        let heard = max(complaint?.last ?? before, lastAdvance ?? before)
        // What the receiver says is answered a round trip after, and a quarter for reordering (RFC 8985 §6.2); a timer's time after
        // it is the timer that goes off.
        let roundTrip = path.roundTrip ?? 0
        let isAnswer = time - heard < Self.shortestTimer.addingSaturating(roundTrip).addingSaturating(roundTrip / 4)
        if let recovery, range.lowerBound < recovery.end, before < recovery.since,
            isAnswer || time - recovery.since < Self.shortestTimer
        {
            return recovery.repetition
        }
        let isShown = newestDelivered.map { $0 > (before, range.upperBound) } ?? false
        if isShown || duplicates >= 3 && range.lowerBound == acknowledged {
            return isAnswer ? .fast : .timeout
        }
        let isLast = range.upperBound >= highest
        if gap < Self.shortestTimer {
            // RFC 8985 §7.2: two round trips after the last segment.
            return isLast && !hasRepeats && path.allowsSelective != false
                && gap >= roundTrip.addingSaturating(roundTrip)
                ? .tailLossProbe : .unclear
        }
        // The probe's time is the timer's at most, which is a second at first (RFC 6298 §2.1).
        let isProbe = isLast && !hasRepeats && path.allowsSelective == true
        return isProbe && gap < Nanoseconds.seconds(1).addingSaturating(roundTrip) ? .tailLossProbe : .timeout
    }
}
