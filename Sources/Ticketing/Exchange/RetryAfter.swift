#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How long the other side asks to wait.
enum RetryAfter {
    /// Seconds; no date of HTTP is farther away. Any number may come, and more than an Int takes is none to calculate with.
    private static let longest: Int64 = 253_402_300_799

    /// `Retry-After` (RFC 9110 §10.2.3), seconds or a date; else `x-ratelimit-reset`, seconds since 1970 (GitHub, GitLab as
    /// `RateLimit-Reset`). Nil where it says nothing that can be read.
    static func seconds(_ answer: Answer, now: Int64 = Int64(time(nil))) -> Double? {
        if let text = answer.header("retry-after") {
            if let seconds = Int64(text), seconds >= 0 { return Double(min(seconds, longest)) }
            if let date = HTTPDate.seconds(text) { return Double(max(0, date - now)) }
            return nil
        }
        guard let text = answer.header("x-ratelimit-reset") ?? answer.header("ratelimit-reset"),
            let date = Int64(text), date > 0
        else { return nil }
        return Double(min(max(0, date - now), longest))
    }
}

/// IMF-fixdate (RFC 9110 §5.6.7), the one form of three that is still sent: "Sun, 06 Nov 1994 08:49:37 GMT".
enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Since 1970.
    static func seconds(_ text: String) -> Int64? {
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 6, words[5] == "GMT", let day = Int64(words[1]), let year = Int64(words[3]),
            let month = months.firstIndex(of: words[2]), (1...31).contains(day), (1970...9999).contains(year)
        else { return nil }
        let clock = words[4].split(separator: ":").map { Int64($0) ?? -1 }
        guard clock.count == 3, (0..<24).contains(clock[0]), (0..<60).contains(clock[1]), (0...60).contains(clock[2])
        else { return nil }
        // Civil to days: Howard Hinnant, chrono-compatible low-level date algorithms.
        let monthNumber = Int64(month) + 1
        let shifted = monthNumber <= 2 ? year - 1 : year
        let era = shifted / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (monthNumber + (monthNumber > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        return days * 86_400 + clock[0] * 3_600 + clock[1] * 60 + clock[2]
    }
}
