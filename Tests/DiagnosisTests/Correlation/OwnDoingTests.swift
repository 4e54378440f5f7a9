import Model
import Testing

@testable import Diagnosis

@Suite("What gateways do to requests by themselves") struct OwnDoingTests {
    // MARK: Ends of the process

    /// A request that waits from `start` on until the gateway closes both legs at `time`.
    private static func waiting(_ port: UInt16, from start: Double, cutAt time: Double) -> [Line] {
        [
            Scene.client(port).handshake(at: start - 1).request("/slow", at: start).fin(.fromServer, at: time + 0.1),
            Scene.leg(port).handshake(at: start + 1).request("/slow", at: start + 2).fin(.fromClient, at: time),
        ]
    }

    @Test("Requests that waited for different times and were cut together were cut by the gateway's end")
    func cutTogether() throws {
        let lines = waiting3(cutAt: [1_000, 1_000.4, 1_000.8])
        let report = Scene.report(lines, until: 3_000)
        #expect(report.outline == ["failure gateway-reload 3/3"])
        #expect(report.findings.first?.blame == .gateway)
        #expect(report.findings.first?.upstream == Scene.upstream.description)
    }

    private func waiting3(cutAt times: [Double]) -> [Line] {
        zip([0.0, 150, 400], times).enumerated().flatMap { number, pair in
            Self.waiting(50_100 + UInt16(number), from: pair.0, cutAt: pair.1)
        }
    }

    @Test("Answers that come when the clients were closed already do not undo that")
    func answeredLate() {
        let lines = [0.0, 150, 400].enumerated().flatMap { number, start in
            [
                Scene.client(50_100 + UInt16(number)).handshake(at: start - 1).request("/slow", at: start)
                    .fin(.fromServer, at: 1_000 + Double(number)),
                Scene.leg(50_100 + UInt16(number)).handshake(at: start + 1).request("/slow", at: start + 2)
                    .response(200, at: 2_000 + start),
            ]
        }
        #expect(Scene.report(lines, until: 5_000).outline == ["failure gateway-reload 3/3"])
    }

    @Test("Requests that each waited equally long were ended by a timer")
    func timer() {
        #expect(!causes(waiting3(cutAt: [1_000, 1_150, 1_400])).contains(.gatewayReload))
    }

    @Test("A single cut request is the gateway's end only where its listener refuses a client afterwards")
    func single() {
        let cut = Self.waiting(50_100, from: 0, cutAt: 700) + Scene.good("/a", ports: 50_200, at: -2_000)
        #expect(!causes(cut).contains(.gatewayReload))
        let refused = Scene.client(50_300).syn(900).rst(.fromServer, at: 900.1)
        #expect(causes(cut + [refused]) == [.gatewayReload])
    }

    @Test(
        "Requests that came together and were cut without a word were cut by the gateway's end if idle clients went as well"
    )
    func silentBesideIdle() {
        let cut = (0..<3).flatMap { Self.waiting(50_100 + UInt16($0), from: 0.1 * Double($0), cutAt: 1_000) }
        #expect(!causes(cut).contains(.gatewayReload))
        let kept = Scene.client(50_400).handshake(at: -501).request("/a", at: -500).response(200, at: -490)
        let leg = Scene.leg(50_400).handshake(at: -499).request("/a", at: -498).response(200, at: -491)
        #expect(causes(cut + [kept.fin(.fromServer, at: 1_000.3), leg]) == [.gatewayReload])
        #expect(!causes(cut + [kept.fin(.fromServer, at: 1_300), leg]).contains(.gatewayReload))
    }

    @Test("Nor are errors that a timer gives to requests that came together, while an idle client's time is up")
    func answeredBesideIdle() {
        let lines = (0..<3).flatMap { number in
            [
                Scene.client(50_100 + UInt16(number)).handshake(at: -1).request("/slow", at: 0)
                    .response(504, at: 1_000).fin(.fromServer, at: 1_000.2),
                Scene.leg(50_100 + UInt16(number)).handshake(at: 1).request("/slow", at: 2)
                    .fin(.fromClient, at: 999.9),
            ]
        }
        let idle = Scene.client(50_400).handshake(at: -501).request("/a", at: -500).response(200, at: -490)
            .fin(.fromServer, at: 1_000)
        let leg = Scene.leg(50_400).handshake(at: -499).request("/a", at: -498).response(200, at: -491)
        #expect(causes(lines + [idle, leg]) == [.responseTimeout])
    }

    @Test("An error to each client is no end of the process")
    func answered() {
        let lines = [0.0, 150, 400].enumerated().flatMap { number, start in
            [
                Scene.client(50_100 + UInt16(number)).handshake(at: start - 1).request("/slow", at: start)
                    .response(504, at: 1_000).fin(.fromServer, at: 1_000.2),
                Scene.leg(50_100 + UInt16(number)).handshake(at: start + 1).request("/slow", at: start + 2)
                    .fin(.fromClient, at: 999.9),
            ]
        }
        #expect(!causes(lines).contains(.gatewayReload))
    }

    @Test("Idle connections that close together fail nobody")
    func idle() {
        let lines = (0..<4).flatMap { number in
            let port = 50_100 + UInt16(number)
            let start = Double(number) * 50
            return [
                Scene.client(port).handshake(at: start - 1).request("/a", at: start).response(200, at: start + 10)
                    .fin(.fromServer, at: 2_000),
                Scene.leg(port).handshake(at: start + 1).request("/a", at: start + 2).response(200, at: start + 9)
                    .fin(.fromClient, at: 2_000.1),
            ]
        }
        #expect(Scene.report(lines).outline == [])
    }

    private func causes(_ lines: [Line]) -> [Cause] { Scene.report(lines, until: 5_000).findings.map(\.cause) }

    // MARK: Caches

    private static func page(_ status: Int, at time: Double, port: UInt16, _ fields: [FieldLine] = []) -> Line {
        Scene.client(port).handshake(at: time - 1).request("/cart", at: time).response(status, at: time + 1) {
            $0.fields = fields
            $0.body.digest = 77
        }
    }

    @Test(
        "An error that says it was stored, and for which nothing was asked",
        arguments: [
            ("age", "12"), ("x-cache", "HIT"), ("x-cache-status", "HIT"), ("cf-cache-status", "HIT"),
            ("cache-status", "edge; hit; ttl=3"), ("x-varnish", "32770 5"),
        ]
    )
    func marked(_ name: String, _ value: String) {
        let stored = Self.page(503, at: 0, port: 50_000, [FieldLine(name: name, value: value)])
        #expect(causes(Scene.good("/a", ports: 41_000, at: -500) + [stored]) == [.cachedError])
    }

    @Test(
        "What a cache writes beside answers that it did not store",
        arguments: [
            ("age", "0"), ("x-cache", "MISS"), ("x-cache", "Error from cloudfront"), ("cache-status", "edge; fwd=miss"),
            ("x-varnish", "32770"),
        ]
    )
    func notStored(_ name: String, _ value: String) {
        let fresh = Self.page(503, at: 0, port: 50_000, [FieldLine(name: name, value: value)])
        #expect(causes(Scene.good("/a", ports: 41_000, at: -500) + [fresh]) == [.noUpstreamAttempt])
    }

    @Test("The upstream's own error again, byte for byte and without asking, was stored")
    func again() {
        let relayed = Scene.leg(41_001).handshake(at: -4_999).request("/cart", at: -4_999)
            .response(503, at: -4_999.2) { $0.body.digest = 77 }
        let lines = [Self.page(503, at: -5_000, port: 50_001), relayed, Self.page(503, at: 0, port: 50_002)]
        #expect(Set(causes(lines)) == [.upstreamErrorResponse, .cachedError])
    }

    // MARK: Loops

    /// Passes of one request, each inside the one before; those behind the first come from `asker`.
    private static func passes(_ count: Int, from asker: IPAddress, target: String = "/cart") -> [Line] {
        (0..<count).map { number in
            let client =
                number == 0 ? end("192.0.2.10", 50_000) : Endpoint(address: asker, port: 51_000 + UInt16(number))
            return Line.from(client, to: Scene.front).handshake(at: Double(number) * 2)
                .request(target, at: Double(number) * 2 + 1).response(502, at: 200 - Double(number))
        }
    }

    @Test("A request that comes back from the gateway itself, again and again, is one request and one finding")
    func loop() {
        let report = Scene.report(Scene.good("/a", ports: 41_000, at: -500) + Self.passes(6, from: Scene.front.address))
        #expect(report.outline == ["failure proxy-loop 1/1"])
        #expect(report.findings.first?.upstream == Scene.front.description)
        #expect(report.totalRequests == 2)
        #expect(report.clientErrors.count == 1)
    }

    @Test("A request that comes back once is a second stage")
    func secondStage() {
        let report = Scene.report(Scene.good("/a", ports: 41_000, at: -500) + Self.passes(2, from: Scene.front.address))
        #expect(!report.findings.map(\.cause).contains(.proxyLoop))
    }

    @Test("Several clients that ask the same at once are no loop")
    func crowd() {
        let lines = (0..<6).map { number in
            Scene.failing("/cart", port: 50_000 + UInt16(number), at: Double(number), answered: 200 - Double(number))
        }
        let report = Scene.report(Scene.good("/a", ports: 41_000, at: -500) + lines)
        #expect(report.outline == ["failure no-upstream-attempt 6/0"])
    }

    enum LocalClient: CaseIterable {
        case inTurn, atOnce, atOnceInAnyOrder

        /// When a request begins and is answered, in milliseconds.
        func span(of number: Double) -> (start: Double, end: Double) {
            switch self {
            case .inTurn: (number * 50, number * 50 + 2)
            case .atOnce: (number * 0.2, number * 0.2 + 9)
            case .atOnceInAnyOrder: (number * 0.2, 9 + (number * 5).truncatingRemainder(dividingBy: 8))
            }
        }
    }

    /// A client on the gateway's own host asks the same again and again.
    private static func local(_ spans: [(start: Double, end: Double)]) -> [Line] {
        spans.enumerated().map { number, span in
            Line.from(Endpoint(address: Scene.front.address, port: 51_000 + UInt16(number)), to: Scene.front)
                .handshake(at: span.start).request("/cart", at: span.start + 0.1).response(502, at: span.end)
        }
    }

    @Test(
        "A client on the gateway's host that asks the same again and again, one after the other or at once, is no loop",
        arguments: LocalClient.allCases
    )
    func localClient(_ client: LocalClient) {
        let spans = (0..<8).map { client.span(of: Double($0)) }
        let before = Scene.good("/a", ports: 41_000, at: -500)
        let alone = Scene.report(before + Self.local(spans))
        #expect(!alone.findings.map(\.cause).contains(.proxyLoop))
        let refused = spans.enumerated().map { number, span in
            Scene.leg(42_000 + UInt16(number), to: end("10.0.0.40", 80)).handshake(at: span.start + 0.2)
                .request("/cart", at: span.start + 0.4).response(502, at: span.end - 0.1)
        }
        let report = Scene.report(before + Self.local(spans) + refused)
        #expect(!report.findings.map(\.cause).contains(.proxyLoop))
    }

    @Test("A client on the gateway's host whose requests all wait for a timer is no loop")
    func localClientWaits() {
        let spans = (0..<8).map { (start: Double($0) * 0.2, end: 2_000 + Double($0) * 0.3) }
        let report = Scene.report(Scene.good("/a", ports: 41_000, at: -500) + Self.local(spans))
        #expect(!report.findings.map(\.cause).contains(.proxyLoop))
    }

    @Test(
        "A load test on the gateway's host that asks a hanging server again and again is no loop, where that server answers others"
    )
    func loadTest() {
        let (host, server) = ("127.0.0.1", end("127.0.0.1", 9001))
        func pair(_ port: UInt16, _ target: String, at time: Double) -> (client: Line, leg: Line) {
            (
                Line.from(end(host, 50_000 + port), to: end(host, 80)).handshake(at: time - 0.5).request(
                    target,
                    at: time
                ),
                Line.from(end(host, 40_000 + port), to: server).handshake(at: time + 0.2).request(
                    target,
                    at: time + 0.4
                )
            )
        }
        let waves = (0..<16).flatMap { number -> [Line] in
            let (wave, place) = (number / 8, number % 8)
            let time = Double(wave) * 2_003 + Double(place) * 0.06
            // The last come first to their ends.
            let over = Double(wave) * 2_003 + 2_002 - Double(place) * 0.05
            let made = pair(UInt16(number), "/slow", at: time)
            return [made.client.response(504, at: over + 0.1), made.leg.fin(.fromClient, at: over)]
        }
        let good = pair(90, "/ok", at: 6_000)
        let lines = waves + [good.client.response(200, at: 6_005), good.leg.response(200, at: 6_004)]
        let report = Scene.report(lines)
        #expect(report.totalRequests == 17)
        #expect(report.failedRequests == 16)
        #expect(!report.findings.contains { $0.cause == .proxyLoop })
    }

    @Test("A gateway that asks itself for a client on its own host is a loop")
    func localLoop() {
        let lines = (0..<6).map { number in
            Line.from(Endpoint(address: Scene.front.address, port: 51_000 + UInt16(number)), to: Scene.front)
                .handshake(at: Double(number) * 2)
                .request("/cart", at: Double(number) * 2 + 1) {
                    if number > 0 { $0.fields = [FieldLine(name: "x-forwarded-proto", value: "http")] }
                }
                .response(502, at: 200 - Double(number))
        }
        let report = Scene.report(Scene.good("/a", ports: 41_000, at: -500) + lines)
        #expect(report.outline == ["failure proxy-loop 1/1"])
    }

    /// A second proxy listens at one address, dials from another, and says whence its request came.
    private static func throughAnother(_ count: Int, saying way: String) -> [Line] {
        let (proxy, back) = (end("10.0.0.20", 8081), IPAddress(v4: 10, 0, 0, 21))
        return (0..<count).flatMap { number -> [Line] in
            let (inward, outward) = (Double(number) * 2, 200 - Double(number) * 2)
            let client =
                number == 0 ? end("192.0.2.10", 50_000) : Endpoint(address: back, port: 51_000 + UInt16(number))
            let fields = number == 0 ? [] : [FieldLine(name: "x-forwarded-for", value: way)]
            let pass = Line.from(client, to: Scene.front).handshake(at: inward)
                .request("/cart", at: inward + 0.5, fields: fields).response(502, at: outward)
            let leg = Scene.leg(42_000 + UInt16(number), to: proxy).handshake(at: inward + 0.8)
                .request("/cart", at: inward + 1.2, fields: fields)
            return [
                pass, number == count - 1 ? leg.rst(.fromServer, at: inward + 2) : leg.response(502, at: outward - 1),
            ]
        }
    }

    @Test("A request that names the gateway on its way comes back, whoever brings it")
    func named() {
        let before = Scene.good("/a", ports: 41_000, at: -500)
        let report = Scene.report(before + Self.throughAnother(6, saying: "192.0.2.10, \(Scene.dialler)"))
        #expect(report.outline == ["failure proxy-loop 1/1"])
        #expect(report.findings.first?.upstream == "10.0.0.20:8081")
        #expect(report.totalRequests == 2)
    }

    @Test("A proxy in front that names its clients, who ask for the same at once, makes no loop")
    func proxyInFront() {
        let before = Scene.good("/a", ports: 41_000, at: -500)
        let report = Scene.report(before + Self.throughAnother(6, saying: "203.0.113.9"))
        #expect(!report.findings.map(\.cause).contains(.proxyLoop))
    }

    @Test("What goes on to a server that answers for itself is no loop")
    func goesOn() {
        // Each pass of the second stage asks one server, which has nothing to ask in turn.
        let server = end("10.0.0.30", 80)
        let passes = Self.throughAnother(4, saying: "192.0.2.10, \(Scene.dialler)")
        let asked = (1..<4).map { number in
            Scene.leg(43_000 + UInt16(number), to: server).handshake(at: 20 + Double(number))
                .request("/cart", at: 20.5 + Double(number)).response(502, at: 21 + Double(number))
        }
        let report = Scene.report(Scene.good("/a", ports: 41_000, at: -500) + passes + asked)
        #expect(!report.findings.map(\.cause).contains(.proxyLoop))
    }

    // MARK: Health checks

    /// A dial that is refused by the clock, and what the gateway asks another server `after` that.
    private static func refusedByTheClock(after pause: Double) -> [Line] {
        (0..<8).flatMap { number -> [Line] in
            let (time, port) = (Double(number) * 110, UInt16(number))
            return [
                Scene.client(50_000 + port).handshake(at: time - 1).request("/r\(number)", at: time)
                    .response(200, at: time + pause + 9),
                Scene.leg(45_000 + port, to: Scene.second).syn(time + 0.3).rst(.fromServer, at: time + 0.4),
                Scene.leg(46_000 + port).handshake(at: time + 0.4 + pause)
                    .request("/r\(number)", at: time + 0.7 + pause).response(200, at: time + pause + 8),
            ]
        }
    }

    @Test("Refused dials at even intervals, each with the next server's turn at once, are tries that a retry hid")
    func evenRetries() {
        #expect(Scene.report(Self.refusedByTheClock(after: 0.1)).outline == ["nearMiss connect-refused 8/8"])
    }

    @Test("Refused dials by the clock beside requests that have nothing to do with them are checks")
    func evenChecks() {
        let checks = (0..<10).map { number in
            Scene.leg(45_000 + UInt16(number), to: Scene.second).syn(Double(number) * 110)
                .rst(.fromServer, at: Double(number) * 110 + 0.1)
        }
        let traffic = (0..<6).flatMap { Scene.good("/a", ports: 41_000 + UInt16($0), at: Double($0) * 170 + 23) }
        #expect(Scene.report(checks + traffic).outline == [])
    }

    @Test("What is asked by the clock and what no client asked for is a check, whatever it is answered")
    func periodic() {
        let checks = (0..<8).map { number in
            Scene.leg(45_000 + UInt16(number), to: Scene.second).handshake(at: Double(number) * 1_000)
                .request("/up", at: Double(number) * 1_000 + 1).response(503, at: Double(number) * 1_000 + 2)
        }
        let traffic = Scene.good("/a", ports: 41_000, at: 1_500) + Scene.good("/b", ports: 41_001, at: 3_700)
        let report = Scene.report(checks + traffic)
        #expect(report.outline == [])
        #expect(report.totalRequests == 2)
    }

    @Test("What a client asks for by the clock is its request, also where the gateway rewrites it")
    func polled() {
        let polls = (0..<8).flatMap { number -> [Line] in
            let time = Double(number) * 1_000
            return [
                Scene.client(50_000 + UInt16(number)).handshake(at: time - 1).request("/api/v1/state", at: time)
                    .response(503, at: time + 5),
                Scene.leg(45_000 + UInt16(number)).handshake(at: time + 1).request("/state", at: time + 2)
                    .response(503, at: time + 4),
            ]
        }
        #expect(Scene.report(polls).outline == ["failure upstream-error-response 8/8"])
    }
}
