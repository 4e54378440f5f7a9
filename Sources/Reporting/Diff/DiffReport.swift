import Model

/// A comparison as text and as JSON, schema gwsniff.diff/1 under docs/schema/.
package enum DiffReport {
    package static let schema = "gwsniff.diff/1"

    // MARK: Text

    package static func text(_ diff: ReportDiff, options: TextOptions = TextOptions()) -> String {
        var text = Layout.wrap(headline(diff), width: options.columns)
            .map { options.ink($0, ink(diff.whole.change, diff.whole.isCertain)) + "\n" }.joined()
        for warning in warnings(diff) {
            text += Layout.wrap(warning, width: options.columns).map { $0 + "\n" }.joined()
        }
        if diff.causes.isEmpty {
            text += "\nNo finding in either report.\n"
        }
        for (isNearMiss, title) in [(false, "Failures"), (true, "Near misses, by attempts")] {
            let causes = diff.causes.filter { $0.isNearMiss == isNearMiss }
            guard !causes.isEmpty else { continue }
            text += "\n" + options.ink(title, .bold) + "\n"
            let rows = causes.map { cause -> [String] in
                [
                    word(cause.change, cause.isCertain), SafeText.terminal(cause.cause, limit: 48),
                    SafeText.terminal(cause.upstream ?? "-", limit: 64),
                    amount(cause.before) + " -> " + amount(cause.after),
                ]
            }
            text += table(
                [["", "cause", "upstream", "before -> after"]] + rows,
                options,
                causes.map { ($0.change, $0.isCertain) }
            )
        }
        if !diff.upstreams.isEmpty { text += upstreams(diff, options) }
        return text
    }

    static func headline(_ diff: ReportDiff) -> String {
        func part(_ file: ReportFile, _ when: String) -> String {
            guard let failed = file.failed, let total = file.requests else { return "an unknown number failed \(when)" }
            return "\(Numbers.grouped(failed)) of \(Numbers.counted(total, "request")) failed \(when) "
                + "(\(Numbers.share(failed, of: total)))"
        }
        return
            "\(part(diff.before, "before")), \(part(diff.after, "after")): \(word(diff.whole.change, diff.whole.isCertain))."
            .capitalizedFirst
    }

    /// What makes a comparison worth less than it looks.
    static func warnings(_ diff: ReportDiff) -> [String] {
        var result: [String] = []
        for (file, when) in [(diff.before, "before"), (diff.after, "after")] {
            if file.quality == "poor" {
                result.append("The capture \(when) was poor: see its report for what it lacks.")
            }
            if file.requests == 0 {
                result.append("The capture \(when) has no requests: what is gone or new says nothing.")
            }
            if file.requests == nil {
                result.append("The report \(when) does not count requests: counts are compared, not rates.")
            }
        }
        // RFC 3339 in UTC sorts as text.
        if let end = diff.before.lastPacket, let start = diff.after.firstPacket, start < end {
            result.append("The capture after does not begin behind the end of the one before.")
        }
        return result
    }

    private static func upstreams(_ diff: ReportDiff, _ options: TextOptions) -> String {
        func pair(_ values: (String?, String?)) -> String { "\(values.0 ?? "-") -> \(values.1 ?? "-")" }
        let rows = diff.upstreams.map { upstream -> [String] in
            let (old, new) = (upstream.before, upstream.after)
            return [
                word(upstream.change, upstream.isCertain),
                SafeText.terminal(upstream.endpoint, limit: 64),
                pair((old?.failures.map(Numbers.grouped), new?.failures.map(Numbers.grouped))),
                pair((old.map { Numbers.grouped($0.exchanges) }, new.map { Numbers.grouped($0.exchanges) })),
                pair(
                    (
                        old?.firstByte.map { Numbers.duration($0.median) },
                        new?.firstByte.map { Numbers.duration($0.median) }
                    )
                )
                    + (upstream.speed == .worse ? ", slower" : upstream.speed == .better ? ", faster" : ""),
            ]
        }
        return "\n" + options.ink("Upstreams", .bold) + "\n"
            + table(
                [["", "upstream", "failed", "exchanges", "first byte p50"]] + rows,
                options,
                diff.upstreams.map { ($0.change, $0.isCertain) }
            )
    }

    /// The first row is the heading.
    private static func table(_ rows: [[String]], _ options: TextOptions, _ changes: [(ReportDiff.Change, Bool)])
        -> String
    {
        let widths = (0..<(rows.first?.count ?? 0)).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.enumerated().map { index, row in
            var cells = row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : Layout.pad(cell, widths[column])
            }
            if index > 0 { cells[0] = options.ink(cells[0], ink(changes[index - 1].0, changes[index - 1].1)) }
            return "  " + cells.joined(separator: "  ") + "\n"
        }.joined()
    }

    static func word(_ change: ReportDiff.Change, _ isCertain: Bool) -> String {
        switch change {
        case .new: "new"
        case .gone: isCertain ? "gone" : "gone?"
        case .same: "same"
        case .worse, .better: isCertain ? change.rawValue : "about the same"
        }
    }

    private static func ink(_ change: ReportDiff.Change, _ isCertain: Bool) -> Ink {
        switch change {
        case .new: .red
        case .worse: isCertain ? .red : .dim
        case .better, .gone: isCertain ? .green : .dim
        case .same: .dim
        }
    }

    private static func amount(_ amount: ReportDiff.Amount) -> String {
        guard let total = amount.total, total > 0 else { return Numbers.grouped(amount.count) }
        return "\(Numbers.grouped(amount.count)) (\(Numbers.share(amount.count, of: total)))"
    }

    // MARK: JSON

    package static func json(_ diff: ReportDiff) -> String {
        JSONValue.object([
            .init("schema", .string(schema)),
            .init("tool", .object([.init("name", .string("gwsniff")), .init("version", .string(gwsniffVersion))])),
            .init("before", file(diff.before)),
            .init("after", file(diff.after)),
            .init("change", .string(diff.whole.change.rawValue)),
            .init("certain", .bool(diff.whole.isCertain)),
            .init("worse", .bool(diff.isWorse)),
            .init("warnings", .strings(warnings(diff))),
            .init("causes", .array(diff.causes.map(cause))),
            .init("upstreams", .array(diff.upstreams.map(upstream))),
        ]).pretty + "\n"
    }

    private static func file(_ file: ReportFile) -> JSONValue {
        .object([
            .init("name", .string(file.name)),
            .init("version", .optional(file.version)),
            .init("requests", .optional(file.requests)),
            .init("failed", .optional(file.failed)),
            .init("firstPacket", .optional(file.firstPacket)),
            .init("lastPacket", .optional(file.lastPacket)),
            .init("quality", .optional(file.quality)),
        ])
    }

    private static func cause(_ cause: ReportDiff.Cause) -> JSONValue {
        .object([
            .init("cause", .string(cause.cause)),
            .init("upstream", .optional(cause.upstream)),
            .init("severity", .string(cause.isNearMiss ? "nearMiss" : "failure")),
            .init("title", .optional(cause.title)),
            .init("blame", .optional(cause.blame)),
            .init("change", .string(cause.change.rawValue)),
            .init("certain", .bool(cause.isCertain)),
            .init("before", .count(cause.before.count)),
            .init("after", .count(cause.after.count)),
            .init("beforePerMillion", perMillion(cause.before)),
            .init("afterPerMillion", perMillion(cause.after)),
        ])
    }

    /// Of requests; an integer, for a rate as a fraction would be rounded by whoever reads it.
    private static func perMillion(_ amount: ReportDiff.Amount) -> JSONValue {
        guard let total = amount.total, total > 0 else { return .null }
        return .integer(Int64((Double(amount.count) / Double(total) * 1e6).rounded()))
    }

    private static func upstream(_ upstream: ReportDiff.Upstream) -> JSONValue {
        .object([
            .init("endpoint", .string(upstream.endpoint)),
            .init("change", .string(upstream.change.rawValue)),
            .init("certain", .bool(upstream.isCertain)),
            .init("speed", .optional(upstream.speed?.rawValue)),
            .init("before", figures(upstream.before)),
            .init("after", figures(upstream.after)),
        ])
    }

    private static func figures(_ upstream: ReportFile.Upstream?) -> JSONValue {
        guard let upstream else { return .null }
        func times(_ times: ReportFile.Times?) -> JSONValue {
            guard let times else { return .null }
            return .object([.init("medianNs", .integer(times.median)), .init("p99Ns", .integer(times.ninetyNinth))])
        }
        return .object([
            .init("exchanges", .count(upstream.exchanges)),
            .init("failures", .optional(upstream.failures)),
            .init("connectTime", times(upstream.connect)),
            .init("firstByteTime", times(upstream.firstByte)),
            .init("resets", .optional(upstream.resets)),
            .init("retransmissions", .optional(upstream.retransmissions)),
        ])
    }
}
