import Model
import TestSupport
import Testing

@testable import Dissection

@Suite struct HTTP1ConnectionTests {
    static let get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
    static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    @Test func requestIsReadWhateverItsSegments() throws {
        let text =
            "\r\nPOST http://b:81/p?q=1 HTTP/1.1\r\nhost: a\r\nx-request-id: 7\r\ncookie: secret\r\n"
            + "connection: Upgrade, close\r\nupgrade: websocket\r\nexpect: 100-continue\r\n"
            + "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        try everySplit(of: Array(text.utf8)) { pieces in
            var stream = Stream()
            for piece in pieces { stream.send(piece, .fromClient) }
            let request = try #require(stream.request)
            #expect(stream.exchanges.count == 1)
            #expect(request.method == "POST")
            #expect(request.target == "http://b:81/p?q=1")
            #expect(request.host == "b:81")
            #expect(request.start == 2)
            #expect(request.end == Int64(text.utf8.count))
            #expect(request.upgrade == "websocket")
            #expect(request.expectsContinue)
            #expect(request.wantsClose)
            #expect(request.lowerCaseNames)
            #expect(request.body.framing == .chunked)
            #expect(request.body.seen == 3)
            #expect(request.deviations.kinds == ["leadingEmptyLine"])
            #expect(request.fields.contains(FieldLine(name: "x-request-id", value: "7")))
            let cookie = try #require(request.fields.first { $0.name == "cookie" })
            #expect(cookie.value.hasPrefix("len=6 fnv="))
        }
    }

    struct RequestLineCase: CustomTestStringConvertible {
        var line: String
        var deviations: [Deviation.Kind]
        var testDescription: String { line.debugDescription }
    }

    static let requestLines = [
        RequestLineCase(line: "GET / HTTP/1.1", deviations: []),
        RequestLineCase(line: "M-SEARCH * HTTP/1.1", deviations: []),
        RequestLineCase(line: "GET /a b HTTP/1.1", deviations: [.invalidRequestLine]),
        RequestLineCase(line: "GET /", deviations: [.invalidRequestLine]),
        RequestLineCase(line: "GARBAGE", deviations: [.invalidRequestLine]),
        RequestLineCase(line: "GET / http/1.1", deviations: [.lowerCaseVersion]),
        RequestLineCase(line: "GET / HTTP/1.x", deviations: [.invalidVersion]),
        RequestLineCase(line: "GET / HTTP/3.0", deviations: [.invalidVersion]),
        RequestLineCase(line: "G(T / HTTP/1.1", deviations: [.invalidRequestLine]),
    ]

    @Test(arguments: requestLines) func requestLineIsToldPrecisely(_ example: RequestLineCase) throws {
        try everySplit(of: Array("\(example.line)\r\nHost: a\r\n\r\n".utf8)) { pieces in
            var stream = Stream()
            for piece in pieces { stream.send(piece, .fromClient) }
            #expect(stream.exchanges.count == 1)
            let request = try #require(stream.request)
            #expect(request.deviations.map(\.kind) == example.deviations)
        }
    }

    struct CloseCase: CustomTestStringConvertible {
        var head: String
        var closes: Bool
        var testDescription: String { head.debugDescription }
    }

    @Test(arguments: [
        CloseCase(head: "HTTP/1.1\r\n", closes: false),
        CloseCase(head: "HTTP/1.1\r\nConnection: Keep-Alive, Close\r\n", closes: true),
        CloseCase(head: "HTTP/1.0\r\n", closes: true),
        CloseCase(head: "HTTP/1.0\r\nConnection: keep-alive\r\n", closes: false),
    ]) func wishToCloseDependsOnTheVersion(_ example: CloseCase) {
        var stream = Stream()
        stream.client("GET / \(example.head)\r\n")
        #expect(stream.request?.wantsClose == example.closes)
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() throws {
        let requests = Array("GET /1 HTTP/1.1\r\n\r\nHEAD /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n".utf8)
        let responses = Array(
            ("HTTP/1.1 201 A\r\nContent-Length: 1\r\n\r\nx" + "HTTP/1.1 202 B\r\nContent-Length: 1\r\n\r\n"
                + "HTTP/1.1 203 C\r\nContent-Length: 0\r\n\r\n").utf8
        )
        everySplit(of: responses) { pieces in
            var stream = Stream()
            stream.send(requests, .fromClient)
            for piece in pieces { stream.send(piece, .fromServer) }
            #expect(stream.exchanges.map(\.request?.target) == ["/1", "/2", "/3"])
            #expect(stream.exchanges.map(\.response?.status) == [201, 202, 203])
            #expect(stream.exchanges.allSatisfy { $0.response?.completion == .complete })
        }
    }

    @Test func interimResponsesStandBeforeTheFinalOne() {
        let text = String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 20) + Self.ok
        everySplit(of: Array(text.utf8)) { pieces in
            var stream = Stream()
            stream.client(Self.get)
            for piece in pieces { stream.send(piece, .fromServer) }
            #expect(stream.exchanges.count == 1)
            #expect(stream.exchanges[0].interimCount == 20)
            #expect(stream.exchanges[0].interim.count == 16)
            #expect(stream.response?.status == 200)
        }
    }

    @Test func framesOfTheMessagesAreKept() throws {
        var stream = Stream()
        stream.client("POST / HTTP/1.1\r\n")
        stream.client("Content-Length: 4\r\n\r\nab")
        stream.client("cd")
        stream.server("HTTP/1.1 200 OK\r\nConte")
        stream.server("nt-Length: 4\r\n\r\n")
        stream.server("ab")
        let exchange = try #require(stream.exchanges.first)
        #expect(exchange.request?.firstFrame.number == 1)
        #expect(exchange.request?.headFrame?.number == 2)
        #expect(exchange.request?.lastFrame.number == 3)
        #expect(exchange.response?.firstFrame.number == 4)
        #expect(exchange.response?.headFrame?.number == 5)
        #expect(exchange.response?.lastFrame.number == 6)
        #expect(exchange.response?.end == nil)
    }

    @Test func answerBeforeTheEndOfTheRequestIsComplete() {
        var stream = Stream()
        stream.client("POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc")
        stream.server("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        #expect(stream.response?.completion == .complete)
        #expect(stream.request?.end == nil)
        #expect(stream.request?.body.seen == 3)
    }

    @Test func unaskedUpgradeIsADeviation() {
        let response = Stream.answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n")
        #expect(response?.deviations.kinds == ["unexpectedSwitchingProtocols"])
    }

    @Test func nothingIsReadInATunnel() {
        var stream = Stream()
        stream.client("CONNECT a:1 HTTP/1.1\r\n\r\n")
        stream.server("HTTP/1.1 200 OK\r\n\r\n")
        stream.client(Self.get)
        stream.server(Self.ok)
        #expect(stream.exchanges.count == 1)
        #expect(stream.response?.body.seen == Int64(Self.ok.utf8.count))
    }

    @Test func bytesAfterTheAnswerAreSurplus() {
        everySplit(of: Array((Self.ok + "extra bytes").utf8)) { pieces in
            var stream = Stream()
            stream.client(Self.get)
            for piece in pieces { stream.send(piece, .fromServer) }
            #expect(stream.exchanges.count == 1)
            #expect(stream.response?.completion == .complete)
            #expect(stream.response?.deviations.kinds == ["surplusBytes"])
            #expect(stream.response?.deviations.first?.offset == Int64(Self.ok.utf8.count))
            #expect(stream.response?.deviations.first?.excerpt == "extra bytes")
        }
    }

    @Test func nextRequestAfterSurplusGetsItsAnswer() {
        var stream = Stream()
        stream.client(Self.get)
        stream.server(Self.ok + "\r\n")
        stream.client(Self.get)
        stream.server(Self.ok)
        #expect(stream.exchanges.count == 2)
        #expect(stream.response?.status == 200)
        #expect(stream.response?.deviations.isEmpty == true)
    }

    @Test func statusLineOnAnIdleConnectionIsAnAnswerToNothing() {
        everySplit(of: Array("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n".utf8)) { pieces in
            var stream = Stream()
            stream.client(Self.get)
            stream.server(Self.ok)
            for piece in pieces { stream.send(piece, .fromServer) }
            #expect(stream.exchanges.count == 2)
            #expect(stream.exchanges[1].request == nil)
            #expect(stream.exchanges[1].response?.status == 408)
            #expect(stream.exchanges[0].response?.deviations.isEmpty == true)
        }
    }

    @Test func bannerBeforeTheRequestIsItsAnswer() {
        var stream = Stream()
        stream.server("220 mail.example ESMTP\r\n")
        #expect(stream.exchanges.count == 1)
        stream.client(Self.get)
        #expect(stream.exchanges.count == 1)
        #expect(stream.request?.target == "/a")
        #expect(stream.response?.completion == .notHTTP)
        #expect(stream.response?.deviations.kinds == ["responseBeforeRequest", "notHTTP"])
    }

    @Test func answerBeforeAnUncapturedRequestIsNoDeviation() {
        var stream = Stream()
        stream.server(Self.ok)
        stream.gap(30, .fromClient)
        #expect(stream.exchanges.count == 1)
        #expect(stream.response?.deviations.isEmpty == true)
    }

    @Test func acknowledgmentMustCoverTheWholeRequest() {
        var stream = Stream()
        let head = "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\n"
        let length = Int64(head.utf8.count)
        stream.client(head)
        stream.acknowledgeClient(upTo: length)
        #expect(stream.request?.acknowledged?.number == 2)
        stream.client("abcd")
        #expect(stream.request?.acknowledged == nil)
        stream.acknowledgeClient(upTo: length + 3)
        #expect(stream.request?.acknowledged == nil)
        stream.acknowledgeClient(upTo: length + 4)
        #expect(stream.request?.acknowledged?.number == 5)
        stream.client(Self.get)
        #expect(stream.request?.acknowledged == nil)
        #expect(stream.exchanges[0].request?.acknowledged?.number == 5)
    }

    @Test func repeatedSegmentCountsAtTheRequestThatItCovers() {
        var stream = Stream()
        stream.client(Self.get)
        stream.client(Self.get)
        let length = Int64(Self.get.utf8.count)
        stream.retransmitClient(length..<(2 * length))
        #expect(stream.exchanges.map(\.request?.retransmissions) == [0, 1])
        #expect(stream.exchanges[1].request?.lastRetransmission?.number == 3)
    }

    @Test func veryManyExchangesAreLetGoOldestFirst() throws {
        var stream = Stream()
        for _ in 0..<20_000 {
            stream.client(Self.get)
            stream.server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        }
        #expect(stream.exchanges.count <= HTTP1Parser.largestExchangeCount)
        #expect(stream.exchanges.count + stream.parser.dropped == 20_000)
        #expect(stream.exchanges.allSatisfy { $0.response?.completion == .complete })
        #expect(stream.exchanges.last?.index == 19_999)
        #expect(stream.exchanges.first?.index == stream.parser.dropped)
    }

    @Test func requestsThatNobodyAnswersAreBounded() {
        var stream = Stream()
        for _ in 0..<40_000 { stream.client(Self.get) }
        #expect(stream.exchanges.count == HTTP1Parser.largestOutstandingCount)
        stream.server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        #expect(stream.exchanges.first?.response?.status == 200)
    }

    struct ProxyCase: CustomTestStringConvertible {
        var header: [UInt8]
        var value: String
        var testDescription: String { value }
    }

    static let signature: [UInt8] = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

    @Test(arguments: [
        ProxyCase(
            header: Array("PROXY TCP4 1.2.3.4 5.6.7.8 90 80\r\n".utf8),
            value: "v1 TCP4 1.2.3.4:90 -> 5.6.7.8:80"
        ),
        ProxyCase(header: Array("PROXY UNKNOWN\r\n".utf8), value: "v1 UNKNOWN"),
        ProxyCase(
            header: signature + [0x21, 0x11, 0, 15, 1, 2, 3, 4, 5, 6, 7, 8, 0, 90, 0, 80, 4, 0, 0],
            value: "v2 TCP4 1.2.3.4:90 -> 5.6.7.8:80"
        ),
        ProxyCase(header: signature + [0x20, 0, 0, 0], value: "v2 LOCAL"),
    ]) func proxyHeaderIsSteppedOver(_ example: ProxyCase) {
        everySplit(of: example.header + Array(Self.get.utf8)) { pieces in
            var stream = Stream()
            for piece in pieces { stream.send(piece, .fromClient) }
            #expect(stream.exchanges.count == 1)
            #expect(stream.request?.start == Int64(example.header.count))
            #expect(stream.request?.fields.first == FieldLine(name: "proxy-protocol", value: example.value))
            #expect(stream.request?.headEnd != nil)
        }
    }
}
