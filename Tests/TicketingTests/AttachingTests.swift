import Testing

@testable import Ticketing

/// What holds for every system, against a server that minds its documentation.
@Suite struct AttachingTests {
    @Test(
        "the first run adds one comment and the file, byte for byte, and breaks no rule",
        arguments: SystemUnderTest.allCases
    )
    func first(_ system: SystemUnderTest) async throws {
        let runner = try await Runner(system)
        let contents = try Samples.bundle()
        let outcome = try await runner.attach(contents)
        #expect(runner.contract.complaints == [])
        #expect(outcome.comment == .added)
        try #require(runner.contract.comments.count == 1)
        let text = runner.contract.comments[0]
        for words in ["connect-refused", "3 of 12 requests failed", "10.0.3.7:8080", "tune", "12 packets missing"] {
            #expect(text.contains(words), "\(words) is not in: \(text)")
        }
        #expect(!text.contains("not this"), "what to change in another product")
        if system == .github {
            #expect(text.contains("# gwsniff report"), "the whole report, folded")
        } else {
            let upload = try #require(contents.selection(limit: 10 << 20, each: false, system: "").uploads.first)
            #expect(outcome.attached == [upload.name])
            #expect(runner.contract.files == [upload.name: upload.bytes])
        }
        await runner.server.stop()
    }

    @Test("a second run changes nothing and sends nothing but questions", arguments: SystemUnderTest.allCases)
    func second(_ system: SystemUnderTest) async throws {
        let runner = try await Runner(system)
        let contents = try Samples.bundle()
        _ = try await runner.attach(contents)
        runner.server.forget()
        let outcome = try await runner.attach(contents)
        #expect(outcome.comment == .unchanged)
        #expect(outcome.attached == [])
        #expect(runner.server.requests.filter(\.isWriting).map(\.target) == [])
        #expect(!runner.server.requests.isEmpty)
        await runner.server.stop()
    }

    @Test(
        "other figures of the same findings update the comment, or follow it where it cannot be changed",
        arguments: SystemUnderTest.allCases
    )
    func update(_ system: SystemUnderTest) async throws {
        let runner = try await Runner(system)
        _ = try await runner.attach(try Samples.bundle())
        let outcome = try await runner.attach(try Samples.bundle(count: 5))
        let comments = runner.contract.comments
        #expect(comments.count == (runner.contract.edits ? 1 : 2))
        #expect(comments.last?.contains("5 of 12 requests failed") == true)
        #expect(outcome.comment == (runner.contract.edits ? .updated : .added))
        #expect(runner.contract.complaints == [])
        await runner.server.stop()
    }

    @Test("other findings get a comment of their own", arguments: SystemUnderTest.allCases)
    func others(_ system: SystemUnderTest) async throws {
        let runner = try await Runner(system)
        _ = try await runner.attach(try Samples.bundle())
        _ = try await runner.attach(try Samples.bundle(cause: "dns-failure"))
        #expect(runner.contract.comments.count == 2)
        // And the first is still known.
        #expect(try await runner.attach(try Samples.bundle()).comment == .unchanged)
        await runner.server.stop()
    }

    @Test("an answer that is lost doubles nothing", arguments: SystemUnderTest.allCases)
    func lostAnswers(_ system: SystemUnderTest) async throws {
        // Each request that writes, one after the other, is done, and its answer is lost.
        for lost in 0..<2 {
            let runner = try await Runner(system)
            let counter = Counter(lost)
            runner.server.fail(.dropAfter) { $0.isWriting && counter.next() }
            let outcome = try await runner.attach(try Samples.bundle())
            #expect(runner.contract.comments.count == 1, "lost was writing request \(lost)")
            #expect(Set(runner.contract.files.keys).count == runner.contract.files.count)
            #expect(outcome.comment == .added)
            #expect(runner.contract.complaints == [])
            await runner.server.stop()
        }
    }

    @Test("a system that fails for a while is asked again, and nothing doubles", arguments: SystemUnderTest.allCases)
    func unavailable(_ system: SystemUnderTest) async throws {
        let runner = try await Runner(system)
        for status in [500, 502, 503, 504] {
            runner.server.fail(.instead(.text("busy", status: status))) { $0.isWriting }
        }
        for status in [503, 504] { runner.server.fail(.instead(.text("busy", status: status))) { !$0.isWriting } }
        runner.server.fail(.dropBefore) { !$0.isWriting }
        let outcome = try await runner.attach(try Samples.bundle()) { $0.tries = 6 }
        #expect(outcome.comment == .added)
        #expect(runner.contract.comments.count == 1)
        #expect(runner.contract.files.count == (system == .github ? 0 : 1))
        #expect(runner.waits.count >= 5)
        #expect(runner.contract.complaints == [])
        await runner.server.stop()
    }

    @Test("429 is waited out as long as it asks, for reading and for writing", arguments: SystemUnderTest.allCases)
    func tooMany(_ system: SystemUnderTest) async throws {
        let runner = try await Runner(system)
        let busy = Reply(status: 429, headers: [("Retry-After", "7")])
        runner.server.fail(.instead(busy)) { !$0.isWriting }
        runner.server.fail(.instead(busy)) { $0.isWriting }
        _ = try await runner.attach(try Samples.bundle())
        #expect(runner.waits == [7, 7])
        #expect(runner.contract.comments.count == 1)
        await runner.server.stop()
    }

    @Test("who asks to wait for an hour is not waited for", arguments: SystemUnderTest.allCases)
    func tooLong(_ system: SystemUnderTest) async throws {
        let runner = try await Runner(system)
        let busy = Reply(status: 429, headers: [("Retry-After", "3600")])
        runner.server.fail(.instead(busy)) { _ in true }
        let failure = await #expect(throws: AttachFailure.self) { _ = try await runner.attach(try Samples.bundle()) }
        #expect(failure?.kind == .temporary)
        #expect(failure?.hint?.contains("3600 s") == true)
        #expect(runner.waits == [])
        await runner.server.stop()
    }

    @Test("a wrong secret is said to be one, and not shown", arguments: SystemUnderTest.allCases)
    func wrongSecret(_ system: SystemUnderTest) async throws {
        let runner = try await Runner(system)
        let failure = await #expect(throws: AttachFailure.self) {
            _ = try await runner.attach(try Samples.bundle(), token: "wr0ng-TOKEN")
        }
        #expect(failure?.kind == .noPermission)
        #expect(failure?.hint?.contains("GWSNIFF_TOKEN") == true)
        let said = runner.warnings + [failure?.message ?? "", failure?.hint ?? ""]
        #expect(said.allSatisfy { !$0.contains("wr0ng") })
        #expect(runner.server.requests.count == 1, "nothing else is tried with it")
        await runner.server.stop()
    }

    @Test("what is larger than the limit is left out, and the comment says so", arguments: SystemUnderTest.allCases)
    func limit(_ system: SystemUnderTest) async throws {
        guard system != .github, system != .rt else { return }
        let runner = try await Runner(system)
        // Room for the files but not for all packets; the megabyte is one that every system can tell.
        runner.contract.setLimit(1 << 20)
        let outcome = try await runner.attach(try Samples.bundle(packets: 450_000))
        #expect(runner.contract.files.count == 1)
        #expect(runner.contract.files.values.allSatisfy { $0.count <= 1 << 20 })
        #expect(outcome.missing.contains { $0.hasPrefix("evidence/all.pcapng") })
        #expect(runner.contract.comments.last?.contains("Not attached: evidence") == true)
        #expect(runner.contract.complaints == [])
        await runner.server.stop()
    }

    @Test(
        "a file that is refused in spite of the limit is left out, and the comment says so",
        arguments: SystemUnderTest.allCases
    )
    func refused(_ system: SystemUnderTest) async throws {
        guard system != .github, system != .rt else { return }
        let runner = try await Runner(system)
        runner.server.fail(.instead(.text("Request Entity Too Large", status: 413))) {
            $0.isWriting && $0.body.count > 4_000
        }
        let outcome = try await runner.attach(try Samples.bundle())
        #expect(outcome.attached == [])
        #expect(outcome.missing.count == 1)
        #expect(runner.contract.files.isEmpty)
        #expect(runner.contract.comments.count == 1)
        #expect(runner.contract.comments.last?.contains("Not attached: gwsniff-") == true)
        await runner.server.stop()
    }

    @Test(
        "a proxy before the system takes less than the system: the bundle becomes smaller",
        arguments: SystemUnderTest.allCases
    )
    func proxyLimit(_ system: SystemUnderTest) async throws {
        guard system != .github else { return }
        let runner = try await Runner(system)
        for _ in 0..<10 {
            runner.server.fail(.instead(.text("Request Entity Too Large", status: 413))) { $0.body.count > 300_000 }
        }
        let outcome = try await runner.attach(try Samples.bundle(packets: 450_000))
        #expect(runner.contract.files.values.map { $0.count <= 300_000 } == [true])
        #expect(outcome.attached.count == 1)
        #expect(outcome.missing.contains { $0.hasPrefix("evidence/F1-connect-refused.pcapng") })
        #expect(runner.contract.comments.count == 1)
        #expect(runner.contract.complaints == [])
        await runner.server.stop()
    }

    @Test(
        "a system may lie in a directory of its host",
        arguments: [SystemUnderTest.redmine, .rt, .jira, .gitlab],
        ["/tickets", "/a/b"]
    )
    func directory(_ system: SystemUnderTest, directory: String) async throws {
        let runner = try await Runner(system, below: directory)
        let outcome = try await runner.attach(try Samples.bundle())
        #expect(outcome.comment == .added && outcome.attached.count == 1)
        #expect(Set(runner.contract.files.keys) == Set(outcome.attached))
        #expect(try await runner.attach(try Samples.bundle()).comment == .unchanged)
        #expect(runner.contract.complaints == [])
        #expect(runner.server.requests.allSatisfy { $0.target.hasPrefix(directory + "/") })
        await runner.server.stop()
    }

    @Test("a GitLab that is not where its address seems to say: the way out is told, and nothing else is tried")
    func doubtfulRoot() async throws {
        let runner = try await Runner(.gitlab)
        runner.server.fail(.instead(.text("<html>the front page</html>", status: 404))) { _ in true }
        let failure = await #expect(throws: AttachFailure.self) { _ = try await runner.attach(try Samples.bundle()) }
        #expect(failure?.kind == .noTicket)
        #expect(failure?.hint?.hasSuffix("--root http://127.0.0.1:\(runner.server.port)/group") == true)
        #expect(runner.server.requests.count == 1)
        await runner.server.stop()
    }

    @Test("volumes go together, the comment lists them, and nothing doubles", arguments: SystemUnderTest.allCases)
    func volumes(_ system: SystemUnderTest) async throws {
        guard system != .github else { return }
        let runner = try await Runner(system)
        let contents = try Contents(archives: try Samples.volumes())
        let outcome = try await runner.attach(contents)
        #expect(outcome.attached.count == 3)
        #expect(Set(runner.contract.files.keys) == Set(outcome.attached))
        for name in outcome.attached { #expect(runner.contract.comments.last?.contains(name) == true) }
        runner.server.forget()
        let again = try await runner.attach(contents)
        #expect(again.present.count == 3 && again.comment == .unchanged)
        #expect(runner.server.requests.filter(\.isWriting).isEmpty)
        // Another capture of the same: one volume is as it was.
        let other = try [Samples.volumes()[0]] + Samples.volumes(packets: 2_100).suffix(2)
        let next = try await runner.attach(try Contents(archives: other))
        #expect(next.comment == (runner.contract.edits ? .updated : .added))
        #expect(runner.contract.comments.count == (runner.contract.edits ? 1 : 2))
        #expect(system == .gitlab || next.present.count == 1)
        #expect(Set(runner.contract.files.keys).isSuperset(of: next.attached + next.present))
        #expect(runner.contract.complaints == [])
        await runner.server.stop()
    }

    @Test("files one by one are as many as fit, and known again", arguments: SystemUnderTest.allCases)
    func each(_ system: SystemUnderTest) async throws {
        guard system != .github else { return }
        let runner = try await Runner(system)
        let contents = try Samples.bundle()
        let outcome = try await runner.attach(contents) {
            $0.each = true
            $0.maximumSize = 3_000
        }
        #expect(outcome.attached.count == 5)
        #expect(outcome.missing.count == 1)
        #expect(Set(runner.contract.files.keys) == Set(outcome.attached))
        let again = try await runner.attach(contents) {
            $0.each = true
            $0.maximumSize = 3_000
        }
        #expect(again.present.count == 5)
        #expect(again.comment == .unchanged)
        await runner.server.stop()
    }

    @Test(
        "a redirect to another host is not followed: the secret would go with it",
        arguments: SystemUnderTest.allCases
    )
    func redirect(_ system: SystemUnderTest) async throws {
        let runner = try await Runner(system)
        let other = try await Runner(system)
        let away = Reply(status: 302, headers: [("Location", "http://127.0.0.1:\(other.server.port)/")])
        runner.server.fail(.instead(away)) { _ in true }
        let failure = await #expect(throws: AttachFailure.self) { _ = try await runner.attach(try Samples.bundle()) }
        #expect(failure?.kind == .protocolError)
        #expect(other.server.requests.isEmpty)
        await runner.server.stop()
        await other.server.stop()
    }

    @Test(
        "Request Tracker cuts or drops a file without a word: it is noticed, and a smaller one sent",
        arguments: [false, true]
    )
    func cut(_ drops: Bool) async throws {
        let runner = try await Runner(.rt)
        runner.contract.setLimit(5_000)
        if drops { (runner.contract as? RequestTrackerContract)?.setDrops() }
        let outcome = try await runner.attach(try Samples.bundle())
        #expect(runner.warnings.contains { $0.contains("does not have all of its") })
        let name = try #require(outcome.attached.first)
        let file = try #require(runner.contract.files[name])
        #expect(Upload(named: "gwsniff.zip", file).name == name, "it is whole")
        #expect(runner.contract.comments.count == 2)
        #expect(runner.contract.comments.last?.contains("Not attached: evidence/all.pcapng") == true)
        // The next run knows the limit from the start.
        runner.server.forget()
        #expect(try await runner.attach(try Samples.bundle()).comment == .unchanged)
        #expect(runner.server.requests.filter(\.isWriting).isEmpty)
        #expect(runner.contract.complaints == [])
        await runner.server.stop()
    }

    @Test(
        "where the own comment cannot be changed any more, another one is added",
        arguments: [SystemUnderTest.redmine, .jira, .gitlab, .github]
    )
    func forbidden(_ system: SystemUnderTest) async throws {
        let runner = try await Runner(system)
        _ = try await runner.attach(try Samples.bundle())
        runner.server.fail(.instead(Reply(status: 403))) { ["PUT", "PATCH"].contains($0.method) }
        _ = try await runner.attach(try Samples.bundle(count: 5))
        #expect(runner.contract.comments.count == 2)
        await runner.server.stop()
    }
}
