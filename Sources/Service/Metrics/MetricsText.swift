/// Writes the text format of Prometheus, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): for each family HELP, TYPE
/// and its series together, a line each, ended by a line feed.
package struct MetricsText {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package enum Kind: String {
        case counter, gauge, histogram
    }

    package private(set) var text = ""

    package init() {}

    /// - Parameter series: labels and value; none writes nothing, as a family without series says nothing.
    package mutating func family(
        _ name: String,
        _ kind: Kind,
        _ help: String,
        _ series: [(labels: [(String, String)], value: Double)]
    ) {
        guard !series.isEmpty else { return }
        begin(name, kind, help)
        for (labels, value) in series { line(name, labels, Self.number(value)) }
    }

    package mutating func single(_ name: String, _ kind: Kind, _ help: String, _ value: Double?) {
        guard let value else { return }
        family(name, kind, help, [([], value)])
    }

    /// Buckets count each duration once; the format counts it in every bucket that has room for it.
    package mutating func durations(
        _ name: String,
        _ help: String,
        _ series: [(labels: [(String, String)], counts: BucketCounts)]
    ) {
        guard !series.isEmpty else { return }
        begin(name, .histogram, help)
        for (labels, buckets) in series {
            var before = 0
            for (place, count) in buckets.counts.enumerated() {
                before += count
                let bound =
                    place < UpstreamFigures.bounds.count
                    ? Self.number(Double(UpstreamFigures.bounds[place]) / 1e9) : "+Inf"
                line(name + "_bucket", labels + [("le", bound)], String(before))
            }
            line(name + "_sum", labels, Self.number(Double(buckets.total) / 1e9))
            line(name + "_count", labels, String(before))
        }
    }

    private mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    private mutating func line(_ name: String, _ labels: [(String, String)], _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{"
            for (index, label) in labels.enumerated() {
                if index > 0 { text += "," }
                text += "\(label.0)=\"\(Self.escaped(label.1, quotes: true))\""
            }
            text += "}"
        }
        text += " \(value)\n"
    }

    /// A backslash and a line feed are escaped everywhere, a quote inside a label's value.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// As Go's ParseFloat reads it; whole numbers without a point.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return "\(value)"
    }
}
