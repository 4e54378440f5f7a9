import Model
import Reporting

/// The history as a list: a line a finding for people, an object a finding for programs.
package enum HistoryListing {
    package static let schema = "gwsniff.history/1"

    package static func text(_ entries: [HistoryEntry]) -> String {
        guard !entries.isEmpty else { return "nothing found\n" }
        var rows = [["ID", "LAST (UTC)", "SEVERITY", "COUNT", "CAUSE", "UPSTREAM"]]
        for entry in entries {
            let last = CivilTime(entry.finding.last)
            rows.append([
                String(entry.id), "\(last.date) \(last.clock())", entry.finding.severity.rawValue,
                Numbers.grouped(entry.weight), entry.finding.cause.rawValue,
                SafeText.terminal(entry.finding.upstream ?? entry.finding.upstreamName ?? "-", limit: 60),
            ])
        }
        return lines(rows, rightAligned: [0, 3])
    }

    package static func json(_ entries: [HistoryEntry]) -> String {
        let findings = entries.map { entry in
            JSONValue.object([
                .init("id", .integer(entry.id)), .init("count", .count(entry.weight)),
                .init("finding", JSONReport.finding(entry.finding)),
            ])
        }
        return JSONValue.object([.init("schema", .string(schema)), .init("findings", .array(findings))]).pretty + "\n"
    }

    package static func text(_ minutes: [HistoryReader.UpstreamMinute]) -> String {
        guard !minutes.isEmpty else { return "nothing found\n" }
        var rows = [
            [
                "MINUTE (UTC)", "UPSTREAM", "CONNS", "EXCHANGES", "FAILED", "RESETS", "RESENT", "CONNECT P99",
                "FIRST BYTE P99",
            ]
        ]
        for entry in minutes {
            let civil = CivilTime(Minutes.start(of: entry.minute))
            let figures = entry.figures
            rows.append([
                "\(civil.date) \(civil.clock().prefix(5))", SafeText.terminal(entry.upstream, limit: 60),
                Numbers.grouped(figures.connections), Numbers.grouped(figures.exchanges),
                Numbers.grouped(figures.failures), Numbers.grouped(figures.resets),
                Numbers.grouped(figures.retransmissions), time(figures.connectTimes), time(figures.firstByteTimes),
            ])
        }
        return lines(rows, rightAligned: [2, 3, 4, 5, 6, 7, 8])
    }

    package static func json(_ minutes: [HistoryReader.UpstreamMinute]) -> String {
        let rows = minutes.map { entry in
            JSONValue.object([
                .init("minute", .string(Minutes.start(of: entry.minute).rfc3339)),
                .init("upstream", .string(entry.upstream)),
                .init("connections", .count(entry.figures.connections)),
                .init("exchanges", .count(entry.figures.exchanges)),
                .init("failures", .count(entry.figures.failures)),
                .init("resets", .count(entry.figures.resets)),
                .init("retransmissions", .count(entry.figures.retransmissions)),
                .init("connectP99Ns", entry.figures.connectTimes.quantile(0.99).map { .integer($0) } ?? .null),
                .init("firstByteP99Ns", entry.figures.firstByteTimes.quantile(0.99).map { .integer($0) } ?? .null),
            ])
        }
        return JSONValue.object([.init("schema", .string(schema)), .init("upstreamMinutes", .array(rows))]).pretty
            + "\n"
    }

    private static func time(_ counts: BucketCounts) -> String {
        counts.quantile(0.99).map { Numbers.duration($0) } ?? "-"
    }

    private static func lines(_ rows: [[String]], rightAligned: Set<Int>) -> String {
        let widths = (rows.first ?? []).indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return rightAligned.contains(column) ? space + cell : cell + space
            }
            let line = cells.joined(separator: "  ")
            return line.prefix(line.count - line.reversed().prefix { $0 == " " }.count) + "\n"
        }.joined()
    }
}
