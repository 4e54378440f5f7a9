import Diagnosis
import Model
import Testing

/// One direction, the beginning, or single answers are missing: what cannot be told then is not told.
@Suite("Half of a capture") struct HalfSeenTests {
    private static func causes(_ lines: [Line], until last: Double? = nil) -> [Cause] {
        Scene.report(lines, until: last).findings.filter { $0.severity > .note }.map(\.cause)
    }

    // MARK: One direction

    /// A good exchange of which the capture has the gateway's packets only.
    private static var halfExchange: Line {
        var leg = Scene.leg(41_000).syn(-500).request("/good", at: -499, isAcknowledged: false)
        leg.facts.fromServer.acknowledgedEnd = 120
        return leg
    }

    @Test("Where the capture holds nothing that upstreams send, an unanswered SYN proves nothing")
    func oneWay() throws {
        let dial = [Scene.failing(status: 504, answered: 3000), Scene.leg(to: Scene.second).syn(1, 1001)]
        let report = Scene.report(dial + [Self.halfExchange])
        #expect(report.findings.map(\.cause) == [.undetermined])
        #expect(try #require(report.findings.first).missing.contains { $0.hasPrefix("what the upstreams sent") })
        #expect(Self.causes(dial) == [.connectTimeout])
        let heard = [Scene.leg(41_001).syn(-400).synAck(-399).handshakeAck(at: -398)]
        // One connection was half seen, another one whole: then it takes three SYNs.
        #expect(Self.causes(dial + [Self.halfExchange] + heard) == [.undetermined])
        let thrice = [Scene.failing(status: 504, answered: 5000), Scene.leg(to: Scene.second).syn(1, 1001, 3001)]
        #expect(Self.causes(thrice + [Self.halfExchange] + heard) == [.connectTimeout])
    }

    @Test("An ICMP error whose quotation was cut may be the answer to a SYN", arguments: [true, false])
    func cutError(isMeanwhile: Bool) {
        var facts = Scene.facts([Scene.failing(status: 504, answered: 3000), Scene.leg().syn(1, 1001)])
        facts.counters.observations = [
            DecodeObservation(
                layer: .icmp,
                offset: 62,
                required: 40,
                available: 34,
                lengthSource: .capturedLength,
                frame: frame(isMeanwhile ? 1002 : 9000)
            )
        ]
        let causes = Diagnosis.report(on: facts).findings.map(\.cause)
        #expect(causes == [isMeanwhile ? .undetermined : .connectTimeout])
    }

    @Test("Of a client whose answer was not captured the bytes of the upstream tell all the same")
    func unseenAnswer() {
        var client = Scene.client().syn(-1).request("/a", at: 0, isAcknowledged: false)
        client.facts.fromServer.acknowledgedEnd = 200
        client.facts.fromServer.missedBytes = 200
        let page = Scene.leg().proxied().handshake(at: 1).request(at: 2).banner("<!DOCTYPE HTML>", at: 3)
            .fin(.fromServer, at: 4)
        #expect(Self.causes([client, page]) == [.proxyProtocolMismatch])
    }

    // MARK: The beginning

    @Test("A reset at once on a connection that began before the capture is not laid to reuse")
    func fastReset() throws {
        let report = Scene.report([
            Scene.failing(answered: 60), Scene.leg().request(at: 2, isAcknowledged: false).rst(.fromServer, at: 2.1),
        ])
        #expect(report.findings.map(\.cause) == [.resetBeforeResponse])
        let finding = try #require(report.findings.first)
        #expect(!finding.ruledOut.contains { $0.cause == .staleKeepaliveReuse })
        #expect(finding.missing.contains { $0.contains(Cause.staleKeepaliveReuse.rawValue) })
    }

    @Test("Bytes that the gateway acknowledged before a late answer were an answer of some kind")
    func unreadBytes() {
        var leg = Scene.leg().handshake(at: 1).request(at: 2)
        leg.facts.fromServer.highestEnd = 30
        leg.facts.fromServer.contiguousEnd = 30
        leg = leg.fin(.fromClient, at: 30).response(200, at: 90)
        #expect(Self.causes([Scene.failing(answered: 31), leg]) == [.undetermined])
    }

    // MARK: Answers

    @Test("An answer that lasts until the close is whole, though the close is known by its acknowledgment only")
    func untilClose() {
        func line(_ line: Line, _ status: Int, at time: Double) -> Line {
            var line = line.response(status, at: time, head: 40, body: 0) {
                $0.completion = .incompleteBody
                $0.body.framing = .untilClose
                $0.end = nil
            }
            line.facts.fromServer.acknowledgedEnd = line.facts.fromServer.highestEnd + 1
            line.facts.fromServer.acknowledgedFrame = frame(time + 1)
            return line.fin(.fromClient, at: time + 2)
        }
        let client = Scene.client().handshake(at: -1).request(at: 0)
        let leg = Scene.leg().handshake(at: 1).request(at: 2)
        #expect(Self.causes([line(client, 400, at: 9), line(leg, 400, at: 5)]) == [])
    }

    @Test("Answers that have moved up to the request before are nobody's")
    func shifted() {
        // The answer to /b was missed, and those behind it were read before the requests that they belong to.
        var client = Scene.client().handshake(at: -1).request("/a", at: 0).response(200, at: 10)
            .request("/b", at: 20).response(502, at: 60)
        client.facts.fromServer.missedBytes = 120
        client = client.request("/c", at: 70)
        client.facts.exchanges.insert(ExchangeFacts(index: 2), at: 2)
        client.facts.exchanges[2].response = client.facts.exchanges[1].response
        client.facts.exchanges[2].response?.firstFrame = frame(80)
        client.facts.exchanges[3].request?.firstFrame = frame(50)
        let leg = Scene.leg().handshake(at: 21).request("/b", at: 22).response(200, at: 25)
        #expect(Self.causes([client.fin(.fromServer, at: 90), leg]) == [])
    }

    // MARK: Attempts

    @Test("Without the client's leg, a request that the gateway gives up half sent is no failure of the upstream")
    func givenUpUnsent() {
        let leg = Scene.leg().handshake(at: 1).request(at: 2, method: "POST") { $0.end = nil }
        #expect(Self.causes(Scene.good(ports: 41_000, at: -500).suffix(1) + [leg.fin(.fromClient, at: 2.3)]) == [])
    }

    @Test("An attempt ends with the first ICMP error after its last SYN, however many follow")
    func lateErrors() {
        let lines = [
            Scene.failing(status: 503, answered: 8000),
            Scene.leg(41_001).syn(1, 1001).icmp(3, 1, at: 3000).icmp(3, 1, at: 7000),
            Scene.leg(41_002).syn(4000, 5000).icmp(3, 1, at: 7000),
        ]
        #expect(Scene.report(lines).outline == ["failure host-unreachable 1/2"])
    }

    @Test("A kept connection that was reset while a request without attempt waited may have carried it")
    func resetMeanwhile() {
        let kept = Scene.leg().handshake(at: -900).request("/a", at: -899).response(200, at: -890)
            .rst(.fromServer, at: 100, isBare: true)
        let earlier = Scene.client(50_001).handshake(at: -901).request("/a", at: -900).response(200, at: -889)
        let asked = Scene.client().handshake(at: -1).request("/a", at: 0, method: "POST").response(502, at: 300)
        #expect(Self.causes([kept, earlier, asked]) == [.undetermined])
        #expect(Self.causes([kept, earlier]) == [])
    }

    /// The same request again and again inside itself, and the innermost is cut off before an answer.
    private static func nested(_ count: Int, crossing: Bool = false) -> [Line] {
        (0..<count).map { number in
            let start = Double(number) * 2
            let leg = Scene.leg(42_000 + UInt16(number)).handshake(at: start).request("/cart", at: start + 1)
            if number == count - 1 { return leg.rst(.fromServer, at: start + 1.1) }
            return leg.response(502, at: crossing ? 100 + start : 100 - start)
        }
    }

    @Test("What ends the innermost of requests that lie inside each other says nothing of a server")
    func innermost() {
        #expect(Set(Self.causes(Self.nested(5))) == [.upstreamErrorResponse, .undetermined])
        #expect(Self.causes(Self.nested(5, crossing: true)).contains(.resetAfterAccept))
        #expect(Self.causes(Self.nested(3)).contains(.resetAfterAccept))
    }

    @Test("A loop whose first request was missed counts no client's error")
    func headlessLoop() {
        let passes = (1..<6).map { number in
            Line.from(Endpoint(address: Scene.front.address, port: 51_000 + UInt16(number)), to: Scene.front)
                .handshake(at: Double(number) * 2).request("/cart", at: Double(number) * 2 + 1)
                .response(502, at: 200 - Double(number))
        }
        let report = Scene.report(Scene.good("/a", ports: 41_000, at: -500) + passes)
        #expect(report.findings.map(\.cause) == [.proxyLoop])
        #expect(report.clientErrors.isEmpty)
    }

    @Test("A port that leads a request back is no server, whoever asks it", arguments: [true, false])
    func leadsBack(isOver: Bool) {
        let proxy = end("10.0.0.20", 8081)
        let lines = (0..<5).flatMap { number -> [Line] in
            let (inward, outward) = (Double(number) * 2, 200 - Double(number) * 2)
            let client = Endpoint(
                address: number == 0 ? IPAddress(v4: 192, 0, 2, 10) : proxy.address,
                port: 51_000 + UInt16(number)
            )
            let pass = Line.from(client, to: Scene.front).handshake(at: inward).request("/cart", at: inward + 0.5)
            let leg = Scene.leg(42_000 + UInt16(number), to: proxy).handshake(at: inward + 0.8).request(
                "/cart",
                at: inward + 1.2
            )
            if number == 4 { return [pass.response(502, at: outward), leg.rst(.fromServer, at: inward + 1.3)] }
            guard isOver else { return [pass, leg] }
            return [pass.response(502, at: outward), leg.response(502, at: outward - 1)]
        }
        let before = Scene.good("/a", ports: 41_000, at: -500)
        #expect(Self.causes(before + lines, until: 300) == (isOver ? [.proxyLoop] : []))
    }

    @Test("Where others to a port were rejected, a SYN or two without an answer may have been", arguments: [2, 4])
    func unlikeOthers(count: Int) {
        let lines = [
            Scene.failing("/a", answered: 5), Scene.leg(41_001).syn(1).icmp(3, 1, at: 4),
            Scene.failing("/b", port: 50_001, at: 1000, status: 504, answered: 9000),
            (0..<count).reduce(Scene.leg(41_002)) { $0.syn(1001 + Double($1) * 1000) },
        ]
        #expect(Set(Self.causes(lines)) == [.hostUnreachable, count == 2 ? .undetermined : .connectTimeout])
    }

    @Test("A request without attempt among others of its kind that failed upstream is left open")
    func siblingOfAttempt() {
        let lines =
            Scene.good(ports: 41_000, at: -500) + [
                Scene.failing("/cart/1", answered: 60),
                Scene.leg().handshake(at: 1).request("/cart/1", at: 2).fin(.fromServer, at: 50),
                Scene.failing("/cart/2", port: 50_001, at: -300, answered: -240),
            ]
        #expect(Set(Self.causes(lines)) == [.closedBeforeResponse, .undetermined])
    }

    @Test("Odd bytes before the request was acknowledged may be left from an answer that is not known")
    func remains() {
        let leg = Scene.leg().request(at: 2) { $0.acknowledged = frame(12) }.banner("debug: 3 queries", at: 5)
            .fin(.fromClient, at: 6)
        #expect(Self.causes([Scene.failing(answered: 7), leg]) == [.undetermined])
        let answered = Scene.leg().request(at: 2).banner("core dumped", at: 5).fin(.fromClient, at: 6)
        #expect(Self.causes([Scene.failing(answered: 7), answered]) == [.malformedStatusLine])
    }

    @Test("An answer of the upstream that came only after the next request was asked is that one's")
    func shiftedAtUpstream() {
        var leg = Scene.leg().handshake(at: 1).request("/a", at: 2).response(200, at: 30).request("/b", at: 20)
            .banner("stray", at: 31)
        leg.facts.fromServer.missedBytes = 120
        #expect(Self.causes([leg]) == [])
    }

    // MARK: Lookups

    @Test("A type that is asked again because the server failed it belongs to the lookup that gave an address")
    func repeatedType() {
        let questions = Questions.by().ask("app.test", type: 28, id: 1, at: 0).ask("app.test", id: 2, at: 0)
            .answer("app.test", type: 28, id: 1, code: 2, at: 400).answer(
                "app.test",
                id: 2,
                Scene.upstream.address,
                at: 401
            )
            .ask("app.test", type: 28, id: 3, at: 401.5).answer("app.test", type: 28, id: 3, code: 2, at: 800)
        let leg = Scene.leg().handshake(at: 801).request(at: 802).response(200, at: 805)
        #expect(questions.report([leg], until: 5000).outline == [])
    }

    @Test("A request that comes while another one's lookup is open fails with a query of its own")
    func sharedLookup() {
        let questions = Questions.by().ask("app.test", at: -4).reject(at: -3.9).ask("app.test", at: -3.8)
            .ask("app.test", id: 2, at: 0.5).reject(at: 0.6)
        let report = questions.report(
            Scene.good(ports: 41_000, at: -5_000) + [Scene.failing("/cart", status: 500, answered: 2)],
            until: 1000
        )
        #expect(report.findings.map(\.cause) == [.dnsFailure])
    }

    @Test("Where a lookup failed for the likes of a request, its own may have been missed", arguments: [502, 503])
    func sibling(status: Int) {
        let questions = Questions.by().ask("app.test", at: 100.5).answer("app.test", code: 3, at: 102)
        let report = questions.report(
            Scene.good(ports: 41_000, at: -5_000) + [
                Scene.failing("/cart/1", status: status, answered: 3),
                Scene.failing("/cart/2", port: 50_001, at: 100, answered: 103),
            ],
            until: 1000
        )
        let own: Cause = status == 502 ? .undetermined : .noUpstreamAttempt
        #expect(Set(report.findings.map(\.cause)) == [own, .dnsFailure])
    }
}
