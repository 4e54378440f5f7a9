import Model

/// How durations and counts read in explanations: short, exact enough, always with a unit.
enum Phrases {
    static func duration(_ value: Nanoseconds) -> String {
        let magnitude = value.magnitude
        switch magnitude {
        case 0..<1_000: return "\(value) ns"
        case 1_000..<1_000_000: return "\(fixed(value, unit: 1_000, digits: magnitude < 10_000 ? 1 : 0)) µs"
        case 1_000_000..<1_000_000_000:
            return
                "\(fixed(value, unit: 1_000_000, digits: magnitude < 10_000_000 ? 2 : magnitude < 100_000_000 ? 1 : 0)) ms"
        default:
            return "\(fixed(value, unit: 1_000_000_000, digits: magnitude < 100_000_000_000 ? 2 : 0)) s"
        }
    }

    /// `value / unit` with so many decimals, rounded half away from zero.
    static func fixed(_ value: Nanoseconds, unit: Nanoseconds, digits: Int) -> String {
        var scale: Int64 = 1
        for _ in 0..<digits { scale *= 10 }
        let wide = Double(value) / Double(unit) * Double(scale)
        let rounded = Int64(wide.rounded())
        guard digits > 0 else { return "\(rounded)" }
        let fraction = String(rounded.magnitude % UInt64(scale))
        let padding = String(repeating: "0", count: max(0, digits - fraction.count))
        return "\(rounded < 0 ? "-" : "")\(rounded.magnitude / UInt64(scale)).\(padding)\(fraction)"
    }

    static func count(_ number: Int, _ noun: String, plural: String? = nil) -> String {
        "\(number) \(number == 1 ? noun : plural ?? noun + "s")"
    }

    static func bytes(_ number: Int64) -> String {
        "\(number) byte\(number == 1 ? "" : "s")"
    }
}
