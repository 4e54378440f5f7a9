import Model
import Testing

/// What the upstream answered, and what the gateway made of it.
@Suite struct AnswerTests {
    private static let asked = Scene.leg().handshake(at: 1).request(at: 2)

    private static func flawed(_ kind: Deviation.Kind, at offset: Int64, head: Int64 = 300) -> Line {
        asked.response(200, at: 20, head: head) {
            $0.deviations = [Deviation(kind: kind, offset: offset, excerpt: "X Y")]
        }
    }

    static let firstBytes: [Row] = [
        Row(
            "Another protocol's greeting is named",
            .nonHTTPBanner,
            variant: "ssh",
            answered: 60,
            asked.banner("SSH-2.0-OpenSSH_9.2", .ssh, at: 20)
        ),
        Row(
            "A TLS record to a plaintext request is a port that speaks TLS",
            .plaintextToTLSUpstream,
            answered: 60,
            asked.banner("\\x15\\x03\\x03", .tls, at: 20)
        ),
        Row(
            "Another application protocol is named",
            .applicationProtocolMismatch,
            variant: "http2",
            answered: 60,
            asked.banner("\\x00\\x00\\x12\\x04", .http2, at: 20)
        ),
        Row(
            "Bytes that nobody knows are a malformed status line",
            .malformedStatusLine,
            answered: 60,
            asked.banner("hello there", at: 20).fin(.fromServer, at: 21)
        ),
        Row(
            "A status line with a bad code is malformed where the gateway refused it",
            .malformedStatusLine,
            answered: 60,
            asked.response(200, at: 20) {
                $0.completion = .invalidStatusLine
                $0.status = nil
                $0.firstLine = "HTTP/1.1 2000 OK"
                $0.deviations = [Deviation(kind: .invalidStatusCode, offset: 0)]
            }
        ),
        Row(
            "An empty line before the status line is malformed where the gateway refused it",
            .malformedStatusLine,
            answered: 60,
            asked.response(200, at: 20) { $0.deviations = [Deviation(kind: .leadingEmptyLine, offset: 0)] }
        ),
        Row(
            "An empty line before the status line that the gateway took is a note at most",
            nil,
            status: 200,
            answered: 60,
            asked.response(200, at: 20) { $0.deviations = [Deviation(kind: .leadingEmptyLine, offset: 0)] }
        ),
        Row(
            "An odd version that the gateway took is a note at most",
            nil,
            status: 200,
            answered: 60,
            asked.response(200, at: 20) { $0.deviations = [Deviation(kind: .lowerCaseVersion, offset: 0)] }
        ),
    ]

    @Test("What the first bytes were beats how the connection ended", arguments: firstBytes)
    func opening(row: Row) { row.check() }

    static let heads: [Row] = [
        Row(
            "A large head that the gateway refused at once is too large",
            .headerTooLarge,
            confidence: .high,
            answered: 22,
            asked.response(200, at: 20, head: 9_000).fin(.fromClient, at: 21)
        ),
        Row(
            "A large head that the gateway stopped reading is too large",
            .headerTooLarge,
            answered: 22,
            asked.partialHead(9_000, at: 20).fin(.fromClient, at: 21)
        ),
        Row(
            "A large head that the gateway took is no finding",
            nil,
            status: 200,
            answered: 22,
            asked.response(200, at: 20, head: 9_000)
        ),
        Row(
            "A large part of a head and then silence is a timeout",
            .responseTimeout,
            status: 504,
            answered: 60_022,
            asked.partialHead(9_000, at: 20).fin(.fromClient, at: 60_021).ack(.fromServer, at: 60_022)
        ),
        Row(
            "A malformed line is refused where it stands",
            .malformedHeader,
            confidence: .high,
            answered: 22,
            flawed(.missingColon, at: 120)
        ),
        Row(
            "A malformed line before the limit was met first",
            .malformedHeader,
            answered: 22,
            flawed(.missingColon, at: 120, head: 9_000)
        ),
        Row(
            "A malformed line behind the limit was never read",
            .headerTooLarge,
            answered: 22,
            flawed(.missingColon, at: 8_500, head: 9_000)
        ),
        Row(
            "A malformed line that the gateway took is a note at most",
            nil,
            status: 200,
            answered: 22,
            flawed(.missingColon, at: 120)
        ),
        Row(
            "Two lengths that differ are refused",
            .conflictingContentLength,
            answered: 22,
            flawed(.conflictingContentLength, at: 60)
        ),
        Row(
            "Two lengths that the gateway took are a note at most",
            nil,
            status: 200,
            answered: 22,
            flawed(.duplicateContentLength, at: 60)
        ),
        Row(
            "A FIN inside the head closes it",
            .closedMidHead,
            answered: 60,
            asked.partialHead(at: 20).fin(.fromServer, at: 21)
        ),
        Row(
            "A RST inside the head resets it",
            .resetMidHead,
            answered: 60,
            asked.partialHead(at: 20).rst(.fromServer, at: 21)
        ),
        Row(
            "A FIN inside a large head is the upstream's all the same",
            .closedMidHead,
            answered: 60,
            asked.partialHead(9_000, at: 20).fin(.fromServer, at: 21)
        ),
    ]

    @Test("Where the head went wrong names the cause", arguments: heads)
    func head(row: Row) { row.check() }

    static let statuses: [Row] = [
        Row(
            "A 502 of the upstream that was passed on is the upstream's",
            .upstreamErrorResponse,
            variant: "application",
            answered: 60,
            asked.response(502, at: 20, page: "out of order")
        ),
        Row(
            "A 502 with a gateway's own page came from a further gateway",
            .upstreamErrorResponse,
            variant: "gateway",
            answered: 60,
            asked.response(502, at: 20, page: "<hr><center>nginx/1.22.1</center>")
        ),
        Row(
            "A 502 that the gateway made of a sound 200 is its own",
            .gatewayRejectedResponse,
            confidence: .medium,
            answered: 60,
            asked.response(200, at: 20)
        ),
        Row(
            "A 504 of the upstream that was passed on is no response timeout",
            .upstreamErrorResponse,
            variant: "application",
            status: 504,
            answered: 30_060,
            asked.response(504, at: 30_050)
        ),
        Row("An application's own 500 is no finding", nil, status: 500, answered: 60, asked.response(500, at: 20)),
        Row("An application's own 404 is no finding", nil, status: 404, answered: 60, asked.response(404, at: 20)),
    ]

    @Test("Who made a 502 is seen from the upstream's leg", arguments: statuses)
    func status(row: Row) { row.check() }

    /// A client that got the head and `seen` of 10,000 bytes, and then the gateway's close.
    private static func cut(_ seen: Int64, at time: Double) -> Line {
        Scene.client().handshake(at: -1).request(at: 0).response(200, at: 25, body: seen, of: 10_000)
            .fin(.fromServer, at: time)
    }
    private static let begun = asked.response(200, at: 20, body: 3_000, of: 10_000)

    static let bodies: [Row] = [
        Row(
            "A FIN before the announced end cuts the body",
            .truncatedBodyFin,
            lines: [cut(3_000, at: 60), begun.fin(.fromServer, at: 50)]
        ),
        Row(
            "A RST before the announced end cuts the body",
            .truncatedBodyReset,
            lines: [cut(3_000, at: 60), begun.rst(.fromServer, at: 50)]
        ),
        Row(
            "A gateway that closes after silence gave up on the body",
            .bodyTimeout,
            lines: [
                cut(3_000, at: 60_030), begun.fin(.fromClient, at: 60_020).ack(.fromServer, at: 60_020.2),
            ]
        ),
        Row(
            "A broken chunk is named before the close that follows it",
            .badChunkSize,
            lines: [
                cut(3_000, at: 60),
                asked.response(200, at: 20, body: 3_000) {
                    $0.body.framing = .chunked
                    $0.completion = .brokenBody
                    $0.deviations = [Deviation(kind: .invalidChunkSize, offset: 3_100, excerpt: "zz")]
                }.fin(.fromServer, at: 50),
            ]
        ),
        Row(
            "A body that ends with the connection is complete at the FIN",
            nil,
            lines: [
                Scene.failing(status: 200, answered: 60),
                asked.response(200, at: 20, body: 3_000) { $0.body.framing = .untilClose }.fin(.fromServer, at: 50),
            ]
        ),
        Row(
            "A RST of the gateway after the whole answer is its clean-up",
            nil,
            lines: [Scene.failing(status: 200, answered: 60), asked.response(200, at: 20).rst(.fromClient, at: 61)]
        ),
        Row(
            "A RST of the upstream after the whole answer is its clean-up",
            nil,
            lines: [Scene.failing(status: 200, answered: 60), asked.response(200, at: 20).rst(.fromServer, at: 61)]
        ),
    ]

    @Test("Who ended a body before its end names the cause", arguments: bodies)
    func body(row: Row) { row.check() }

    @Test("A cut body that reached the client as complete failed all the same")
    func hidden() {
        let report = Scene.report([Scene.failing(status: 200, answered: 60), Self.begun.fin(.fromServer, at: 50)])
        #expect(report.outline == ["failure truncated-body-fin 1/1"])
    }
}
