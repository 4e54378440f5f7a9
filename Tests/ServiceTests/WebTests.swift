import Foundation
import Model
import Pipeline
import Reporting
import TestSupport
import Testing

@testable import Service

@Suite struct WebTests {
    /// A server with a feed behind it and an evidence directory, for a test.
    final class Stand {
        let feed: Feed
        let caller: Caller
        let directory: URL
        private let server: WebServer

        init(_ change: (inout ServiceConfiguration) -> Void = { _ in }) throws {
            var configuration = ServiceConfiguration()
            change(&configuration)
            directory = FileManager.default.temporaryDirectory.appending(path: "gwsniff-evidence-\(UUID().uuidString)")
            let evidence = EvidenceDirectory(directory.path, maximumSize: 1_000)
            try evidence.prepare()
            let feed = Feed(startedAt: Sample.start, configuration: configuration, clock: Clocks.monotonic)
            self.feed = feed
            let routes = Routes(
                feed: feed,
                configuration: configuration,
                hostName: "gw1",
                source: ["eth0"],
                history: { nil },
                evidence: evidence,
                now: { $0.now }
            )
            server = try WebServer(
                Endpoint(address: IPAddress(v4: 127, 0, 0, 1), port: 0),
                clock: Clocks.monotonic,
                answer: routes.answer
            )
            caller = Caller(endpoint: server.endpoint)
        }

        deinit {
            server.stop()
            try? FileManager.default.removeItem(at: directory)
        }
    }

    @Test("A request is whole only with its last byte, wherever it is cut")
    func everyCut() {
        let text = "POST /a%20b?x=1+2&y HTTP/1.1\r\nHost: localhost\r\nX-One:  two \r\nContent-Length: 3\r\n\r\nabc"
        let bytes = Array(text.utf8)
        for count in 0..<bytes.count { #expect(HTTPRequestReader.read(Array(bytes[..<count])) == .incomplete) }
        guard case .request(let request) = HTTPRequestReader.read(bytes) else {
            Issue.record("not read")
            return
        }
        #expect(request.path == "/a b")
        #expect(request.query == [.init("x", "1 2"), .init("y", "")])
        #expect(request.field("x-one") == "two")
        #expect(request.body == Array("abc".utf8))
    }

    @Test(
        "What is no request is refused",
        arguments: [
            ("GET / HTTP/2\r\nHost: a\r\n\r\n", 400), ("GET /\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400), ("GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /%ff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
            ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n", 413),
            ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
            ("GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "y", count: 20_000), 431),
        ]
    )
    func refused(_ text: String, _ status: Int) {
        #expect(HTTPRequestReader.read(Array(text.utf8)) == .refused(status))
    }

    @Test("Every address answers, with fields that keep other sites out")
    func routes() throws {
        let stand = try Stand()
        stand.feed.progress(Sample.statistics(packets: 10))
        Sample.tell(stand.feed, Sample.occurrence(1), Sample.finding(count: 1, occurrences: [Sample.occurrence(1)]))
        let page = try #require(stand.caller.get("/"))
        #expect(page.status == 200)
        let policy = try #require(page.field("Content-Security-Policy"))
        #expect(policy.hasPrefix("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("http"))
        #expect(
            !page.text.contains("{{") && page.text.contains("<style nonce=") && page.text.contains("<script nonce=")
        )
        for field in ["X-Content-Type-Options", "X-Frame-Options", "Cache-Control", "Cross-Origin-Resource-Policy"] {
            #expect(page.field(field) != nil)
        }
        let metrics = try #require(stand.caller.get("/metrics"))
        #expect(metrics.field("Content-Type") == MetricsText.contentType)
        #expect(try MetricsSyntax(parsing: metrics.text).value("gwsniff_packets_total") == 10)
        #expect(stand.caller.get("/healthz")?.status == 200)
        #expect(stand.caller.get("/nothing")?.status == 404)
        #expect(stand.caller.get("/", method: "DELETE")?.status == 405)
        #expect(stand.caller.get("/metrics", method: "HEAD")?.body.isEmpty == true)
        #expect(stand.caller.get("/api/v1/live?minutes=0")?.status == 400)
        #expect(stand.caller.get("/api/v1/finding?key=x")?.status == 400)
        #expect(stand.caller.get("/api/v1/finding?key=dns-failure~failure~")?.status == 404)
    }

    @Test("The page's data are what docs/schema says, and hide query values")
    func documents() throws {
        let stand = try Stand()
        stand.feed.progress(Sample.statistics(packets: 10))
        Sample.tell(stand.feed, Sample.occurrence(1), Sample.finding(count: 1, occurrences: [Sample.occurrence(1)]))
        stand.feed.finalReport(Sample.report(requests: 20, failed: 2, exchanges: 18))
        stand.feed.warn("a warning", at: Sample.start)
        try Data("x".utf8).write(
            to: stand.directory.appending(path: "gwsniff-20261122T031200Z-1-connect-refused-10.0.3.7-8080.pcapng")
        )
        let key = "connect-refused~failure~10.0.3.7%3A8080"
        for (name, target) in [("live", "/api/v1/live?minutes=5"), ("finding", "/api/v1/finding?key=\(key)")] {
            let text = try #require(stand.caller.get(target)).text
            let file = packageRoot.appending(path: "docs/schema/gwsniff.\(name)-1.schema.json")
            let schema = JSONSchema(try JSONTree(parsing: String(contentsOf: file, encoding: .utf8)))
            let tree = try JSONTree(parsing: text)
            #expect(schema.violations(in: tree) == [])
            #expect(
                tree["evidence"] != .null
                    && text.contains("gwsniff-20261122T031200Z-1-connect-refused-10.0.3.7-8080.pcapng")
            )
            #expect(!text.contains("s3cret"))
        }
        let live = try JSONTree(parsing: #require(stand.caller.get("/api/v1/live?minutes=5")).text)
        #expect(live["minutes"]?.items.count == 5)
        #expect(live["minutes"]?.items.last?["failed"]?.number == 1)
        #expect(live["upstreams"]?[0]?["health"]?.string == "degraded")
    }

    @Test("Health tells a capture that hangs, one that ended, and packets that stay away")
    func health() throws {
        let feed = Sample.feed()
        feed.progress(Sample.statistics(packets: 1))
        func health(_ silence: Double, _ seconds: Int64, _ limit: Nanoseconds?) -> Bool {
            var settings = HealthSettings()
            settings.largestPacketAge = limit
            let now = Sample.start + .seconds(seconds)
            return Health(feed.picture, silence: silence, now: now, history: nil, settings: settings).isGood
        }
        #expect(health(0, 0, nil))
        #expect(health(0, 100_000, nil))
        #expect(!health(30, 0, nil))
        #expect(!health(0, 61, .seconds(60)))
        #expect(health(0, 59, .seconds(60)))
        let read = Sample.feed()
        read.ended(nil)
        let end = Health(read.picture, silence: 0, now: Sample.start, isLive: false, history: nil, settings: .init())
        #expect(end.isGood)
        #expect(!Health(read.picture, silence: 0, now: Sample.start, history: nil, settings: .init()).isGood)
        feed.ended("eth0: gone")
        #expect(!health(0, 0, nil))
        var history = HistoryState(path: "h")
        history.failure = "disk full"
        let fresh = Sample.feed()
        fresh.progress(Sample.statistics(packets: 1))
        let failing = Health(fresh.picture, silence: 0, now: Sample.start, history: history, settings: HealthSettings())
        #expect(!failing.isGood)
        #expect(failing.document.compact.contains("disk full"))
    }

    @Test("A name that is not the server's is refused, an address is not")
    func names() throws {
        let stand = try Stand { $0.http.allowedHosts = ["gateway.example"] }
        for host in ["localhost", "LOCALHOST:9502", "127.0.0.1:9502", "[::1]:9502", "gw1", "gateway.example:80"] {
            #expect(stand.caller.get("/healthz", ["Host": host])?.status != 421, "\(host)")
        }
        for host in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost:x", ""] {
            #expect(stand.caller.get("/healthz", ["Host": host])?.status == 421, "\(host)")
        }
    }

    @Test("Nothing is recorded without the token, or for another site's page")
    func changes() throws {
        let stand = try Stand()
        let token = try #require(stand.caller.get("/api/v1/token")).text.trimmingCharacters(in: .newlines)
        func post(_ fields: [String: String]) -> Int? {
            stand.caller.get("/api/v1/recordings?reason=why", fields, method: "POST")?.status
        }
        #expect(stand.caller.get("/api/v1/recordings")?.status == 405)
        #expect(post([:]) == 403)
        #expect(post(["X-Gwsniff-Token": String(repeating: "0", count: 32)]) == 403)
        #expect(post(["X-Gwsniff-Token": token, "Origin": "http://evil.example"]) == 403)
        #expect(post(["X-Gwsniff-Token": token, "Sec-Fetch-Site": "cross-site"]) == 403)
        #expect(stand.feed.takesRecording() == nil)
        #expect(post(["X-Gwsniff-Token": token, "Origin": "http://localhost"]) == 202)
        #expect(stand.feed.takesRecording() == "why")
        #expect(stand.feed.takesRecording() == nil)
        for _ in 0..<8 { #expect(post(["X-Gwsniff-Token": token]) == 202) }
        #expect(post(["X-Gwsniff-Token": token]) == 429)
    }

    @Test("Where the recorder has begun as many files as it may, that is said, and when to ask again")
    func recorderRests() throws {
        let stand = try Stand()
        let token = try #require(stand.caller.get("/api/v1/token")).text.trimmingCharacters(in: .newlines)
        var statistics = Sample.statistics(packets: 1)
        var live = LiveCounters()
        live.recorderRestsUntil = stand.feed.picture.now + .seconds(90)
        statistics.live = live
        stand.feed.progress(statistics)
        let answer = stand.caller.get("/api/v1/recordings?reason=why", ["X-Gwsniff-Token": token], method: "POST")
        #expect(answer?.status == 429)
        let wait = try #require((answer?.field("Retry-After")).flatMap { Int($0) })
        #expect((1...91).contains(wait))
        #expect(stand.feed.takesRecording() == nil)
    }

    @Test("Evidence is served whole; no name leads out of its directory")
    func evidence() throws {
        let stand = try Stand()
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0) }
        let name = "gwsniff-20261122T031200Z-1-connect-refused-10.0.3.7-8080.pcapng"
        try Data(bytes).write(to: stand.directory.appending(path: name))
        try Data("secret".utf8).write(to: stand.directory.appending(path: "other.pcapng"))
        try FileManager.default.createSymbolicLink(
            atPath: stand.directory.appending(path: "gwsniff-link.pcapng").path,
            withDestinationPath: "/etc/passwd"
        )
        let answer = try #require(stand.caller.get("/evidence/\(name)"))
        #expect(answer.status == 200)
        #expect(answer.body == bytes)
        for bad in [
            "other.pcapng", "gwsniff-link.pcapng", "../etc/passwd", "..%2f..%2fetc%2fpasswd", "gwsniff-%2e%2e.pcapng",
            "", "gwsniff-/x.pcapng",
        ] {
            #expect(stand.caller.get("/evidence/\(bad)")?.status == 404, "\(bad)")
        }
    }

    @Test("A finding has the files begun for it, and those that were being written when it happened")
    func evidenceOfFinding() {
        var state = EvidenceState(directory: "d", before: .seconds(30))
        func file(_ name: String, _ seconds: Int64) -> EvidenceState.File {
            EvidenceState.File(name: name, bytes: 1, changed: Sample.start + .seconds(seconds))
        }
        state.files = [
            file("gwsniff-20261122T031200Z-2-response-timeout-10.0.0.1-80.pcapng", 20),
            file("gwsniff-20261122T020000Z-1-connect-refused-10.0.3.7-8080.pcapng", -4_300),
            file("gwsniff-odd.pcapng", 600), file("gwsniff-20269999T999999Z-3-x.pcapng", 600),
        ]
        #expect(state.files.map(\.begun) == [Sample.start, Sample.start - .seconds(4_320), nil, nil])
        let identity = FindingIdentity(Sample.finding(count: 1))
        func numbers(_ seconds: Int64...) -> [String] {
            state.files(of: identity, times: seconds.map { Sample.start + .seconds($0) })
                .map { String($0.name.dropFirst(25).prefix(1)) }
        }
        #expect(numbers() == ["1"])
        #expect(numbers(-25, 1_000) == ["2", "1"])
        #expect(numbers(21, -40) == ["1"])
    }

    @Test("The oldest evidence goes beyond the size, never the newest")
    func evidenceSize() throws {
        let stand = try Stand()
        for number in 1...5 {
            let file = stand.directory.appending(path: "gwsniff-\(number)-\(number)-x.pcapng")
            try Data(count: 400).write(to: file)
            let date = Date(timeIntervalSince1970: 1_700_000_000 + Double(number))
            try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: file.path)
        }
        let directory = EvidenceDirectory(stand.directory.path, maximumSize: 1_000)
        #expect(directory.prune() == 3)
        #expect(directory.state.files.map(\.name) == ["gwsniff-5-5-x.pcapng", "gwsniff-4-4-x.pcapng"])
        #expect(EvidenceDirectory(stand.directory.path, maximumSize: 1).prune() == 1)
        #expect(directory.state.files.map(\.name) == ["gwsniff-5-5-x.pcapng"])
    }

    @Test(
        "Callers that say nothing keep nobody out for long: beyond their number others wait, and are served when one goes"
    )
    func silentCallers() throws {
        let stand = try Stand()
        let silent = (0..<64).map { _ in stand.caller.connect() }
        let waiting = stand.caller.connect()
        stand.caller.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", on: waiting)
        close(silent[0])
        let answer = stand.caller.receive(waiting)
        #expect(String(decoding: answer.prefix(15), as: UTF8.self) == "HTTP/1.1 200 OK")
        silent.dropFirst().forEach { close($0) }
    }
}
