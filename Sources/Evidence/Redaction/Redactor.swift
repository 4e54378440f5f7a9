import Model

extension EvidencePackets {
    /// Overwrites secrets in place: lengths stay, and so do checksums as right or wrong as they were.
    /// - Parameter hidesAddresses: those in text, too, as `mapAddresses` needs it.
    package mutating func redact(hidesAddresses: Bool = false) {
        // What they would open is overwritten: they would be of use elsewhere only.
        tls = nil
        var text = TextRedaction()
        text.hidesAddresses = hidesAddresses
        for (leg, members) in membersByLeg { redact(leg, members, &text) }
        redactOthers()
    }

    /// Positions of the packets of each leg, in the order of the legs, so that stand-ins are numbered alike in every run.
    private var membersByLeg: [(leg: Int, members: [Int])] {
        var members: [Int: [Int]] = [:]
        for (index, packet) in packets.enumerated() {
            if let leg = packet.leg { members[leg, default: []].append(index) }
        }
        return members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    fileprivate func layout(_ index: Int) -> FrameLayout {
        let (record, bytes) = (packets[index].record, packets[index].bytes)
        return FrameLayout(bytes.span.bytes, linkType: record.linkType, wireLength: record.wireLength)
    }

    private mutating func redact(_ leg: Int, _ members: [Int], _ text: inout TextRedaction) {
        let span = plan.legs[leg].span
        var streams = LegRedaction()
        func direction(_ layout: FrameLayout) -> Direction { layout.from == span.client ? .fromClient : .fromServer }
        for index in members {
            let layout = layout(index)
            if layout.content == .tcp { streams.add(layout, packet: index, direction: direction(layout)) }
        }
        let isNames = span.client.port == 53 || span.server.port == 53
        streams.redact(&text, isNames: isNames) { packets[$0].bytes }
        for direction in Direction.allCases {
            for piece in streams[direction].pieces {
                edit(piece.packet) { bytes, _ in
                    streams.overwrite(&bytes, piece.range, at: piece.offset, direction)
                }
            }
        }
        for index in members {
            let layout = layout(index)
            switch layout.content {
            case .icmp, .icmpv6:
                edit(index) { bytes, layout in
                    let quoted = FrameLayout(
                        quotedIn: bytes.span.bytes,
                        at: layout.transport + 8,
                        end: layout.payload.upperBound
                    )
                    let side = direction(quoted)
                    if let offset = streams[side].offset(of: quoted.sequence) {
                        let first = quoted.flags.contains(.syn) ? offset + 1 : offset
                        streams.overwrite(&bytes, quoted.payload, at: first, side)
                    } else {
                        MessageRedaction.blank(&bytes, quoted.payload)
                    }
                }
            case .fragment where !isNames: break
            default: edit(index) { _, _ in }
            }
        }
        if !isNames { redactFragments(members) }
    }

    /// Packets of no connection that is followed: names and neighbours are kept, the rest is headers only.
    private mutating func redactOthers() {
        for index in packets.indices where packets[index].leg == nil {
            edit(index) { bytes, layout in
                let isNames = layout.sourcePort == 53 || layout.destinationPort == 53
                switch layout.content {
                case .arp: break
                case .udp, .tcp, .fragment:
                    if !isNames { MessageRedaction.blank(&bytes, layout.payload) }
                case .icmp, .icmpv6:
                    guard layout.isICMPError(bytes.span.bytes) else { break }
                    let end = layout.payload.upperBound
                    let quoted = FrameLayout(quotedIn: bytes.span.bytes, at: layout.transport + 8, end: end)
                    let isAboutNames = quoted.sourcePort == 53 || quoted.destinationPort == 53
                    if !isAboutNames { MessageRedaction.blank(&bytes, quoted.payload) }
                case .other:
                    let start = min(layout.network?.end ?? 14, bytes.count)
                    MessageRedaction.blank(&bytes, start..<bytes.count)
                }
            }
        }
    }

    /// A segment that came in pieces is not put together: behind its header nothing is shown.
    private mutating func redactFragments(_ members: [Int]) {
        struct Name: Hashable {
            var source: IPAddress
            var destination: IPAddress
            var identification: UInt32
        }
        var differences: [Name: Int64] = [:]
        var firsts: [Name: (index: Int, checksum: Int)] = [:]
        for index in members {
            let layout = layout(index)
            guard layout.content == .fragment, let fragment = layout.fragment else { continue }
            let name = Name(
                source: layout.source,
                destination: layout.destination,
                identification: fragment.identification
            )
            let old = packets[index].bytes
            var start = layout.payload.lowerBound
            if fragment.offset == 0 {
                firsts[name] = (index, layout.transport + 16)
                let header = layout.payload.count >= 13 ? Int(old[layout.transport + 12] >> 4) * 4 : 20
                start = min(start + max(20, header), layout.payload.upperBound)
            }
            MessageRedaction.blank(&packets[index].bytes, start..<layout.payload.upperBound)
            differences[name, default: 0] += InternetChecksum.difference(
                old,
                packets[index].bytes,
                layout.payload,
                base: layout.transport
            )
        }
        for (name, first) in firsts {
            InternetChecksum.update(&packets[first.index].bytes, at: first.checksum, by: differences[name] ?? 0)
        }
    }

    /// Changes the bytes of a packet and puts its checksums right by what changed. What lies behind the IP packet, padding or whatever
    /// stood in the sender's memory, is overwritten, too.
    private mutating func edit(_ index: Int, _ body: (inout [UInt8], FrameLayout) -> Void) {
        let layout = layout(index)
        let old = packets[index].bytes
        var bytes = old
        packets[index].bytes = []
        body(&bytes, layout)
        layout.clearTrailer(&bytes)
        layout.updateChecksums(&bytes, from: old)
        packets[index].bytes = bytes
    }
}

extension EvidencePackets {
    /// Keeps of TCP segments the headers only, as a capture with a small snap length would have them.
    mutating func dropPayload() {
        for index in packets.indices {
            let layout = layout(index)
            let isNames = layout.sourcePort == 53 || layout.destinationPort == 53
            guard layout.content == .tcp, !isNames, layout.payload.lowerBound < packets[index].bytes.count else {
                continue
            }
            packets[index].bytes.removeSubrange(layout.payload.lowerBound...)
            packets[index].record.capturedLength = packets[index].bytes.count
        }
    }
}

extension FrameLayout {
    /// Zeros what was captured behind the packet.
    func clearTrailer(_ bytes: inout [UInt8]) {
        let end: Int
        switch content {
        case .arp: end = transport + 28
        case .tcp, .udp, .icmp, .icmpv6, .fragment: end = payload.upperBound
        case .other: return
        }
        guard end < bytes.count else { return }
        for index in end..<bytes.count { bytes[index] = 0 }
    }

    /// The checksums of the transport and of the tunnels around it, after bytes behind the transport's header have changed.
    func updateChecksums(_ bytes: inout [UInt8], from old: [UInt8]) {
        let changed = payload.clamped(to: 0..<bytes.count)
        let difference = InternetChecksum.difference(old, bytes, changed, base: transport)
        switch content {
        case .tcp where payload.lowerBound - transport >= 18:
            InternetChecksum.update(&bytes, at: transport + 16, by: difference)
        case .udp:
            InternetChecksum.update(&bytes, at: transport + 6, by: difference, isOptional: true)
        case .icmp, .icmpv6:
            InternetChecksum.update(&bytes, at: transport + 2, by: difference)
        default: break
        }
        for datagram in tunnels {
            let whole = InternetChecksum.difference(old, bytes, datagram..<bytes.count, base: datagram)
            InternetChecksum.update(&bytes, at: datagram + 6, by: whole, isOptional: true)
        }
    }
}
