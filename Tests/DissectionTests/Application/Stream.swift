import Dissection
import Model

/// Feeds a parser what one connection carried, in the order given. Every delivery has a frame of its own.
struct Stream<Parser: ApplicationParser> {
    var parser: Parser
    private var offsets: [Direction: Int64] = [.fromClient: 0, .fromServer: 0]
    private(set) var frame = 0
    /// All deliveries get the same frame, so that facts of different segmentations can be compared.
    var hasOneFrame = false

    init(_ parser: Parser) {
        self.parser = parser
    }

    private mutating func context(_ direction: Direction) -> DeliveryContext {
        frame += 1
        let number = hasOneFrame ? 1 : frame
        let time = Timestamp(nanoseconds: Int64(number))
        return DeliveryContext(frame: FrameReference(number: number, time: time), direction: direction)
    }

    mutating func send(_ bytes: [UInt8], _ direction: Direction) {
        let context = context(direction)
        let offset = offsets[direction, default: 0]
        parser.consume(bytes.span.bytes, at: offset, context)
        offsets[direction] = offset + Int64(bytes.count)
    }

    mutating func client(_ text: String) { send(Array(text.utf8), .fromClient) }
    mutating func server(_ text: String) { send(Array(text.utf8), .fromServer) }

    mutating func gap(_ length: Int64, _ direction: Direction) {
        let context = context(direction)
        let offset = offsets[direction, default: 0]
        parser.gap(length, at: offset, context)
        offsets[direction] = offset + length
    }

    mutating func finish(_ direction: Direction) {
        let context = context(direction)
        parser.finished(at: offsets[direction, default: 0], context)
    }

    mutating func acknowledgeClient(upTo offset: Int64) {
        let context = context(.fromClient)
        parser.acknowledged(upTo: offset, context)
    }

    mutating func retransmitClient(_ range: Range<Int64>) {
        let context = context(.fromClient)
        parser.retransmitted(range, context)
    }
}

extension Stream<HTTP1Parser> {
    init() {
        self.init(HTTP1Parser(startsAtBeginning: true))
    }

    static func midStream() -> Stream {
        Stream(HTTP1Parser(startsAtBeginning: false))
    }

    var exchanges: [ExchangeFacts] { parser.exchanges }
    var response: ResponseFacts? { exchanges.last?.response }
    var request: RequestFacts? { exchanges.last?.request }

    /// What stands after one GET was answered with `bytes`.
    static func answering(_ bytes: String, request: String = "GET / HTTP/1.1\r\nHost: a\r\n\r\n") -> ResponseFacts? {
        var stream = Stream()
        stream.client(request)
        stream.server(bytes)
        return stream.response
    }
}

extension [Deviation] {
    var kinds: [String] { map(\.kind.rawValue) }
}
