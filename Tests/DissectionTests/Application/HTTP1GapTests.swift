import Dissection
import Model
import TestSupport
import Testing

@Suite struct HTTP1GapTests {
    static let requests = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    static let responses =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n"
    static let next = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
    static let nextAnswer = "HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nabc"

    /// Every gap of every length in one direction of a faultless conversation.
    @Test(arguments: [Direction.fromClient, .fromServer]) func gapNeverBecomesADeviation(_ direction: Direction) {
        let bytes = Array((direction == .fromClient ? Self.requests : Self.responses).utf8)
        for start in 0..<bytes.count {
            for end in (start + 1)...bytes.count {
                var stream = Stream()
                if direction == .fromServer { stream.client(Self.requests) }
                if start > 0 { stream.send(Array(bytes[..<start]), direction) }
                stream.gap(Int64(end - start), direction)
                if end < bytes.count { stream.send(Array(bytes[end...]), direction) }
                if direction == .fromClient { stream.server(Self.responses) }
                stream.client(Self.next)
                stream.server(Self.nextAnswer)
                let deviations = stream.exchanges.flatMap { exchange in
                    (exchange.request?.deviations ?? []) + (exchange.response?.deviations ?? [])
                }
                #expect(deviations.isEmpty, "gap \(start)..<\(end)")
                #expect(stream.request?.target == "/2", "gap \(start)..<\(end)")
                #expect(stream.response?.status == 404, "gap \(start)..<\(end)")
                #expect(stream.exchanges.allSatisfy { $0.response != nil }, "gap \(start)..<\(end)")
            }
        }
    }

    @Test func gapInABodyOfKnownLengthIsSkipped() {
        var stream = Stream()
        stream.client(Self.next)
        stream.server("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab")
        stream.gap(6, .fromServer)
        stream.server("yz")
        #expect(stream.response?.completion == .complete)
        #expect(stream.response?.body.seen == 10)
        #expect(stream.response?.body.hasGap == true)
    }

    @Test func hiddenAnswerIsNoMissingAnswer() {
        var stream = Stream()
        stream.client(Self.requests)
        stream.gap(100, .fromServer)
        #expect(stream.response?.completion == .incompleteHead)
        #expect(stream.response?.body.hasGap == true)
        stream.client(Self.next)
        stream.server(Self.nextAnswer)
        #expect(stream.exchanges.map(\.response?.status) == [nil, 404])
    }

    @Test func answerToAnUnseenHeadRequestTakesNothingOfTheNext() {
        var stream = Stream.midStream()
        stream.server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        stream.client(Self.next)
        stream.server(Self.nextAnswer)
        #expect(stream.exchanges.map(\.response?.status) == [200, 404])
        #expect(stream.exchanges.map(\.response?.completion) == [.complete, .complete])
        #expect(stream.exchanges.map { $0.request == nil } == [true, false])
    }

    @Test func answerToAnUnseenRequestKeepsItsBody() {
        var stream = Stream.midStream()
        stream.server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        stream.client(Self.next)
        stream.server(Self.nextAnswer)
        #expect(stream.exchanges.map(\.response?.status) == [200, 404])
        #expect(stream.exchanges.map(\.response?.body.seen) == [5, 3])
    }

    @Test func midStreamStartInventsNothing() {
        var stream = Stream.midStream()
        stream.client("rest of a body GET / HTTP/1.1\r\n")
        stream.server("rest of an answer\r\nHTTP/1.1 200 OK\r\n\r\n")
        #expect(stream.exchanges.isEmpty)
        stream.client(Self.next)
        stream.server(Self.nextAnswer)
        #expect(stream.exchanges.count == 1)
        #expect(stream.request?.target == "/2")
        #expect(stream.response?.status == 404)
        #expect(stream.response?.deviations.isEmpty == true)
    }

    @Test func midStreamMessageStartMayBeCut() {
        everySplit(of: Array(Self.next.utf8)) { pieces in
            var stream = Stream.midStream()
            for piece in pieces { stream.send(piece, .fromClient) }
            everySplit(of: Array(Self.nextAnswer.utf8)) { pieces in
                var stream = stream
                for piece in pieces { stream.send(piece, .fromServer) }
                #expect(stream.exchanges.count == 1)
                #expect(stream.request?.start == 0)
                #expect(stream.response?.completion == .complete)
            }
        }
    }

    @Test func hugeGapDoesNotTrap() {
        for direction in Direction.allCases {
            for beginning in ["", "GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"] {
                var stream = Stream()
                stream.client(Self.next)
                if !beginning.isEmpty { stream.send(Array(beginning.utf8), direction) }
                stream.gap(Int64.max / 4, direction)
                stream.gap(Int64.max / 4, direction)
                #expect(stream.exchanges.first?.request?.deviations.isEmpty == true)
            }
        }
    }

    /// Seeded, so that a failure can be repeated: random pieces of valid and broken traffic, bytes and gaps.
    @Test(arguments: UInt64(1)...60) func randomTrafficNeverTraps(_ seed: UInt64) {
        var random = SplitMix(state: seed)
        let words = [
            "GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n", "Content-Length: 9\r\n", "Transfer-Encoding: chunked\r\n",
            "\r\n", "\n", "5\r\n", "0\r\n", "PROXY ", ":", " ", "HTTP/", "PRI * HTTP/2.0\r\n",
            "\u{16}\u{3}\u{1}\u{0}\u{9}",
        ]
        var http = Stream(HTTP1Parser(startsAtBeginning: seed % 2 == 0))
        var dispatcher = Stream(ApplicationDispatcher(startsAtBeginning: seed % 3 == 0))
        var tls = Stream(TLSParser(startsAtBeginning: true))
        var sent: Int64 = 0
        for _ in 0..<400 {
            let direction: Direction = random.next() % 2 == 0 ? .fromClient : .fromServer
            var bytes: [UInt8] = []
            for _ in 0..<(random.next() % 6) {
                if random.next() % 4 == 0 {
                    bytes.append(UInt8(truncatingIfNeeded: random.next()))
                } else {
                    bytes += Array(words[Int(random.next() % UInt64(words.count))].utf8)
                }
            }
            if random.next() % 12 == 0 {
                let length = Int64(random.next() % 40) + 1
                http.gap(length, direction)
                dispatcher.gap(length, direction)
                tls.gap(length, direction)
            }
            http.send(bytes, direction)
            dispatcher.send(bytes, direction)
            tls.send(bytes, direction)
            sent += Int64(bytes.count)
            http.retransmitClient(0..<sent)
            http.acknowledgeClient(upTo: sent / 2)
        }
        http.finish(.fromServer)
        for exchange in http.exchanges {
            #expect(exchange.response?.deviations.count ?? 0 <= 24)
            #expect(exchange.response.map { $0.body.seen >= 0 } ?? true)
        }
    }
}

/// Sebastiano Vigna's splitmix64: small, and the same everywhere.
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
