import Capture
import Foundation
import Model
import Reporting
import TestSupport
import Testing

@testable import Evidence

/// TLS secrets are in evidence where they were asked for, those of its own sessions alone, and nowhere else.
@Suite struct TLSSecretsTests {
    private static let random: [UInt8] = (0..<32).map { 0xa0 + $0 }
    private static let strangers: [UInt8] = (0..<32).map { $0 }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func line(_ random: [UInt8], _ secret: UInt8) -> String {
        "CLIENT_RANDOM \(hexadecimal(random)) \(hexadecimal(Array(repeating: secret, count: 48)))\n"
    }

    /// In a record, as long as it has to be to be one.
    private static func hello(_ random: [UInt8]) -> [UInt8] {
        let body = [3, 3] + random + [0, 0, 2, 0x13, 1, 1, 0]
        let message = [1, 0, 0, UInt8(body.count)] + body
        return [22, 3, 1, 0, UInt8(message.count)] + message
    }

    private static func wire(_ beginning: [UInt8], cut: Int = .max) -> Wire {
        var wire = Wire(seed: 1)
        wire.handshake()
        var offset = 0
        for start in stride(from: 0, to: beginning.count, by: min(cut, beginning.count)) {
            let piece = Array(beginning[start..<min(beginning.count, start + min(cut, beginning.count))])
            wire.segment(.fromClient, at: offset, piece)
            offset += piece.count
        }
        return wire
    }

    /// Written to a file with a key log, and what evidence is made of it.
    private static func evidence(
        _ wire: Wire,
        keyLog: String,
        isAsked: Bool,
        _ body: (EvidencePackets) throws -> Void
    ) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "gwsniff-\(UUID().uuidString).pcapng").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        var image = PcapngImage(application: "test", comment: nil, keyLog: Array(keyLog.utf8))
        for packet in wire.packets { image.append(packet.record, packet.bytes.span.bytes) }
        try Data(image.bytes).write(to: URL(fileURLWithPath: path))
        try body(
            EvidencePackets.read(
                [path],
                filter: nil,
                spools: Spools(),
                for: wire.report(),
                includesTLSSecrets: isAsked
            )
        )
    }

    private static func files(_ evidence: EvidencePackets) throws -> [ArchiveFile] {
        var sink = MemorySink(prefix: "")
        _ = try evidence.write(EvidenceLabel(sources: ["a"], isRedacted: false), to: &sink)
        return sink.files
    }

    private static let keyLog = line(strangers, 9) + line(random, 7)

    @Test("each capture begins with those of its sessions, and the manifest counts them")
    func asked() throws {
        try Self.evidence(Self.wire(Self.hello(Self.random)), keyLog: Self.keyLog, isAsked: true) { evidence in
            #expect(evidence.missingTLSSecrets == nil)
            let files = try Self.files(evidence)
            for file in files.dropLast() {
                let text = String(decoding: file.bytes, as: UTF8.self)
                #expect(text.contains(Self.line(Self.random, 7)))
                #expect(!text.contains(Self.hexadecimal(Self.strangers)))
                #expect(text.contains("TLS secrets: of 1 of 1 session"))
                // Behind the section's header, before all else.
                let length = Int(file.bytes[4]) | Int(file.bytes[5]) << 8
                #expect(file.bytes[length] == 10)
            }
            let manifest = try #require(files.last.flatMap { JSONValue.parsed($0.bytes) })
            #expect(manifest["tlsSecretsIncluded"] == .bool(true))
            for entry in manifest["files"]?.items ?? [] {
                #expect(entry["tlsSessions"] == .integer(1) && entry["tlsSessionsWithSecrets"] == .integer(1))
            }
        }
    }

    @Test("not asked for, or redacted, there is nothing of a key log in any file", arguments: [false, true])
    func notAsked(isAsked: Bool) throws {
        try Self.evidence(Self.wire(Self.hello(Self.random)), keyLog: Self.keyLog, isAsked: isAsked) { evidence in
            var evidence = evidence
            if isAsked { evidence.redact() }
            for file in try Self.files(evidence) {
                let text = String(decoding: file.bytes, as: UTF8.self)
                for word in ["CLIENT_RANDOM", "0707070707", "0909090909", Self.hexadecimal(Self.random)] {
                    #expect(!text.contains(word), "\(file.name)")
                }
                // By their bytes, too.
                let secret: [UInt8] = Array(repeating: 7, count: 8)
                #expect(file.bytes.firstRange(of: secret) == nil)
            }
            #expect(evidence.missingTLSSecrets == nil)
        }
    }

    @Test(
        "a hello is found behind what stands before it, in whatever pieces",
        arguments: [
            "", "PROXY TCP4 10.0.0.1 10.0.0.2 1 443\r\n", "CONNECT a:443 HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}",
        ],
        [1, 7, 50, 1_400]
    )
    func pieces(before: String, cut: Int) throws {
        let wire = Self.wire(Array(before.utf8) + Self.hello(Self.random), cut: cut)
        try Self.evidence(wire, keyLog: Self.keyLog, isAsked: true) { evidence in
            let text = String(decoding: try Self.files(evidence)[0].bytes, as: UTF8.self)
            // The opening of a connection stays whole; a hello in a hundred packets does not.
            #expect(text.contains(Self.line(Self.random, 7)))
        }
    }

    @Test("what the capture has no secrets for is said, in one line")
    func missing() throws {
        let second = Self.random.map { $0 ^ 1 }
        let cases: [([UInt8], String, String)] = [
            (
                Self.hello(Self.random), Self.line(Self.strangers, 9),
                "the capture has none for the TLS session in the evidence"
            ),
            (Self.hello(Self.random) + Self.hello(second), Self.keyLog, "has those of 1 of 2 TLS sessions"),
            (Self.hello(Self.random) + Self.hello(second), "", "has none for 2 TLS sessions"),
            (Array("GET / HTTP/1.1\r\n\r\n".utf8), Self.keyLog, "shows the beginning of a TLS session"),
        ]
        for (beginning, keyLog, words) in cases {
            try Self.evidence(Self.wire(beginning), keyLog: keyLog, isAsked: true) { evidence in
                #expect(evidence.missingTLSSecrets?.contains(words) == true, "\(evidence.missingTLSSecrets ?? "")")
                #expect(evidence.missingTLSSecrets?.contains("\n") == false)
                _ = try Self.files(evidence)
            }
        }
    }
}
