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
        var client = Conversation(
            client: Endpoint(address: IPAddress(v4: 10, 7, 0, 1), port: 20_001),
            server: Endpoint(address: gateway, port: 80),
            time: Self.start
        )
        client.handshake()
        client.send(.fromClient, "GET /dead HTTP/1.1\r\nHost: day\r\n\r\n")
        var dead = Conversation(
            client: Endpoint(address: gateway, port: 30_000),
            server: Endpoint(address: IPAddress(v4: 10, 0, 2, 9), port: 8_080),
            time: client.time
        )
        for _ in 0..<2 {
            dead.syn()
            dead.wait(.seconds(1))
        }
        client.time = Self.start + .seconds(2)
        client.serverAcknowledges = client.clientNext
        client.send(.fromServer, "HTTP/1.1 504 Gateway Timeout\r\nContent-Length: 2\r\n\r\nno")
        client.acknowledge(.fromClient)
        var upstream = Conversation(
            client: Endpoint(address: gateway, port: 30_001),
            server: Endpoint(address: IPAddress(v4: 10, 0, 2, 7), port: 8_080),
            time: Self.start
        )
        upstream.handshake()
        var frames = SimulatedDay.frames(client, dead, upstream)
        for number in 3..<30 {
            (client.packets, upstream.packets) = ([], [])
            client.time = Self.start + .seconds(Int64(number))
            client.send(.fromClient, "GET /\(number) HTTP/1.1\r\nHost: day\r\n\r\n")
            upstream.time = client.time
            upstream.send(.fromClient, "GET /\(number) HTTP/1.1\r\nHost: day\r\n\r\n")
            for leg in [0, 1] {
                var one = leg == 0 ? upstream : client
                if leg == 1 { one.time = upstream.time }
                one.serverAcknowledges = one.clientNext
                one.send(.fromServer, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 2\r\n\r\nno")
                one.acknowledge(.fromClient)
                if leg == 0 { upstream = one } else { client = one }
            }
            frames += SimulatedDay.frames(client, upstream)
        }
        for frame in frames.sorted(by: { $0.time < $1.time }) {
            flood.append([frame])
            if flood.number % 4 == 0 { flood.look() }
        }
        let (_, report) = flood.engine.finish()
        #expect(
            Self.lines(report) == ["connect-timeout 10.0.2.9:8080 1", "upstream-error-response 10.0.2.7:8080 27"]
        )
        #expect(flood.told == ["connect-timeout": 1, "upstream-error-response": 27])
        #expect(report.totalRequests == 28)
        #expect(report.failedRequests == 28)
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
