import Model

/// The table of upstreams, with the spread of their times: two servers of the same median may differ in their tails.
enum HTMLUpstreams {
    private static let limit = 50

    static func markup(_ report: Report) -> Markup {
        guard !report.upstreams.isEmpty else { return .empty }
        let sorted = report.upstreams.sorted {
            ($1.failures, $1.exchanges, $0.endpoint) < ($0.failures, $0.exchanges, $1.endpoint)
        }
        return tag("section", ["aria-labelledby": "upstreams-title"]) {
            tag("h2", ["id": "upstreams-title"]) { "Upstreams" }
            Markup.table(
                caption: "Upstreams, the worst first",
                kind: "plain numbers",
                heading: [
                    "upstream", "connections", "exchanges", "failed", "connect time", "first byte time", "resets",
                    "resent",
                ],
                rows: sorted.prefix(limit).enumerated().map { index, upstream in
                    [
                        .text(upstream.endpoint.description),
                        .text(Numbers.grouped(upstream.connections)),
                        .text(Numbers.grouped(upstream.exchanges)),
                        .text(Numbers.grouped(upstream.failures)),
                        times(upstream.connectTime, id: "u\(index)-connect", name: "Connect times"),
                        times(upstream.firstByteTime, id: "u\(index)-first", name: "First byte times"),
                        .text(Numbers.grouped(upstream.resets)),
                        .text(Numbers.grouped(upstream.retransmissions)),
                    ]
                }
            )
            if sorted.count > limit { tag("p") { "and \(Numbers.counted(sorted.count - limit, "more upstream"))." } }
        }
    }

    private static func times(_ summary: DurationSummary?, id: String, name: String) -> Markup {
        guard let summary else { return .text("-") }
        return tag("div", ["class": "spread"]) {
            histogram(summary, id: id, name: name)
            tag("span") { "median \(Numbers.duration(summary.median))" }
            tag("span") { "p99 \(Numbers.duration(summary.ninetyNinth))" }
        }
    }

    /// Columns of classes 1, 2, 5 and so on: their bounds grow with the time, so that a tail is not lost.
    private static func histogram(_ summary: DurationSummary, id: String, name: String) -> Markup {
        // Between 1 µs and days there are fewer than forty classes.
        let classes = summary.classes.prefix(48)
        guard let first = classes.first, let last = classes.last else { return .empty }
        let highest = Double(classes.map(\.count).max() ?? 1)
        let column = min(12.0, 96.0 / Double(classes.count))
        let width = column * Double(classes.count)
        let columns = classes.enumerated().filter { $0.element.count > 0 }.map { index, bin -> Markup in
            // One of thousands must still be seen.
            let height = max(1.5, Double(bin.count) / max(1, highest) * 26)
            return tag("g") {
                tag("title") { "\(range(bin)): \(Numbers.grouped(bin.count))" }
                Drawing.rectangle(Double(index) * column + 0.5, 28 - height, column - 1, height, "bar")
            }
        }
        let listed = classes.filter { $0.count > 0 }.map { "\(range($0)): \(Numbers.grouped($0.count))" }
        return .joined([
            Drawing.image(
                id,
                width: width,
                height: 30,
                title: "\(name) of \(Numbers.counted(summary.count, "time"))",
                description: listed.joined(separator: "; ") + ".",
                .joined(columns + [Drawing.line(0, 29, width, 29, "axis")])
            ),
            tag("span", ["class": "ends"]) { "\(round(first.from)) to \(last.to == .max ? "more" : round(last.to))" },
        ])
    }

    private static func range(_ bin: DurationClass) -> String {
        bin.to == .max ? "\(round(bin.from)) and more" : "\(round(bin.from)) to \(round(bin.to))"
    }

    private static func round(_ value: Nanoseconds) -> String { Numbers.tick(value, of: value) }
}
