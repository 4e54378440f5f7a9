/// A piece of HTML or of inline SVG that is well formed by construction.
///
/// Names of elements and attributes are literals of this program; everything else goes through `escaped`. There is no
/// way to put a string from a capture into a page as markup. Why no template engine: see docs/decisions.
struct Markup: Sendable, Equatable {
    private(set) var source: String

    private init(source: String) {
        self.source = source
    }

    static let empty = Markup(source: "")

    static func text(_ text: String) -> Markup { Markup(source: escaped(text)) }

    /// A constant of this program, taken as it is: the style sheet.
    static func constant(_ text: StaticString) -> Markup { Markup(source: text.description) }

    /// An element with its end tag. White space around it does not matter where it is used.
    static func element(
        _ name: StaticString,
        _ attributes: KeyValuePairs<StaticString, String> = [:],
        _ content: Markup
    ) -> Markup {
        Markup(source: "<\(name)\(written(attributes))>\(content.source)</\(name)>")
    }

    /// An element that has no end tag (HTML Living Standard, void elements).
    static func void(_ name: StaticString, _ attributes: KeyValuePairs<StaticString, String> = [:]) -> Markup {
        Markup(source: "<\(name)\(written(attributes))>")
    }

    static func joined(_ parts: [Markup]) -> Markup {
        Markup(source: parts.map(\.source).joined())
    }

    private static func written(_ attributes: KeyValuePairs<StaticString, String>) -> String {
        attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined()
    }

    /// Fit for an element's text and for an attribute in double quotes. Control and invisible characters are shown as
    /// `\u{..}`: in a page they could hide or turn what stands beside them.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in SafeText.terminal(text).unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

/// Markup in the order in which it is written down; a string in it is text.
@resultBuilder
enum MarkupBuilder {
    static func buildExpression(_ markup: Markup) -> Markup { markup }
    static func buildExpression(_ text: String) -> Markup { .text(text) }
    static func buildBlock(_ parts: Markup...) -> Markup { .joined(parts) }
    static func buildOptional(_ part: Markup?) -> Markup { part ?? .empty }
    static func buildEither(first: Markup) -> Markup { first }
    static func buildEither(second: Markup) -> Markup { second }
    static func buildArray(_ parts: [Markup]) -> Markup { .joined(parts) }
}

/// An element and what is in it.
func tag(
    _ name: StaticString,
    _ attributes: KeyValuePairs<StaticString, String> = [:],
    @MarkupBuilder _ content: () -> Markup
) -> Markup {
    .element(name, attributes, content())
}

extension Markup {
    /// Text in which what our own guides put between single backticks is code, as `SafeText.markdownKeepingCode` has it.
    static func keepingCode(_ text: String) -> Markup {
        let parts = text.split(separator: "`", omittingEmptySubsequences: false)
        guard parts.count % 2 == 1 else { return .text(text) }
        return .joined(
            parts.enumerated().map { index, part in
                index % 2 == 0 ? .text(String(part)) : .element("code", [:], .text(String(part)))
            }
        )
    }

    /// A table with a caption for those who do not see it, the first column as row headings.
    static func table(
        caption: String,
        kind: String,
        heading: [String],
        rows: [[Markup]]
    ) -> Markup {
        tag("div", ["class": "wide", "tabindex": "0", "role": "group", "aria-label": caption]) {
            tag("table", ["class": kind]) {
                tag("caption") { caption }
                tag("thead") {
                    tag("tr") { for name in heading { tag("th", ["scope": "col"]) { name } } }
                }
                tag("tbody") {
                    for row in rows {
                        tag("tr") {
                            for (index, cell) in row.enumerated() {
                                if index == 0 { tag("th", ["scope": "row"]) { cell } } else { tag("td") { cell } }
                            }
                        }
                    }
                }
            }
        }
    }
}
