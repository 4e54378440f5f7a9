import Model
import Testing

@testable import Reporting

@Suite struct TextTests {
    @Test("One cause takes one screen: at most 45 lines of 100 columns")
    func oneScreen() {
        var report = Sample.outage()
        report.clientErrors.removeLast()
        report.failedRequests = 36
        let lines = TextReport.render(report, options: TextOptions(width: 100)).split(
            separator: "\n",
            omittingEmptySubsequences: false
        )
        #expect(lines.count <= 45)
    }

    @Test("No line is wider than the terminal, but for the display filter", arguments: [60, 72, 80, 100, 120])
    func width(columns: Int) {
        for unicode in [true, false] {
            let options = TextOptions(width: columns, verbose: true, unicode: unicode)
            for line in TextReport.render(Sample.everything(), options: options).split(separator: "\n") {
                #expect(line.count <= columns || line.contains("Wireshark"), "\(line)")
            }
        }
    }

    @Test("The ASCII ladder is ASCII")
    func ascii() {
        let text = TextReport.render(
            Sample.everything(),
            options: TextOptions(width: 80, verbose: true, unicode: false)
        )
        #expect(text.utf8.allSatisfy { $0 < 128 })
    }

    @Test("A ladder of many packets is cut in the middle and says by how many")
    func longLadder() {
        var occurrence = Sample.resetOccurrence()
        occurrence.frames = (1...30).map { Sample.frame($0, Int64($0), "SYN, again", .fromClient) }
        let lines = Ladder(occurrence).lines(width: 100, indent: 0, unicode: true)
        #expect(lines.count == 1 + Ladder.rowLimit + 1)
        #expect(lines.contains { $0.hasSuffix("21 more packets") })
    }

    @Test("Packets of the client's own connection are drawn on the client's side")
    func clientLeg() {
        var occurrence = Sample.resetOccurrence()
        occurrence.stream = 3
        occurrence.frames = [
            Sample.frame(20, 0, "GET /", .fromClient), Sample.frame(22, 90, "502", .fromServer),
        ]
        let lines = Ladder(occurrence).lines(width: 100, indent: 0, unicode: true)
        #expect(lines.count == 3)
        #expect(lines[1].contains("│───────▶│        │"))
        #expect(lines[2].contains("│◀───────│        │"))
    }

    @Test("Without a client's leg the ladder has no client")
    func noClient() {
        var occurrence = Sample.resetOccurrence()
        occurrence.client = nil
        let lines = Ladder(occurrence).lines(width: 120, indent: 0, unicode: true)
        #expect(lines.count == 1 + 5)
        #expect(!lines[0].contains("client"))
    }

    @Test("The headline can be read aloud")
    func headlines() {
        #expect(
            Headline.text(Sample.outage()) == """
                37 of 12,410 requests failed (0.3 %), 36 of them: 10.0.3.7:8080 reset the connection before answering; \
                first 03:12:07, last 03:19:40 UTC on 2026-11-22.
                """
        )
        #expect(Headline.text(Sample.clean()) == "No failed request among 12,410.")
        #expect(Headline.text(Report()) == "No requests seen: the capture has no packets.")

        var one = Sample.outage()
        one.totalRequests = 1
        one.failedRequests = 1
        one.findings[0].count = 1
        one.findings[0].last = one.findings[0].first
        #expect(
            Headline.text(one) == """
                The only request failed: 10.0.3.7:8080 reset the connection before answering; at 03:12:07 UTC on \
                2026-11-22.
                """
        )

        var hidden = Sample.everything()
        hidden.findings.removeFirst()
        hidden.failedRequests = 0
        #expect(Headline.text(hidden) == "No failed request among 12,410; a retry hid 3 failed attempts.")

        var unread = Report()
        unread.packets = 7
        unread.quality.undecodedPackets = 7
        unread.sources = [SourceSummary(name: "x", format: "pcap", linkTypes: [LinkType(rawValue: 147)], packets: 7)]
        #expect(Headline.text(unread) == "No requests seen: none of the 7 packets could be decoded (link type 147).")

        unread.quality.undecodedPackets = 0
        unread.isSelective = true
        #expect(
            Headline.text(unread)
                == "No request was chosen: of the capture's 7 packets none belongs to a request that matches."
        )
        unread.isSelective = false
        unread.roles.isGiven = true
        #expect(Headline.text(unread).hasSuffix("but no readable HTTP/1 exchange of the gateway that was given."))

        var unexplained = Sample.outage()
        unexplained.findings = []
        #expect(Headline.text(unexplained).hasPrefix("37 of 12,410 requests failed (0.3 %), cause undetermined; first"))

        var upstreamOnly = Sample.clean()
        upstreamOnly.countsClientRequests = false
        #expect(Headline.text(upstreamOnly) == "No failed upstream request among 12,410.")
    }

    @Test(
        "A share is rounded, and never to nothing or to everything",
        arguments: [
            (0, 10, "0 %"), (10, 10, "100 %"), (37, 12_410, "0.3 %"), (1, 100_000, "under 0.1 %"),
            (99_999, 100_000, "99.9 %"), (1, 2, "50.0 %"), (3, 0, "0 %"),
        ]
    )
    func share(part: Int, whole: Int, text: String) {
        #expect(Numbers.share(part, of: whole) == text)
    }

    @Test(
        "Durations carry their unit",
        arguments: [
            (Nanoseconds(210_000), "0.210 ms"), (9_999_999, "9.999 ms"), (31_500_000, "31.5 ms"),
            (60_012_000_000, "60.01 s"), (-1_000, "-0.001 ms"), (.min, "-9223372036.85 s"),
        ]
    )
    func durations(value: Nanoseconds, text: String) {
        #expect(Numbers.duration(value) == text)
    }

    @Test("Words longer than a line are cut, and nothing is lost")
    func wrapping() {
        let text = "a bb ccc " + String(repeating: "x", count: 45) + " end"
        let lines = Layout.wrap(text, width: 20)
        #expect(lines.allSatisfy { $0.count <= 20 })
        #expect(lines.joined().filter { $0 != " " } == text.filter { $0 != " " })
        #expect(Layout.wrap("", width: 20) == [])
    }
}
