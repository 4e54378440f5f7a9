import Model

/// What one direction sent and the peer has not acknowledged yet, as the capture showed it, and what the peer said of it.
///
/// Offsets as in `TCPEvent`; here a FIN counts one. Bounded: neighbouring transmissions are taken for one where they are too many.
struct Flight: Sendable {
    struct Transmission: Sendable {
        var start: Int64
        var end: Int64
        /// When the capture showed it first, and last.
        var first: Timestamp
        var last: Timestamp
        /// Of the first time.
        var timestampValue: UInt32?
        var identification: UInt16
        /// How often it was sent again; of bytes that the capture had not shown, that time counts as well.
        var repeats: UInt16 = 0
    }

    /// A repetition that may turn out to be of another class.
    struct Judged: Sendable {
        var range: Range<Int64>
        var frame: Int
        var repetition: Repetition
        var place: LossPlace?
        var timestampValue: UInt32?
        /// Since the same bytes were sent before.
        var gap: Nanoseconds
        /// The capture had shown the bytes before.
        var hadOriginal: Bool
        /// No acknowledgment has covered it yet.
        var isOpen = true
    }

    /// A repetition that was taken for something else before.
    struct Revision: Sendable {
        var frame: Int
        var was: (repetition: Repetition, place: LossPlace?)
        var now: (repetition: Repetition, place: LossPlace?)
    }

    /// What the sender went back for, and until when its repetitions belong to that (RFC 6582: the recovery point).
    struct Recovery: Sendable {
        var end: Int64
        var since: Timestamp
        var repetition: Repetition
    }

    static let capacity = 128
    static let largestJudgedCount = 8

    /// Ascending, without overlap; those before `head` are acknowledged.
    private var sent: [Transmission] = []
    private var head = 0
    /// After the highest byte seen, and the marks of the transmission that ended there.
    private(set) var highest: Int64 = 0
    private(set) var highestSent: Transmission?
    private(set) var acknowledged: Int64 = 0
    private(set) var selective = OffsetRanges()
    /// Pure ACKs that repeat `acknowledged` while something is on the way (RFC 5681 §2).
    private(set) var duplicates = 0
    /// The first and the last packet since `acknowledged` moved by which the peer said that something is missing.
    private(set) var complaint: (since: Timestamp, last: Timestamp)?
    private(set) var lastAdvance: Timestamp?
    private var lastWindow: UInt16?
    /// When the latest of what was delivered was sent, and where it ends (RACK.xmit_ts and RACK.end_seq, RFC 8985 §6.1).
    private(set) var newestDelivered: (sent: Timestamp, end: Int64)?
    /// From here to the peer and back: the shortest, of what was sent once only (RFC 6298 §3).
    private(set) var leastRoundTrip: Nanoseconds?
    var recovery: Recovery?
    private(set) var judged: [Judged] = []
    private var revisions: [Revision] = []
    /// Identifications differ from packet to packet, so that the same one means the same packet.
    private(set) var identificationMoves = false
    private var lastIdentification: UInt16?

    var count: Int { sent.count - head }
    var isEmpty: Bool { head == sent.count }

    // MARK: Looking

    /// Position of the first transmission that ends after `offset`.
    private func position(endingAfter offset: Int64) -> Int {
        var low = head
        var high = sent.count
        while low < high {
            let middle = (low + high) / 2
            if sent[middle].end > offset { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// The first of which `range` has bytes.
    func transmission(in range: Range<Int64>) -> Transmission? {
        let index = position(endingAfter: range.lowerBound)
        return index < sent.count && sent[index].start < range.upperBound ? sent[index] : nil
    }

    /// The one that follows `offset`; the highest of all where those that are kept end before.
    func transmission(after offset: Int64) -> Transmission? {
        var index = position(endingAfter: offset)
        while index < sent.count, sent[index].start <= offset { index += 1 }
        return index < sent.count ? sent[index] : highestSent
    }

    /// Something of `range` came before, or ought to have. A byte that new ones follow is rather one that probed a closed window.
    func repeats(_ range: Range<Int64>) -> Bool {
        guard !range.isEmpty, highestSent != nil, range.lowerBound < highest else { return false }
        return range.count == 1 || range.lowerBound < highest - 1
    }

    func isDelivered(_ range: Range<Int64>) -> Bool {
        range.upperBound <= acknowledged || selective.contains(range)
    }

    // MARK: Sending

    /// - Parameter repetition: what it was judged to be; nil where it starts at the highest byte seen or after it.
    mutating func record(_ range: Range<Int64>, _ segment: Segment, at time: Timestamp, _ repetition: Repetition?) {
        if let identification = segment.identification {
            if let lastIdentification, lastIdentification != identification { identificationMoves = true }
            lastIdentification = identification
        }
        guard !range.isEmpty, repetition != .captureCopy else { return }
        var new = Transmission(
            start: range.lowerBound,
            end: range.upperBound,
            first: time,
            last: time,
            timestampValue: segment.timestampValue,
            identification: segment.identification ?? 0
        )
        if isEmpty, head > 0 {
            sent.removeAll(keepingCapacity: true)
            head = 0
        }
        if range.lowerBound >= highest || highestSent == nil {
            sent.append(new)
        } else {
            new.repeats = repetition?.isResend == true ? 1 : 0
            merge(new)
        }
        if range.upperBound > highest || highestSent == nil {
            highest = range.upperBound
            highestSent = new
        }
        if sent.count - head > Self.capacity { condense() }
    }

    /// Marks what is known of it as sent again, and fills in the rest.
    private mutating func merge(_ new: Transmission) {
        var cursor = max(new.start, acknowledged)
        var index = position(endingAfter: cursor)
        while cursor < new.end {
            if index < sent.count, sent[index].start <= cursor {
                sent[index].last = max(sent[index].last, new.last)
                if new.repeats > 0, sent[index].repeats < .max { sent[index].repeats += 1 }
                cursor = sent[index].end
            } else {
                var piece = new
                piece.start = cursor
                piece.end = index < sent.count ? min(new.end, sent[index].start) : new.end
                sent.insert(piece, at: index)
                cursor = piece.end
            }
            index += 1
        }
    }

    /// Takes two neighbours for one, all over.
    private mutating func condense() {
        var kept: [Transmission] = []
        var index = head
        while index < sent.count {
            var one = sent[index]
            index += 1
            if index < sent.count, sent[index].start == one.end {
                one.end = sent[index].end
                one.last = max(one.last, sent[index].last)
                one.repeats = max(one.repeats, sent[index].repeats)
                index += 1
            }
            kept.append(one)
        }
        // Holes all over: the oldest go.
        if kept.count > Self.capacity { kept.removeFirst(kept.count - Self.capacity) }
        sent = kept
        head = 0
    }

    // MARK: Acknowledgments

    /// The peer's acknowledgment up to `offset`, with its SACK blocks.
    mutating func acknowledge(_ offset: Int64, _ segment: Segment, at time: Timestamp, blocks: [Range<Int64>]) {
        let previous = acknowledged
        if offset > previous {
            advance(to: offset, at: time)
            proveByEcho(segment.timestampEcho, oldest: previous)
        } else if offset == previous, segment.wirePayloadLength == 0, segment.flags.isDisjoint(with: .control),
            segment.window == lastWindow, highest > offset
        {
            duplicates += 1
            complain(at: time)
        }
        lastWindow = segment.window
        guard let first = blocks.first else { return }
        // RFC 2883 §4: the first block lies below the acknowledgment, or inside the second block.
        let isDuplicate =
            first.upperBound <= offset
            || blocks.count > 1 && blocks[1].lowerBound <= first.lowerBound && first.upperBound <= blocks[1].upperBound
        if isDuplicate { proveByDuplicate(first) }
        for block in isDuplicate ? blocks.dropFirst() : blocks[...] where block.upperBound > acknowledged {
            guard selective.insert(max(block.lowerBound, acknowledged)..<block.upperBound) else { continue }
            complain(at: time)
            // A block grows at its ends.
            for end in [block.lowerBound, block.upperBound - 1] {
                if let delivered = transmission(in: end..<(end &+ 1)) { note(delivered, at: time) }
            }
        }
    }

    private mutating func complain(at time: Timestamp) {
        complaint = (complaint?.since ?? time, time)
    }

    private mutating func advance(to offset: Int64, at time: Timestamp) {
        acknowledged = offset
        duplicates = 0
        lastAdvance = time
        complaint = nil
        selective.drop(before: offset)
        if let recovery, recovery.end <= offset { self.recovery = nil }
        var newest: Transmission?
        while head < sent.count, sent[head].end <= offset {
            note(sent[head], at: time)
            newest = sent[head]
            head += 1
        }
        if head < sent.count, sent[head].start < offset { sent[head].start = offset }
        if let newest, newest.repeats == 0 {
            let elapsed = time - newest.first
            if elapsed >= 0 { leastRoundTrip = min(leastRoundTrip ?? elapsed, elapsed) }
        }
        if head > Self.capacity {
            sent.removeFirst(head)
            head = 0
        }
    }

    /// It was delivered. Of what was sent again the acknowledgment may be the first one's, as long as it came too soon for the last
    /// one's (RFC 8985 §6.2, step 2).
    private mutating func note(_ delivered: Transmission, at time: Timestamp) {
        let isLast = delivered.repeats == 0 || time - delivered.last >= leastRoundTrip ?? 0
        let new = (sent: isLast ? delivered.last : delivered.first, end: delivered.end)
        if newestDelivered.map({ $0 < new }) ?? true { newestDelivered = new }
    }

    // MARK: Second thoughts

    /// Keeps what was judged, for as long as something may come that proves it otherwise.
    mutating func keep(_ repetition: Judged) {
        // No back-off between the first two repetitions: the first was a probe (RFC 8985 §7.3). Backed off (RFC 6298 §5.5): the timer's.
        if let index = judged.lastIndex(where: { $0.range.lowerBound == repetition.range.lowerBound }),
            judged[index].repetition == .tailLossProbe, judged[index].gap >= Self.shortestTimer,
            repetition.gap.subtractingSaturating(judged[index].gap) >= judged[index].gap / 2
        {
            revise(index, .timeout, judged[index].place)
        }
        if judged.count >= Self.largestJudgedCount { judged.removeFirst() }
        judged.append(repetition)
    }

    /// D-SACK: the peer got `range` twice (RFC 2883).
    private mutating func proveByDuplicate(_ range: Range<Int64>) {
        // The latest of several is the one that came in vain.
        guard
            let index = judged.lastIndex(where: {
                $0.repetition.isResend && $0.repetition != .spurious && $0.range.overlaps(range)
            })
        else { return }
        revise(index, .spurious, judged[index].hadOriginal ? nil : .inCapture)
    }

    /// The acknowledgment of the oldest bytes on the way echoes the timestamp of the segment that brought them (RFC 7323 §4.3): where that is older
    /// than the repetition's, it was the original (RFC 3522 §3.2).
    private mutating func proveByEcho(_ echo: UInt32?, oldest: Int64) {
        for index in judged.indices where judged[index].isOpen && judged[index].range.lowerBound < acknowledged {
            judged[index].isOpen = false
            guard let echo, let value = judged[index].timestampValue, judged[index].range.lowerBound == oldest,
                judged[index].hadOriginal, judged[index].repetition.isResend, judged[index].repetition != .spurious,
                Int32(bitPattern: echo &- value) < 0
            else { continue }
            revise(index, .spurious, nil)
        }
    }

    private mutating func revise(_ index: Int, _ repetition: Repetition, _ place: LossPlace?) {
        let old = judged[index]
        judged[index].repetition = repetition
        judged[index].place = place
        revisions.append(Revision(frame: old.frame, was: (old.repetition, old.place), now: (repetition, place)))
    }

    /// What turned out to be of another class since the last call.
    mutating func takeRevisions() -> [Revision] {
        if revisions.isEmpty { return [] }
        defer { revisions = [] }
        return revisions
    }

    /// Ordinary segments up to `offset` were left out.
    mutating func jump(to offset: Int64) {
        let least = leastRoundTrip
        self = Flight()
        leastRoundTrip = least
        highest = offset
        acknowledged = offset
    }
}
