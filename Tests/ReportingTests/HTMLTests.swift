import Model
import Testing

@testable import Reporting

/// The page is read back by a parser of its own: what a browser would make of it, not what the writer meant.
@Suite("HTML")
struct HTMLTests {
    static let hostile = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'--></style></title><svg onload=alert(1)>",
        "&lt;b&gt; &#x3c;i&#x3e;", "javascript:alert(1)", "]]><!--", "\u{202e}gnp.exe\u{0}\u{1b}[2J", "{{7*7}} ${7*7}",
        "\u{1F469}\u{200D}\u{1F4BB} e\u{301}", "</desc></svg><script>x</script>", "`<b>`",
    ]

    static func planted(_ text: String) -> Report {
        var report = Sample.everything()
        report.sources[0].name = text
        report.sources[0].truncated = text
        report.quality.notes = [text]
        report.roles.reasons = [text]
        report.roles.software[0].evidence = text
        for index in report.findings.indices {
            report.findings[index].title = text
            report.findings[index].variant = text
            report.findings[index].upstream = text
            report.findings[index].upstreamName = text
            report.findings[index].pattern = text
            report.findings[index].statusMismatch = text
            report.findings[index].missing = [text]
            report.findings[index].ruledOut[0].why = text
            report.findings[index].remedies = [Remedy(text, text)]
            report.findings[index].displayFilter = text
            for place in report.findings[index].occurrences.indices {
                report.findings[index].occurrences[place].explanation = text
                report.findings[index].occurrences[place].request = RequestSummary(
                    method: text,
                    host: text,
                    target: text
                )
                for frame in report.findings[index].occurrences[place].frames.indices {
                    report.findings[index].occurrences[place].frames[frame].role = text
                }
            }
        }
        report.clientErrors[1].why = text
        report.clientErrors[1].request = RequestSummary(method: text, host: text, target: text)
        return report
    }

    @Test("What came off the wire stays text, wherever a report shows it", arguments: hostile)
    func escapes(_ text: String) throws {
        let plain = try MarkupReader(HTMLReport.render(Self.planted("harmless")))
        let attacked = try MarkupReader(HTMLReport.render(Self.planted(text)))
        #expect(!attacked.elements.contains { $0.name == "script" || $0.name == "img" })
        #expect(attacked.elements.allSatisfy { $0.attributes.keys.allSatisfy(MarkupReader.attributes.contains) })
        // A long role is drawn in more lines; else not an element more.
        let drawn = Set(["text", "tspan", "code"])
        #expect(
            attacked.elements.map(\.name).filter { !drawn.contains($0) }
                == plain.elements.map(\.name).filter { !drawn.contains($0) }
        )
        #expect(attacked.text.contains(SafeText.terminal(text)))
    }

    @Test(
        "The page loads nothing, runs nothing, and every reference in it leads somewhere",
        arguments: [
            Sample.everything(), Sample.outage(), Sample.clean(), Report(),
        ]
    )
    func standsAlone(_ report: Report) throws {
        let page = try MarkupReader(HTMLReport.render(report))
        #expect(
            Set(page.elements.map(\.name)).isDisjoint(with: [
                "script", "link", "img", "iframe", "object", "form", "base",
            ])
        )
        let identifiers = page.elements.compactMap { $0.attributes["id"] }
        #expect(Set(identifiers).count == identifiers.count)
        for element in page.elements {
            if let target = element.attributes["href"] {
                #expect(target.hasPrefix("#") && identifiers.contains(String(target.dropFirst())))
            }
            for name in ["aria-labelledby", "aria-describedby"] {
                for part in (element.attributes[name] ?? "").split(separator: " ") {
                    #expect(identifiers.contains(String(part)))
                }
            }
            #expect(element.attributes["style"] == nil, "the policy forbids style attributes")
            #expect(!element.attributes.keys.contains { $0.hasPrefix("on") })
        }
        #expect(!page.source.contains("http://") && !page.source.contains("https://"))
        #expect(!page.source.contains("url(") && !page.source.contains("@import"))
        let policy = page.elements.first { $0.attributes["http-equiv"] == "Content-Security-Policy" }
        #expect(policy?.attributes["content"]?.contains("default-src 'none'") == true)
    }

    @Test(
        "Landmarks, headings, tables and drawings can be told by a screen reader",
        arguments: [
            Sample.everything(), Sample.outage(),
        ]
    )
    func isAccessible(_ report: Report) throws {
        let page = try MarkupReader(HTMLReport.render(report))
        func count(_ name: String) -> Int { page.elements.count { $0.name == name } }
        #expect(page.elements.first?.attributes["lang"] == "en")
        #expect(count("main") == 1 && count("h1") == 1 && count("footer") == 1)
        // No level is left out on the way down.
        var level = 1
        for element in page.elements where ["h1", "h2", "h3", "h4", "h5"].contains(element.name) {
            let own = Int(element.name.dropFirst()) ?? 0
            #expect(own <= level + 1, "h\(own) behind h\(level)")
            level = own
        }
        #expect(count("table") == count("caption") && count("table") > 3)
        for cell in page.elements where cell.name == "th" {
            #expect(["col", "row"].contains(cell.attributes["scope"] ?? ""))
        }
        for drawing in page.elements where drawing.name == "svg" {
            #expect(drawing.attributes["role"] == "img" && drawing.attributes["aria-labelledby"] != nil)
        }
        #expect(count("svg") == count("desc"))
    }

    @Test("The top of the page says what, since when, how many, whose and what to do")
    func summary() throws {
        let text = try MarkupReader(HTMLReport.render(Sample.outage())).text
        for words in [
            "10.0.3.7:8080", "03:12:07 to 03:19:40 UTC on 2026-11-22", "37 of 12,410 requests (0.3 %)",
            "Upstream: the application server behind the gateway, 10.0.3.7:8080", "high confidence",
        ] {
            #expect(text.contains(words))
        }
        #expect(!text.contains("private") && !text.contains("secret"), "query values are masked")
    }

    @Test("The drawing of a wait says how long it was and between which packets")
    func wait() throws {
        let text = try MarkupReader(HTMLReport.render(Sample.outage())).text
        #expect(text.contains("3.971 ms of the 4.431 ms shown passed between frame 16 (ACK covers the whole request)"))
        #expect(text.contains("3.971 ms wait"))
    }

    @Test("The page is as it was")
    func snapshot() throws {
        try expectSnapshot(HTMLReport.render(Sample.everything()), "everything.html")
    }

    @Test("Time stamps at the ends of their range are drawn, not trapped on")
    func extremeTimes() throws {
        var report = Sample.outage()
        report.findings[0].occurrences[0].frames[0].time = Timestamp(nanoseconds: .min)
        report.findings[0].occurrences[0].frames[4].time = Timestamp(nanoseconds: .max)
        let page = try MarkupReader(HTMLReport.render(report))
        #expect(page.elements.contains { $0.name == "svg" })
        let numbers = ["x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "width", "height"]
        for element in page.elements where element.name != "meta" && element.name != "svg" {
            for name in numbers where element.attributes[name] != nil {
                let value = element.attributes[name].flatMap(Double.init)
                #expect((value ?? .nan).isFinite && abs(value ?? 1e9) < 2_000)
            }
        }
    }

    @Test("Durations fall into classes of round bounds without a hole")
    func classes() throws {
        let summary = try #require(DurationSummary([1_500_000, 1_999_999, 2_000_000, 30_000_000, 999, 0]))
        let filled = summary.classes.filter { $0.count > 0 }
        #expect(
            filled == [
                DurationClass(from: 0, to: 1_000, count: 2),
                DurationClass(from: 1_000_000, to: 2_000_000, count: 2),
                DurationClass(from: 2_000_000, to: 5_000_000, count: 1),
                DurationClass(from: 20_000_000, to: 50_000_000, count: 1),
            ]
        )
        #expect(zip(summary.classes, summary.classes.dropFirst()).allSatisfy { $0.to == $1.from })
        #expect(summary.classes.reduce(0) { $0 + $1.count } == 6)
        let longest = try #require(DurationSummary([5, .max]))
        #expect(longest.classes.last?.to == .max && longest.classes.count < 48)
        var histogram = DurationHistogram()
        for value in 0..<1_000 { histogram.add(Nanoseconds(value) * 10_000) }
        let many = try #require(DurationSummary(histogram))
        #expect(many.classes.reduce(0) { $0 + $1.count } == 1_000)
    }
}
