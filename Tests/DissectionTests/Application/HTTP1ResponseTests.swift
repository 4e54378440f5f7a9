import Dissection
import Model
import TestSupport
import Testing

@Suite struct HTTP1ResponseTests {
    struct StartCase: CustomTestStringConvertible {
        var line: String
        var completion: ResponseFacts.Completion
        var status: Int?
        var deviations: [Deviation.Kind]
        var testDescription: String { line.debugDescription }

        init(_ line: String, _ completion: ResponseFacts.Completion, _ status: Int?, _ deviations: Deviation.Kind...) {
            (self.line, self.completion, self.status, self.deviations) = (line, completion, status, deviations)
        }
    }

    static let starts = [
        StartCase("HTTP/1.1 200 OK\r\n", .incompleteHead, 200),
        StartCase("HTTP/1.0 404 Not Found\r\n", .incompleteHead, 404),
        StartCase("HTTP/1.1 200 \r\n", .incompleteHead, 200),
        StartCase("HTTP/1.1 200\r\n", .incompleteHead, 200, .missingReason),
        StartCase("HTTP/1.1  200 OK\r\n", .incompleteHead, 200),
        StartCase("HTTP/1.1 200 OK\n", .incompleteHead, 200, .bareLineFeed),
        StartCase("\r\nHTTP/1.1 200 OK\r\n", .incompleteHead, 200, .leadingEmptyLine),
        StartCase("HTTP/1.1 999 Odd\r\n", .incompleteHead, 999, .invalidStatusCode),
        StartCase("HTTP/2.0 200 OK\r\n", .incompleteHead, 200, .invalidVersion),
        StartCase("HTTP/1.10 200 OK\r\n", .incompleteHead, 200, .invalidVersion),
        StartCase("HTTP/1.1 200 O\u{0}K\r\n", .incompleteHead, 200, .controlInValue),
        StartCase("HTTP/1.1 200 O\rK\r\n", .incompleteHead, 200, .bareCarriageReturn),
        StartCase("HTTP/1.1 abc OK\r\n", .invalidStatusLine, nil, .invalidStatusCode),
        StartCase("HTTP/1.1 20 OK\r\n", .invalidStatusLine, nil, .invalidStatusCode),
        StartCase("HTTP/1.1 2000 OK\r\n", .invalidStatusLine, nil, .invalidStatusCode),
        StartCase("HTTP/1.1 099 OK\r\n", .invalidStatusLine, nil, .invalidStatusCode),
        StartCase("HTTP/1.1\r\n", .invalidStatusLine, nil, .invalidStatusCode),
        StartCase("HTTP/x.1 200 OK\r\n", .invalidStatusLine, nil, .invalidVersion),
        StartCase("HTTP/2 200 OK\r\n", .invalidStatusLine, nil, .invalidVersion),
        StartCase("http/1.1 200 OK\r\n", .invalidStatusLine, nil, .lowerCaseVersion),
        StartCase("HTTP\r\n", .notHTTP, nil, .notHTTP),
        StartCase("SSH-2.0-OpenSSH_9.2p1\r\n", .notHTTP, nil, .notHTTP),
        StartCase("ICY 200 OK\r\n", .notHTTP, nil, .notHTTP),
        StartCase("\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}\u{46}", .notHTTP, nil, .notHTTP),
        StartCase("HTT", .incompleteHead, nil),
    ]

    @Test(arguments: starts) func firstLineIsToldPrecisely(_ example: StartCase) throws {
        try everySplit(of: Array(example.line.utf8)) { pieces in
            var stream = Stream()
            stream.client("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            for piece in pieces { stream.send(piece, .fromServer) }
            let response = try #require(stream.response)
            #expect(response.completion == example.completion)
            #expect(response.status == example.status)
            #expect(response.deviations.map(\.kind) == example.deviations)
        }
    }

    struct FieldCase: CustomTestStringConvertible {
        var field: String
        var deviations: [Deviation.Kind]
        var testDescription: String { field.debugDescription }

        init(_ field: String, _ deviations: Deviation.Kind...) {
            (self.field, self.deviations) = (field, deviations)
        }
    }

    static let fields = [
        FieldCase("X-A: b"),
        FieldCase("X_A:b"),
        FieldCase("X-A:"),
        FieldCase("X-A: caf\u{e9}"),
        FieldCase("no colon here", .missingColon),
        FieldCase("X-A : b", .spaceBeforeColon),
        FieldCase(": b", .emptyFieldName),
        FieldCase("X(A: b", .invalidNameByte),
        FieldCase("X A: b", .invalidNameByte),
        FieldCase("X-A: a\u{0}b", .nulInValue),
        FieldCase("X-A: a\u{7}b", .controlInValue),
        FieldCase("X-A: a\rb", .bareCarriageReturn),
        FieldCase("X-A: a\r\n folded", .obsoleteFolding),
        FieldCase("Content-Length: 5, 5", .duplicateContentLength),
        FieldCase("Content-Length: 5\r\nContent-Length: 5", .duplicateContentLength),
        FieldCase("Content-Length: 5\r\nContent-Length: 6", .conflictingContentLength),
        FieldCase("Content-Length: +5", .invalidContentLength),
        FieldCase("Content-Length: 5a", .invalidContentLength),
        FieldCase("Content-Length: 99999999999999999999", .invalidContentLength),
        FieldCase("Content-Length: ", .invalidContentLength),
        FieldCase("Transfer-Encoding: chunked\r\nContent-Length: 5", .contentLengthAndTransferEncoding),
        FieldCase("Transfer-Encoding: gzip, chunked"),
        FieldCase("Transfer-Encoding: chonked", .unknownTransferEncoding),
        FieldCase("Transfer-Encoding: identity", .unknownTransferEncoding),
        FieldCase("Transfer-Encoding: chunked, chunked", .unknownTransferEncoding),
    ]

    @Test(arguments: fields) func fieldLineIsToldPrecisely(_ example: FieldCase) throws {
        let bytes = Array("HTTP/1.1 200 OK\r\nServer: x\r\n\(example.field)\r\n\r\n".utf8)
        try everySplit(of: bytes) { pieces in
            var stream = Stream()
            stream.client("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            for piece in pieces { stream.send(piece, .fromServer) }
            let response = try #require(stream.response)
            #expect(response.deviations.map(\.kind) == example.deviations)
            #expect(response.headEnd == Int64(bytes.count))
            #expect(response.headBytes == Int64(bytes.count))
        }
    }

    @Test(arguments: [(0, []), (12, ["invalidContentLength"])])
    func lengthOfA204IsADeviationUnlessItIsZero(length: Int, kinds: [String]) {
        let response = Stream.answering("HTTP/1.1 204 No Content\r\nContent-Length: \(length)\r\n\r\n")
        #expect(response?.deviations.kinds == kinds)
        #expect(response?.completion == .complete)
    }

    @Test func transferCodingInHTTP10IsADeviation() {
        let response = Stream.answering("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
        #expect(response?.deviations.kinds == ["transferEncodingInHTTP10"])
        #expect(response?.completion == .complete)
    }

    struct FramingCase: CustomTestStringConvertible {
        var request: String
        var response: String
        var framing: BodyFraming
        var completion: ResponseFacts.Completion
        var testDescription: String { "\(request) \(response)".debugDescription }
    }

    static let framings = [
        FramingCase(
            request: "GET",
            response: "200 OK\r\nContent-Length: 2\r\n\r\nab",
            framing: .contentLength(2),
            completion: .complete
        ),
        FramingCase(
            request: "GET",
            response: "200 OK\r\nContent-Length: 3\r\n\r\nab",
            framing: .contentLength(3),
            completion: .incompleteBody
        ),
        FramingCase(
            request: "HEAD",
            response: "200 OK\r\nContent-Length: 3\r\n\r\n",
            framing: .none,
            completion: .complete
        ),
        FramingCase(request: "GET", response: "204 No Content\r\n\r\n", framing: .none, completion: .complete),
        FramingCase(
            request: "GET",
            response: "304 Not Modified\r\nContent-Length: 9\r\n\r\n",
            framing: .none,
            completion: .complete
        ),
        FramingCase(request: "GET", response: "200 OK\r\n\r\nabc", framing: .untilClose, completion: .incompleteBody),
        FramingCase(
            request: "GET",
            response: "200 OK\r\nContent-Length: 0\r\n\r\n",
            framing: .contentLength(0),
            completion: .complete
        ),
        FramingCase(
            request: "GET",
            response: "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\nab\r\n0\r\nT: v\r\n\r\n",
            framing: .chunked,
            completion: .complete
        ),
        FramingCase(
            request: "GET",
            response: "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 \nab\n0\n\n",
            framing: .chunked,
            completion: .complete
        ),
        FramingCase(
            request: "GET",
            response: "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
            framing: .chunked,
            completion: .incompleteBody
        ),
        FramingCase(
            request: "GET",
            response: "200 OK\r\nTransfer-Encoding: gzip\r\n\r\nab",
            framing: .untilClose,
            completion: .incompleteBody
        ),
        FramingCase(
            request: "GET",
            response: "200 OK\r\nContent-Length: x\r\n\r\nab",
            framing: .invalid,
            completion: .incompleteBody
        ),
        FramingCase(request: "CONNECT", response: "200 OK\r\n\r\n\u{1}\u{2}", framing: .tunnel, completion: .complete),
        FramingCase(
            request: "GET",
            response: "101 Switching\r\n\r\n\u{1}\u{2}",
            framing: .tunnel,
            completion: .complete
        ),
    ]

    @Test(arguments: framings) func bodyLengthFollowsTheRules(_ example: FramingCase) throws {
        let target = example.request == "CONNECT" ? "a:443" : "/"
        try everySplit(of: Array("HTTP/1.1 \(example.response)".utf8)) { pieces in
            var stream = Stream()
            stream.client(
                "\(example.request) \(target) HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
            )
            for piece in pieces { stream.send(piece, .fromServer) }
            #expect(stream.exchanges.count == 1)
            let response = try #require(stream.response)
            #expect(response.body.framing == example.framing)
            #expect(response.completion == example.completion)
        }
    }

    struct ChunkCase: CustomTestStringConvertible {
        var body: String
        var kind: Deviation.Kind
        var excerpt: String
        var testDescription: String { body.debugDescription }
    }

    static let brokenChunks = [
        ChunkCase(body: "zz\r\nab\r\n", kind: .invalidChunkSize, excerpt: "zz\\x0D"),
        ChunkCase(body: "\r\nab\r\n", kind: .invalidChunkSize, excerpt: "\\x0D"),
        ChunkCase(body: "-2\r\nab\r\n", kind: .invalidChunkSize, excerpt: "-2\\x0D"),
        ChunkCase(body: "ffffffffffffffff\r\nab", kind: .invalidChunkSize, excerpt: "ffffffffffffffff\\x0D"),
        ChunkCase(body: "2\r\nabcd\r\n", kind: .missingChunkEnd, excerpt: "cd\\x0D"),
        ChunkCase(body: "2\r\nab\r\n<html>\n", kind: .invalidChunkSize, excerpt: "<html>"),
    ]

    @Test(arguments: brokenChunks) func brokenChunkIsExcerpted(_ example: ChunkCase) throws {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        try everySplit(of: Array((head + example.body).utf8)) { pieces in
            var stream = Stream()
            stream.client("GET / HTTP/1.1\r\n\r\n")
            for piece in pieces { stream.send(piece, .fromServer) }
            let response = try #require(stream.response)
            #expect(response.completion == .brokenBody)
            #expect(response.deviations.map(\.kind) == [example.kind])
            #expect(response.deviations.first?.excerpt == example.excerpt)
        }
    }

    @Test func closeDelimitedBodyIsCompleteAtTheServersEnd() {
        var stream = Stream()
        stream.client("GET / HTTP/1.0\r\n\r\n")
        stream.server("HTTP/1.0 200 OK\r\n\r\nabc")
        #expect(stream.response?.completion == .incompleteBody)
        stream.finish(.fromServer)
        #expect(stream.response?.completion == .complete)
        #expect(stream.response?.end == 22)
        #expect(stream.response?.body.seen == 3)
    }

    @Test func foreignBytesCountAsBodyFirstLineIncluded() throws {
        let banner = "SSH-2.0-x\r\nmore\n"
        try everySplit(of: Array(banner.utf8)) { pieces in
            var stream = Stream()
            stream.client("GET / HTTP/1.1\r\n\r\n")
            for piece in pieces { stream.send(piece, .fromServer) }
            let response = try #require(stream.response)
            #expect(response.firstLine == "SSH-2.0-x")
            #expect(response.body.seen == Int64(banner.utf8.count))
            #expect(response.body.digest == fnv(Array(banner.utf8)))
            #expect(response.deviations.first?.excerpt == "SSH-2.0-x")
        }
    }

    @Test func longHeadIsCountedAndNotKept() throws {
        let long = String(repeating: "v", count: 100_000)
        let head = "HTTP/1.1 200 OK\r\nX-A: \(long)\r\nServer: s\r\n\r\n"
        let response = try #require(Stream.answering(head))
        #expect(response.longestLine == 100_005)
        #expect(response.headBytes == Int64(head.utf8.count))
        #expect(response.fieldCount == 2)
        #expect(response.fields == [FieldLine(name: "server", value: "s")])
    }

    @Test func endlessHeadStopsAtTheLimit() throws {
        let line = "X-A: " + String(repeating: "v", count: 1000) + "\r\n"
        let response = try #require(
            Stream.answering("HTTP/1.1 200 OK\r\n" + String(repeating: line, count: 2000))
        )
        #expect(response.headBytes == 1 << 20)
        #expect(response.deviations.kinds == ["headLimit"])
        #expect(response.completion == .incompleteHead)
    }

    @Test func errorPageKeepsItsBeginning() {
        let page = String(repeating: "e", count: 600)
        let response = Stream.answering("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 600\r\n\r\n\(page)")
        #expect(response?.bodyPrefix.count == 512)
        #expect(Stream.answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\ne")?.bodyPrefix.isEmpty == true)
    }

    @Test func digestStopsAfter4096BytesWhileTheLengthGoesOn() {
        let body = [UInt8](repeating: 7, count: 10_000)
        var stream = Stream()
        stream.client("GET / HTTP/1.1\r\n\r\n")
        stream.server("HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        stream.send(body, .fromServer)
        #expect(stream.response?.body.seen == 10_000)
        #expect(stream.response?.body.digest == fnv(Array(body.prefix(4096))))
    }

    private func fnv(_ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    }
}
