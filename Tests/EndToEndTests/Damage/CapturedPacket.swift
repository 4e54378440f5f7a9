import Capture
import Diagnosis
import Dissection
import Model
import Pipeline

/// A packet of a committed capture, held in memory so that a capture can be damaged and judged without a file.
struct CapturedPacket: Sendable {
    var record: PacketRecord
    var bytes: [UInt8]
    /// Ends of its TCP segment; nil for what is none.
    var ends: Ends?

    struct Ends: Hashable, Sendable {
        var source: Endpoint
        var destination: Endpoint
    }

    /// All packets of the savefile, in its order.
    static func all(of path: String) throws -> [CapturedPacket] {
        let reader = try SavefileReader(path: path)
        var decoder = PacketDecoder()
        var packets: [CapturedPacket] = []
        while let record = try reader.advance() {
            var ends: Ends?
            let bytes = reader.withPacket { span in
                decoder.decode(record, span) { segment, _ in
                    ends = Ends(source: segment.source, destination: segment.destination)
                }
                return (0..<span.byteCount).map { span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
            }
            packets.append(CapturedPacket(record: record, bytes: bytes, ends: ends))
        }
        return packets
    }
}

/// A report together with the facts that its stream numbers point into.
struct JudgedCapture {
    var report: Report
    /// By `tcp.stream`: client and server.
    private var streams: [Int: CapturedPacket.Ends] = [:]
    /// How many answers with 5xx stand on a connection, whoever made them, and requests that a reset answered.
    private(set) var serverErrors: [CapturedPacket.Ends: Int] = [:]

    /// Judges packets as a file with exactly these would be judged: frames are numbered by their order.
    init(_ packets: [CapturedPacket], _ options: DiagnosisOptions, losses: [CaptureLoss] = []) {
        let dissector = Dissector()
        let sieve = Sieve(memory: 64 << 20)
        for (index, packet) in packets.enumerated() {
            var record = packet.record
            record.number = index + 1
            record.capturedLength = packet.bytes.count
            dissector.process(record, packet.bytes.span.bytes)
            sieve.process(record, packet.bytes.span.bytes)
        }
        var facts = dissector.facts(final: true)
        facts.counters.losses = losses
        facts.counters.clockAdvances = Sieve.clockAdvances([sieve])
        report = Diagnosis.report(on: facts, options: options)
        for connection in facts.connections {
            streams[connection.stream] = CapturedPacket.Ends(
                source: connection.client,
                destination: connection.server
            )
            let isReset = connection.resets.contains { $0.event.direction == .fromServer }
            let errors = connection.exchanges.count { exchange in
                guard exchange.response != nil else { return isReset && exchange.request != nil }
                return exchange.response?.status.map { $0 >= 500 } ?? false
            }
            guard errors > 0, let ends = streams[connection.stream] else { continue }
            serverErrors[ends, default: 0] += errors
        }
    }

    /// The client's end of a stream, which names it whatever its number.
    func ends(of stream: Int?) -> CapturedPacket.Ends? {
        stream.flatMap { streams[$0] }
    }
}
