import Dissection
import Model

/// Both directions of a connection into the HTTP/1 parser, in any pieces, with gaps, acknowledgments and ends.
///
/// The same bytes are given a second time in other pieces: a parser of a stream must not care. Behind a gap, and where
/// the beginning was not seen, it does: a delivery that begins like a message is how it finds its way back.
///
/// Input: options (1), then deliveries: kind (1), length (1 or 2), bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    var input = Input(data, size)
    let options = input.uint8()
    var whole = Feed(startsAtBeginning: options & 1 == 0, pieceLength: .max)
    var pieces = Feed(startsAtBeginning: options & 1 == 0, pieceLength: Int(options >> 2 & 7) + 1)
    // One in four: it costs twice as much.
    var isCompared = size & 3 == 0 && options & 1 == 0
    while !input.isAtEnd {
        let kind = input.uint8()
        let length = kind & 1 == 0 ? Int(input.uint8()) : Int(input.uint16())
        if kind & 0x1c == 0x10 { isCompared = false }
        let direction: Direction = kind & 2 == 0 ? .fromClient : .fromServer
        let bytes = kind & 0x1c < 0x10 ? input.take(length) : input.take(0)
        whole.deliver(kind >> 2 & 7, direction, bytes, length)
        if isCompared { pieces.deliver(kind >> 2 & 7, direction, bytes, length) }
    }
    let summary = Summary(whole.parser.exchanges)
    if isCompared {
        let other = Summary(pieces.parser.exchanges)
        if summary != other { fail("pieces matter:\n\(summary.text)\n\(other.text)") }
    }
    Share.count(summary.heads > 0, "got past a head")
    return 0
}

/// Hands deliveries to a parser, cut into pieces. All get the same frame, so that the facts can be compared.
private struct Feed {
    private(set) var parser: HTTP1Parser
    private let pieceLength: Int
    private var offsets: (client: Int64, server: Int64) = (0, 0)

    init(startsAtBeginning: Bool, pieceLength: Int) {
        parser = HTTP1Parser(startsAtBeginning: startsAtBeginning)
        self.pieceLength = pieceLength
    }

    mutating func deliver(_ kind: UInt8, _ direction: Direction, _ bytes: UnsafeRawBufferPointer, _ length: Int) {
        let frame = FrameReference(number: 1, time: Timestamp(nanoseconds: 1))
        let context = DeliveryContext(frame: frame, direction: direction)
        let offset = direction == .fromClient ? offsets.client : offsets.server
        var end = offset
        switch kind {
        case 0...3:
            var start = 0
            while start < bytes.count {
                let count = min(pieceLength, bytes.count - start)
                let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<start + count])
                parser.consume(piece.bytes, at: offset + Int64(start), context)
                start += count
            }
            end += Int64(bytes.count)
        case 4:
            parser.gap(Int64(length), at: offset, context)
            end += Int64(length)
        case 5: parser.acknowledged(upTo: max(0, offset - Int64(length & 15)), context)
        case 6: parser.retransmitted(max(0, offset - Int64(length))..<offset, context)
        default: parser.finished(at: offset, context)
        }
        if direction == .fromClient { offsets.client = end } else { offsets.server = end }
    }
}

/// What of the exchanges must not depend on how their bytes arrived.
private struct Summary: Equatable {
    private struct Request: Equatable {
        var bounds: [Int64?]
        var words: [String?]
        var framing: BodyFraming
        var numbers: [Int64]
        var digest: UInt64
        var marks: [Bool]
        var fields: [FieldLine]
        var deviations: [String]
    }

    private struct Response: Equatable {
        var bounds: [Int64?]
        var words: [String?]
        var framing: BodyFraming
        var numbers: [Int64]
        var digest: UInt64
        var marks: [Bool]
        var fields: [FieldLine]
        var deviations: [String]
        var prefix: [UInt8]
    }

    private struct Exchange: Equatable {
        var request: Request?
        var interim: [Int]
        var response: Response?
    }

    private var exchanges: [Exchange]

    init(_ exchanges: [ExchangeFacts]) {
        self.exchanges = exchanges.map {
            Exchange(
                request: $0.request.map(Summary.request),
                interim: $0.interim.map(\.status) + [$0.interimCount, Int($0.interimEnd ?? -1)],
                response: $0.response.map(Summary.response)
            )
        }
    }

    var heads: Int {
        exchanges.count { $0.request?.bounds[1] != nil || $0.response?.bounds[1] != nil }
    }

    var text: String { exchanges.map { "\($0)" }.joined(separator: "\n") }

    private static func request(_ facts: RequestFacts) -> Request {
        Request(
            bounds: [facts.start, facts.headEnd, facts.end],
            words: [facts.method, facts.target, facts.version, facts.host, facts.upgrade],
            framing: facts.body.framing,
            numbers: [facts.body.seen, Int64(facts.fieldCount), Int64(facts.retransmissions)],
            digest: facts.body.digest,
            marks: [facts.body.hasGap, facts.expectsContinue, facts.wantsClose, facts.acknowledged != nil],
            fields: facts.fields,
            deviations: facts.deviations.map { $0.kind.rawValue + String($0.offset) + ($0.excerpt ?? "") }
        )
    }

    private static func response(_ facts: ResponseFacts) -> Response {
        Response(
            bounds: [facts.start, facts.headEnd, facts.end],
            words: [facts.firstLine, facts.version, facts.recognised.map { "\($0)" }],
            framing: facts.body.framing,
            numbers: [
                Int64(facts.completion.rawValue), Int64(facts.status ?? -1), facts.body.seen, facts.headBytes,
                Int64(facts.longestLine), Int64(facts.fieldCount),
            ],
            digest: facts.body.digest,
            marks: [facts.body.hasGap, facts.wantsClose, facts.lowerCaseNames],
            fields: facts.fields,
            deviations: facts.deviations.map { $0.kind.rawValue + String($0.offset) + ($0.excerpt ?? "") },
            prefix: facts.bodyPrefix
        )
    }
}
