import Evidence
import Foundation
import Reporting
import Testing

@testable import Ticketing

@Suite struct ContentTests {
    @Test("a marker is found in a line of its own, in every markup, and not where it is quoted")
    func markers() throws {
        let marker = Marker(findings: ["a"], content: ["b"])
        let comment = TicketComment(try Findings(json: Samples.report(), name: ""), files: [], missing: [])
        for markup in [TicketComment.Markup.markdown, .jira, .plain, .preformatted] {
            #expect(Marker.last(in: comment.text(markup)) == comment.marker)
            let quoted = comment.text(markup).split(whereSeparator: \.isNewline).map { "> \($0)" }.joined(
                separator: "\n"
            )
            #expect(Marker.last(in: quoted) == nil)
        }
        #expect(Marker.last(in: "x\r\n\(marker.text)\r\n") == marker)
        #expect(Marker.last(in: "see \(marker.text)") == nil)
        #expect(Marker.last(in: String(marker.text.dropLast())) == nil)
        #expect(Marker.last(in: marker.text + "0") == nil)
        #expect(Marker.last(in: marker.text.uppercased()) == nil)
    }

    @Test("the same findings have the same mark, in whatever order and however often; other findings another")
    func identity() throws {
        func findings(_ report: [UInt8]) throws -> Marker {
            TicketComment(try Findings(json: report, name: ""), files: [], missing: []).marker
        }
        let first = try findings(Samples.report())
        #expect(try findings(Samples.report()) == first)
        #expect(try findings(Samples.report(count: 5)).findings == first.findings)
        #expect(try findings(Samples.report(count: 5)).content != first.content)
        #expect(try findings(Samples.report(upstream: "10.0.3.8:8080")).findings != first.findings)
        #expect(try findings(Samples.report(cause: "dns-failure")).findings != first.findings)
        let file = Upload(named: "a.zip", [1])
        let other = TicketComment(try Findings(json: Samples.report(), name: ""), files: [file], missing: [])
        #expect(other.marker.findings == first.findings && other.marker.content != first.content)
        let long = TicketComment(try Findings(json: Samples.report(), name: ""), files: [], missing: [], report: "r")
        #expect(long.marker.findings == first.findings && long.marker.content != first.content)
    }

    @Test("text off the wire is text in every markup")
    func hostile() throws {
        let nasty =
            "</pre><!-- -->{noformat}[code][/code][[w]]<script>@all ![x](http://e/) ![y] (http://e/)\\u001b[31m {{macro}} |*b*|"
        let report = Samples.report(upstream: nasty)
        let findings = try Findings(json: report, name: "")
        let comment = TicketComment(findings, files: [], missing: [])
        let markdown = comment.text(.markdown)
        #expect(!markdown.contains("<script") && !markdown.contains("![x]") && !markdown.contains("@all"))
        #expect(markdown.components(separatedBy: "<!--").count == 2)
        let preformatted = comment.text(.preformatted)
        #expect(preformatted.components(separatedBy: "</pre>").count == 2)
        for text in [preformatted, comment.text(.plain)] {
            for markup in ["{{", "[code]", "](", "] (", "[[", "@all", "<script", "<!--"] {
                #expect(!text.contains(markup), "\(markup)")
            }
        }
        #expect(!comment.text(.jira).contains("{noformat}") || comment.text(.jira).contains("\\{noformat"))
        for markup in [TicketComment.Markup.markdown, .jira, .plain, .preformatted, .adf] {
            #expect(!comment.text(markup).contains("\u{1b}"))
            #expect(markup.isDocument || Marker.last(in: comment.text(markup)) == comment.marker)
        }
    }

    @Test("an IPv6 address stays one", arguments: [TicketComment.Markup.plain, .preformatted])
    func addresses(_ markup: TicketComment.Markup) throws {
        let findings = try Findings(json: Samples.report(upstream: "[2001:db8::7]:8080"), name: "")
        #expect(TicketComment(findings, files: [], missing: []).text(markup).contains("upstream [2001:db8::7]:8080;"))
    }

    @Test("what failed without a cause is not said to be well")
    func nothing() throws {
        func text(_ failed: Int) throws -> String {
            let report = #"{"schema":"gwsniff.report/1","findings":[],"requests":{"total":9,"failed":\#(failed)}}"#
            return TicketComment(try Findings(json: Array(report.utf8), name: ""), files: [], missing: []).text(.plain)
        }
        #expect(try text(0).contains("nothing failed"))
        #expect(try text(2).contains("no cause was found"))
    }

    @Test("many findings are cut, and their number is told")
    func many() throws {
        let one = #"{"cause":"connect-refused","severity":"failure","title":"t","upstream":"u","count":1}"#
        let list = Array(repeating: one, count: 25).joined(separator: ",")
        let report = Array(#"{"schema":"gwsniff.report/1","findings":[\#(list)]}"#.utf8)
        let text = TicketComment(try Findings(json: report, name: ""), files: [], missing: []).text(.plain)
        #expect(text.contains("and 15 more findings"))
        #expect(text.components(separatedBy: "connect-refused").count == 11)
    }

    @Test("the volumes of a bundle go together, in their order; what is not among them is named")
    func volumes() throws {
        let volumes = try Samples.volumes()
        let contents = try Contents(archives: [volumes[2], volumes[0], volumes[1]])
        let selection = contents.selection(limit: 1 << 20, each: false, system: "it")
        #expect(selection.uploads.map(\.bytes) == volumes.map(\.bytes))
        #expect(selection.uploads[1].name.hasPrefix("gwsniff.2of3-"))
        #expect(selection.missing == ["evidence/all.pcapng: too large"])
        #expect(contents.isRedacted && contents.fits(1 << 20) && !contents.fits(1_000))
        let two = try Contents(archives: [volumes[0], volumes[2]]).selection(limit: 1 << 20, each: false, system: "it")
        #expect(two.uploads.count == 2)
        #expect(two.missing.last == "gwsniff.2of3.zip: this volume was not given")
        let room = volumes[0].bytes.count
        let small = contents.selection(limit: room, each: false, system: "it")
        #expect(small.uploads.allSatisfy { $0.bytes.count <= room })
        #expect(small.uploads.count + small.missing.count == 4)

        let headless = #expect(throws: AttachFailure.self) { try Contents(archives: Array(volumes.dropFirst())) }
        #expect(headless?.hint?.contains("the first has it") == true)
        let whole = try ArchiveFormat.zip.packed(Samples.files(Samples.report()), seconds: 1)
        let strangers = [
            [volumes[0], volumes[0]], [volumes[0], try Samples.volumes(name: "other")[1]],
            [ArchiveFile(name: "a.zip", bytes: whole), volumes[1]],
            [ArchiveFile(name: "a.zip", bytes: whole), ArchiveFile(name: "b.zip", bytes: whole)],
        ]
        for pair in strangers {
            let failure = #expect(throws: AttachFailure.self) { try Contents(archives: pair) }
            #expect(failure?.kind == .data && failure?.message.contains("are not volumes of one bundle") == true)
        }
        let open = try [volumes[0]] + Samples.volumes(redacted: false).suffix(2)
        #expect(try !Contents(archives: open).isRedacted, "one that is not is enough")
        let keys = try Samples.volumes(members: #""tlsSecretsIncluded":true,"#)
        #expect(try Contents(archives: keys).includesTLSSecrets && !contents.includesTLSSecrets)
    }

    @Test("of very many volumes the first go, and the others are named")
    func manyVolumes() throws {
        let contents = try Contents(archives: try Samples.volumes(count: 23, packets: 20))
        let selection = contents.selection(limit: 1 << 20, each: false, system: "it")
        #expect(selection.uploads.count == Contents.largestVolumeCount)
        #expect(
            selection.missing.last == "gwsniff.21of23.zip to gwsniff.23of23.zip: no more than 20 volumes are attached"
        )
    }

    @Test("a bundle in each form has the same findings; one that was changed is refused")
    func bundles() throws {
        let files = Samples.files(Samples.report())
        for format in [ArchiveFormat.zip, .tarGzip] {
            let archive = try format.packed(files, seconds: 1)
            #expect(try Contents(archive: archive, name: "x.zip").findings.findings.count == 1)
            for _ in 0..<50 {
                var damaged = archive
                damaged.removeLast(Int.random(in: 1...archive.count))
                #expect(throws: AttachFailure.self) { try Contents(archive: damaged, name: "x.zip") }
            }
        }
        var changed = files
        changed[2].bytes[0] ^= 1
        let failure = #expect(throws: AttachFailure.self) { try Contents(bundle: changed, name: "x") }
        #expect(failure?.kind == .data)
        #expect(failure?.message.contains("report.html is not what the manifest says") == true)
        #expect(throws: AttachFailure.self) {
            try Contents(bundle: files.filter { $0.name != "manifest.json" }, name: "x")
        }
        #expect(throws: AttachFailure.self) {
            try Contents(bundle: files.filter { $0.name != "report.html" }, name: "x")
        }
        let added = files + [ArchiveFile(name: "evidence/notes.txt", bytes: [1])]
        let stranger = #expect(throws: AttachFailure.self) { try Contents(bundle: added, name: "x") }
        #expect(stranger?.message.contains("evidence/notes.txt is not what the manifest says") == true)
        #expect(throws: AttachFailure.self) { try Contents(bundle: files + [files[0]], name: "x") }
        #expect(try !Contents(bundle: Samples.files(Samples.report(), redacted: false), name: "x").isRedacted)
    }

    @Test("a report alone is redacted, unless that is not wanted")
    func reports() throws {
        let report = Samples.report(upstream: "http://user:hunter2@10.0.0.1/")
        let redacted = try Contents(report: report, name: "d/r.json", redact: true)
        let upload = try #require(redacted.selection(limit: 1 << 20, each: false, system: "").uploads.first)
        #expect(!String(decoding: upload.bytes, as: UTF8.self).contains("hunter2"))
        #expect(upload.name == "r-\(upload.digest.prefix(8)).json")
        let whole = try Contents(report: report, name: "r.json", redact: false)
        #expect(whole.selection(limit: 1 << 20, each: false, system: "").uploads.first?.bytes == report)
        for text in ["", "{}", "x", #"{"schema":"gwsniff.report/2","findings":[]}"#, #"{"schema":"gwsniff.report/1"}"#]
        {
            let failure = #expect(throws: AttachFailure.self) {
                try Contents(report: Array(text.utf8), name: "r.json", redact: true)
            }
            #expect(failure?.kind == .data)
        }
    }

    @Test("what does not fit is left out: what is in other files first, then the largest, and each is named")
    func fitting() throws {
        let files = Samples.files(Samples.report(), packets: 20_000)
        let contents = try Contents(bundle: files, name: "b")
        let all = contents.selection(limit: 1 << 20, each: false, system: "S")
        #expect(all.missing == [] && all.uploads.count == 1)
        let some = contents.selection(limit: 30_000, each: false, system: "S")
        #expect(
            some.missing.count == 1
                && some.missing[0].hasPrefix("evidence/all.pcapng, 40.0 kB: S takes files of 30.0 kB")
        )
        #expect(some.uploads.allSatisfy { $0.bytes.count <= 30_000 })
        // Without packets the reports are left, and a manifest that would not be true is not.
        let few = contents.selection(limit: 3_000, each: false, system: "S")
        #expect(few.missing.count == 2)
        let kept = try #require(ArchiveReader.files(of: few.uploads[0].bytes)).map(\.name)
        #expect(kept == ["report.json", "report.md", "report.html"])
        let none = contents.selection(limit: 10, each: false, system: "S")
        #expect(none.uploads.isEmpty && none.missing.contains { $0.hasPrefix("the bundle: ") })
    }

    @Test("a file's name has its digest in it, and nothing that a header would have to quote")
    func names() {
        let upload = Upload(named: "a/b c\"\r\n;é.tar.gz", [1, 2, 3])
        #expect(upload.name == "b-c-----\(upload.digest.prefix(8)).tar.gz" || upload.name.hasPrefix("b-c"))
        #expect(upload.name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) })
        #expect(upload.name.hasSuffix("-\(upload.digest.prefix(8)).tar.gz"))
        #expect(upload.digest == "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81")
    }
}

extension TicketComment.Markup {
    fileprivate var isDocument: Bool { if case .adf = self { true } else { false } }
}
