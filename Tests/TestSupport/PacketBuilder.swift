package import Model

/// Valid packets byte by byte, for tests of any layer. Every function returns the layer with its payload inside, so
/// that a packet is written as it nests: `ethernet(ipv4(.., tcp(..)))`.
///
/// The IPv4 header checksum is right; TCP, UDP and ICMP checksums are zero, as behind offload.
package enum PacketBuilder {
    package static let client = IPAddress(v4: 192, 0, 2, 1)
    package static let server = IPAddress(v4: 198, 51, 100, 2)
    package static let client6 = IPAddress(v6High: 0x2001_0db8_0000_0000, low: 1)
    package static let server6 = IPAddress(v6High: 0x2001_0db8_0000_0000, low: 2)

    /// `value` in network byte order.
    package static func bigEndian<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }

    package static func bytes(of address: IPAddress) -> [UInt8] {
        address.isIPv6
            ? bigEndian(address.high) + bigEndian(address.low)
            : bigEndian(UInt32(truncatingIfNeeded: address.low))
    }

    // MARK: Link

    package static func ethernet(
        _ payload: [UInt8],
        type: UInt16 = 0x0800,
        source: [UInt8] = [2, 0, 0, 0, 0, 1],
        destination: [UInt8] = [2, 0, 0, 0, 0, 2]
    ) -> [UInt8] {
        destination + source + bigEndian(type) + payload
    }

    /// An 802.1Q tag: goes between the addresses and the type of an Ethernet frame, whose own type becomes `tpid`.
    package static func vlan(_ payload: [UInt8], identifier: UInt16, type: UInt16 = 0x0800) -> [UInt8] {
        bigEndian(identifier & 0xfff) + bigEndian(type) + payload
    }

    /// LINKTYPE_LINUX_SLL. `packetType`: 0 to us, 1 broadcast, 2 multicast, 3 to someone else, 4 from us.
    package static func linuxCooked(
        _ payload: [UInt8],
        type: UInt16 = 0x0800,
        packetType: UInt16 = 0
    ) -> [UInt8] {
        bigEndian(packetType) + bigEndian(UInt16(1)) + bigEndian(UInt16(6)) + [2, 0, 0, 0, 0, 1, 0, 0]
            + bigEndian(type) + payload
    }

    /// LINKTYPE_LINUX_SLL2.
    package static func linuxCooked2(
        _ payload: [UInt8],
        type: UInt16 = 0x0800,
        interfaceIndex: UInt32 = 2,
        packetType: UInt8 = 0
    ) -> [UInt8] {
        bigEndian(type) + [0, 0] + bigEndian(interfaceIndex) + bigEndian(UInt16(1)) + [packetType, 6]
            + [2, 0, 0, 0, 0, 1, 0, 0] + payload
    }

    // MARK: Network

    /// `fragmentOffset` in bytes, a multiple of 8; `totalLength` overrides the true one; `options` padded to 4 bytes.
    package static func ipv4(
        _ payload: [UInt8],
        protocol number: UInt8 = 6,
        source: IPAddress = client,
        destination: IPAddress = server,
        identification: UInt16 = 0,
        timeToLive: UInt8 = 64,
        dontFragment: Bool = true,
        moreFragments: Bool = false,
        fragmentOffset: Int = 0,
        options: [UInt8] = [],
        totalLength: UInt16? = nil
    ) -> [UInt8] {
        let padded = options + [UInt8](repeating: 0, count: (4 - options.count % 4) % 4)
        let headerLength = 20 + padded.count
        var flags = UInt16(truncatingIfNeeded: fragmentOffset / 8)
        if dontFragment { flags |= 0x4000 }
        if moreFragments { flags |= 0x2000 }
        let length = totalLength ?? UInt16(truncatingIfNeeded: headerLength + payload.count)
        var header: [UInt8] = [0x40 | UInt8(truncatingIfNeeded: headerLength / 4), 0]
        header += bigEndian(length) + bigEndian(identification) + bigEndian(flags)
        header += [timeToLive, number, 0, 0] + bytes(of: source) + bytes(of: destination) + padded
        let sum = checksum(header)
        header[10] = UInt8(truncatingIfNeeded: sum >> 8)
        header[11] = UInt8(truncatingIfNeeded: sum)
        return header + payload
    }

    /// Extension headers, if any, are part of `payload`, and `nextHeader` names the first.
    package static func ipv6(
        _ payload: [UInt8],
        nextHeader: UInt8 = 6,
        source: IPAddress = client6,
        destination: IPAddress = server6,
        hopLimit: UInt8 = 64,
        payloadLength: UInt16? = nil
    ) -> [UInt8] {
        [0x60, 0, 0, 0] + bigEndian(payloadLength ?? UInt16(truncatingIfNeeded: payload.count))
            + [nextHeader, hopLimit] + bytes(of: source) + bytes(of: destination) + payload
    }

    /// A fragment header (RFC 8200 §4.5); `offset` in bytes, a multiple of 8.
    package static func ipv6Fragment(
        _ payload: [UInt8],
        nextHeader: UInt8 = 6,
        offset: Int,
        moreFragments: Bool,
        identification: UInt32
    ) -> [UInt8] {
        [nextHeader, 0] + bigEndian(UInt16(truncatingIfNeeded: offset & ~7) | (moreFragments ? 1 : 0))
            + bigEndian(identification) + payload
    }

    // MARK: Transport

    /// `options` is padded with end-of-list bytes to a multiple of 4.
    package static func tcp(
        _ payload: [UInt8] = [],
        sourcePort: UInt16 = 40_000,
        destinationPort: UInt16 = 80,
        sequence: UInt32 = 1_000,
        acknowledgment: UInt32 = 0,
        flags: TCPFlags = [.ack],
        window: UInt16 = 502,
        options: [UInt8] = []
    ) -> [UInt8] {
        let padded = options + [UInt8](repeating: 0, count: (4 - options.count % 4) % 4)
        let offsetAndFlags = UInt16(truncatingIfNeeded: (20 + padded.count) / 4) << 12 | flags.rawValue
        return bigEndian(sourcePort) + bigEndian(destinationPort) + bigEndian(sequence)
            + bigEndian(acknowledgment) + bigEndian(offsetAndFlags) + bigEndian(window) + [0, 0, 0, 0]
            + padded + payload
    }

    /// Timestamp option (RFC 7323 §3) behind two no-operations, as Linux writes it.
    package static func timestampOption(value: UInt32, echo: UInt32) -> [UInt8] {
        [1, 1, 8, 10] + bigEndian(value) + bigEndian(echo)
    }

    /// What a Linux SYN carries: MSS, SACK permitted, timestamp, window scale.
    package static func synOptions(
        maximumSegmentSize: UInt16 = 1_460,
        windowScale: UInt8 = 7,
        value: UInt32 = 1,
        echo: UInt32 = 0
    ) -> [UInt8] {
        [2, 4] + bigEndian(maximumSegmentSize) + [4, 2, 8, 10] + bigEndian(value) + bigEndian(echo)
            + [1, 3, 3, windowScale]
    }

    package static func udp(
        _ payload: [UInt8],
        sourcePort: UInt16 = 40_000,
        destinationPort: UInt16 = 53,
        length: UInt16? = nil
    ) -> [UInt8] {
        bigEndian(sourcePort) + bigEndian(destinationPort)
            + bigEndian(length ?? UInt16(truncatingIfNeeded: 8 + payload.count)) + [0, 0] + payload
    }

    /// An ICMP or ICMPv6 message; `rest` is the second word of the header (MTU, identifier and sequence, unused).
    package static func icmp(type: UInt8, code: UInt8, rest: UInt32 = 0, _ body: [UInt8]) -> [UInt8] {
        [type, code, 0, 0] + bigEndian(rest) + body
    }

    // MARK: Neighbours

    /// `operation`: 1 request, 2 reply. Goes into `ethernet(.., type: 0x0806)`.
    package static func arp(
        operation: UInt16 = 1,
        sender: IPAddress = client,
        target: IPAddress = server,
        senderHardware: [UInt8] = [2, 0, 0, 0, 0, 1],
        targetHardware: [UInt8] = [0, 0, 0, 0, 0, 0]
    ) -> [UInt8] {
        [0, 1, 8, 0, 6, 4] + bigEndian(operation) + senderHardware + bytes(of: sender) + targetHardware
            + bytes(of: target)
    }

    /// A neighbour solicitation (135) or advertisement (136) for `target`; goes into `ipv6(.., nextHeader: 58)`.
    package static func neighbour(type: UInt8, target: IPAddress, flags: UInt32 = 0) -> [UInt8] {
        icmp(type: type, code: 0, rest: flags, bytes(of: target))
    }

    /// The Internet checksum of RFC 1071.
    package static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for (index, byte) in bytes.enumerated() {
            sum += index % 2 == 0 ? UInt32(byte) << 8 : UInt32(byte)
        }
        while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
        return ~UInt16(truncatingIfNeeded: sum)
    }
}

extension PacketRecord {
    /// A whole packet of `length` bytes: frame `number` at `nanoseconds`.
    package init(
        testing length: Int,
        number: Int = 1,
        nanoseconds: Int64 = 0,
        linkType: LinkType = .ethernet,
        interface: Int = 0,
        wireLength: Int? = nil
    ) {
        self.init(
            number: number,
            timestamp: Timestamp(nanoseconds: nanoseconds),
            capturedLength: length,
            wireLength: wireLength ?? length,
            interface: interface,
            linkType: linkType,
            source: 0
        )
    }
}

/// A small seeded generator (SplitMix64), so that a failing random test can be run again from its printed seed.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }
}
