import Capture
import Model
import Reporting

/// One pcapng file of evidence: its packets, numbered anew, and what is said of them.
struct EvidenceFile {
    /// A packet that decides something.
    struct Decisive {
        /// In this file and in the capture.
        var number: Int
        var original: Int
        var text: String
    }

    /// A connection.
    struct Connection {
        var leg: Int
        /// `tcp.stream` in this file.
        var stream: Int
        var packets = 0
        /// Findings for which one of its packets decides.
        var decides: Set<Int> = []
    }

    var name: String
    /// Position of its finding in the report; nil for all of them together.
    var finding: Int?
    private(set) var decisive: [Decisive] = []
    private(set) var connections: [Connection] = []
    /// Positions among the packets of all findings.
    private var members: [Int] = []

    init(_ evidence: EvidencePackets, finding: Int?, name: String) {
        self.name = name
        self.finding = finding
        var known: [Int: Int] = [:]
        for (index, packet) in evidence.packets.enumerated() {
            if let finding, !packet.findings.contains(finding) { continue }
            members.append(index)
            if let leg = packet.leg {
                // Wireshark numbers connections as they come up; an ICMP error that quotes one counts, too.
                if known[leg] == nil {
                    known[leg] = connections.count
                    connections.append(Connection(leg: leg, stream: connections.count))
                }
                if let position = known[leg] { connections[position].packets += 1 }
            }
            for mark in evidence.plan.marks[packet.record.number] ?? [] where finding == nil || mark.finding == finding
            {
                if let position = packet.leg.flatMap({ known[$0] }) {
                    connections[position].decides.insert(mark.finding)
                }
                decisive.append(Decisive(number: members.count, original: packet.record.number, text: mark.text))
            }
        }
    }

    var packetCount: Int { members.count }

    /// TLS sessions of its connections; nil where secrets were not asked for.
    func sessions(_ evidence: EvidencePackets) -> TLSSessions.Count? { evidence.tls?.count(connections.map(\.leg)) }

    /// Wireshark's filter for the connections of the finding, or for the decisive frames where there is none.
    func displayFilter(_ evidence: EvidencePackets, finding: Int) -> DisplayFilter {
        let streams = connections.filter {
            let leg = evidence.plan.legs[$0.leg]
            return leg.findings.contains(finding) && !leg.context.contains(finding) || $0.decides.contains(finding)
        }.map(\.stream)
        if !streams.isEmpty { return DisplayFilter("tcp.stream", streams) }
        let name = evidence.plan.findings[finding].id + " "
        return DisplayFilter("frame.number", decisive.filter { $0.text.hasPrefix(name) }.map(\.number))
    }

    /// The file's bytes.
    func image(_ evidence: EvidencePackets, comment: String) -> [UInt8] {
        var image = PcapngImage(
            application: "gwsniff \(gwsniffVersion)",
            comment: comment,
            keyLog: evidence.tls?.keyLog(connections.map(\.leg)) ?? []
        )
        var ordinals: [Int: Int] = [:]
        for index in members {
            let packet = evidence.packets[index]
            var words = ["frame \(packet.record.number)"]
            if let leg = packet.leg {
                let missing = packet.ordinal - (ordinals[leg] ?? 0)
                if missing > 0 { words.append("\(missing) packets of this connection before it are left out") }
                ordinals[leg] = packet.ordinal + 1
            }
            for mark in evidence.plan.marks[packet.record.number] ?? [] where finding == nil || mark.finding == finding
            {
                words.append(mark.text)
            }
            image.append(
                packet.record,
                packet.bytes.span.bytes,
                comment: SafeText.terminal(words.joined(separator: "; "))
            )
        }
        return image.bytes
    }
}
