import Dissection
import Model

/// Overwrites the secrets of one connection: both directions, by what they speak.
struct LegRedaction {
    private(set) var client = StreamMap()
    private(set) var server = StreamMap()
    private var originals: (client: [StreamMap.Run], server: [StreamMap.Run]) = ([], [])

    subscript(_ direction: Direction) -> StreamMap { direction == .fromClient ? client : server }

    mutating func add(_ layout: FrameLayout, packet: Int, direction: Direction) {
        if direction == .fromClient { client.add(layout, packet: packet) } else { server.add(layout, packet: packet) }
    }

    /// Puts the streams together and overwrites them.
    /// - Parameter isNames: DNS over TCP, which is kept.
    mutating func redact(_ text: inout TextRedaction, isNames: Bool, _ bytes: (Int) -> [UInt8]) {
        client.assemble(bytes)
        server.assemble(bytes)
        originals = (client.runs, server.runs)
        guard !isNames else { return }
        if isScripts {
            redactScripts(&text)
            return
        }
        let isEncrypted = !hasStartLine && hasRecord
        let methods = redactClient(&text, isEncrypted: isEncrypted)
        redactServer(&text, methods, isEncrypted: isEncrypted)
    }

    private var hasStartLine: Bool {
        client.begins(StartLines.isRequest) || server.begins(StartLines.isStatus)
    }

    private var hasRecord: Bool { client.begins(StartLines.isRecord) || server.begins(StartLines.isRecord) }

    /// FastCGI on both sides.
    private var isScripts: Bool {
        guard !hasStartLine, client.begins({ StartLines.isScriptRecord($0, at: $1, isClient: true) }) else {
            return false
        }
        return server.runs.first.map { $0.bytes.first == 1 || $0.start > 0 || !server.knowsBeginning } ?? true
    }

    private mutating func redactScripts(_ text: inout TextRedaction) {
        for isClient in [true, false] {
            var stream = isClient ? client : server
            let knowsBeginning = stream.knowsBeginning && stream.runs.first?.start == 0
            var scripts = ScriptRedaction(isClient: isClient, knowsBeginning: knowsBeginning, text: text)
            stream.change { scripts.redact(&$1) }
            text = scripts.text
            if isClient { client = stream } else { server = stream }
        }
    }

    private mutating func redactClient(_ text: inout TextRedaction, isEncrypted: Bool) -> [String?] {
        let knowsBeginning = client.knowsBeginning && client.runs.first?.start == 0
        var start = 0
        if knowsBeginning, let first = client.runs.first?.bytes {
            start = Self.proxyHeaderLength(first)
            if text.hidesAddresses { client.change { if $0 == 0 { text.addresses(&$1.bytes, 0..<start) } } }
            let beginning = Array(first[start...].prefix(ProtocolProbe.longestNeeded))
            switch ProtocolProbe.examine(beginning, from: .fromClient) {
            case .certain(.http1), .unknown, .unsure: break
            case .certain(.tls):
                client.redact(RecordRedaction(knowsBeginning: true), from: start)
                return []
            case .certain:
                client.blank(keeping: start + Self.telling(beginning, from: .fromClient))
                return []
            }
        } else if isEncrypted {
            client.redact(RecordRedaction(knowsBeginning: false), from: 0)
            return []
        }
        var messages = MessageRedaction(
            isClient: true,
            methods: [],
            knowsBeginning: knowsBeginning,
            text: text
        )
        client.redact(&messages, from: start)
        text = messages.text
        return messages.methods
    }

    private mutating func redactServer(_ text: inout TextRedaction, _ methods: [String?], isEncrypted: Bool) {
        let knowsBeginning = server.knowsBeginning && server.runs.first?.start == 0
        if knowsBeginning, let first = server.runs.first?.bytes {
            let beginning = Array(first.prefix(ProtocolProbe.longestNeeded))
            let content = beginning.drop { $0 == 0x0d || $0 == 0x0a }
            if StartLines.isRecord(first, at: 0) {
                return server.redact(RecordRedaction(knowsBeginning: true), from: 0)
            }
            if !content.prefix(5).map(ASCII.lowered).elementsEqual("http/".utf8.prefix(content.count)) {
                return server.blank(keeping: Self.telling(beginning, from: .fromServer))
            }
        } else if isEncrypted {
            return server.redact(RecordRedaction(knowsBeginning: false), from: 0)
        }
        var messages = MessageRedaction(
            isClient: false,
            methods: methods,
            knowsBeginning: knowsBeginning,
            text: text
        )
        server.redact(&messages, from: 0)
        text = messages.text
    }

    /// A PROXY protocol header before all else (haproxy.org, proxy-protocol.txt §2): addresses, and no secret.
    private static func proxyHeaderLength(_ bytes: [UInt8]) -> Int {
        if bytes.starts(with: "PROXY ".utf8) {
            return bytes.prefix(108).firstIndex(of: 0x0a).map { $0 + 1 } ?? 0
        }
        let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]
        guard bytes.count >= 16, bytes.starts(with: signature) else { return 0 }
        // Behind the addresses come options that may say anything.
        return min(bytes.count, 16 + min(36, Int(bytes[14]) << 8 | Int(bytes[15])))
    }

    /// How many of the first bytes tell what they told, the others overwritten.
    private static func telling(_ beginning: [UInt8], from direction: Direction) -> Int {
        let answer = ProtocolProbe.examine(beginning, from: direction)
        let guess = ProtocolProbe.bestGuess(beginning, from: direction)
        guard guess != nil || answer != .unknown else { return 0 }
        for count in 0..<beginning.count {
            var tried = beginning
            MessageRedaction.blank(&tried, count..<tried.count)
            if ProtocolProbe.examine(tried, from: direction) == answer,
                ProtocolProbe.bestGuess(tried, from: direction) == guess
            {
                return count
            }
        }
        return beginning.count
    }

    // MARK: Packets

    /// Overwrites the payload of a packet that begins at `offset` of its direction's stream.
    func overwrite(_ bytes: inout [UInt8], _ range: Range<Int>, at offset: Int64, _ direction: Direction) {
        let map = direction == .fromClient ? client : server
        let old = direction == .fromClient ? originals.client : originals.server
        var run: Int?
        for (number, index) in range.enumerated() {
            let place = offset + Int64(number)
            if run.map({ map.runs[$0].start <= place && place < map.runs[$0].end }) != true { run = map.run(at: place) }
            guard let run else {
                bytes[index] = Pseudonyms.filler
                continue
            }
            let position = Int(place - map.runs[run].start)
            // Other bytes at the same place were not looked at.
            bytes[index] = old[run].bytes[position] == bytes[index] ? map.runs[run].bytes[position] : Pseudonyms.filler
        }
    }
}

extension StreamMap {
    /// Whether a packet begins with what `test` looks for.
    fileprivate func begins(_ test: ([UInt8], Int) -> Bool) -> Bool {
        runs.contains { run in run.beginnings.prefix(64).contains { $0 < run.bytes.count && test(run.bytes, $0) } }
    }

    fileprivate mutating func redact(_ messages: inout MessageRedaction, from start: Int) {
        change { index, run in messages.redact(&run, from: index == 0 ? start : 0) }
    }

    fileprivate mutating func redact(_ records: RecordRedaction, from start: Int) {
        var records = records
        change { index, run in records.redact(&run, from: index == 0 ? start : 0) }
    }

    /// Overwrites all but the first bytes of the first run.
    fileprivate mutating func blank(keeping count: Int) {
        change { index, run in
            let kept = index == 0 ? min(count, run.bytes.count) : 0
            MessageRedaction.blank(&run.bytes, kept..<run.bytes.count)
        }
    }
}
