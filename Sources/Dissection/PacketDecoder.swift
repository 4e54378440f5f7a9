package import Model

/// Turns captured packets into TCP segments, and everything else that matters to a gateway's failures into facts.
///
/// Lax: what parsed is kept; a header that is cut or lies becomes a `DecodeObservation`, and nothing behind a lying
/// header is delivered, because a receiver would have dropped that packet. Checksums are not looked at: behind offload
/// they are wrong. The per-packet path allocates nothing; all tables have named limits.
///
/// One owner, who reads the facts and takes the drained ones away.
package struct PacketDecoder {
    /// Errors kept between two drains; more are counted as packets only.
    static let maximumICMPErrors = 65_536
    static let maximumDNSMessages = 65_536
    static let maximumObservations = 1_000
    /// No packet is longer (offload stops at 512 KiB); a larger wire length in a file lies.
    static let maximumWireLength = 1 << 20
    static let maximumInterfaces = 1_024
    static let maximumLinkTypes = 64

    package internal(set) var counters = CaptureCounters()
    package internal(set) var icmpErrors: [ICMPErrorFacts] = []
    package internal(set) var dns: [DNSFacts] = []
    /// All bursts so far, oldest first; not drained, as a burst may still be answered.
    package var neighbours: [NeighbourFacts] { neighbourTable.bursts }

    var neighbourTable = NeighbourTable()
    var fragments = FragmentTable()
    var duplicates = DuplicateFilter()
    private var lastTimes: [Timestamp?] = []

    package init() {}

    /// Decodes one packet. `deliver` is called at most once, with the segment and the bytes that its `payload` ranges
    /// over: the packet, or a datagram put together from fragments.
    package mutating func decode(
        _ record: PacketRecord,
        _ bytes: RawSpan,
        deliver: (Segment, RawSpan) -> Void
    ) {
        count(record, bytes)
        decodeCounted(record, bytes, deliver: deliver)
    }

    /// The same for a packet that was counted with its batch.
    mutating func decodeCounted(
        _ record: PacketRecord,
        _ bytes: RawSpan,
        deliver: (Segment, RawSpan) -> Void
    ) {
        var scope = DecodeScope(
            frame: FrameReference(number: record.number, time: record.timestamp),
            place: 0,
            end: max(min(record.wireLength, Self.maximumWireLength), bytes.byteCount),
            endSource: record.wireLength > bytes.byteCount ? .wireLength : .capturedLength
        )
        scope.mark(UInt32(truncatingIfNeeded: record.interface))
        decodeLink(record.linkType, bytes, scope, deliver)
    }

    /// The errors since the last call.
    package mutating func drainICMPErrors() -> [ICMPErrorFacts] {
        guard !icmpErrors.isEmpty else { return [] }
        defer { icmpErrors = [] }
        return icmpErrors
    }

    /// The DNS messages over UDP since the last call.
    package mutating func drainDNS() -> [DNSFacts] {
        guard !dns.isEmpty else { return [] }
        defer { dns = [] }
        return dns
    }

    /// The end of the capture: what still waits for fragments will not be completed.
    package mutating func finish() {
        counters.incompleteFragments += fragments.removeAll()
    }

    mutating func count(_ record: PacketRecord, _ bytes: RawSpan) {
        counters.packets &+= 1
        counters.capturedBytes &+= Int64(bytes.byteCount)
        counters.wireBytes = counters.wireBytes.addingSaturating(Int64(max(record.wireLength, bytes.byteCount)))
        if record.wireLength > bytes.byteCount { counters.snappedPackets &+= 1 }
        let time = record.timestamp
        if let first = counters.first { counters.first = min(first, time) } else { counters.first = time }
        if let last = counters.last {
            counters.last = max(last, time)
            counters.largestStepBack = max(counters.largestStepBack, last - time)
        } else {
            counters.last = time
        }
        let interface = record.interface
        guard interface >= 0, interface < Self.maximumInterfaces else { return }
        while lastTimes.count <= interface { lastTimes.append(nil) }
        if let last = lastTimes[interface], time < last {
            noteRegression(
                FrameReference(number: record.number, time: time),
                interface,
                last - time,
                latest: counters.last
            )
        }
        lastTimes[interface] = time
    }

    @inline(never)
    private mutating func noteRegression(
        _ frame: FrameReference,
        _ interface: Int,
        _ amount: Nanoseconds,
        latest: Timestamp?
    ) {
        counters.timeRegressions &+= 1
        counters.largestRegression = max(counters.largestRegression, amount)
        guard amount >= ClockStep.smallest else { return }
        counters.clockStepCount &+= 1
        guard counters.clockSteps.count < CaptureCounters.largestClockStepCount else { return }
        counters.clockSteps.append(ClockStep(frame: frame, interface: interface, amount: amount, latest: latest))
    }

    /// The regressions of a batch, of which there are few: it is walked for them alone.
    /// - Parameters:
    ///   - previous: time stamp of the packet before the batch on its interface.
    ///   - latest: the latest one before the batch.
    @inline(never)
    private mutating func noteRegressions(_ batch: PacketBatch, after previous: Timestamp, latest: Timestamp) {
        var (previous, latest) = (previous, latest)
        for index in 0..<batch.count {
            let time = batch[index].timestamp
            latest = max(latest, time)
            if time < previous {
                noteRegression(
                    FrameReference(number: batch.firstNumber &+ index, time: time),
                    batch.interface,
                    previous - time,
                    latest: latest
                )
            }
            previous = time
        }
    }

    /// All packets of a batch, whose captured lengths are those of the bytes.
    mutating func count(_ batch: PacketBatch) {
        guard batch.count > 0 else { return }
        let time = batch[0].timestamp
        var (captured, wire) = (Int64(0), Int64(0))
        var (snapped, regressions) = (0, 0)
        // Numbers, because the questions of a type of its own go through the protocol.
        var earliest = (counters.first ?? time).nanoseconds
        var latest = (counters.last ?? time).nanoseconds
        var largestStepBack = counters.largestStepBack
        var previous = counters.last ?? time
        let interface = batch.interface
        let isKnown = interface >= 0 && interface < Self.maximumInterfaces
        if isKnown {
            while lastTimes.count <= interface { lastTimes.append(nil) }
            previous = lastTimes[interface] ?? time
        }
        let (previousBefore, latestBefore) = (previous, Timestamp(nanoseconds: latest))
        var before = previous.nanoseconds
        for index in 0..<batch.count {
            let packet = batch[index]
            let time = packet.timestamp.nanoseconds
            captured &+= Int64(packet.capturedLength)
            wire &+= Int64(packet.wireLength)
            if Int64(packet.wireLength) > Int64(packet.capturedLength) { snapped &+= 1 }
            if time < before { regressions &+= 1 }
            before = time
            earliest = min(earliest, time)
            latest = max(latest, time)
            largestStepBack = max(largestStepBack, latest.subtractingSaturating(time))
        }
        previous = Timestamp(nanoseconds: before)
        counters.packets &+= batch.count
        counters.capturedBytes &+= captured
        counters.wireBytes = counters.wireBytes.addingSaturating(wire)
        counters.snappedPackets &+= snapped
        counters.first = Timestamp(nanoseconds: earliest)
        counters.last = Timestamp(nanoseconds: latest)
        counters.largestStepBack = largestStepBack
        guard isKnown else { return }
        if regressions > 0 { noteRegressions(batch, after: previousBefore, latest: latestBefore) }
        lastTimes[interface] = previous
    }
}

// MARK: Checks

extension PacketDecoder {
    /// Whether `required` bytes from `offset` are captured and inside the enclosing length; notes it when not.
    @inline(__always)
    mutating func holds(
        _ required: Int,
        at offset: Int,
        of bytes: RawSpan,
        _ scope: DecodeScope,
        _ layer: DecodeObservation.Layer
    ) -> Bool {
        if scope.capturedEnd(bytes) &- offset >= required { return true }
        observeShortage(required, at: offset, captured: bytes.byteCount, scope, layer)
        return false
    }

    @inline(never)
    private mutating func observeShortage(
        _ required: Int,
        at offset: Int,
        captured: Int,
        _ scope: DecodeScope,
        _ layer: DecodeObservation.Layer
    ) {
        let isCut = captured < scope.end && scope.end &- offset >= required
        observe(
            layer,
            at: offset,
            required: required,
            available: max((isCut ? captured : scope.end) &- offset, 0),
            isCut ? .capturedLength : scope.endSource,
            scope
        )
    }

    @inline(never)
    mutating func observe(
        _ layer: DecodeObservation.Layer,
        at offset: Int,
        required: Int,
        available: Int,
        _ source: DecodeObservation.LengthSource,
        _ scope: DecodeScope
    ) {
        counters.observationCount &+= 1
        guard counters.observations.count < Self.maximumObservations else { return }
        counters.observations.append(
            DecodeObservation(
                layer: layer,
                offset: offset,
                required: required,
                available: available,
                lengthSource: source,
                frame: scope.frame
            )
        )
    }

    /// One encapsulation deeper; nil, with an observation, where it nests too deeply to be real.
    mutating func inner(_ scope: DecodeScope, at offset: Int) -> DecodeScope? {
        guard scope.depth < DecodeScope.maximumDepth else {
            observe(
                .tunnel,
                at: offset,
                required: scope.depth + 1,
                available: DecodeScope.maximumDepth,
                scope.endSource,
                scope
            )
            return nil
        }
        var scope = scope
        scope.depth += 1
        return scope
    }
}
