import Capture
import Dissection
import Foundation
import Model
import Testing

/// Captures from public repositories, read in place: what Wireshark counted in them, and that nothing traps.
@Suite struct PublicCapturesTests {
    static let directory =
        ProcessInfo.processInfo.environment["GWSNIFF_PUBLIC_CAPTURES"] ?? PackageRoot.path + "/../shared/captures"
    static let isPresent = FileManager.default.fileExists(atPath: directory + "/reference.json")

    @Test(
        "streams, SYN, FIN and RST of every public capture are as many as Wireshark counts",
        .enabled(if: isPresent, "no public captures; GWSNIFF_PUBLIC_CAPTURES names their directory")
    )
    func countsLikeWireshark() throws {
        let data = try #require(FileManager.default.contents(atPath: Self.directory + "/reference.json"))
        let reference = try JSONDecoder().decode(Reference.self, from: data)
        var compared = 0
        var surprises: [String] = []
        var differing: Set<String> = []
        for (name, entry) in reference.files.sorted(by: { $0.key < $1.key }) {
            let path = Self.directory + "/" + name
            guard FileManager.default.fileExists(atPath: path) else { continue }
            guard let counts = Counts(of: path), entry.rc == 0, !counts.isIncomparable else { continue }
            compared += 1
            let differences = counts.differences(from: entry)
            if differences.isEmpty { continue }
            differing.insert(name)
            if KnownDifferences.reasons[name] == nil {
                surprises.append("\(name): \(differences.joined(separator: ", "))")
            }
        }
        print("public captures: \(compared) compared with Wireshark")
        #expect(compared > 1_000)
        #expect(surprises.isEmpty, "\(surprises.count):\n\(surprises.joined(separator: "\n"))")
        let settled = Set(KnownDifferences.reasons.keys).subtracting(differing)
        #expect(settled.isEmpty, "these agree now and need no reason any more: \(settled.sorted())")
    }
}

private struct Reference: Decodable {
    struct Entry: Decodable {
        var rc: Int
        var tcp_streams: Int?
        var syn: Int?
        var synack: Int?
        var fin: Int?
        var rst: Int?
    }
    var files: [String: Entry]
}

/// What the dissection counts in a file.
private struct Counts {
    var streams = 0
    var syn = 0
    var synAck = 0
    var fin = 0
    var rst = 0
    /// Link types that are not decoded: nothing means the same.
    var isIncomparable = false
    /// Packets that were recognised as captured twice, or events dropped at a bound: only streams are as many.
    var hasOnlyStreams = false

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
        hasOnlyStreams =
            facts.counters.duplicatePackets > 0 || facts.connections.contains { $0.droppedEvents > 0 }
        // A late packet after the end has its facts apart, under the same number.
        streams = Set(facts.connections.map(\.stream)).count
        for connection in facts.connections {
            var frames: [Int: TCPFlags] = [:]
            for event in connection.events { frames[event.frame.number, default: []].formUnion(event.flags) }
            for flags in frames.values {
                if flags.contains(.syn) { if flags.contains(.ack) { synAck += 1 } else { syn += 1 } }
                if flags.contains(.fin) { fin += 1 }
                if flags.contains(.rst) { rst += 1 }
            }
        }
    }

    func differences(from entry: Reference.Entry) -> [String] {
        let pairs = [
            ("streams", streams, entry.tcp_streams), ("SYN", syn, entry.syn), ("SYN-ACK", synAck, entry.synack),
            ("FIN", fin, entry.fin), ("RST", rst, entry.rst),
        ]
        return pairs.prefix(hasOnlyStreams ? 1 : pairs.count).compactMap { name, actual, wanted in
            wanted.flatMap { $0 == actual ? nil : "\(name) \(actual), Wireshark \($0)" }
        }
    }
}
