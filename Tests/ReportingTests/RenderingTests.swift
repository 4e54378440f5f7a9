import Model
import Testing

@testable import Reporting

@Suite struct RenderingTests {
    @Test("The text report of an outage, of everything at once, and of healthy traffic look as recorded")
    func text() throws {
        try expectSnapshot(TextReport.render(Sample.outage(), options: TextOptions(width: 100)), "outage.txt")
        try expectSnapshot(
            TextReport.render(Sample.everything(), options: TextOptions(width: 80, verbose: true, unicode: false)),
            "everything-80-ascii-verbose.txt"
        )
        try expectSnapshot(TextReport.render(Sample.clean(), options: TextOptions(width: 100)), "clean.txt")
    }

    @Test("The Markdown and the JSON report look as recorded")
    func others() throws {
        try expectSnapshot(MarkdownReport.render(Sample.everything()), "everything.md")
        try expectSnapshot(JSONReport.render(Sample.everything()), "everything.json")
        try expectSnapshot(NDJSONReport.render(Sample.outage()), "outage.ndjson")
    }
}
