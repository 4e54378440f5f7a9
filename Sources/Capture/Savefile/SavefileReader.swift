package import Model

/// The packets of one savefile, pcap or pcapng, plain or compressed, from a file or standard input, in file order.
///
/// Bytes are read in blocks into one buffer and shown in place; memory does not grow with the file.
package final class SavefileReader {
    package static let defaultBlockSize = 256 << 10

    private let file: FileStream
    private let buffer: InputBuffer
    private let parser: any SavefileParser
    private let pcap: PcapParser?
    private var current: ParsedRecord?
    private var packets = 0
    private var bytes: Int64 = 0
    private let batch = PacketBatch(linkType: .ethernet)
    private let compression: Compression?
    private let name: String
    /// In a `PassageMap`: the first passage that may still come.
    private var nextPassage = 0

    /// How reading ended; nil as long as it goes on.
    package private(set) var ending: CaptureEnding?

    /// Opens the file and reads its header.
    /// - Parameters:
    ///   - path: a path, or "-" for standard input.
    ///   - blockSize: bytes read at a time.
    ///   - spools: where pipes are kept, or come from when they are read for the second time.
    ///   - isStopped: asked when a signal interrupts a blocking read; true ends the capture there.
    package init(
        path: String,
        blockSize: Int = SavefileReader.defaultBlockSize,
        spools: Spools? = nil,
        isStopped: @escaping @Sendable () -> Bool = { false }
    ) throws(CaptureError) {
        name = path == "-" ? "standard input" : path
        file = try FileStream(path: path, spools: spools, isStopped: isStopped)
        compression = Compression(prefix: try file.peek(Compression.prefixLength))
        let stream: any ByteStream =
            compression == nil ? file : DecompressedStream(file, bufferSize: min(blockSize, 128 << 10))
        buffer = InputBuffer(stream, blockSize: blockSize)
        parser = try SavefileReader.parser(buffer, name: name)
        pcap = parser as? PcapParser
    }

    private static func parser(_ buffer: InputBuffer, name: String) throws(CaptureError) -> any SavefileParser {
        guard try buffer.require(4) else {
            if case .damaged(let message) = buffer.problem {
                throw CaptureError(.notACapture, "\(name): not a packet capture: \(message)")
            }
            throw CaptureError(
                .notACapture,
                buffer.available == 0
                    ? "\(name): not a packet capture: it is empty" : "\(name): not a packet capture: it is too short"
            )
        }
        if PcapngParser.recognises(buffer) { return try PcapngParser(buffer, name: name) }
        if PcapParser.recognises(buffer) { return try PcapParser(buffer, name: name) }
        throw CaptureError(
            .notACapture,
            "\(name): not a packet capture",
            hint: "pcap and pcapng are read, plain or compressed by gzip, zstd or lz4"
        )
    }

    /// From now on shows the key logs in the file to `secrets`.
    /// - Returns: false for a format that can hold none.
    func collect(_ secrets: TLSSecrets) -> Bool {
        guard let pcapng = parser as? PcapngParser else { return false }
        pcapng.secrets = secrets
        return true
    }

    /// The next packet, or nil at the end, of which `ending` says how it came. `number` counts the file's frames from 1 as
    /// Wireshark does, `interface` its interfaces from 0; `source` is 0.
    package func advance() throws(CaptureError) -> PacketRecord? {
        if ending != nil { return nil }
        if let size = current?.size { buffer.consume(size) }
        // The concrete type lets the compiler call it directly, once a packet.
        let step: ParserStep
        if let pcap { step = try pcap.next(buffer) } else { step = try parser.next(buffer) }
        switch step {
        case .record(let record):
            current = record
            packets &+= 1
            let others = pcap == nil ? parser.otherFrames : 0
            bytes &+= Int64(record.wireLength)
            return PacketRecord(
                number: packets &+ others,
                timestamp: record.timestamp,
                capturedLength: record.capturedLength,
                wireLength: record.wireLength,
                interface: record.interface,
                linkType: record.linkType,
                source: 0
            )
        case .end(let ending):
            current = nil
            self.ending = ending
            return nil
        }
    }

    /// Hands on packets that follow the one that `advance` returned last, as many as can be had without reading on; the same packets that
    /// `advance` and `withPacket` would give, at less cost. The next packet is `advance`'s.
    /// - Parameter limit: of so many at most.
    /// - Returns: how many.
    package func scan(limit: Int, _ body: (PacketBatch, RawSpan) -> Void) -> Int {
        guard ending == nil, let size = current?.size, limit > 0 else { return 0 }
        buffer.consume(size)
        current = nil
        batch.firstNumber = packets &+ 1 &+ (pcap == nil ? parser.otherFrames : 0)
        var wire = bytes
        let count = parser.scan(buffer, limit: limit, batch) { batch, window in
            for index in 0..<batch.count { wire &+= Int64(batch[index].wireLength) }
            body(batch, window)
        }
        packets &+= count
        bytes = wire
        return count
    }

    /// Where the record lies that `advance` returned last: its first byte in the file, and how many it has.
    var place: (start: Int64, length: Int) { (buffer.offset, current?.size ?? 0) }

    /// Its bytes are in the file as they are in the stream.
    var isPlain: Bool { compression == nil }

    /// What a packet is depends on those before it.
    var borrowsTimes: Bool { parser.borrowsTimes }

    /// Behind the packets that were handed on last: passes by the passages that are not needed.
    /// - Returns: how many packets they have.
    func leaveOut(_ map: PassageMap, _ isNeeded: (PassageMap.Passage) -> Bool) throws(CaptureError) -> Int {
        guard ending == nil else { return 0 }
        let passages = map.passages
        let start = buffer.offset &+ Int64(current?.size ?? 0)
        while nextPassage < passages.count, passages[nextPassage].start < start { nextPassage &+= 1 }
        var (position, count) = (start, 0)
        while nextPassage < passages.count, passages[nextPassage].start == position, !isNeeded(passages[nextPassage]) {
            position = passages[nextPassage].end
            count &+= Int(passages[nextPassage].count)
            nextPassage &+= 1
        }
        if position > start {
            if let size = current?.size { buffer.consume(size) }
            current = nil
            try buffer.leap(position &- buffer.offset)
            packets &+= count
        }
        // What is needed now is read at once, as far as it goes.
        var end = position
        var ahead = nextPassage
        while ahead < passages.count, passages[ahead].start == end, end &- position < Int64(Self.defaultBlockSize),
            isNeeded(passages[ahead])
        {
            end = passages[ahead].end
            ahead &+= 1
        }
        buffer.horizon = ahead < passages.count ? max(end, passages[ahead].start) : .max
        return count
    }

    /// Shows the bytes of the packet that `advance` returned last; no bytes after the end.
    package func withPacket<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try buffer.withBytes(at: current?.position ?? 0, count: current?.capturedLength ?? 0, body)
    }

    /// Where the bytes lie that were shown last: who holds it keeps them.
    package var block: InputBlock { buffer.block }

    /// Bytes of the file read so far, compressed where it is compressed.
    package var bytesRead: Int64 { file.bytesRead }

    /// What was read so far. `bytes` are those that the packets had on the wire.
    package var summary: SourceSummary {
        var summary = SourceSummary(
            name: name,
            format: (compression.map { $0.rawValue + " " } ?? "") + parser.formatName,
            linkTypes: parser.linkTypes,
            packets: packets,
            bytes: bytes,
            truncated: ending?.message,
            dropped: parser.dropped
        )
        summary.losses = parser.losses
        return summary
    }
}
