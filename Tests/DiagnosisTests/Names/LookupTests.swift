import Model
import Testing

@testable import Diagnosis

@Suite("Lookups in vain") struct LookupTests {
    private static let background = Scene.good("/good", ports: 41_000, at: -5_000)
    private static let address = Scene.upstream.address

    /// A request that fails at `time`, beside one that works.
    private static func failing(answered time: Double, status: Int = 502, page: String = "") -> [Line] {
        background + [
            Scene.client().handshake(at: -1).request("/cart", at: 0).response(status, at: time, page: page)
        ]
    }

    struct Told: CustomTestStringConvertible, Sendable {
        var fact: String
        var variant: String?
        var answered: Double = 3
        var questions: Questions
        var testDescription: String { fact }
    }

    private static let told: [Told] = [
        Told(
            fact: "response code 3 is nxdomain",
            variant: "nxdomain",
            questions: .by().ask("app.test", at: 0.5).answer("app.test", code: 3, at: 2)
        ),
        Told(
            fact: "no address of either type is nodata",
            variant: "nodata",
            questions: .by().ask("app.test", at: 0.5).ask("app.test", type: 28, id: 2, at: 0.5)
                .answer("app.test", at: 1).answer("app.test", type: 28, id: 2, at: 2)
        ),
        Told(
            fact: "response code 2 is servfail",
            variant: "servfail",
            questions: .by().ask("app.test", at: 0.5).answer("app.test", code: 2, at: 2)
        ),
        Told(
            fact: "response code 5 is refused",
            variant: "refused",
            questions: .by().ask("app.test", at: 0.5).answer("app.test", code: 5, at: 2)
        ),
        Told(
            fact: "queries that nobody answers are timeout",
            variant: "timeout",
            answered: 10_010,
            questions: .by().ask("app.test", at: 0.5).ask("app.test", at: 5_001)
        ),
        Told(
            fact: "an ICMP error is unreachable, although the gateway waits on",
            variant: "unreachable",
            answered: 2_003,
            questions: .by().ask("app.test", at: 0.5).reject(at: 0.6)
        ),
        Told(
            fact: "the same message again at once after an ICMP error is the same lookup",
            variant: "unreachable",
            questions: .by().ask("app.test", at: 0.5).reject(at: 0.6).ask("app.test", at: 0.7).reject(at: 0.8)
        ),
        Told(
            fact: "the last name of a search list counts",
            variant: "servfail",
            questions: .by().ask("app.ns.svc.test", at: 0.5).answer("app.ns.svc.test", code: 3, at: 1)
                .ask("app", id: 2, at: 1.1).answer("app", id: 2, code: 2, at: 2)
        ),
        Told(
            fact: "a query that waits for another request's lookup fails with it",
            variant: "timeout",
            answered: 1_900,
            questions: .by().ask("app.test", at: -100)
        ),
    ]

    @Test("A lookup that failed while the request waited", arguments: told)
    func failed(_ told: Told) throws {
        let report = told.questions.report(Self.failing(answered: told.answered))
        #expect(report.outline == ["failure dns-failure 1/0"])
        let finding = try #require(report.findings.first)
        #expect(finding.variant == told.variant)
        #expect(finding.upstream == nil)
        #expect(finding.blame == .dns)
        #expect(finding.upstreamName == (told.fact.contains("search list") ? "app" : "app.test"))
    }

    private static let harmless: [Told] = [
        Told(
            fact: "AAAA without data beside a good A",
            questions: .by().ask("app.test", at: 0.5).ask("app.test", type: 28, id: 2, at: 0.5)
                .answer("app.test", address, at: 1).answer("app.test", type: 28, id: 2, at: 2)
        ),
        Told(
            fact: "AAAA that nobody answers beside a good A",
            answered: 3_000,
            questions: .by().ask("app.test", at: 0.5).ask("app.test", type: 28, id: 2, at: 0.5)
                .answer("app.test", address, at: 1)
        ),
        Told(
            fact: "a resend that is answered",
            answered: 5_010,
            questions: .by().ask("app.test", at: 0.5).ask("app.test", id: 2, at: 5_000).answer(
                "app.test",
                id: 2,
                address,
                at: 5_001
            )
        ),
        Told(
            fact: "a good name at the end of a search list",
            questions: .by().ask("app.ns.svc.test", at: 0.5).answer("app.ns.svc.test", code: 3, at: 1)
                .ask("app", id: 2, at: 1.1).answer("app", id: 2, address, at: 2)
        ),
        Told(
            fact: "a second server that knows",
            questions: .by().ask("app.test", at: 0.5).answer("app.test", code: 2, at: 1)
                .ask("app.test", id: 2, of: end("10.0.0.54", 53), at: 1.1)
                .answer("app.test", id: 2, of: end("10.0.0.54", 53), address, at: 2)
        ),
        Told(
            fact: "a truncated answer, asked again over TCP",
            questions: .by().ask("app.test", at: 0.5).answer("app.test", at: 1) { $0.isTruncated = true }
                .ask("app.test", id: 2, at: 1.2).answer("app.test", id: 2, address, at: 2)
        ),
        Told(
            fact: "an answer whose records the capture cut off",
            questions: .by().ask("app.test", at: 0.5).answer("app.test", at: 1) { $0.missingAnswers = 1 }
        ),
        Told(
            fact: "a failure long before the error, where the gateway asks for each request",
            answered: 4_000,
            questions: .by().ask("app.test", at: 0.5).answer("app.test", code: 3, at: 2)
        ),
        Told(
            fact: "a failure after the error",
            questions: .by().ask("app.test", at: 4).answer("app.test", code: 3, at: 5)
        ),
        Told(
            fact: "a reverse lookup",
            questions: .by().ask("7.0.0.10.in-addr.arpa", at: 0.5).answer("7.0.0.10.in-addr.arpa", code: 3, at: 2)
        ),
        Told(
            fact: "a client's own lookup",
            questions: .by(IPAddress(v4: 192, 0, 2, 10)).ask("app.test", at: 0.5).answer("app.test", code: 3, at: 2)
        ),
    ]

    @Test("What is no failed lookup of this request", arguments: harmless)
    func sound(_ told: Told) {
        let page = "<hr><center>nginx/1.22.1</center>"
        let report = told.questions.report(Self.failing(answered: told.answered, page: page))
        #expect(report.outline == ["failure no-upstream-attempt 1/0"])
    }

    private static let haproxy = "No server is available to handle this request."

    @Test("A gateway that resolves in the background fails requests by its latest answer")
    func background() throws {
        let questions = Questions.by().ask("app.test", at: -3_000).answer("app.test", code: 3, at: -2_999)
            .ask("app.test", at: -2_000).answer("app.test", code: 3, at: -1_999)
        let report = questions.report(Self.failing(answered: 0.3, status: 503, page: Self.haproxy))
        #expect(report.outline == ["failure dns-failure 1/0"])
        #expect(report.findings.first?.confidence == .medium)
        #expect(report.findings.first?.missing.isEmpty == false)
    }

    @Test("Not by what was good in the end, nor by another name than the one that had those addresses")
    func otherNames() {
        let recovered = Questions.by().ask("app.test", at: -3_000).answer("app.test", code: 3, at: -2_999)
            .ask("app.test", at: -2_000).answer("app.test", Self.address, at: -1_999)
        let lines = Self.failing(answered: 0.3, status: 503, page: Self.haproxy)
        #expect(recovered.report(lines).outline == ["failure no-upstream-attempt 1/0"])

        let foreign = Questions.by().ask("ntp.test", at: -6_000).answer(
            "ntp.test",
            IPAddress(v4: 9, 9, 9, 9),
            at: -5_999
        )
        .ask("ntp.test", at: -2_000).answer("ntp.test", code: 3, at: -1_999)
        let served = Scene.good("/cart", ports: 41_001, at: -4_000)
        #expect(foreign.report(lines + served).outline == ["failure no-upstream-attempt 1/0"])
    }

    @Test("Failing health checks explain an error before a name that may be anybody's does")
    func checksFirst() {
        let checks = (0..<10).map { number in
            Scene.leg(45_000 + UInt16(number), to: Scene.second).syn(-10_000 + Double(number) * 900)
                .rst(.fromServer, at: -9_999.8 + Double(number) * 900)
        }
        let questions = Questions.by().ask("ntp.test", at: -2_000).answer("ntp.test", code: 3, at: -1_999)
        let report = questions.report(Self.failing(answered: 0.3, status: 503, page: Self.haproxy) + checks)
        #expect(report.outline == ["failure no-live-upstream 1/0"])
    }

    @Test("Without a client leg each lookup in vain is a request, however often it was sent")
    func withoutClient() {
        let legs = [Scene.leg(41_000).handshake(at: 1).request("/a", at: 2).response(200, at: 3)]
        let questions = Questions.by().ask("app.test", at: 10).ask("app.test", type: 28, id: 2, at: 10)
            .answer("app.test", code: 3, at: 11).answer("app.test", type: 28, id: 2, code: 3, at: 11)
            .ask("app.test", at: 500).answer("app.test", code: 3, at: 501)
            .ask("ok.test", at: 600).answer("ok.test", Self.address, at: 601)
        #expect(questions.report(legs, until: 5_000).outline == ["failure dns-failure 2/0"])
    }

    @Test("A question put again at once is one lookup where the gateway is Go's, and another request's elsewhere")
    func repeated() {
        func report(_ fields: [FieldLine]) -> [String] {
            let leg = Scene.leg(41_000).handshake(at: 1).request("/a", at: 2, fields: fields).response(200, at: 3)
            let questions = Questions.by().ask("app.test", at: 10).answer("app.test", code: 2, at: 10.1)
                .ask("app.test", id: 2, at: 10.2).answer("app.test", id: 2, code: 2, at: 10.3)
                .ask("app.test", id: 3, at: 300).answer("app.test", id: 3, code: 2, at: 300.1)
                .ask("app.test", id: 4, at: 300.2).answer("app.test", id: 4, code: 2, at: 300.3)
            return questions.report([leg], until: 5_000).outline
        }
        let caddy = [
            FieldLine(name: "x-forwarded-for", value: "192.0.2.1"), FieldLine(name: "x-forwarded-host", value: "a"),
            FieldLine(name: "x-forwarded-proto", value: "http"), FieldLine(name: "accept-encoding", value: "gzip"),
        ]
        #expect(report(caddy) == ["failure dns-failure 2/0"])
        #expect(report([]) == ["failure dns-failure 4/0"])
    }

    @Test("Failing lookups beside requests that work are nobody's business")
    func noise() {
        let questions = Questions.by().ask("metrics.test", at: 0.5).answer("metrics.test", code: 3, at: 1)
        #expect(questions.report(Scene.good("/a", ports: 41_002, at: 0)).outline == [])
    }

    @Test("A connection to a name server is no attempt at an upstream")
    func overTCP() {
        let tcp = Line.from(Endpoint(address: Scene.dialler, port: 42_000), to: Questions.server).syn(2).rst(
            .fromServer,
            at: 2.1
        )
        #expect(Scene.report(Scene.good("/a", ports: 41_003, at: 0) + [tcp]).outline == [])
    }
}

@Suite("Addresses that DNS gives no more") struct StaleAddressTests {
    private static let old = Scene.upstream.address
    private static let new = Scene.second.address
    private static let refused: [Line] =
        Scene.good("/a", ports: 41_000, at: -10_000) + Scene.good("/b", ports: 41_001, at: -1_000, to: Scene.second) + [
            Scene.failing("/a", answered: 2), Scene.leg().syn(1).rst(.fromServer, at: 1.2),
        ]
    private static let moved = Questions.by().ask("app.test", at: -9_000).answer("app.test", old, at: -8_999)
        .ask("app.test", at: -2_000).answer("app.test", new, at: -1_999)

    @Test("The newest answer does not hold the address that refused")
    func stale() throws {
        let report = Self.moved.report(Self.refused)
        #expect(report.outline == ["failure stale-address 1/1"])
        let finding = try #require(report.findings.first)
        #expect(finding.upstream == Scene.upstream.description)
        #expect(finding.upstreamName == "app.test")
        #expect(finding.confidence == .high)
        #expect(finding.ruledOut.map(\.cause) == [.connectRefused])
    }

    struct Told: CustomTestStringConvertible, Sendable {
        var fact: String
        var questions: Questions
        var testDescription: String { fact }
    }

    private static let current: [Told] = [
        Told(fact: "no answer is in the capture", questions: .by()),
        Told(
            fact: "the newest answer still holds it",
            questions: .by().ask("app.test", at: -2_000).answer("app.test", old, new, at: -1_999)
        ),
        Told(fact: "answers rotate", questions: moved.ask("app.test", at: 3_000).answer("app.test", old, at: 3_001)),
        Told(
            fact: "the address changes after the attempt",
            questions: .by().ask("app.test", at: -9_000).answer("app.test", old, at: -8_999)
                .ask("app.test", at: 3_000).answer("app.test", new, at: 3_001)
        ),
        Told(
            fact: "another name still holds it",
            questions: moved.ask("api.test", id: 3, at: -1_500).answer("api.test", id: 3, old, at: -1_499)
        ),
        Told(
            fact: "only a failure came since",
            questions: .by().ask("app.test", at: -9_000).answer("app.test", old, at: -8_999)
                .ask("app.test", at: -2_000).answer("app.test", code: 2, at: -1_999)
        ),
    ]

    @Test("Nothing is stale where", arguments: current)
    func notStale(_ told: Told) {
        #expect(told.questions.report(Self.refused).outline == ["failure connect-refused 1/1"])
    }

    @Test("The name that the gateway writes into Host ties it to the address")
    func configured() {
        let lines: [Line] = [
            Scene.client(50_009).handshake(at: -10_001).request("/a", at: -10_000).response(200, at: -9_990),
            Scene.leg(40_009).handshake(at: -9_999).request("/a", at: -9_998) { $0.host = "app.test:8080" }
                .response(200, at: -9_991),
            Scene.failing("/a", answered: 2), Scene.leg().syn(1).rst(.fromServer, at: 1.2),
        ]
        let questions = Questions.by().ask("app.test", at: -2_000).answer("app.test", Self.new, at: -1_999)
        let report = questions.report(lines)
        #expect(report.outline == ["failure stale-address 1/1"])
        #expect(report.findings.first?.confidence == .medium)
    }
}
