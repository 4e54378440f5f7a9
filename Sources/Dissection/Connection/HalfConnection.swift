import Model

/// One direction of a connection: its numbering, what of it was delivered, and what waits.
struct HalfConnection: Sendable {
    /// How well the offsets of this direction are known.
    enum Anchor: Sendable {
        case unknown
        /// From a segment without payload or from an acknowledgment of the peer: the first payload may correct it.
        case provisional
        /// From a SYN or from the first payload.
        case fixed
    }

    /// An acknowledgment of the peer for bytes that the capture has not shown (yet).
    struct AheadAcknowledgment: Sendable {
        var offset: Int64
        /// The packet that carried it.
        var event: TCPEvent
        /// Packets of the connection since then.
        var packets = 0
    }

    /// The largest scaled window (RFC 7323 §2.3): what lies farther ahead is not of this connection.
    static let largestWindow: Int64 = 1 << 30

    private(set) var anchor = Anchor.unknown
    /// Sequence number of offset 0.
    private(set) var origin: UInt32 = 0
    var sawSYN = false
    /// Sequence number from which Wireshark tells a new connection: of the SYN, or one before the first seen.
    var baseSequence: UInt32?
    /// Offset after the last byte that the parser got, as bytes or as a gap.
    var delivered: Int64 = 0
    var finOffset: Int64?
    var finFrame: FrameReference?
    var finWasDelivered = false
    var buffer = ReassemblyBuffer()
    var ahead: AheadAcknowledgment?
    /// Nothing of this direction is delivered before the peer's bytes up to here are: this side had them when it
    /// sent what waits.
    var waitsForPeer: Int64?
    /// How far the parser knows this direction to be acknowledged.
    var reportedAcknowledgment: Int64 = 0
    var analysis = SegmentAnalysis()
    var flight = Flight()
    /// What its SYN or SYN-ACK offered; nil where none was captured.
    private(set) var allowsSelective: Bool?
    var facts = HalfConnectionFacts()
    /// IPv4 identification of the last packet.
    var lastIdentification: UInt16?
    /// Long segments on the way: when the peer acknowledges one, its length is known to get through.
    private var probes = (first: SizeProbe(), longest: SizeProbe())

    private struct SizeProbe {
        /// Where the peer must have acknowledged to; 0 where nothing is on the way.
        var end: Int64 = 0
        var length = 0
    }

    func offset(of sequence: UInt32) -> Int64 {
        SequenceNumber.offset(of: sequence, origin: origin, near: facts.highestEnd)
    }

    /// What lies before `sequence` was left out: all of it came, in order, and was acknowledged.
    mutating func jump(to sequence: UInt32) {
        if anchor == .unknown { origin = sequence }
        anchor = .fixed
        let offset = max(self.offset(of: sequence), facts.highestEnd)
        buffer = ReassemblyBuffer()
        ahead = nil
        waitsForPeer = nil
        delivered = offset
        reportedAcknowledgment = offset
        facts.highestEnd = offset
        facts.contiguousEnd = offset
        facts.acknowledgedEnd = offset
        analysis.jump(to: sequence)
        flight.jump(to: offset)
    }

    mutating func anchorProvisionally(at sequence: UInt32) {
        guard anchor == .unknown else { return }
        origin = sequence
        anchor = .provisional
    }

    /// Puts offset 0 at `sequence`, unless bytes (or a gap) already fixed it.
    mutating func anchorFirmly(at sequence: UInt32) {
        guard delivered == 0, facts.highestEnd == 0, buffer.isEmpty else {
            anchor = .fixed
            return
        }
        if anchor != .unknown, origin != sequence {
            let shift = SequenceNumber.distance(from: origin, to: sequence)
            facts.acknowledgedEnd = max(0, facts.acknowledgedEnd - shift)
            ahead = nil
        }
        origin = sequence
        anchor = .fixed
    }

    /// The first payload or FIN that was captured. What lies before it and after a number that was known already was sent and not captured;
    /// only a keep-alive probe stands one before its sender's next byte (RFC 9293 §3.8.4).
    mutating func anchorFirmly(atFirstPayload sequence: UInt32) {
        let skipped = Int64(SequenceNumber.distance(from: origin, to: sequence))
        if anchor == .provisional, skipped > 1, skipped <= Self.largestWindow {
            anchor = .fixed
        } else {
            anchorFirmly(at: sequence)
        }
    }

    /// An acknowledgment number for this direction without the position of the FIN, which is no byte.
    func clipped(_ offset: Int64) -> Int64 {
        finOffset.map { min($0, offset) } ?? offset
    }

    /// Bytes of `range` that were neither delivered nor are waiting.
    func unseen(in range: Range<Int64>) -> Int64 {
        let lower = max(range.lowerBound, delivered)
        return lower < range.upperBound ? buffer.missing(in: lower..<range.upperBound) : 0
    }

    mutating func advanceContiguousEnd() {
        facts.contiguousEnd = buffer.contiguousEnd(from: max(facts.contiguousEnd, delivered))
    }

    mutating func countPacket(_ segment: Segment, _ frame: FrameReference) {
        facts.packets += 1
        facts.payloadBytes &+= Int64(segment.wirePayloadLength)
        if facts.firstFrame == nil { facts.firstFrame = frame }
        facts.lastFrame = frame
        if !segment.flags.contains(.rst) { profile(segment) }
        lastIdentification = segment.identification
        let isSYN = segment.flags.contains(.syn)
        if facts.hopLimit == nil || (isSYN && !sawSYN), isSYN || segment.wirePayloadLength > 0 {
            if !segment.flags.contains(.rst) { facts.hopLimit = segment.hopLimit }
        }
        if segment.timestampValue != nil { facts.usesTimestamps = true }
        if isSYN {
            allowsSelective = segment.allowsSelectiveAcknowledgment
            if let scale = segment.windowScale { facts.windowScale = scale }
            if let size = segment.maximumSegmentSize { facts.maximumSegmentSize = size }
            if segment.windowScale != nil, segment.timestampValue != nil, segment.allowsSelectiveAcknowledgment {
                facts.opensLikeLinux = segment.opensLikeLinux
            }
        }
    }

    /// What the sender's resets are compared with.
    private mutating func profile(_ segment: Segment) {
        facts.hopLimits.insert(segment.hopLimit)
        if let forbids = segment.forbidsFragments {
            if forbids { facts.unfragmentable += 1 } else { facts.fragmentable += 1 }
        }
        if let now = segment.identification, now != 0, let before = lastIdentification, before != 0 {
            let step = now &- before
            if step < 256 || step > UInt16.max - 256 {
                facts.identificationSteps += 1
            } else {
                facts.identificationJumps += 1
            }
        }
    }

    /// Takes the length of a segment that begins at `offset`. Offload shows several segments as one: no more than `limit` bytes went
    /// over the wire at once.
    mutating func noteLength(_ length: Int, at offset: Int64, limit: Int) {
        facts.longestSegment = max(facts.longestSegment, length)
        let length = min(length, limit)
        guard length > facts.longestAcknowledged else { return }
        let probe = SizeProbe(end: offset &+ Int64(length), length: length)
        if probes.first.end == 0 {
            probes.first = probe
        } else if length > probes.longest.length {
            probes.longest = probe
        }
    }

    /// The peer has everything up to `offset`.
    mutating func settleLengths(upTo offset: Int64) {
        if probes.first.end > 0, probes.first.end <= offset {
            facts.longestAcknowledged = max(facts.longestAcknowledged, probes.first.length)
            probes.first = SizeProbe()
        }
        if probes.longest.end > 0, probes.longest.end <= offset {
            facts.longestAcknowledged = max(facts.longestAcknowledged, probes.longest.length)
            probes.longest = SizeProbe()
        }
    }

    /// The first 64 payload bytes, for as long as nothing before them is missing.
    mutating func keepFirstBytes(_ bytes: RawSpan, at offset: Int64) {
        guard offset == Int64(facts.firstBytes.count), offset < 64 else { return }
        let count = min(64 - facts.firstBytes.count, bytes.byteCount)
        for index in 0..<count {
            facts.firstBytes.append(bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self))
        }
    }
}
