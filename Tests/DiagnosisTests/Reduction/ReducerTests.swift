import Model
import Testing

@testable import Diagnosis

/// What of a large capture is kept: what failed and what may belong to it.
@Suite struct ReducerTests {
    private static let client = IPAddress(v4: 192, 0, 2, 1)
    private static let gateway = IPAddress(v4: 10, 0, 0, 1)
    private static let front = Endpoint(address: IPAddress(v4: 198, 51, 100, 1), port: 80)
    private static let upstream = Endpoint(address: IPAddress(v4: 10, 0, 0, 7), port: 8080)

    private static func time(_ milliseconds: Double) -> Timestamp {
        Timestamp(nanoseconds: Int64(milliseconds * 1e6))
    }

    private static func digest(
        _ flow: Int,
        from client: IPAddress,
        to server: Endpoint,
        _ question: UInt64,
        _ start: Double,
        _ end: Double
    ) -> ExchangeDigest {
        var span = FlowSpan(flow: flow, from: flow, through: Int(end * 1000))
        span.counted = (flow, -1)
        var digest = ExchangeDigest(
            span: span,
            start: time(start),
            begun: time(start),
            asked: time(start),
            end: time(end),
            status: 200,
            client: client,
            server: server
        )
        digest.question = question
        digest.tail = question
        return digest
    }

    private static func outer(_ flow: Int, _ question: UInt64, _ start: Double, _ end: Double) -> ExchangeDigest {
        digest(flow, from: client, to: front, question, start, end)
    }

    private static func inner(_ flow: Int, _ question: UInt64, _ start: Double, _ end: Double) -> ExchangeDigest {
        digest(flow, from: gateway, to: upstream, question, start, end)
    }

    private static func suspect(
        _ kind: Suspect.Kind,
        _ flow: Int,
        from client: IPAddress,
        to server: Endpoint,
        _ question: UInt64,
        _ start: Double,
        _ end: Double
    ) -> Suspect {
        var suspect = Suspect(
            kind: kind,
            span: FlowSpan(flow: flow, from: flow, through: .max),
            start: time(start),
            end: time(end),
            frame: Int(end * 1000),
            client: client,
            server: server
        )
        suspect.question = question
        return suspect
    }

    /// A reducer that has seen a pair, so that it knows who dials, and whose samples are over.
    private static func seasoned() -> Reducer {
        var reducer = Reducer(largestKeptCount: 100)
        reducer.sampleEnd = 0
        var harvest = SieveHarvest()
        harvest.digests = [inner(1, 1, 0.1, 0.5), outer(2, 1, 0, 0.6)]
        reducer.take(harvest, now: time(1))
        return reducer
    }

    private static func kept(_ reducer: Reducer) -> Set<Int> {
        var reducer = reducer
        reducer.finish()
        return Set(reducer.spans.map(\.flow)).subtracting([1, 2])
    }

    @Test("A good exchange of both legs is counted and not kept")
    func pair() {
        var reducer = Self.seasoned()
        var harvest = SieveHarvest()
        harvest.digests = [Self.inner(10, 7, 10.1, 12), Self.outer(11, 7, 10, 13)]
        reducer.take(harvest, now: Self.time(20))
        #expect(Self.kept(reducer).isEmpty)
        var background = BackgroundFacts()
        reducer.state(into: &background)
        #expect(background.passings.values.reduce(0, +) == 2)
    }

    @Test("A failed request is kept with the answer that nobody else was given")
    func refused() {
        var reducer = Self.seasoned()
        var harvest = SieveHarvest()
        harvest.digests = [
            Self.inner(10, 7, 10.1, 12), Self.outer(11, 7, 10, 13), Self.inner(20, 8, 10.1, 12),
        ]
        harvest.suspects = [Self.suspect(.exchange, 21, from: Self.client, to: Self.front, 8, 10, 14)]
        reducer.take(harvest, now: Self.time(20))
        #expect(Self.kept(reducer) == [20, 21])
    }

    @Test("An attempt that came to nothing keeps the try that follows, and the request that both were made for")
    func retried() {
        var reducer = Self.seasoned()
        var harvest = SieveHarvest()
        harvest.suspects = [Self.suspect(.exchange, 30, from: Self.gateway, to: Self.upstream, 9, 10.1, 11)]
        harvest.digests = [
            Self.inner(31, 9, 11.1, 12), Self.outer(32, 9, 10, 13), Self.inner(40, 5, 10.5, 12),
            Self.outer(41, 5, 10.4, 12.5),
        ]
        reducer.take(harvest, now: Self.time(20))
        #expect(Self.kept(reducer) == [30, 31, 32])
    }

    @Test("A connect that failed is kept with the exchange that it came before")
    func connect() {
        var reducer = Self.seasoned()
        var harvest = SieveHarvest()
        harvest.suspects = [Self.suspect(.connect, 50, from: Self.gateway, to: Self.upstream, 0, 10.05, 10.2)]
        harvest.digests = [
            Self.inner(51, 9, 10.25, 12), Self.outer(52, 9, 10, 13), Self.inner(60, 5, 10.01, 12.1),
            Self.outer(61, 5, 10, 12.5),
        ]
        reducer.take(harvest, now: Self.time(20))
        let kept = Self.kept(reducer)
        #expect(kept.isSuperset(of: [50, 51, 52]))
        #expect(!kept.contains(61))
    }

    @Test("No more is kept than there is room for, and what is given up is counted")
    func room() {
        var reducer = Reducer(largestKeptCount: 10)
        reducer.sampleEnd = 0
        var harvest = SieveHarvest()
        harvest.suspects = (0..<100).map {
            Self.suspect(.exchange, 100 + $0, from: Self.client, to: Self.front, UInt64($0), Double($0), Double($0) + 1)
        }
        reducer.take(harvest, now: Self.time(200))
        // Of ten places two stay free for others.
        #expect(Self.kept(reducer).count == 8)
        var background = BackgroundFacts()
        reducer.state(into: &background)
        #expect(background.givenUp == 92)
        #expect(background.givenUpExchanges == [Self.front: 92])
        #expect(background.givenUpTimes == [Self.time(8)...Self.time(100)])
    }

    @Test(
        "The client's request that began nearest to an odd attempt is kept, though another that asked the same ended before it"
    )
    func nearestRequest() {
        var reducer = Self.seasoned()
        var harvest = SieveHarvest()
        harvest.suspects = [Self.suspect(.odd, 70, from: Self.gateway, to: Self.upstream, 9, 10.01, 11)]
        // What the first was given is not there; the second was given what came late.
        harvest.digests = [Self.outer(71, 9, 5, 12), Self.outer(72, 9, 10, 15)]
        reducer.take(harvest, now: Self.time(20))
        #expect(Self.kept(reducer).isSuperset(of: [70, 72]))
    }

    @Test("A flood of one upstream's failures leaves room for another's, and for the request that it was made for")
    func fairness() {
        var reducer = Reducer(largestKeptCount: 100)
        reducer.sampleEnd = 0
        let other = Endpoint(address: IPAddress(v4: 10, 0, 0, 8), port: 8080)
        var harvest = SieveHarvest()
        // The client's requests outlast the attempts by a millisecond, and both legs ask the same.
        func fail(_ number: Int, at upstream: Endpoint) {
            let start = Double(number) * 10
            let (flow, question) = (1_000 + number * 2, UInt64(number + 1))
            harvest.suspects += [
                Self.suspect(.exchange, flow, from: Self.gateway, to: upstream, question, start + 0.1, start + 5),
                Self.suspect(.exchange, flow + 1, from: Self.client, to: Self.front, question, start, start + 6),
            ]
        }
        for number in 0..<500 { fail(number, at: Self.upstream) }
        fail(500, at: other)
        reducer.take(harvest, now: Self.time(6_000))
        let kept = Self.kept(reducer)
        #expect(kept.isSuperset(of: [2_000, 2_001]))
        #expect(kept.count >= 80)
        // Never a request without its attempt.
        #expect(kept.allSatisfy { kept.contains($0 ^ 1) })
    }

    @Test("What is only out of order takes three quarters of the room, and what fails after it is kept")
    func oddOnes() {
        var reducer = Reducer(largestKeptCount: 100)
        reducer.sampleEnd = 0
        var harvest = SieveHarvest()
        for number in 0..<200 {
            // Of many servers, so that none takes too much for itself.
            let server = Endpoint(address: IPAddress(v4: 10, 0, 1, UInt8(number)), port: 8080)
            let start = Double(number) * 10
            harvest.suspects.append(
                Self.suspect(.odd, 1_000 + number, from: Self.gateway, to: server, UInt64(number + 1), start, start + 1)
            )
        }
        harvest.suspects.append(
            Self.suspect(.exchange, 1_199, from: Self.gateway, to: Self.upstream, 200, 1_990, 1_995)
        )
        reducer.take(harvest, now: Self.time(6_000))
        let kept = Self.kept(reducer)
        #expect(kept.count == 77)
        #expect(kept.contains(1_199))
    }

    @Test("What ended when something was given up is nobody's fault: the request goes the way of its attempt")
    func connectsOfAFlood() {
        var reducer = Reducer(largestKeptCount: 60)
        reducer.sampleEnd = 0
        var harvest = SieveHarvest()
        for number in 0..<300 {
            let start = Double(number) * 10
            let flow = 1_000 + number * 2
            harvest.suspects += [
                Self.suspect(.connect, flow, from: Self.gateway, to: Self.upstream, 0, start + 1, start + 2),
                Self.suspect(
                    .exchange,
                    flow + 1,
                    from: Self.client,
                    to: Self.front,
                    UInt64(number + 1),
                    start,
                    start + 3
                ),
            ]
        }
        reducer.take(harvest, now: Self.time(6_000))
        let kept = Self.kept(reducer)
        #expect(kept.count >= 40)
        #expect(kept.allSatisfy { kept.contains($0 ^ 1) })
    }

    @Test("An open span ends where the connection is calm again")
    func calm() throws {
        var reducer = Self.seasoned()
        var harvest = SieveHarvest()
        harvest.suspects = [Self.suspect(.odd, 70, from: Self.gateway, to: Self.upstream, 0, 10, 11)]
        harvest.calms = [Calm(flow: 70, frame: 12_000, time: Self.time(12))]
        reducer.take(harvest, now: Self.time(20))
        let span = try #require(reducer.spans.first { $0.from == 70 })
        #expect(span.through == 11_999)
    }
}
