import Capture
import Diagnosis
import Model
import Pipeline
import TestSupport
import Testing

/// More failures than there is room for: they are counted all the same, and do not hide others.
@Suite struct LiveFloodTests {
    private static let start = Timestamp(seconds: 1_700_000_000)

    private struct Flood {
        var engine: LiveEngine
        var ring = PacketRing(bytes: 32 << 20)
        var emission = Emission()
        var told: [String: Int] = [:]
        var number = 0

        init(spans: Int) {
            var window = LiveWindow()
            window.largestSpanCount = spans
            self.init(window)
        }

        init(_ window: LiveWindow) {
            var request = AnalysisRequest()
            request.largestWhole = 0
            request.sampleCount = 8
            engine = LiveEngine(request, ring: ring, window: window)
        }

        mutating func append(_ frames: [SimulatedDay.Frame]) {
            for frame in frames {
                number += 1
                let isTaken = ring.append(frame.record(number: number), frame.bytes.span.bytes)
                #expect(isTaken)
            }
            while engine.readStretch() {}
        }

        mutating func look() {
            guard let last = engine.statistics.last else { return }
            let findings = engine.look(horizon: last).findings
            for moment in [0.0, 1.0] {
                _ = emission.emit(findings, at: moment) { _, finding in
                    told[finding.cause.rawValue, default: 0] += 1
                    return true
                }
            }
        }
    }

    @Test(
        "an attempt whose request was counted and is gone is not taken for that of a request which asked the same and still waits"
    )
    func counted() {
        var window = LiveWindow()
        window.largestConnectionCount = 2
        var flood = Flood(window)
        let gateway = IPAddress(v4: 10, 0, 0, 5)
        let listener = Endpoint(address: gateway, port: 80)
        func client(_ number: Int, at time: Timestamp) -> Conversation {
            var client = Conversation(
                client: Endpoint(address: IPAddress(v4: 10, 7, 0, UInt8(number)), port: UInt16(20_000 + number)),
                server: listener,
                time: time
            )
            client.handshake()
            client.send(.fromClient, "GET / HTTP/1.1\r\nHost: day\r\n\r\n")
            return client
        }
        func answer(_ leg: inout Conversation, _ status: String) {
            leg.serverAcknowledges = leg.clientNext
            leg.send(.fromServer, "HTTP/1.1 \(status)\r\nContent-Length: 2\r\n\r\nok")
            leg.acknowledge(.fromClient)
        }
        // It waits for a server that does not answer.
        var waiting = client(1, at: Self.start)
        var dead = Conversation(
            client: Endpoint(address: gateway, port: 30_000),
            server: Endpoint(address: IPAddress(v4: 10, 0, 2, 9), port: 8_080),
            time: waiting.time
        )
        for wait in [1, 2, 4] {
            dead.syn()
            dead.wait(.seconds(Int64(wait)))
        }
        var upstream = Conversation(
            client: Endpoint(address: gateway, port: 30_001),
            server: Endpoint(address: IPAddress(v4: 10, 0, 2, 7), port: 8_080),
            time: Self.start
        )
        upstream.handshake()
        var frames = SimulatedDay.frames(waiting, dead, upstream)
        for number in 2..<22 {
            var other = client(number, at: Self.start + .seconds(Int64(number)))
            upstream.packets = []
            upstream.time = other.time
            upstream.send(.fromClient, "GET / HTTP/1.1\r\nHost: day\r\n\r\n")
            upstream.serverAcknowledges = upstream.clientNext
            // The answer's end comes before its beginning.
            let head = Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n".utf8)
            let offset = upstream.serverNext
            upstream.segment(.fromServer, at: offset + Int64(head.count), Array("ok".utf8))
            upstream.segment(.fromServer, at: offset, head)
            upstream.serverNext = offset + Int64(head.count) + 2
            upstream.acknowledge(.fromClient)
            other.time = upstream.time
            answer(&other, "200 OK")
            other.fin(.fromClient)
            other.serverAcknowledges = other.clientNext
            other.fin(.fromServer)
            other.acknowledge(.fromClient)
            frames += SimulatedDay.frames(other, upstream)
        }
        waiting.packets = []
        waiting.time = Self.start + .seconds(30)
        answer(&waiting, "504 Gateway Timeout")
        frames += SimulatedDay.frames(waiting)
        for frame in frames.sorted(by: { $0.time < $1.time }) {
            flood.append([frame])
            if flood.number % 4 == 0 { flood.look() }
        }
        let (_, report) = flood.engine.finish()
        #expect(Self.lines(report) == ["connect-timeout 10.0.2.9:8080 1"])
        #expect(flood.told.keys.sorted() == ["connect-timeout"])
        #expect(report.totalRequests == 21)
        #expect(report.failedRequests == 1)
    }

    @Test(
        "a request that was answered while a connect for it goes on is counted, though others on its connection follow"
    )
    func unsettled() {
        var window = LiveWindow()
        window.largestConnectionCount = 2
        var flood = Flood(window)
        let gateway = IPAddress(v4: 10, 0, 0, 5)
        func client(_ number: Int) -> Conversation {
            var client = Conversation(
                client: Endpoint(address: IPAddress(v4: 10, 7, 0, UInt8(number)), port: UInt16(20_000 + number)),
                server: Endpoint(address: gateway, port: 80),
                time: Self.start
            )
            client.handshake()
            return client
        }
        func refuse(_ leg: inout Conversation, _ status: String) {
            leg.serverAcknowledges = leg.clientNext
            leg.send(.fromServer, "HTTP/1.1 \(status)\r\nContent-Length: 2\r\n\r\nno")
            leg.acknowledge(.fromClient)
        }
        var waiting = client(1)
        waiting.send(.fromClient, "GET /dead HTTP/1.1\r\nHost: day\r\n\r\n")
        var dead = Conversation(
            client: Endpoint(address: gateway, port: 30_000),
            server: Endpoint(address: IPAddress(v4: 10, 0, 2, 9), port: 8_080),
            time: waiting.time
        )
        for _ in 0..<2 {
            dead.syn()
            dead.wait(.seconds(1))
        }
        waiting.time = Self.start + .seconds(2)
        refuse(&waiting, "504 Gateway Timeout")
        // Somebody else's requests tell how the other server does: nothing but what is not settled keeps the first client's facts.
        var other = client(2)
        var upstream = Conversation(
            client: Endpoint(address: gateway, port: 30_001),
            server: Endpoint(address: IPAddress(v4: 10, 0, 2, 7), port: 8_080),
            time: Self.start
        )
        upstream.handshake()
        var frames = SimulatedDay.frames(waiting, dead, other, upstream)
        for number in 3..<30 {
            (waiting.packets, other.packets, upstream.packets) = ([], [], [])
            waiting.time = Self.start + .seconds(Int64(number))
            waiting.send(.fromClient, "GET /unavailable/\(number) HTTP/1.1\r\nHost: day\r\n\r\n")
            refuse(&waiting, "503 Service Unavailable")
            other.time = Self.start + .seconds(Int64(number)) + .milliseconds(500)
            other.send(.fromClient, "GET /\(number) HTTP/1.1\r\nHost: day\r\n\r\n")
            upstream.time = other.time
            upstream.send(.fromClient, "GET /\(number) HTTP/1.1\r\nHost: day\r\n\r\n")
            refuse(&upstream, "502 Bad Gateway")
            other.time = upstream.time
            refuse(&other, "502 Bad Gateway")
            frames += SimulatedDay.frames(waiting, other, upstream)
        }
        for frame in frames.sorted(by: { $0.time < $1.time }) {
            flood.append([frame])
            if flood.number % 4 == 0 { flood.look() }
        }
        let (_, report) = flood.engine.finish()
        // What the gateway answered of itself has no upstream.
        let lines: Set<String> = Self.lines(report).filter { !$0.contains(" - ") }
        #expect(
            lines == ["connect-timeout 10.0.2.9:8080 1", "upstream-error-response 10.0.2.7:8080 27"]
        )
        #expect(flood.told["connect-timeout"] == 1)
        #expect(flood.told["upstream-error-response"] == 27)
        #expect(report.totalRequests == 55)
        #expect(report.failedRequests == 55)
    }

    /// A client's connection and one of the gateway's upstream, that are kept.
    private struct Legs {
        var client: Conversation
        var upstream: Conversation

        init(_ number: UInt8) {
            client = Conversation(
                client: Endpoint(address: IPAddress(v4: 10, 8, 0, number), port: 50_000),
                server: Endpoint(address: IPAddress(v4: 10, 0, 0, 5), port: 80),
                time: LiveFloodTests.start
            )
            upstream = Conversation(
                client: Endpoint(address: IPAddress(v4: 10, 0, 0, 5), port: 50_000 + UInt16(number)),
                server: SimulatedDay.good,
                time: LiveFloodTests.start
            )
        }

        mutating func open(at time: Timestamp) -> [SimulatedDay.Frame] {
            (client.time, upstream.time) = (time, time)
            client.handshake()
            upstream.handshake()
            return take()
        }

        mutating func ask(_ path: String, _ status: String, at time: Timestamp) -> [SimulatedDay.Frame] {
            client.time = time
            client.send(.fromClient, "GET \(path) HTTP/1.1\r\nHost: day\r\n\r\n")
            upstream.time = client.time
            upstream.send(.fromClient, "GET \(path) HTTP/1.1\r\nHost: day\r\n\r\n")
            Self.answer(&upstream, status)
            client.time = upstream.time
            Self.answer(&client, status)
            return take()
        }

        private static func answer(_ leg: inout Conversation, _ status: String) {
            leg.serverAcknowledges = leg.clientNext
            leg.send(.fromServer, "HTTP/1.1 \(status)\r\nContent-Length: 2\r\n\r\nno")
            leg.acknowledge(.fromClient)
        }

        private mutating func take() -> [SimulatedDay.Frame] {
            defer { (client.packets, upstream.packets) = ([], []) }
            return SimulatedDay.frames(client, upstream)
        }
    }

    @Test(
        "what is read while a look goes on is counted by the next, also where the clock was set back",
        arguments: [false, true]
    )
    func meanwhile(isKnown: Bool) {
        var window = LiveWindow()
        window.largestConnectionCount = 2
        var flood = Flood(window)
        var legs = Legs(1)
        var others = Legs(3)
        flood.append(legs.open(at: Self.start))
        flood.append(others.open(at: Self.start))
        var day = SimulatedDay(start: Self.start)
        for second in 1...20 {
            let now = Self.start + .seconds(Int64(second))
            // How the server did of late, others tell.
            let frames = [
                second < 4 ? legs.ask("/\(second)", "502 Bad Gateway", at: now) : [],
                (4..<10).contains(second) ? others.ask("/\(second)", "502 Bad Gateway", at: now) : [],
            ]
            for part in frames where !part.isEmpty { flood.append(part) }
            flood.append(day.fault(at: now + .milliseconds(500), isRefused: true))
            flood.look()
        }
        flood.append(day.ordinary(at: Self.start + .seconds(26)))
        guard let last = flood.engine.statistics.last else { return }
        let snapshot = flood.engine.snapshot(horizon: last)
        let back = Self.start + .milliseconds(3_500)
        if !isKnown {
            legs = Legs(2)
            flood.append(legs.open(at: back))
        }
        flood.append(legs.ask("/late", "502 Bad Gateway", at: back + .milliseconds(10)))
        // Nothing of them is followed any more.
        for number in 2..<12 {
            flood.append(legs.ask("/good/\(number)", "200 OK", at: back + .milliseconds(Int64(number) * 10)))
        }
        _ = flood.engine.conclude(snapshot, snapshot.examine().examination)
        flood.look()
        let (_, report) = flood.engine.finish()
        #expect(
            Self.lines(report) == [
                "connect-refused \(SimulatedDay.refusing) 20", "upstream-error-response \(SimulatedDay.good) 10",
            ]
        )
        #expect(report.failedRequests == 30)
    }

    @Test(
        "a run that is overloaded, so that packets are dropped everywhere, or that lags, holds its memory",
        arguments: [false, true]
    )
    func overload(lags: Bool) throws {
        var request = AnalysisRequest()
        request.maximumMemory = 64 << 20
        request.largestWhole = 0
        request.sampleCount = 8
        let ring = PacketRing(bytes: 16 << 20)
        var window = LiveWindow()
        if lags { window.stretch = 256 }
        let engine = LiveEngine(request, ring: ring, window: window)
        var random = SeededGenerator(seed: 7)
        var number = 0
        var largest = LiveFootprint()
        // Three hundred downloads at once that go on, over which nothing but the drops ends anything; a third of the packets is missing.
        var downloads = (0..<300).map { place in
            Conversation(
                client: Endpoint(address: IPAddress(v4: 10, 7, 0, UInt8(place & 0xff)), port: UInt16(20_000 + place)),
                server: Endpoint(address: IPAddress(v4: 10, 0, 0, 5), port: 80),
                time: Self.start
            )
        }
        for place in downloads.indices {
            downloads[place].handshake()
            downloads[place].send(.fromClient, "GET /large/\(place) HTTP/1.1\r\nHost: day\r\n\r\n")
            downloads[place].send(.fromServer, "HTTP/1.1 200 OK\r\nContent-Length: 900000000\r\n\r\n")
        }
        let body = [UInt8](repeating: 0x61, count: 1_400)
        for round in 0..<240 {
            for place in downloads.indices {
                if round > 0 {
                    downloads[place].time = Self.start + .milliseconds(Int64(round) * 10 + 40)
                    for _ in 0..<4 {
                        downloads[place].send(.fromServer, body, captured: lags || random.next() % 3 != 0)
                    }
                }
                for frame in SimulatedDay.frames(downloads[place]) {
                    number += 1
                    let record = frame.record(number: number)
                    while !ring.append(record, frame.bytes.span.bytes) {
                        // Late as it is, it gets every packet: nothing but the ring is short.
                        guard lags else {
                            while engine.readStretch() {}
                            break
                        }
                        _ = engine.readStretch()
                    }
                }
                downloads[place].packets = []
            }
            if !lags { while engine.readStretch() {} }
            largest.formMaximum(engine.footprint)
        }
        #expect(largest.counts["archived bytes"] ?? .max <= 16 << 20)
        #expect(largest.counts["bytes that wait for others"] ?? .max <= (4 << 20) + 4_096)
        #expect(lags || largest.counts["bytes that wait for others"] ?? 0 > 1 << 20, "there was no overload")
        #expect(!lags || largest.counts["archived bytes"] ?? 0 > 4 << 20, "it did not lag")
        #expect(largest.counts["connections dissected"] ?? .max <= 512)
    }

    private static func lines(_ report: Report) -> Set<String> {
        Set(
            report.findings.filter { $0.severity > .note }.map {
                "\($0.cause.rawValue) \($0.upstream ?? "-") \($0.count)"
            }
        )
    }

    @Test(
        "a flood of one upstream's failures, twenty times the room, is counted to the last, and another's single failure is found and told"
    )
    func steady() {
        var flood = Flood(spans: 256)
        var day = SimulatedDay(start: Self.start)
        flood.append(day.ordinary(at: Self.start))
        for number in 1...2_560 {
            // Twenty-five a second.
            let now = Self.start + .milliseconds(Int64(number) * 40)
            flood.append(day.fault(at: now, isRefused: true))
            if number % 6 == 0 { flood.look() }
        }
        flood.append(day.fault(at: Self.start + .milliseconds(102_500), isRefused: false))
        flood.look()
        let (_, report) = flood.engine.finish()
        #expect(
            Self.lines(report) == [
                "connect-refused \(SimulatedDay.refusing) 2560", "reset-before-response \(SimulatedDay.resetting) 1",
            ]
        )
        #expect(report.failedRequests == 2_561)
        #expect(report.totalRequests == 2_562)
        #expect(report.notLookedAt == 0)
        #expect(flood.told["reset-before-response"] == 1)
        #expect(report.quality.verdict == .good)
    }

    @Test(
        "a flood that is too fast to be counted is at least what it is said to be, which the report says, and hides no other failure"
    )
    func sudden() {
        var flood = Flood(spans: 256)
        var day = SimulatedDay(start: Self.start)
        flood.append(day.ordinary(at: Self.start))
        var frames: [SimulatedDay.Frame] = []
        for number in 1...600 {
            frames += day.fault(at: Self.start + .milliseconds(20) + Int64(number) * 200_000, isRefused: true)
        }
        frames += day.fault(at: Self.start + .milliseconds(145), isRefused: false)
        for number in 601...700 {
            frames += day.fault(at: Self.start + .milliseconds(20) + Int64(number) * 200_000, isRefused: true)
        }
        flood.append(frames.sorted { $0.time < $1.time })
        flood.look()
        let (_, report) = flood.engine.finish()
        let lines = Self.lines(report)
        #expect(lines.contains("reset-before-response \(SimulatedDay.resetting) 1"))
        // Nothing is said of what was not looked at but that it was not.
        let causes = Set(report.findings.filter { $0.severity > .note }.map(\.cause))
        #expect(causes.isSubset(of: [.connectRefused, .resetBeforeResponse, .undetermined]))
        #expect(report.failedRequests >= 80)
        #expect(report.notLookedAt > 0)
        #expect(report.failedRequests + report.notLookedAt == 701)
        #expect(report.totalRequests == 702)
        #expect(report.quality.verdict == .fair)
        #expect(report.quality.notes.contains { $0.contains("at least") })
    }
}
