import Capture
import Testing

/// What is kept of the key logs in a capture: the lines of the sessions that were asked for, and nothing else.
struct TLSSecretsTests {
    private static let random = (0..<32).map { UInt8(0xa0 + $0) }
    private static let other = (0..<32).map { UInt8($0) }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func line(_ label: String, _ random: [UInt8] = random, _ secret: UInt8 = 7, count: Int = 48)
        -> String
    {
        "\(label) \(hexadecimal(random)) \(hexadecimal(Array(repeating: secret, count: count)))"
    }

    private static func file(
        _ text: String,
        type: UInt32 = 0x544c_534b,
        claims: UInt32? = nil,
        bigEndian: Bool = false,
        isBehind: Bool = false
    ) -> Savefile {
        var file = Savefile.pcapng(bigEndian: bigEndian)
        func packets() {
            file.interface()
            for ticks in 1...3 { file.enhancedPacket(ticks: UInt64(ticks), [1, 2, 3]) }
        }
        if isBehind { packets() }
        var body = Savefile(bigEndian: bigEndian)
        body.put(type)
        body.put(claims ?? UInt32(text.utf8.count))
        body.put(Array(text.utf8))
        file.block(10, body)
        if !isBehind { packets() }
        return file
    }

    private static func lines(_ file: [UInt8], of random: [UInt8] = random) throws -> String {
        let directory = try TemporaryDirectory()
        let path = try directory.write("capture", file)
        let secrets = TLSSecrets.read([path], Spools(), for: [random])
        #expect(!secrets.has(other) && secrets.lines(other).isEmpty, "another session's secret is kept")
        return String(decoding: secrets.lines(random), as: UTF8.self)
    }

    @Test(
        "before the packets and behind them, in either byte order",
        arguments: [false, true],
        [false, true]
    )
    func places(bigEndian: Bool, isBehind: Bool) throws {
        let text = "\(Self.line("CLIENT_RANDOM", Self.other, 9))\n\(Self.line("CLIENT_RANDOM"))\n"
        let file = Self.file(text, bigEndian: bigEndian, isBehind: isBehind)
        #expect(try Self.lines(file.bytes) == "\(Self.line("CLIENT_RANDOM"))\n")
        #expect(try read(file.bytes).packets.count == 3)
    }

    @Test("what opens records, in the order of a handshake, in lower case, each once")
    func labels() throws {
        let kept = [
            "CLIENT_RANDOM", "CLIENT_EARLY_TRAFFIC_SECRET", "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0",
        ]
        let text =
            kept.reversed().map { label in
                let words = Self.line(label).split(separator: " ")
                return "\(words[0])\t\(words[1].uppercased())  \(words[2].uppercased()) \r\n"
            }.joined() + "# \(Self.line("CLIENT_RANDOM"))\r\n\r\n" + Self.line("CLIENT_RANDOM", Self.random, 8)
        #expect(try Self.lines(Self.file(text).bytes) == kept.map { Self.line($0) + "\n" }.joined())
    }

    @Test(
        "what names a session otherwise, opens no records, or is no line of a key log is left out",
        arguments: [
            line("EXPORTER_SECRET"), line("EARLY_EXPORTER_SECRET"), line("client_random"),
            line("CLIENT_RANDOM") + " more",
            line("CLIENT_RANDOM", Array(random.dropLast())), line("CLIENT_RANDOM", random + [1]),
            line("CLIENT_RANDOM", random, 7, count: 65), line("CLIENT_RANDOM", random, 7, count: 0),
            String(line("CLIENT_RANDOM").dropLast()), String(line("CLIENT_RANDOM").dropLast(2)) + "xy",
            "RSA Session-ID:\(hexadecimal(random)) Master-Key:\(String(repeating: "07", count: 48))",
            "RSA \(String(repeating: "a0", count: 8)) \(String(repeating: "07", count: 48))",
            line("CLIENT_RANDOM").replacing("07", with: "0 7"),
        ]
    )
    func leftOut(_ line: String) throws {
        #expect(try Self.lines(Self.file(line + "\n").bytes) == "")
    }

    @Test("of other kinds of secrets, and of a block that claims more than it has, nothing else is read")
    func otherKinds() throws {
        let text = Self.line("CLIENT_RANDOM") + "\n"
        // WireGuard's.
        #expect(try Self.lines(Self.file(text, type: 0x5747_4b4c).bytes) == "")
        #expect(try Self.lines(Self.file(text, claims: 20).bytes) == "")
        #expect(try Self.lines(Self.file(text, claims: .max).bytes) == text)
        #expect(try read(Self.file(text, claims: .max).bytes).packets.count == 3)
        #expect(try Self.lines([UInt8](repeating: 0xa1, count: 3)) == "")
    }

    @Test("a key log larger than what is read at once, of many sessions, and a line without an end")
    func large() throws {
        var text = String(repeating: Self.line("CLIENT_RANDOM", Self.other, 9) + "\n", count: 4_000)
        text += Self.line("CLIENT_RANDOM") + "\n" + String(repeating: "a", count: 400_000)
        #expect(try Self.lines(Self.file(text).bytes) == Self.line("CLIENT_RANDOM") + "\n")
        // Behind what is no line the next one counts.
        text = String(repeating: " ", count: 300_000) + "\n" + Self.line("SERVER_TRAFFIC_SECRET_0")
        #expect(try Self.lines(Self.file(text).bytes) == Self.line("SERVER_TRAFFIC_SECRET_0") + "\n")
    }

    @Test("whatever is cut off gives no line that is not there")
    func cut() throws {
        let lines = [Self.line("CLIENT_RANDOM"), Self.line("CLIENT_TRAFFIC_SECRET_0")]
        let file = Self.file(lines[0] + "\n" + lines[1] + "\n").bytes
        for count in stride(from: 0, through: file.count, by: 7) {
            let found = try Self.lines(Array(file.prefix(count)))
            // A secret that was cut in its middle opens nothing, and harms nobody.
            #expect(found.split(separator: "\n").allSatisfy { line in lines.contains { $0.hasPrefix(line) } })
        }
    }

    @Test("of several files, and of a pcap there is nothing to be read")
    func several() throws {
        let directory = try TemporaryDirectory()
        var pcap = Savefile.pcap()
        pcap.record(1, 0, Array(Self.line("CLIENT_RANDOM").utf8))
        let paths = [
            try directory.write("a.pcapng", Self.file(Self.line("CLIENT_RANDOM", Self.other)).bytes),
            try directory.write("b.pcap", pcap.bytes),
            try directory.write("c.pcapng", Self.file(Self.line("CLIENT_TRAFFIC_SECRET_0")).bytes),
        ]
        let secrets = TLSSecrets.read(paths, Spools(), for: [Self.random])
        #expect(secrets.lines(Self.random) == Array((Self.line("CLIENT_TRAFFIC_SECRET_0") + "\n").utf8))
    }
}
