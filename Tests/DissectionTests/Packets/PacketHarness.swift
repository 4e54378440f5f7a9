import Dissection
import Model
import TestSupport
import Testing

/// A decoder and what it delivered, with the payload bytes copied out.
struct Harness {
    var decoder = PacketDecoder()
    var segments: [Segment] = []
    var payloads: [[UInt8]] = []
    private var number = 0

    mutating func feed(
        _ packet: [UInt8],
        at nanoseconds: Int64 = 0,
        linkType: LinkType = .ethernet,
        interface: Int = 0,
        wireLength: Int? = nil
    ) {
        number += 1
        let record = PacketRecord(
            testing: packet.count,
            number: number,
            nanoseconds: nanoseconds,
            linkType: linkType,
            interface: interface,
            wireLength: wireLength
        )
        var delivered: [(Segment, [UInt8])] = []
        decoder.decode(record, packet.span.bytes) { segment, bytes in
            let payload = segment.payload.map { bytes.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
            delivered.append((segment, payload))
        }
        for (segment, payload) in delivered {
            segments.append(segment)
            payloads.append(payload)
        }
    }

    static func decode(
        _ packet: [UInt8],
        linkType: LinkType = .ethernet,
        wireLength: Int? = nil
    ) -> Harness {
        var harness = Harness()
        harness.feed(packet, linkType: linkType, wireLength: wireLength)
        return harness
    }
}

/// One valid packet for a link type, and a name to read when it fails.
struct LinkCase: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var linkType: LinkType
    var packet: [UInt8]

    init(_ name: String, _ linkType: LinkType, _ packet: [UInt8]) {
        testDescription = name
        self.linkType = linkType
        self.packet = packet
    }

    static let payload: [UInt8] = Array("GET / HTTP/1.1\r\n".utf8)
    static let tcp = PacketBuilder.tcp(
        payload,
        flags: [.psh, .ack],
        options: PacketBuilder.timestampOption(value: 7, echo: 9)
    )
    static let ip4 = PacketBuilder.ipv4(tcp, identification: 77)
    static let ip6 = PacketBuilder.ipv6(tcp)

    /// Every way of carrying the same segment that the decoder knows.
    static let all: [LinkCase] = links + networks + tunnels

    private static let links: [LinkCase] = [
        LinkCase("Ethernet", .ethernet, PacketBuilder.ethernet(ip4)),
        LinkCase("Ethernet, IPv6", .ethernet, PacketBuilder.ethernet(ip6, type: 0x86dd)),
        LinkCase("802.1Q", .ethernet, PacketBuilder.ethernet(PacketBuilder.vlan(ip4, identifier: 9), type: 0x8100)),
        LinkCase(
            "802.1ad over 802.1Q",
            .ethernet,
            PacketBuilder.ethernet(
                PacketBuilder.vlan(PacketBuilder.vlan(ip6, identifier: 9, type: 0x86dd), identifier: 3, type: 0x8100),
                type: 0x88a8
            )
        ),
        LinkCase(
            "MPLS, two labels",
            .ethernet,
            PacketBuilder.ethernet([0, 1, 0, 64, 0, 2, 1, 64] + ip4, type: 0x8847)
        ),
        LinkCase(
            "MPLS pseudowire",
            .ethernet,
            PacketBuilder.ethernet([0, 2, 1, 64, 0, 0, 0, 0] + PacketBuilder.ethernet(ip4), type: 0x8847)
        ),
        LinkCase("802.3 SNAP", .ethernet, PacketBuilder.ethernet([0xaa, 0xaa, 3, 0, 0, 0, 8, 0] + ip4, type: 100)),
        LinkCase(
            "PPPoE",
            .ethernet,
            PacketBuilder.ethernet([0x11, 0, 0, 1, 0, 70, 0, 0x21] + ip4, type: 0x8864)
        ),
        LinkCase("cooked", .linuxCooked, PacketBuilder.linuxCooked(ip4)),
        LinkCase("cooked v2", .linuxCooked2, PacketBuilder.linuxCooked2(ip6, type: 0x86dd)),
        LinkCase("NULL, little endian", .null, [2, 0, 0, 0] + ip4),
        LinkCase("NULL, big endian", .null, [0, 0, 0, 30] + ip6),
        LinkCase("LOOP", .loop, [0, 0, 0, 2] + ip4),
        LinkCase("RAW", .raw, ip4),
        LinkCase("RAW, BSD", LinkType(rawValue: 12), ip6),
        LinkCase("RAW, OpenBSD", LinkType(rawValue: 14), ip4),
        LinkCase("IPV4", .ipv4, ip4),
        LinkCase("IPV6", .ipv6, ip6),
        LinkCase("PPP", LinkType(rawValue: 9), [0xff, 3, 0, 0x21] + ip4),
        LinkCase("PPP, compressed", LinkType(rawValue: 50), [0x57] + ip6),
    ]

    private static let networks: [LinkCase] = [
        LinkCase("IPv4 options", .raw, PacketBuilder.ipv4(tcp, options: [7, 7, 4, 0, 0, 0, 0])),
        LinkCase("IPv4 AH", .raw, PacketBuilder.ipv4([6, 4] + [UInt8](repeating: 1, count: 22) + tcp, protocol: 51)),
        LinkCase(
            "IPv6 hop-by-hop, routing, destination, AH",
            .raw,
            PacketBuilder.ipv6(
                [43, 0, 1, 4, 0, 0, 0, 0] + [60, 0, 0, 0, 0, 0, 0, 0] + [51, 1] + [UInt8](repeating: 0, count: 14)
                    + [6, 1] + [UInt8](repeating: 0, count: 10) + tcp,
                nextHeader: 0
            )
        ),
        LinkCase(
            "IPv6 atomic fragment",
            .raw,
            PacketBuilder.ipv6(
                PacketBuilder.ipv6Fragment(tcp, offset: 0, moreFragments: false, identification: 5),
                nextHeader: 44
            )
        ),
    ]

    private static func udp(_ payload: [UInt8], _ port: UInt16) -> [UInt8] {
        PacketBuilder.ipv4(PacketBuilder.udp(payload, destinationPort: port), protocol: 17)
    }

    private static func gre(_ header: [UInt8], _ payload: [UInt8]) -> [UInt8] {
        PacketBuilder.ipv4(header + payload, protocol: 47)
    }

    private static let frame = PacketBuilder.ethernet(ip4)

    private static let tunnels: [LinkCase] = [
        LinkCase("IPIP", .raw, PacketBuilder.ipv4(ip4, protocol: 4)),
        LinkCase("6in4", .raw, PacketBuilder.ipv4(ip6, protocol: 41)),
        LinkCase("4in6", .raw, PacketBuilder.ipv6(ip4, nextHeader: 4)),
        LinkCase("VXLAN", .raw, udp([8, 0, 0, 0, 0, 0, 1, 0] + frame, 4_789)),
        LinkCase("VXLAN, Linux's port", .raw, udp([8, 0, 0, 0, 0, 0, 1, 0] + frame, 8_472)),
        LinkCase("VXLAN, reserved bytes set", .raw, udp([0x88, 1, 2, 3, 0, 0, 1, 9] + frame, 4_789)),
        LinkCase("Geneve with an option", .raw, udp([1, 0, 0x65, 0x58, 0, 0, 1, 0, 1, 2, 3, 0] + frame, 6_081)),
        LinkCase("Geneve, IP inside", .raw, udp([0, 0, 0x86, 0xdd, 0, 0, 1, 0] + ip6, 6_081)),
        LinkCase("GTP-U", .raw, udp([0x30, 255, 0, 80, 0, 0, 0, 1] + ip4, 2_152)),
        LinkCase(
            "GTP-U with an extension",
            .raw,
            udp([0x34, 255, 0, 80, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0x10, 9, 0] + ip4, 2_152)
        ),
        LinkCase("GRE", .raw, gre([0, 0, 8, 0], ip4)),
        LinkCase(
            "GRE, checksum, key and sequence",
            .raw,
            gre([0xb0, 0, 0x86, 0xdd] + [UInt8](repeating: 1, count: 12), ip6)
        ),
        LinkCase("GRE, Ethernet", .raw, gre([0, 0, 0x65, 0x58], frame)),
        LinkCase("ERSPAN I", .raw, gre([0, 0, 0x88, 0xbe], frame)),
        LinkCase(
            "ERSPAN II",
            .raw,
            gre([0x10, 0, 0x88, 0xbe, 0, 0, 0, 1] + [UInt8](repeating: 0x10, count: 8), frame)
        ),
        LinkCase(
            "ERSPAN III",
            .raw,
            gre([0x10, 0, 0x22, 0xeb, 0, 0, 0, 1] + [UInt8](repeating: 0x20, count: 12), frame)
        ),
        LinkCase(
            "ERSPAN III with a subheader",
            .raw,
            gre([0x10, 0, 0x22, 0xeb, 0, 0, 0, 1] + [UInt8](repeating: 0x21, count: 20), frame)
        ),
    ]
}
