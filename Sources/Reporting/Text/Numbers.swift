package import Model

/// Numbers as people read them.
package enum Numbers {
    /// What a person calls a size: bytes, or a number with K, M or G (of 1024). Nil for anything else, 0, and numbers of 2^32 and more.
    package static func size(_ text: String) -> Int? {
        let units: [Character: Int] = ["k": 10, "m": 20, "g": 30]
        let shift = text.lowercased().last.flatMap { units[$0] }
        let digits = shift == nil ? text[...] : text.dropLast()
        guard let number = Int(digits), number > 0, number < 1 << 32 else { return nil }
        return number << (shift ?? 0)
    }

    /// "12,410".
    package static func grouped(_ value: Int64) -> String {
        let digits = String(value.magnitude)
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result += "," }
            result.append(digit)
        }
        return value < 0 ? "-" + result : result
    }

    package static func grouped(_ value: Int) -> String { grouped(Int64(value)) }

    /// "1 request", "12,410 requests"; `plural` where an s does not make it.
    package static func counted(_ count: Int, _ noun: String, _ plural: String? = nil) -> String {
        grouped(count) + " " + (count == 1 ? noun : plural ?? noun + "s")
    }

    /// "0.3 %"; "100 %" and "0 %" only where they are exact.
    package static func share(_ part: Int, of whole: Int) -> String {
        guard whole > 0, part > 0 else { return "0 %" }
        if part >= whole { return "100 %" }
        let perMille = Double(part) / Double(whole) * 1_000
        if perMille < 1 { return "under 0.1 %" }
        let rounded = min(Int(perMille.rounded()), 999)
        return "\(rounded / 10).\(rounded % 10) %"
    }

    /// Milliseconds with three decimals under 10 ms and one above, seconds from 1 s: "0.210 ms", "31.5 ms", "60.00 s".
    package static func duration(_ value: Nanoseconds) -> String {
        let sign = value < 0 ? "-" : ""
        let size = value.magnitude
        switch size {
        case ..<10_000_000: return sign + decimal(size, unit: 1_000_000, digits: 3) + " ms"
        case ..<1_000_000_000: return sign + decimal(size, unit: 1_000_000, digits: 1) + " ms"
        default: return sign + decimal(size, unit: 1_000_000_000, digits: 2) + " s"
        }
    }

    /// Milliseconds since the first row of a ladder: "0.000", "+0.210", "+60003.1".
    package static func offset(_ value: Nanoseconds) -> String {
        let sign = value < 0 ? "-" : value == 0 ? "" : "+"
        return sign + decimal(value.magnitude, unit: 1_000_000, digits: value.magnitude < 10_000_000_000 ? 3 : 1)
    }

    /// A round number on an axis that ends at `whole`: "0", "50 µs", "200 ms", "1.5 s".
    static func tick(_ value: Nanoseconds, of whole: Nanoseconds) -> String {
        guard value > 0 else { return "0" }
        let (unit, name): (UInt64, String) =
            switch whole.magnitude {
            case ..<1_000: (1, "ns")
            case ..<1_000_000: (1_000, "µs")
            case ..<1_000_000_000: (1_000_000, "ms")
            default: (1_000_000_000, "s")
            }
        let size = value.magnitude
        let text = size % unit == 0 ? String(size / unit) : decimal(size, unit: unit, digits: 1)
        return "\(text) \(name)"
    }

    /// "512 bytes", "45.1 MB" (powers of ten).
    package static func bytes(_ value: Int64) -> String {
        let size = value.magnitude
        switch size {
        case ..<10_000: return grouped(value) + (value == 1 ? " byte" : " bytes")
        case ..<1_000_000: return decimal(size, unit: 1_000, digits: 1) + " kB"
        case ..<1_000_000_000: return decimal(size, unit: 1_000_000, digits: 1) + " MB"
        default: return decimal(size, unit: 1_000_000_000, digits: 1) + " GB"
        }
    }

    /// Cut, not rounded, so that a value never passes the limit that it stays below.
    private static func decimal(_ value: UInt64, unit: UInt64, digits: Int) -> String {
        var scale = unit
        for _ in 0..<digits { scale /= 10 }
        let fraction = String((value % unit) / max(scale, 1))
        return String(value / unit) + "." + String(repeating: "0", count: max(0, digits - fraction.count)) + fraction
    }
}
