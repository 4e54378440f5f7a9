import Foundation
import Synchronization
import Testing

@testable import Ticketing

@Suite struct ExchangeTests {
    @Test(
        "Retry-After is seconds or a date; without it a reset time is taken",
        arguments: [
            ([("Retry-After", "30")], 30.0), ([("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], 37.0),
            ([("Retry-After", "Sun, 06 Nov 1994 08:00:00 GMT")], 0.0), ([("Retry-After", "soon")], nil),
            ([("Retry-After", "-1")], nil), ([("Retry-After", "9223372036854775807")], 253_402_300_799.0),
            ([("X-RateLimit-Reset", "9223372036854775807")], 253_402_300_799.0),
            ([("X-RateLimit-Reset", "784111800")], 60.0), ([("RateLimit-Reset", "784111730")], 0.0), ([], nil),
        ] as [([(String, String)], Double?)]
    )
    func retryAfter(_ headers: [(String, String)], _ seconds: Double?) {
        let answer = Answer(status: 429, headers: headers.map { (name: $0.0, value: $0.1) }, body: [])
        #expect(RetryAfter.seconds(answer, now: 784_111_740) == seconds)
    }

    @Test("dates of HTTP are seconds since 1970, and nothing else is a date")
    func dates() {
        #expect(HTTPDate.seconds("Thu, 01 Jan 1970 00:00:00 GMT") == 0)
        #expect(HTTPDate.seconds("Tue, 29 Feb 2028 23:59:59 GMT") == 1_835_481_599)
        for text in [
            "", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 99 Nov 1994 08:49:37 GMT",
            "a b c d e GMT",
        ] {
            #expect(HTTPDate.seconds(text) == nil)
        }
    }

    @Test("base64 is what Foundation's is")
    func base64() {
        for count in 0...70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 250) }
            #expect(String(decoding: Base64.encoded(bytes), as: UTF8.self) == Data(bytes).base64EncodedString())
        }
    }

    @Test("a secret with a line break in it would be another header: it is refused")
    func secrets() {
        for text in ["a\nb", "a\r\nX: y", "", "a\u{0}", "a\u{7f}"] {
            #expect(throws: AttachFailure.self) { try Secret(token: text) }
            #expect(throws: AttachFailure.self) { try Secret(user: "u", password: text) }
        }
    }

    @Test("a system that wants to know who asks says so before anything is sent", arguments: SystemUnderTest.allCases)
    func nobody(_ system: SystemUnderTest) throws {
        let address = try TicketAddress("https://127.0.0.1\(system.page)", kind: system.kind)
        let failure = #expect(throws: AttachFailure.self) { _ = try address.tracker(Secret()) }
        #expect(failure?.kind == .noPermission)
        #expect(failure?.hint?.contains("GWSNIFF_") == true)
    }

    @Test("a dry run prints every request of a first run, and no secret", arguments: SystemUnderTest.allCases)
    func dryRun(_ system: SystemUnderTest) async throws {
        // The same requests go over the wire: without their secrets and what the answers put in, they are alike.
        let runner = try await Runner(system)
        let contents = try Samples.bundle()
        _ = try await runner.attach(contents)
        await runner.server.stop()

        let log = Mutex<[String]>([])
        let address = try TicketAddress("http://127.0.0.1:\(runner.server.port)\(system.page)", kind: system.kind)
        var options = Attaching.Options()
        options.isDryRun = true
        let courier = DryRun { text in log.withLock { $0.append(text) } }
        let attaching = Attaching(try address.tracker(system.secret()), courier, options) { _ in }
        let outcome = try await attaching.run { (_: Int) throws(AttachFailure) in contents }
        #expect(outcome.comment == .added)

        let printed = log.withLock { $0 }
        let basic = Data("\(SystemUnderTest.user):\(SystemUnderTest.token)".utf8).base64EncodedString()
        for text in printed {
            #expect(!text.contains(SystemUnderTest.token) && !text.contains(basic))
            #expect(text.contains(": ***\n"))
        }
        let lines = printed.map { String($0.prefix { $0 != "\n" }) }
        var sent: [String] = []
        for request in runner.server.requests {
            let line = "\(request.method) http://127.0.0.1:\(runner.server.port)\(request.target)"
            // A dry run knows of one page; what is looked at again afterwards it does not look at.
            if !line.contains("page=2"), !line.contains("startAt=100"), !sent.contains(line) { sent.append(line) }
        }
        #expect(lines == sent)
        let names = ["user-agent", "content-type", "content-length", "accept", "x-atlassian-token"]
        for (text, line) in zip(printed, lines) {
            let request = try #require(
                runner.server.requests.first { line.hasSuffix($0.target) && line.hasPrefix($0.method) }
            )
            for name in names where name != "content-length" {
                guard let value = request.header(name) else { continue }
                #expect(text.lowercased().contains("\(name): \(value.lowercased())\n"), "\(name) of \(line)")
            }
        }
    }

    @Test("a webhook gets text and files as JSON, with a key by which it knows a repetition")
    func webhook() async throws {
        let contract = WebhookContract()
        let server = try await TicketServer(contract)
        server.fail(.dropAfter) { _ in true }
        let contents = try Samples.bundle()
        let address = try TicketAddress("http://127.0.0.1:\(server.port)/hook?x=1", kind: .webhook)
        let courier = try LiveCourier(Line(), warn: { _ in }, sleep: { _ in })
        for _ in 0..<2 {
            let attaching = Attaching(try address.tracker(Secret(token: SystemUnderTest.token)), courier, .init()) {
                _ in
            }
            _ = try await attaching.run { (_: Int) throws(AttachFailure) in contents }
        }
        await courier.close()
        #expect(contract.complaints == [])
        // Two runs, of which one was lost and repeated, are one for who minds the key.
        #expect(server.requests.count == 3)
        #expect(contract.keys.count == 1)
        let upload = try #require(contents.selection(limit: 10 << 20, each: false, system: "").uploads.first)
        #expect(contract.files == [upload.name: upload.bytes])
        await server.stop()
    }

    @Test("a webhook's URL is its secret: neither a failure nor a dry run shows more than its host")
    func webhookURL() async throws {
        let contents = try Samples.bundle()
        let server = try await TicketServer(WebhookContract())
        let origin = "http://127.0.0.1:\(server.port)"
        let tracker = try TicketAddress("\(origin)/T0/s3cret?k=s3cret", kind: .webhook).tracker(Secret())
        let log = Mutex<[String]>([])
        let say: @Sendable (String) -> Void = { text in log.withLock { $0.append(text) } }
        let courier = try LiveCourier(Line(), warn: say, sleep: { _ in })
        let replies = [
            Reply(status: 429, headers: [("Retry-After", "9223372036854775807")]), Reply(status: 500),
            Reply(status: 302, headers: [("Location", "\(origin)/T0/s3cret")]),
            Reply(status: 302, headers: [("Location", "/T0/s3cret")]),
        ]
        for reply in replies {
            for _ in 0..<5 { server.fail(.instead(reply)) { _ in true } }
            let failure = await #expect(throws: AttachFailure.self) {
                _ = try await Attaching(tracker, courier, .init(), warn: say).run { (_: Int) throws(AttachFailure) in
                    contents
                }
            }
            say("\(failure?.message ?? "") \(failure?.hint ?? "")")
            while server.takeFault() {}
        }
        await courier.close()
        await server.stop()
        let late = try LiveCourier(Line(), warn: say, sleep: { _ in })
        let failure = await #expect(throws: AttachFailure.self) {
            _ = try await Attaching(tracker, late, .init(), warn: say).run { (_: Int) throws(AttachFailure) in
                contents
            }
        }
        say(failure?.message ?? "")
        await late.close()
        _ = try await Attaching(tracker, DryRun(print: say), .init(), warn: say).run { (_: Int) throws(AttachFailure) in
            contents
        }
        let said = log.withLock { $0 }
        #expect(said.allSatisfy { !$0.contains("s3cret") })
        #expect(said.filter { $0.contains("POST \(origin)/***") }.count >= 6)
    }

    @Test("what is no JSON where JSON was promised is told with what it is")
    func noJSON() async throws {
        let runner = try await Runner(.redmine)
        runner.server.fail(.instead(.text("<html>Please log in</html>"))) { _ in true }
        let failure = await #expect(throws: AttachFailure.self) { _ = try await runner.attach(try Samples.bundle()) }
        #expect(failure?.kind == .protocolError)
        #expect(failure?.message.contains("Please log in") == true)
        await runner.server.stop()
    }

    @Test("nobody listens: it is tried again, and then said")
    func unreachable() async throws {
        let runner = try await Runner(.redmine)
        await runner.server.stop()
        let failure = await #expect(throws: AttachFailure.self) { _ = try await runner.attach(try Samples.bundle()) }
        #expect(failure?.kind == .unavailable)
        #expect(runner.waits == [1, 2, 4, 8])
    }

    @Test("a redirect on the same host is followed for what is asked, never for what is sent")
    func sameHost() async throws {
        let runner = try await Runner(.redmine)
        let moved = Reply(status: 301, headers: [("Location", "/issues/12.json?include=journals,attachments")])
        runner.server.fail(.instead(moved)) { _ in true }
        #expect(try await runner.attach(try Samples.bundle()).comment == .added)
        runner.server.fail(.instead(moved)) { $0.isWriting }
        await #expect(throws: AttachFailure.self) { _ = try await runner.attach(try Samples.bundle(count: 9)) }
        await runner.server.stop()
    }
}
