import Dissection
import Model
import TestSupport
import Testing

@Suite struct FastCGIParserTests {
    static func record(_ type: UInt8, _ content: [UInt8] = [], id: UInt8 = 1, padding: UInt8 = 0) -> [UInt8] {
        [1, type, 0, id, UInt8(content.count >> 8), UInt8(content.count & 255), padding, 0] + content
            + [UInt8](repeating: 0, count: Int(padding))
    }

    static func pairs(_ pairs: [(String, String)]) -> [UInt8] {
        pairs.flatMap { name, value -> [UInt8] in
            let size = value.utf8.count
            let length = size < 128 ? [UInt8(size)] : [0x80, 0, UInt8(size >> 8), UInt8(size & 255)]
            return [UInt8(name.utf8.count)] + length + Array(name.utf8) + Array(value.utf8)
        }
    }

    static func begin(id: UInt8 = 1) -> [UInt8] { record(1, [0, 1, 1, 0, 0, 0, 0, 0], id: id) }
    static func end(id: UInt8 = 1) -> [UInt8] { record(3, [UInt8](repeating: 0, count: 8), id: id) }

    static func request(_ target: String, method: String = "GET", body: String = "", id: UInt8 = 1) -> [UInt8] {
        let variables = pairs([
            ("REQUEST_METHOD", method), ("REQUEST_URI", target), ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("HTTP_HOST", "shop.test"), ("HTTP_X_REQUEST_ID", "abc"),
            ("HTTP_COOKIE", String(repeating: "c", count: 300)),
            ("CONTENT_LENGTH", body.isEmpty ? "" : String(body.utf8.count)),
        ])
        let input = body.isEmpty ? [] : record(5, Array(body.utf8), id: id)
        return begin(id: id) + record(4, variables, id: id, padding: 3) + record(4, id: id) + input + record(5, id: id)
    }

    static func output(_ text: String, id: UInt8 = 1) -> [UInt8] { record(6, Array(text.utf8), id: id, padding: 5) }

    private static func stream(startsAtBeginning: Bool = true) -> Stream<FastCGIParser> {
        Stream(FastCGIParser(startsAtBeginning: startsAtBeginning))
    }

    @Test func requestAndAnswerAreReadWhateverTheirSegments() throws {
        let asked = Self.request("/a?b=1", method: "POST", body: "hello")
        let answer = Self.output("Status: 503 Busy\r\nX-Powered-By: PHP\r\n") + Self.output("\r\nbusy") + Self.end()
        for (fixed, direction) in [(asked, Direction.fromServer), (answer, .fromClient)] {
            everySplit(of: direction == .fromServer ? answer : asked) { pieces in
                var stream = Self.stream()
                if direction == .fromServer { stream.send(fixed, .fromClient) }
                for piece in pieces { stream.send(piece, direction) }
                if direction == .fromClient { stream.send(fixed, .fromServer) }
                let exchange = stream.parser.exchanges.first
                #expect(stream.parser.exchanges.count == 1)
                #expect(exchange?.request?.method == "POST")
                #expect(exchange?.request?.target == "/a?b=1")
                #expect(exchange?.request?.host == "shop.test")
                #expect(exchange?.request?.fields.first { $0.name == "x-request-id" }?.value == "abc")
                #expect(exchange?.request?.fields.first { $0.name == "cookie" }?.value.hasPrefix("len=300") == true)
                #expect(exchange?.request?.body.framing == .contentLength(5))
                #expect(exchange?.request?.body.seen == 5)
                #expect(exchange?.request?.end == Int64(asked.count))
                #expect(exchange?.response?.status == 503)
                #expect(exchange?.response?.completion == .complete)
                #expect(exchange?.response?.end == Int64(answer.count))
                #expect(exchange?.response?.body.seen == 4)
                #expect(exchange?.response?.headBytes == 39)
                #expect(exchange?.emptyEnd == nil)
            }
        }
    }

    @Test func statusIsThatOfTheHeadOrTheUsualOne() {
        let cases = [
            ("Content-Type: text/plain\r\n\r\n", 200), ("Location: /b\r\n\r\n", 302), ("Status: 404\r\n\r\n", 404),
            ("HTTP/1.1 502 Bad\r\n\r\n", 502), ("status:500\n\n", 500),
        ]
        for (head, status) in cases {
            var stream = Self.stream()
            stream.send(Self.request("/"), .fromClient)
            stream.send(Self.output(head), .fromServer)
            #expect(stream.parser.exchanges.first?.response?.status == status)
            #expect(stream.parser.exchanges.first?.response?.completion == .incompleteBody)
        }
    }

    @Test func endWithoutAHeadIsTold() {
        for output in [[], Self.record(7, Array("PHP Fatal error".utf8)), Self.output("X-Half: 1\r\n")] {
            var stream = Self.stream()
            stream.send(Self.request("/"), .fromClient)
            stream.send(output + Self.end(), .fromServer)
            #expect(stream.parser.exchanges.first?.emptyEnd?.number == 2)
            #expect(stream.parser.exchanges.first?.response?.completion != .complete)
        }
    }

    @Test func requestsAtOneTimeGoByTheirIds() {
        var stream = Self.stream()
        stream.send(Self.request("/one", id: 1) + Self.request("/two", id: 2), .fromClient)
        stream.send(Self.output("Status: 204\r\n\r\n", id: 2) + Self.end(id: 2), .fromServer)
        stream.send(Self.output("Status: 500\r\n\r\n", id: 1) + Self.end(id: 1), .fromServer)
        #expect(stream.parser.exchanges.map { $0.request?.target } == ["/one", "/two"])
        #expect(stream.parser.exchanges.map { $0.response?.status } == [500, 204])
    }

    @Test func aGapAnywhereInventsNothing() {
        let asked = Self.request("/a", method: "POST", body: "hello")
        let answer = Self.output("Status: 200 OK\r\n\r\nbody") + Self.end()
        for start in 0..<answer.count {
            var stream = Self.stream()
            stream.send(asked, .fromClient)
            stream.send(Array(answer[..<start]), .fromServer)
            stream.gap(Int64(min(3, answer.count - start)), .fromServer)
            stream.send(Array(answer.dropFirst(start + 3)), .fromServer)
            stream.send(Self.request("/b"), .fromClient)
            stream.send(Self.output("Status: 503 B\r\n\r\n") + Self.end(), .fromServer)
            let exchange = stream.parser.exchanges.first
            #expect(exchange?.emptyEnd == nil)
            #expect(exchange?.response == nil || exchange?.response?.body.hasGap == true || start + 3 > answer.count)
            #expect(stream.parser.exchanges.last?.response?.status == 503)
        }
        for start in 0..<asked.count {
            var stream = Self.stream()
            stream.send(Array(asked[..<start]), .fromClient)
            stream.gap(Int64(min(3, asked.count - start)), .fromClient)
            stream.send(Array(asked.dropFirst(start + 3)), .fromClient)
            stream.send(Self.request("/b"), .fromClient)
            #expect(stream.parser.exchanges.last?.request?.target == "/b")
            let first = stream.parser.exchanges.first?.request
            #expect(first?.target == "/b" || first?.end != nil || first?.body.hasGap == true)
        }
    }

    @Test func whatBeganBeforeTheCaptureIsFoundAgain() {
        var stream = Self.stream(startsAtBeginning: false)
        stream.send(Self.output("Status: 200 OK\r\n\r\n") + Self.end(), .fromServer)
        stream.send(Array(Self.request("/half").dropFirst(20)), .fromClient)
        stream.send(Self.request("/b"), .fromClient)
        stream.send(Self.output("Status: 503 B\r\n\r\n") + Self.end(), .fromServer)
        #expect(stream.parser.exchanges.map { $0.request?.target } == ["/b"])
        #expect(stream.parser.exchanges.map { $0.response?.status } == [503])
    }

    @Test func theDispatcherFindsItAndTellsAnAnswerInAnotherProtocol() {
        for (answer, count) in [
            (Self.output("Status: 200 OK\r\n\r\n") + Self.end(), 1), (Array("HTTP/1.1 400 Bad\r\n\r\n".utf8), 0),
        ] {
            var stream = Stream(ApplicationDispatcher(startsAtBeginning: true))
            stream.send(Self.request("/a"), .fromClient)
            stream.send(answer, .fromServer)
            let facts = ApplicationDispatcherTests.facts(stream)
            #expect(ApplicationDispatcherTests.name(facts) == "other fastcgi")
            #expect(facts.exchanges.count == count)
        }
    }

    @Test func acknowledgmentIsOfTheWholeRequest() {
        let asked = Self.request("/a")
        var stream = Self.stream()
        stream.send(Array(asked.prefix(30)), .fromClient)
        stream.acknowledgeClient(upTo: 30)
        #expect(stream.parser.exchanges.first?.request?.acknowledged?.number == 2)
        stream.send(Array(asked.dropFirst(30)), .fromClient)
        #expect(stream.parser.exchanges.first?.request?.acknowledged == nil)
        stream.acknowledgeClient(upTo: Int64(asked.count))
        #expect(stream.parser.exchanges.first?.request?.acknowledged?.number == 4)
    }

    @Test func randomBytesNeverTrap() {
        for seed in 0..<200 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            var stream = Self.stream(startsAtBeginning: seed % 2 == 0)
            for _ in 0..<40 {
                var bytes = Bool.random(using: &random) ? Self.request("/r") : Self.output("Status: 2\n\n") + Self.end()
                for _ in 0..<4 {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                let direction: Direction = Bool.random(using: &random) ? .fromClient : .fromServer
                if Int.random(in: 0..<8, using: &random) == 0 {
                    stream.gap(7, direction)
                } else {
                    stream.send(bytes, direction)
                }
            }
            #expect(stream.parser.exchanges.count <= 40)
        }
    }
}
