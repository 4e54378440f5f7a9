import Model

/// What the drawings share: numbers for SVG, and text that is cut into lines, for SVG breaks none.
enum Drawing {
    /// Coordinates with at most one decimal: a page has thousands of them.
    static func number(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e9 else { return "0" }
        let tenths = Int64((value * 10).rounded())
        return tenths % 10 == 0 ? String(tenths / 10) : "\(tenths / 10).\(abs(tenths % 10))"
    }

    static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ kind: String) -> Markup {
        .element(
            "line",
            ["class": kind, "x1": number(x1), "y1": number(y1), "x2": number(x2), "y2": number(y2)],
            .empty
        )
    }

    static func rectangle(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ kind: String) -> Markup {
        .element(
            "rect",
            [
                "class": kind, "x": number(x), "y": number(y), "width": number(max(0, width)),
                "height": number(max(0, height)),
            ],
            .empty
        )
    }

    static func path(_ points: String, _ kind: String) -> Markup {
        .element("path", ["class": kind, "d": points], .empty)
    }

    /// - Parameter anchor: "start", "middle" or "end".
    static func text(_ x: Double, _ y: Double, _ text: String, _ kind: String, anchor: String = "start") -> Markup {
        .element(
            "text",
            ["class": kind, "x": number(x), "y": number(y), "text-anchor": anchor],
            .text(text)
        )
    }

    /// An image to a screen reader: a name, and a sentence of what it shows.
    static func image(
        _ id: String,
        width: Double,
        height: Double,
        title: String,
        description: String,
        _ content: Markup
    ) -> Markup {
        tag(
            "svg",
            [
                "viewBox": "0 0 \(number(width)) \(number(height))", "width": number(width), "height": number(height),
                "role": "img", "aria-labelledby": "\(id)-title \(id)-description",
            ]
        ) {
            tag("title", ["id": "\(id)-title"]) { title }
            tag("desc", ["id": "\(id)-description"]) { description }
            content
        }
    }
}
