/// A strict reader of the text format of Prometheus, written after its specification and apart from the writer
/// (prometheus.io/docs/instrumenting/exposition_formats, "Text format details").
struct MetricsSyntax {
    struct Problem: Error, CustomStringConvertible {
        var description: String
    }

    struct Series: Hashable {
        var name: String
        var labels: [String: String]
    }

    /// By series.
    private(set) var values: [Series: Double] = [:]
    /// Family to type.
    private(set) var types: [String: String] = [:]

    private var family: String?
    private var hasHelp = false
    private var finished: Set<String> = []

    init(parsing text: String) throws {
        guard text.isEmpty || text.hasSuffix("\n") else { throw Problem(description: "the last line has no end") }
        guard !text.contains("\r") else { throw Problem(description: "a carriage return") }
        for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
            if line.hasPrefix("# HELP ") {
                try help(line.dropFirst(7))
            } else if line.hasPrefix("# TYPE ") {
                try type(line.dropFirst(7))
            } else if !line.hasPrefix("#") {
                try sample(line)
            }
        }
        try checkHistograms()
    }

    func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        values[Series(name: name, labels: labels)]
    }

    private mutating func begin(_ name: String) throws {
        guard name != family else { return }
        if let family { finished.insert(family) }
        guard !finished.contains(name) else { throw Problem(description: "the lines of \(name) do not stand together") }
        family = name
        hasHelp = false
    }

    private mutating func help(_ rest: Substring) throws {
        let parts = rest.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, Self.isName(parts[0], colons: true) else { throw Problem(description: "HELP \(rest)") }
        guard String(parts[0]) != family else { throw Problem(description: "a second HELP for \(parts[0])") }
        try begin(String(parts[0]))
        hasHelp = true
    }

    private mutating func type(_ rest: Substring) throws {
        let parts = rest.split(separator: " ").map(String.init)
        guard parts.count == 2, ["counter", "gauge", "histogram", "summary", "untyped"].contains(parts[1]) else {
            throw Problem(description: "TYPE \(rest)")
        }
        try begin(parts[0])
        guard types[parts[0]] == nil, hasHelp else {
            throw Problem(description: "TYPE of \(parts[0]) without HELP, or twice")
        }
        types[parts[0]] = parts[1]
        // prometheus.io/docs/practices/naming.
        guard (parts[1] == "counter") == parts[0].hasSuffix("_total") else {
            throw Problem(description: "\(parts[0]) is a \(parts[1])")
        }
    }

    private mutating func sample(_ line: Substring) throws {
        let name = line.prefix { $0 != "{" && $0 != " " }
        guard Self.isName(name, colons: true) else { throw Problem(description: "a name in \(line)") }
        var rest = line.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" { try label(&rest, &labels, line) }
            rest = rest.dropFirst()
        }
        guard rest.first == " " else { throw Problem(description: "no value in \(line)") }
        let text = rest.dropFirst()
        guard !text.contains(" "), let value = Self.number(text) else {
            throw Problem(description: "a value in \(line)")
        }
        let series = Series(name: String(name), labels: labels)
        guard values[series] == nil else { throw Problem(description: "\(line) is there twice") }
        let owner = Self.family(of: String(name), types)
        guard owner == family, types[owner] != nil else { throw Problem(description: "\(line) has no TYPE above it") }
        if types[owner] != "gauge", value < 0 { throw Problem(description: "\(line) counts below 0") }
        values[series] = value
    }

    private func label(_ rest: inout Substring, _ labels: inout [String: String], _ line: Substring) throws {
        let name = rest.prefix { $0 != "=" }
        guard Self.isName(name, colons: false), labels[String(name)] == nil else {
            throw Problem(description: "a label in \(line)")
        }
        rest = rest.dropFirst(name.count)
        guard rest.hasPrefix("=\"") else { throw Problem(description: "a label's value in \(line)") }
        rest = rest.dropFirst(2)
        var value = ""
        while let character = rest.popFirst(), character != "\"" {
            guard character == "\\" else {
                value.append(character)
                continue
            }
            switch rest.popFirst() {
            case "n": value.append("\n")
            case "\\": value.append("\\")
            case "\"": value.append("\"")
            default: throw Problem(description: "an escape in \(line)")
            }
        }
        labels[String(name)] = value
        if rest.first == "," {
            rest = rest.dropFirst()
        } else if rest.first != "}" {
            throw Problem(description: "the labels of \(line)")
        }
    }

    /// Buckets ascend and end with +Inf, which is the count; sum and count are there.
    private func checkHistograms() throws {
        for (name, type) in types where type == "histogram" {
            var buckets: [[String: String]: [(Double, Double)]] = [:]
            for (series, value) in values where series.name == name + "_bucket" {
                guard let bound = series.labels["le"].flatMap({ Self.number($0[...]) }) else {
                    throw Problem(description: "a bucket of \(name) without le")
                }
                buckets[series.labels.filter { $0.key != "le" }, default: []].append((bound, value))
            }
            for (labels, found) in buckets {
                let sorted = found.sorted { $0.0 < $1.0 }
                guard sorted.last?.0 == .infinity else { throw Problem(description: "\(name) has no +Inf") }
                guard zip(sorted, sorted.dropFirst()).allSatisfy({ $0.1 <= $1.1 }) else {
                    throw Problem(description: "the buckets of \(name) are not cumulative")
                }
                guard let count = value(name + "_count", labels), count == sorted.last?.1,
                    value(name + "_sum", labels) != nil
                else { throw Problem(description: "sum and count of \(name)") }
            }
        }
    }

    private static func family(of name: String, _ types: [String: String]) -> String {
        for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) {
            let base = String(name.dropLast(suffix.count))
            if types[base] == "histogram" { return base }
        }
        return name
    }

    private static func isName(_ text: some StringProtocol, colons: Bool) -> Bool {
        guard let first = text.unicodeScalars.first, !("0"..."9").contains(first) else { return false }
        return text.unicodeScalars.allSatisfy {
            ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0) || $0 == "_"
                || (colons && $0 == ":")
        }
    }

    private static func number(_ text: Substring) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default: Double(text)
        }
    }
}
