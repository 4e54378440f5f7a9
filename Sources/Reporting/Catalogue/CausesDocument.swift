import Diagnosis
import Model

/// docs/CAUSES.md, written from the guides so that page, `gwsniff explain` and findings never differ. A test compares the
/// committed page with this.
package enum CausesDocument {
    package static func render() -> String {
        var text = """
            # Causes

            What gwsniff can say about a failed request: for each cause the packets that prove it, what looks like it, and
            what to change. `gwsniff explain CAUSE` prints the same, and what speaks against it, the gateways' log lines and
            the sources. The page is written from the guides under Sources/Diagnosis/Guide; change them, not the page.

            """
        for group in CauseGroup.allCases {
            let guides = Cause.allCases.filter { $0.group == group }.compactMap(CauseGuides.guide)
            guard !guides.isEmpty else { continue }
            text += "\n## \(group.rawValue)\n"
            for guide in guides { text += section(guide) }
        }
        let rest = Cause.allCases.filter { CauseGuides.guide(for: $0) == nil }
        if !rest.isEmpty {
            text += "\n## In the catalogue, not yet diagnosed\n\n"
            for cause in rest { text += "- `\(cause.rawValue)`: \(SafeText.markdown(cause.title(upstream: nil)))\n" }
        }
        return text
    }

    private static func section(_ guide: CauseGuide) -> String {
        let cause = guide.cause
        func code(_ text: String) -> String { SafeText.markdownKeepingCode(text) }
        func list(_ title: String, _ entries: [String]) -> String {
            entries.isEmpty ? "" : "\n\(title):\n\n" + entries.map { "- \($0)\n" }.joined()
        }
        var text = "\n### `\(cause.rawValue)`\n\n"
        text += "*\(SafeText.markdown(cause.title(upstream: nil))).* \(code(guide.whatHappened))\n"
        text += list("The packets show", guide.signature.map(code))
        text += list("Looks like it", guide.lookAlikes.map { "`\($0.cause.rawValue)`: \(code($0.distinction))" })
        return text + list("What to change", guide.remedies.map { "\($0.gateway): \(code($0.text))" })
    }
}
