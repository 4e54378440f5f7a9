package import Capture
package import Model

/// Reads the input once more and keeps the packets that belong to the findings of a report, within bounds.
package struct EvidenceCollector {
    private static let largestRelatedCount = 500
    private static let largestFragmentCount = 4_096

    private let plan: EvidencePlan
    private var pools: [Int: PacketPool] = [:]
    private var others: [ChosenPacket] = []
    private let limits: EvidenceLimits
    /// By leg: packets so far, and whether another connection of the same ends has begun.
    private var counts: [Int]
    private var isOver: [Bool]
    /// By finding: packets of names and neighbours so far.
    private var relatedCounts: [Int]
    /// Datagrams whose first fragment belongs to a leg.
    private var fragments: [FragmentName: Int] = [:]

    private struct FragmentName: Hashable {
        var source: IPAddress
        var destination: IPAddress
        var identification: UInt32
    }

    package init(_ report: Report, _ limits: EvidenceLimits) {
        plan = EvidencePlan(report, largestOccurrences: limits.occurrences)
        self.limits = limits
        counts = Array(repeating: 0, count: plan.legs.count)
        isOver = Array(repeating: false, count: plan.legs.count)
        relatedCounts = Array(repeating: 0, count: plan.findings.count)
    }

    /// Takes one packet, in the order of the capture.
    package mutating func process(_ record: PacketRecord, _ bytes: RawSpan) {
        let layout = FrameLayout(bytes, linkType: record.linkType, wireLength: record.wireLength)
        let marks = plan.marks[record.number]
        if let leg = leg(of: layout, record, bytes) {
            take(record, bytes, leg: leg, isDecisive: marks != nil)
        } else {
            var findings = related(layout, record, bytes)
            for index in findings { relatedCounts[index] += 1 }
            findings += marks?.map(\.finding) ?? []
            guard !findings.isEmpty else { return }
            others.append(ChosenPacket(record: record, bytes: Self.copy(bytes), findings: Set(findings).sorted()))
        }
    }

    private mutating func leg(of layout: FrameLayout, _ record: PacketRecord, _ bytes: RawSpan) -> Int? {
        switch layout.content {
        case .tcp: return leg(layout, record.number, bytes)
        case .icmp, .icmpv6:
            guard layout.isICMPError(bytes) else { return nil }
            let quoted = FrameLayout(quotedIn: bytes, at: layout.transport + 8, end: layout.payload.upperBound)
            guard quoted.content == .tcp else { return nil }
            return plan.leg(between: Ends(quoted.from, quoted.to), frame: record.number) { isOver[$0] }
                // The error may stand before the packet that it answers.
                ?? plan.legsByEnds[Ends(quoted.from, quoted.to)]?.first
        case .fragment:
            guard let fragment = layout.fragment else { return nil }
            let name = FragmentName(
                source: layout.source,
                destination: layout.destination,
                identification: fragment.identification
            )
            if fragment.offset > 0 { return fragments[name] }
            guard fragment.transport == 6, let leg = leg(layout, record.number, bytes) else { return nil }
            if fragments.count < Self.largestFragmentCount { fragments[name] = leg }
            return leg
        case .udp, .arp, .other: return nil
        }
    }

    private mutating func leg(_ layout: FrameLayout, _ frame: Int, _ bytes: RawSpan) -> Int? {
        let ends = Ends(layout.from, layout.to)
        guard let candidates = plan.legsByEnds[ends] else { return nil }
        if layout.flags.contains(.syn), !layout.flags.contains(.ack) {
            // Behind the last packet known of it an opening is that of another connection.
            for index in candidates where frame > plan.legs[index].span.last { isOver[index] = true }
        }
        return plan.leg(between: ends, frame: frame) { isOver[$0] }
    }

    private mutating func take(_ record: PacketRecord, _ bytes: RawSpan, leg: Int, isDecisive: Bool) {
        let findings = plan.legs[leg].findings
        guard let owner = findings.first else { return }
        var packet = ChosenPacket(record: record, bytes: Self.copy(bytes), leg: leg, findings: findings)
        packet.ordinal = counts[leg]
        counts[leg] += 1
        let share = limits.share(of: plan.findings.count)
        pools[owner, default: PacketPool(packets: limits.packets, bytes: share)].add(
            packet,
            to: leg,
            isContext: plan.legs[leg].context.contains(owner),
            isDecisive: isDecisive
        )
    }

    /// Findings that a question for a name or for a neighbour's address may belong to.
    private func related(_ layout: FrameLayout, _ record: PacketRecord, _ bytes: RawSpan) -> [Int] {
        let found: [Int]
        switch layout.content {
        case .udp where layout.sourcePort == 53 || layout.destinationPort == 53:
            let asker = layout.sourcePort == 53 ? layout.destination : layout.source
            found = plan.findings(around: record.timestamp, [asker], isName: true)
        case .arp:
            found = plan.findings(around: record.timestamp, [layout.source, layout.destination], isName: false)
        case .icmpv6 where layout.payload.count >= 16 && [135, 136].contains(bytes.byte(layout.transport)):
            // RFC 4861 §4.3, §4.4: the address that is asked for.
            let start = layout.payload.lowerBound
            let target = IPAddress(v6High: bytes.uint64(start), low: bytes.uint64(start + 8))
            found = plan.findings(around: record.timestamp, [target], isName: false)
        default: return []
        }
        return found.filter { relatedCounts[$0] < Self.largestRelatedCount }
    }

    private static func copy(_ bytes: RawSpan) -> [UInt8] { bytes.withUnsafeBytes { Array($0) } }

    /// What was chosen, in the order of the capture.
    package consuming func finish() -> EvidencePackets {
        var packets = others
        var leftOut: [Int: Int] = [:]
        for pool in pools.values {
            let (chosen, missing) = pool.drain()
            packets += chosen
            leftOut.merge(missing) { $0 + $1 }
        }
        packets.sort { $0.record.number < $1.record.number }
        for index in packets.indices {
            // A decisive packet of a leg may belong to findings that do not name the leg.
            let marked = plan.marks[packets[index].record.number]?.map(\.finding) ?? []
            packets[index].findings = Set(packets[index].findings + marked).sorted()
        }
        return EvidencePackets(plan: plan, packets: packets, counts: counts, leftOut: leftOut)
    }
}

/// The packets of all findings.
package struct EvidencePackets {
    var plan: EvidencePlan
    var packets: [ChosenPacket]
    /// By leg: packets that it has in the capture.
    let counts: [Int]
    /// By leg: packets that were left out.
    let leftOut: [Int: Int]
    /// What opens the TLS records in it; nil where it was not asked for.
    var tls: TLSSessions?

    package var isEmpty: Bool { packets.isEmpty }
}

extension EvidencePackets {
    /// Reads the input once more for the packets of a report.
    /// - Parameters:
    ///   - spools: where pipes were kept when they were read for the report.
    ///   - packetLimit: that the report's run had.
    ///   - includesTLSSecrets: of the input's key logs, what opens the connections that were chosen. They are looked for in a reading of
    ///     their own, for a key log may stand before the packets, when nothing is chosen yet.
    ///   - shouldStop: asked now and then; what was found up to then is the evidence.
    package static func read(
        _ paths: [String],
        filter: String?,
        spools: Spools,
        for report: Report,
        limits: EvidenceLimits = EvidenceLimits(),
        packetLimit: Int? = nil,
        includesTLSSecrets: Bool = false,
        shouldStop: () -> Bool = { false }
    ) throws(CaptureError) -> EvidencePackets {
        var collector = EvidenceCollector(report, limits)
        spools.rewind()
        let input = try CaptureInput(paths: paths, filter: filter, spools: spools)
        var untilLook = 1 << 14
        var left = packetLimit ?? .max
        while left > 0, let record = try input.advance() {
            input.withPacket { collector.process(record, $0) }
            left -= 1
            untilLook -= 1
            if untilLook == 0 {
                if shouldStop() { break }
                untilLook = 1 << 14
            }
        }
        var packets = collector.finish()
        if limits.dropsPayload { packets.dropPayload() }
        if includesTLSSecrets {
            packets.tls = TLSSessions(of: packets) { TLSSecrets.read(paths, spools, for: $0, shouldStop: shouldStop) }
        }
        return packets
    }
}
