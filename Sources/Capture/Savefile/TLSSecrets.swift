/// The TLS secrets of chosen sessions, as key logs in a capture have them (RFC 9850, the SSLKEYLOGFILE format; blocks of type 10 in pcapng).
///
/// A key log has the sessions of everything that wrote to it. Of these only the ones asked for are kept, and of each only what opens its
/// records: memory is bounded by what was asked for, whatever a file holds.
package final class TLSSecrets {
    /// Bytes of the random in a ClientHello (RFC 8446 §4.1.2), by which a line names its session.
    package static let randomLength = 32

    /// What Wireshark opens records with, in the order in which a handshake brings it forth. Left out are secrets that open no records
    /// (exporter secrets), and lines that name a session otherwise than by its client's random (RSA).
    private static let labels = [
        "CLIENT_RANDOM", "CLIENT_EARLY_TRAFFIC_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0",
    ]
    private static let positions = Dictionary(uniqueKeysWithValues: labels.enumerated().map { (Array($1.utf8), $0) })
    /// Bytes of a secret: a hash's, at most SHA-512's; a master secret has 48.
    private static let largestSecret = 64
    /// The longest label, two blanks, the random, the largest secret, and room for blanks at the end.
    private static let longestLine = 256

    private let wanted: Set<[UInt8]>
    /// By random and by position of the label.
    private var found: [[UInt8]: [Int: [UInt8]]] = [:]
    private var line: [UInt8] = []
    private var isTooLong = false

    /// - Parameter wanted: the randoms of the sessions.
    package init(for wanted: Set<[UInt8]>) {
        self.wanted = wanted
    }

    package func has(_ random: [UInt8]) -> Bool { found[random] != nil }

    /// The lines of a session, each with its end; empty where no key log had it.
    package func lines(_ random: [UInt8]) -> [UInt8] {
        (found[random] ?? [:]).sorted { $0.key < $1.key }.flatMap { position, secret in
            Array("\(Self.labels[position]) \(Self.hexadecimal(random)) \(Self.hexadecimal(secret))\n".utf8)
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    // MARK: Reading

    /// A piece of a key log's text; lines may be cut anywhere.
    func take(_ bytes: RawSpan) {
        for index in 0..<bytes.byteCount {
            let byte = bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                endLine()
            } else if line.count < Self.longestLine {
                line.append(byte)
            } else {
                isTooLong = true
            }
        }
    }

    /// The text is over: its last line may have no end.
    func endLine() {
        if !isTooLong, !line.isEmpty { use(line) }
        line.removeAll(keepingCapacity: true)
        isTooLong = false
    }

    /// A label, the random and a secret; comments and whatever else there is are no such three.
    private func use(_ line: [UInt8]) {
        let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard words.count == 3, let position = Self.positions[Array(words[0])],
            let random = Self.bytes(words[1]), random.count == Self.randomLength, wanted.contains(random),
            let secret = Self.bytes(words[2]), !secret.isEmpty, secret.count <= Self.largestSecret
        else { return }
        // The first counts: that a key log stands in several files is usual, that it says something else in one of them is not.
        if found[random]?[position] == nil { found[random, default: [:]][position] = secret }
    }

    private static func bytes(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count % 2 == 0 else { return nil }
        var result: [UInt8] = []
        var high: UInt8?
        for digit in text {
            let value: UInt8
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = digit - UInt8(ascii: "A") + 10
            default: return nil
            }
            if let first = high {
                result.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return result
    }
}

extension TLSSecrets {
    /// Reads the savefiles once more for the secrets in them, which may stand before the packets or behind them.
    /// - Parameters:
    ///   - paths: as for `CaptureInput`; what cannot be read was complained about when it was read for its packets.
    ///   - spools: where pipes were kept.
    ///   - shouldStop: asked now and then.
    package static func read(
        _ paths: [String],
        _ spools: Spools,
        for wanted: Set<[UInt8]>,
        shouldStop: () -> Bool = { false }
    ) -> TLSSecrets {
        let secrets = TLSSecrets(for: wanted)
        guard !wanted.isEmpty else { return secrets }
        spools.rewind()
        for file in InputFiles(paths: paths).files {
            guard let reader = try? SavefileReader(path: file.path, spools: spools), reader.collect(secrets) else {
                continue
            }
            while case .some = try? reader.advance() {
                if shouldStop() { return secrets }
                // Packets are of no interest: as many as lie in the window at once.
                _ = reader.scan(limit: .max) { _, _ in }
            }
        }
        return secrets
    }
}
