import Testing

@testable import Dissection

/// The sieve's reader of heads: what it takes must be what `HTTP1Parser` would find without a fault.
@Suite struct HeadScanTests {
    private enum Result: Equatable {
        case partial, unusual
        case complete(Int)

        init(_ outcome: HeadScan.Outcome) {
            switch outcome {
            case .partial: self = .partial
            case .unusual: self = .unusual
            case .complete(let end): self = .complete(end)
            }
        }
    }

    private static func request(_ text: String) -> (HeadScan, Result) {
        var scan = HeadScan()
        let outcome = scan.request(Array(text.utf8).span.bytes)
        return (scan, Result(outcome))
    }

    private static func response(_ text: String) -> (HeadScan, Result) {
        var scan = HeadScan()
        let outcome = scan.response(Array(text.utf8).span.bytes)
        return (scan, Result(outcome))
    }

    @Test("An ordinary head is read to its blank line")
    func ordinary() {
        let text = "POST /a/b?c=d HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n"
        let (scan, result) = Self.request(text + "hello")
        #expect(result == .complete(text.utf8.count))
        #expect(scan.contentLength == 12 && !scan.isChunked && !scan.closes)
        let (answer, end) = Self.response(
            "HTTP/1.0 404 Not Found\r\ntransfer-encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        #expect(answer.status == 404 && answer.isChunked && answer.closes && answer.isHTTP10)
        #expect(end != .partial && end != .unusual)
    }

    @Test("Every beginning of an ordinary head is partial, none is complete")
    func beginnings() {
        let text = "GET /index.html HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\n\r\n"
        for length in 0..<text.utf8.count {
            #expect(Self.request(String(decoding: text.utf8.prefix(length), as: UTF8.self)).1 == .partial)
        }
        let answer = "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n"
        for length in 0..<answer.utf8.count {
            #expect(Self.response(String(decoding: answer.utf8.prefix(length), as: UTF8.self)).1 == .partial)
        }
    }

    @Test(
        "What a gateway may read otherwise is not ordinary",
        arguments: [
            "GET / HTTP/1.1\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET / HTTP/1.1\r\n a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\u{1}b\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "get / HTTP/1.1\r\n\r\n",
            "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n",
            "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "CONNECT /x HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
        ]
    )
    func unusual(_ text: String) {
        #expect(Self.request(text).1 == .unusual)
    }

    @Test(
        "Interim answers, answers without a reason and other protocols are not ordinary",
        arguments: [
            "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 200\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 600 No\r\n\r\n",
            "SSH-2.0-OpenSSH_9.2p1\r\n", "http/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nA\u{7f}: b\r\n\r\n",
        ]
    )
    func unusualAnswer(_ text: String) {
        #expect(Self.response(text).1 == .unusual)
    }

    @Test("Names that are nearly those that matter say nothing; any token is a name")
    func nearlyNames() {
        let text =
            "GET / HTTP/1.1\r\nTransferXEncoding: chunked\r\nContent-Lengtt: 5\r\nConnectio1: close\r\nx_y-0~z!: a\r\n"
            + "A1234567: b\r\nABCDEFGHIJKLMNOP: c\r\n\r\n"
        let (scan, result) = Self.request(text)
        #expect(result == .complete(text.utf8.count))
        #expect(!scan.isChunked && scan.contentLength == -1 && !scan.closes)
        for name in ["Content Length", "Content-Length\u{e9}", "AAAAAAAA\u{e9}", "(abcdefgh)", "", "abcdefgh@x"] {
            #expect(Self.request("GET / HTTP/1.1\r\n\(name): 1\r\n\r\n").1 == .unusual, "\(name)")
        }
    }

    @Test("A head without end is given up")
    func endless() {
        #expect(Self.request("GET / HTTP/1.1\r\n" + String(repeating: "a", count: 20_000)).1 == .unusual)
    }

    @Test("Equal questions have equal names, others do not")
    func names() {
        let scan = { (line: String) in Self.request(line + " HTTP/1.1\r\n\r\n").0 }
        #expect(scan("GET /a/b?c").question == scan("GET /a/b?c").question)
        #expect(scan("GET /a/b?c").question != scan("PUT /a/b?c").question)
        #expect(scan("GET /a/b?c").question != scan("GET /a/b?d").question)
        #expect(scan("GET /a/b?c").question != scan("GET /x/b?c").question)
        #expect(scan("GET /a/b?c/d").tail == scan("GET /x/y/b?c/d").tail)
    }

    @Test("Chunks are followed to their end, however they are cut")
    func chunks() {
        let body = Array("5\r\nhello\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n".utf8)
        for cut in 0...body.count {
            var sieve = ChunkSieve()
            var ends = 0
            for part in [body[..<cut], body[cut...]] {
                let bytes = Array(part)
                var offset = 0
                if case .end = sieve.take(bytes.span.bytes, &offset) { ends += 1 }
                #expect(offset == bytes.count)
            }
            #expect(ends == 1)
        }
        var (sieve, offset) = (ChunkSieve(), 0)
        let broken = Array("zz\r\n".utf8)
        guard case .unusual = sieve.take(broken.span.bytes, &offset) else {
            Issue.record("a size that is no number is not ordinary")
            return
        }
    }
}
