import Capture
import Model

/// The TLS sessions of the chosen connections, and what opens them.
///
/// A session is known by the random of its ClientHello (RFC 8446 §4.1.2), which key logs name it by.
struct TLSSessions {
    /// By leg, in the order in which they begin.
    private let randoms: [Int: [[UInt8]]]
    private let secrets: TLSSecrets

    /// A connection that goes on for long may say so much in clear before TLS: a PROXY header, CONNECT, STARTTLS.
    private static let largestBeginning = 64 << 10
    private static let largestCount = 8

    /// - Parameter find: looks for the secrets of these randoms.
    init(of evidence: EvidencePackets, find: (Set<[UInt8]>) -> TLSSecrets) {
        var beginnings: [Int: (client: StreamMap, server: StreamMap, bytes: Int)] = [:]
        for (index, packet) in evidence.packets.enumerated() {
            guard let leg = packet.leg else { continue }
            var known = beginnings[leg] ?? (StreamMap(), StreamMap(), 0)
            guard known.bytes < Self.largestBeginning else { continue }
            beginnings[leg] = nil
            defer { beginnings[leg] = known }
            let (record, bytes) = (packet.record, packet.bytes)
            let layout = FrameLayout(bytes.span.bytes, linkType: record.linkType, wireLength: record.wireLength)
            guard layout.content == .tcp else { continue }
            if layout.from == evidence.plan.legs[leg].span.client {
                known.client.add(layout, packet: index)
            } else {
                known.server.add(layout, packet: index)
            }
            known.bytes += layout.payload.count
        }
        var randoms: [Int: [[UInt8]]] = [:]
        for (leg, var streams) in beginnings {
            // Which side opened a connection is not always known.
            streams.client.assemble { evidence.packets[$0].bytes }
            streams.server.assemble { evidence.packets[$0].bytes }
            var found: [[UInt8]] = []
            for run in streams.client.runs + streams.server.runs where found.count < Self.largestCount {
                for random in Self.helloRandoms(run.bytes) where !found.contains(random) { found.append(random) }
            }
            if !found.isEmpty { randoms[leg] = Array(found.prefix(Self.largestCount)) }
        }
        self.randoms = randoms
        secrets = find(Set(randoms.values.joined()))
    }

    /// Of each ClientHello in the bytes: a record of type handshake (RFC 8446 §5.1) whose message is of type client_hello. By these eight
    /// bytes nothing else is taken for one in practice; if it were, no key log would have it.
    private static func helloRandoms(_ bytes: [UInt8]) -> [[UInt8]] {
        let length = 11 + TLSSecrets.randomLength
        guard bytes.count >= length else { return [] }
        var found: [[UInt8]] = []
        for start in 0...(bytes.count - length) where found.count < largestCount {
            guard bytes[start] == 22, bytes[start + 1] == 3, bytes[start + 5] == 1, bytes[start + 9] == 3 else {
                continue
            }
            // The random, and what surrounds it, fit into record and message.
            let record = Int(bytes[start + 3]) << 8 | Int(bytes[start + 4])
            let message = Int(bytes[start + 6]) << 16 | Int(bytes[start + 7]) << 8 | Int(bytes[start + 8])
            guard record >= length - 5, record <= 16_384, message >= length - 9 else { continue }
            found.append(Array(bytes[(start + 11)..<(start + length)]))
        }
        return found
    }

    // MARK: What is there

    /// How many sessions, and of how many of them the secrets are there.
    struct Count: Equatable {
        var sessions = 0
        var withSecrets = 0
    }

    func count(_ legs: some Sequence<Int>) -> Count {
        let all = randoms(legs)
        return Count(sessions: all.count, withSecrets: all.count(where: secrets.has))
    }

    /// The lines of a key log that open the sessions of these legs.
    func keyLog(_ legs: some Sequence<Int>) -> [UInt8] { randoms(legs).flatMap(secrets.lines) }

    private func randoms(_ legs: some Sequence<Int>) -> [[UInt8]] {
        var seen: Set<[UInt8]> = []
        return legs.flatMap { randoms[$0] ?? [] }.filter { seen.insert($0).inserted }
    }
}

extension EvidencePackets {
    /// What somebody who asked for the secrets has to know; nil where all are there, or none were asked for.
    package var missingTLSSecrets: String? {
        guard let count = tls?.count(plan.legs.indices) else { return nil }
        if count.sessions == 0 {
            return "TLS secrets: no connection in the evidence shows the beginning of a TLS session"
        }
        let sessions = count.sessions == 1 ? "the TLS session" : "\(count.sessions) TLS sessions"
        if count.withSecrets == 0 {
            return "TLS secrets: the capture has none for \(sessions) in the evidence; "
                + "editcap --inject-secrets tls,KEYLOG puts a key log into a capture"
        }
        guard count.withSecrets < count.sessions else { return nil }
        return "TLS secrets: the capture has those of \(count.withSecrets) of \(sessions) in the evidence"
    }
}
