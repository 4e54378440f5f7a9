import Model
import TestSupport

@testable import Evidence

/// A connection as packets with right checksums, cut into segments at random, and what the evidence makes of it.
struct Wire {
    static let client = Endpoint(address: PacketBuilder.client, port: 40_000)
    static let server = Endpoint(address: PacketBuilder.server, port: 80)

    var packets: [(record: PacketRecord, bytes: [UInt8])] = []
    var random: SplitMix
    private let clientStart: UInt32 = 0xffff_ff00
    private let serverStart: UInt32 = 7_000

    init(seed: UInt64) {
        random = SplitMix(state: seed)
    }

    mutating func handshake() {
        segment(.fromClient, at: -1, [], [.syn])
        segment(.fromServer, at: -1, [], [.syn, .ack])
    }

    /// Offset 0 is the byte behind the SYN.
    mutating func segment(_ direction: Direction, at offset: Int, _ payload: [UInt8], _ flags: TCPFlags = [.ack]) {
        append(Self.packet(direction, sequence(direction, offset), payload, flags))
    }

    func sequence(_ direction: Direction, _ offset: Int) -> UInt32 {
        (direction == .fromClient ? clientStart : serverStart) &+ 1 &+ UInt32(truncatingIfNeeded: offset)
    }

    mutating func append(_ bytes: [UInt8], captured: Int = .max) {
        let number = packets.count + 1
        let kept = Array(bytes.prefix(captured))
        let record = PacketRecord(
            number: number,
            timestamp: Timestamp(seconds: 1_700_000_000, nanoseconds: Int64(number) * 1_000_000),
            capturedLength: kept.count,
            wireLength: bytes.count,
            interface: 0,
            linkType: .ethernet,
            source: 0
        )
        packets.append((record, kept))
    }

    static func packet(_ direction: Direction, _ sequence: UInt32, _ payload: [UInt8], _ flags: TCPFlags) -> [UInt8] {
        let (from, to) = direction == .fromClient ? (client, server) : (server, client)
        var tcp = PacketBuilder.tcp(
            payload,
            sourcePort: from.port,
            destinationPort: to.port,
            sequence: sequence,
            flags: flags
        )
        let sum = checksum(tcp, from.address, to.address)
        tcp[16] = UInt8(sum >> 8)
        tcp[17] = UInt8(sum & 255)
        return PacketBuilder.ethernet(PacketBuilder.ipv4(tcp, source: from.address, destination: to.address))
    }

    static func checksum(_ tcp: [UInt8], _ from: IPAddress, _ to: IPAddress) -> UInt16 {
        let pseudo =
            PacketBuilder.bytes(of: from) + PacketBuilder.bytes(of: to) + [0, 6]
            + PacketBuilder.bigEndian(UInt16(tcp.count))
        return PacketBuilder.checksum(pseudo + tcp)
    }

    /// 0 where it is right.
    static func checksumError(_ packet: [UInt8]) -> UInt16 {
        checksum(Array(packet[34...]), client.address, server.address)
    }

    /// Both directions cut at random; some segments sent again with other borders, some out of order.
    mutating func exchange(_ request: [UInt8], _ response: [UInt8], isDisordered: Bool = true) {
        for (direction, bytes) in [(Direction.fromClient, request), (.fromServer, response)] {
            var cuts: [Range<Int>] = []
            var position = 0
            while position < bytes.count {
                let end = min(bytes.count, position + 1 + Int(random.next() % 90))
                cuts.append(position..<end)
                position = end
            }
            if isDisordered {
                for index in cuts.indices.dropLast() where random.next() % 4 == 0 { cuts.swapAt(index, index + 1) }
                for _ in 0..<cuts.count / 3 {
                    let start = Int(random.next() % UInt64(max(1, bytes.count)))
                    let again = start..<min(bytes.count, start + 1 + Int(random.next() % 120))
                    cuts.insert(again, at: Int(random.next() % UInt64(cuts.count + 1)))
                }
            }
            for cut in cuts { segment(direction, at: cut.lowerBound, Array(bytes[cut])) }
        }
    }

    /// A report with one finding of this connection.
    func report() -> Report {
        var report = Report()
        let occurrence = Occurrence(
            time: Timestamp(seconds: 1_700_000_000),
            from: Self.client,
            to: Self.server,
            stream: 0,
            frames: [],
            request: nil,
            client: nil,
            attempt: 1,
            explanation: ""
        )
        report.findings = [
            Finding(
                id: "F1",
                cause: .resetBeforeResponse,
                title: "a reset",
                confidence: .high,
                blame: .upstream,
                severity: .failure,
                count: 1,
                attempts: 1,
                first: occurrence.time,
                last: occurrence.time,
                occurrences: [occurrence]
            )
        ]
        report.connections[0] = ConnectionSpan(
            stream: 0,
            client: Self.client,
            server: Self.server,
            first: 1,
            last: packets.count
        )
        return report
    }

    /// The evidence before and after redaction.
    func evidence(_ limits: EvidenceLimits = EvidenceLimits()) -> (before: EvidencePackets, after: EvidencePackets) {
        var collector = EvidenceCollector(report(), limits)
        for packet in packets { collector.process(packet.record, packet.bytes.span.bytes) }
        let before = collector.finish()
        var after = before
        after.redact()
        return (before, after)
    }
}

/// Steele, Lea and Flood 2014: the same numbers from the same seed.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return z ^ z >> 31
    }
}

extension EvidencePackets {
    /// Packets in which any five bytes in a row of a secret stand.
    func leaks(_ secrets: [String]) -> [String] {
        var windows: [[UInt8]: String] = [:]
        for secret in secrets {
            let bytes = Array(secret.utf8)
            for start in 0...(bytes.count - 5) { windows[Array(bytes[start..<start + 5])] = secret }
        }
        var found: [String] = []
        for packet in packets where packet.bytes.count >= 5 {
            for start in 0...(packet.bytes.count - 5) {
                if let secret = windows[Array(packet.bytes[start..<start + 5])] {
                    found.append("frame \(packet.record.number): \(secret)")
                }
            }
        }
        return found
    }
}
