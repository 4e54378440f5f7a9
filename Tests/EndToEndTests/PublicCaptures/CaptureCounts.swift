import Capture
import Dissection
import Model

/// What is compared with Wireshark; each class has its own list of known differences.
enum CountClass: String, CaseIterable {
    case streams, syn, synAck, fin, rst
    /// HTTP/1 responses, each status by itself.
    case status
    /// Wireshark's `tcp.analysis` flags, each a class.
    case retransmission, fastRetransmission, spuriousRetransmission, outOfOrder
    case lostSegment, ackLostSegment, duplicateAck
    case zeroWindow, zeroWindowProbe, zeroWindowProbeAck, windowFull, windowUpdate
    case keepAlive, keepAliveAck, reusedPorts

    /// `reference.json` writes the flags as Wireshark does.
    var analysis: (name: String, flag: AnalysisFlags)? {
        switch self {
        case .streams, .syn, .synAck, .fin, .rst, .status: nil
        case .retransmission: ("retransmission", .retransmission)
        case .fastRetransmission: ("fast_retransmission", .fastRetransmission)
        case .spuriousRetransmission: ("spurious_retransmission", .spuriousRetransmission)
        case .outOfOrder: ("out_of_order", .outOfOrder)
        case .lostSegment: ("lost_segment", .lostSegment)
        case .ackLostSegment: ("ack_lost_segment", .ackLostSegment)
        case .duplicateAck: ("duplicate_ack", .duplicateAck)
        case .zeroWindow: ("zero_window", .zeroWindow)
        case .zeroWindowProbe: ("zero_window_probe", .zeroWindowProbe)
        case .zeroWindowProbeAck: ("zero_window_probe_ack", .zeroWindowProbeAck)
        case .windowFull: ("window_full", .windowFull)
        case .windowUpdate: ("window_update", .windowUpdate)
        case .keepAlive: ("keep_alive", .keepAlive)
        case .keepAliveAck: ("keep_alive_ack", .keepAliveAck)
        case .reusedPorts: ("reused_ports", .reusedPorts)
        }
    }
}

/// How often something may have been counted: one number but for responses, see `CaptureCounts.countStatuses`.
struct CountRange: Equatable {
    var least = 0
    var most = 0

    static func += (range: inout CountRange, other: CountRange) {
        range.least += other.least
        range.most += other.most
    }
}

/// What the dissection counts in a file.
struct CaptureCounts {
    /// By class, and within a class by name where it counts several things.
    private(set) var counts: [CountClass: [String: CountRange]] = [:]
    /// Link types that are not decoded: nothing means the same.
    private(set) var isIncomparable = false
    /// Classes that do not mean the same in this file: packets were recognised as captured twice, or events dropped at a bound.
    private(set) var skipped: Set<CountClass> = []

    /// Nil where the file cannot be read as a capture.
    init?(of path: String) {
        guard let input = try? CaptureInput(paths: [path]) else { return nil }
        let dissector = Dissector()
        while true {
            guard let record = try? input.advance() else { break }
            input.withPacket { dissector.process(record, $0) }
        }
        dissector.finish()
        let facts = dissector.facts(final: true)
        isIncomparable = !facts.counters.undecodedLinkTypes.isEmpty
        if facts.counters.duplicatePackets > 0 || facts.connections.contains(where: { $0.droppedEvents > 0 }) {
            skipped = [.syn, .synAck, .fin, .rst]
        }
        if facts.counters.duplicatePackets > 0 {
            skipped.formUnion(CountClass.allCases.filter { $0.analysis != nil })
        }
        // A late packet after the end has its facts apart, under the same number.
        count(.streams, Set(facts.connections.map(\.stream)).count)
        for connection in facts.connections {
            countFlags(connection)
            countStatuses(connection)
            countAnalysis(connection.fromClient.analysis)
            countAnalysis(connection.fromServer.analysis)
        }
    }

    private mutating func count(_ kind: CountClass, _ number: Int = 1) {
        counts[kind, default: [:]]["", default: CountRange()] += CountRange(least: number, most: number)
    }

    private mutating func countFlags(_ connection: ConnectionFacts) {
        var frames: [Int: TCPFlags] = [:]
        for event in connection.events { frames[event.frame.number, default: []].formUnion(event.flags) }
        for flags in frames.values {
            if flags.contains(.syn) { count(flags.contains(.ack) ? .synAck : .syn) }
            if flags.contains(.fin) { count(.fin) }
            if flags.contains(.rst) { count(.rst) }
        }
    }

    private mutating func countAnalysis(_ analysis: AnalysisCounts) {
        for kind in CountClass.allCases {
            guard let flag = kind.analysis?.flag else { continue }
            count(kind, analysis[flag])
            // Wireshark calls each of the other two a retransmission as well.
            if flag == .retransmission {
                count(kind, analysis[.fastRetransmission] + analysis[.spuriousRetransmission])
            }
        }
    }

    /// Wireshark shows a response once it has put all of it together, which it does not where segments are missing or came out of order
    /// (`tcp.reassemble_out_of_order:FALSE`, as the reference was made). A response that came whole and in order must be counted, no other
    /// than one whose head is known may be.
    private mutating func countStatuses(_ connection: ConnectionFacts) {
        // Of FastCGI, whose answers Wireshark does not count as HTTP's.
        if case .other = connection.application { return }
        let isOrderly =
            connection.fromServer.highestEnd == connection.fromServer.contiguousEnd
            && !connection.events.contains { $0.direction == .fromServer && Self.disorder.contains($0.kind) }
        for exchange in connection.exchanges {
            var statuses = exchange.interim.map { ($0.status, isOrderly) }
            if let response = exchange.response, let status = response.status {
                statuses.append((status, isOrderly && response.completion == .complete && !response.body.hasGap))
            }
            for (status, isSure) in statuses {
                counts[.status, default: [:]][String(status), default: CountRange()] +=
                    CountRange(least: isSure ? 1 : 0, most: 1)
            }
        }
    }

    private static let disorder: Set<TCPEvent.Kind> = [
        .lostSegment, .outOfOrder, .retransmission, .fastRetransmission, .spuriousRetransmission, .overlapMismatch,
    ]

    /// Per class, what differs, in words.
    func differences(from entry: WiresharkReference.Entry) -> [CountClass: String] {
        var reference: [CountClass: [String: Int]?] = [
            .streams: entry.tcp_streams.map { ["": $0] }, .syn: entry.syn.map { ["": $0] },
            .synAck: entry.synack.map { ["": $0] }, .fin: entry.fin.map { ["": $0] }, .rst: entry.rst.map { ["": $0] },
            // A status code has three digits (RFC 9112 §4); Wireshark takes any number for one.
            .status: entry.http?.status.filter { $0.key.count == 3 },
        ]
        for kind in CountClass.allCases {
            if let name = kind.analysis?.name { reference[kind] = entry.an.map { ["": $0[name] ?? 0] } }
        }
        var result: [CountClass: String] = [:]
        for kind in CountClass.allCases where !skipped.contains(kind) {
            guard let wanted = reference[kind] ?? nil else { continue }
            let own = counts[kind] ?? [:]
            let differing = Set(own.keys).union(wanted.keys).sorted().filter { name in
                let range = own[name] ?? CountRange()
                return !(range.least...range.most).contains(wanted[name] ?? 0)
            }
            if differing.isEmpty { continue }
            result[kind] = differing.map { name in
                let range = own[name] ?? CountRange()
                let here = range.least == range.most ? "\(range.most)" : "\(range.least) to \(range.most)"
                return "\(name) \(here), Wireshark \(wanted[name] ?? 0)"
            }.joined(separator: "; ")
        }
        return result
    }
}
