import Model

/// Address resolution gathered into bursts: who asked for whom, how often, and whether an answer came.
///
/// A request belongs to the burst of the same asker and target when it comes less than 5 s after the last one and the
/// burst has no answer yet: what is asked after an answer is a new question. When the table is full, answered bursts
/// go, as they explain no failure.
struct NeighbourTable {
    static let maximumBursts = 16_384
    static let maximumRequests = 8
    static let burstGap = Nanoseconds.seconds(5)

    private struct Key: Hashable {
        var asker: IPAddress
        var target: IPAddress
    }

    private(set) var bursts: [NeighbourFacts] = []
    private var latest: [Key: Int] = [:]
    private var isExhausted = false

    mutating func request(asker: IPAddress, target: IPAddress, _ frame: FrameReference) {
        let key = Key(asker: asker, target: target)
        if let index = latest[key], bursts[index].answered == nil, frame.time - bursts[index].last.time < Self.burstGap
        {
            bursts[index].requestCount += 1
            bursts[index].last = frame
            if bursts[index].requests.count < Self.maximumRequests { bursts[index].requests.append(frame) }
            return
        }
        if bursts.count >= Self.maximumBursts { removeAnswered() }
        guard bursts.count < Self.maximumBursts else { return }
        latest[key] = bursts.count
        bursts.append(NeighbourFacts(asker: asker, target: target, first: frame))
    }

    mutating func answer(asker: IPAddress, target: IPAddress, _ frame: FrameReference) {
        guard let index = latest[Key(asker: asker, target: target)], bursts[index].answered == nil else { return }
        bursts[index].answered = frame
    }

    /// Bursts that were over before `time` go.
    mutating func forget(before time: Timestamp) {
        bursts.removeAll { max($0.last.time, $0.answered?.time ?? $0.last.time) < time }
        index()
        isExhausted = false
    }

    private mutating func index() {
        latest = [:]
        for (index, burst) in bursts.enumerated() { latest[Key(asker: burst.asker, target: burst.target)] = index }
    }

    /// A sweep that freed little is the last one, or each further request would pay for another.
    private mutating func removeAnswered() {
        guard !isExhausted else { return }
        let kept = bursts.filter { $0.answered == nil }
        isExhausted = kept.count > Self.maximumBursts * 3 / 4
        bursts = kept
        index()
    }
}

extension PacketDecoder {
    /// ARP for IPv4 over Ethernet (RFC 826): hardware type 1, protocol type 0x0800, lengths 6 and 4.
    mutating func decodeARP(_ bytes: RawSpan, at offset: Int, _ scope: DecodeScope) {
        guard holds(28, at: offset, of: bytes, scope, .neighbour) else { return }
        guard bytes.uint16(offset &+ 2) == 0x0800, bytes.uint16(offset &+ 4) == 0x0604 else { return }
        var digest = PacketDigest()
        digest.add(bytes, offset..<offset &+ 28)
        let isDuplicate = duplicates.isDuplicate(
            digest.value,
            .data,
            place: scope.place,
            hopLimit: 0,
            time: scope.frame.time
        )
        if isDuplicate {
            counters.duplicatePackets += 1
            return
        }
        let sender = bytes.uint32(offset &+ 14)
        let target = bytes.uint32(offset &+ 24)
        // Probes and announcements (RFC 5227 §2) ask for nobody.
        guard sender != 0, sender != target else { return }
        switch bytes.uint16(offset &+ 6) {
        case 1: neighbourTable.request(asker: IPAddress(v4: sender), target: IPAddress(v4: target), scope.frame)
        case 2: neighbourTable.answer(asker: IPAddress(v4: target), target: IPAddress(v4: sender), scope.frame)
        default: break
        }
    }

    /// Neighbour solicitation (135) and advertisement (136), RFC 4861 §4.3 and §4.4; `offset` is the ICMPv6 header.
    mutating func decodeNeighbour(
        _ header: InternetHeader,
        _ bytes: RawSpan,
        at offset: Int,
        _ scope: DecodeScope
    ) {
        guard holds(24, at: offset, of: bytes, scope, .neighbour) else { return }
        let target = IPAddress(v6High: bytes.uint64(offset &+ 8), low: bytes.uint64(offset &+ 16))
        if bytes.byte(offset) == 136 {
            neighbourTable.answer(asker: header.destination, target: target, scope.frame)
        } else if header.source.high != 0 || header.source.low != 0 {
            // The unspecified source is duplicate address detection (RFC 4862 §5.4).
            neighbourTable.request(asker: header.source, target: target, scope.frame)
        }
    }
}
