package import Model

/// A time stamp as year, month, day and time of day, UTC.
///
/// Own arithmetic instead of Foundation's: it keeps nanoseconds and costs nothing at start.
package struct CivilTime: Hashable, Sendable {
    package var year: Int
    /// 1 to 12.
    package var month: Int
    /// 1 to 31.
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int
    package var nanosecond: Int

    /// Days to date after Howard Hinnant, "chrono-compatible low-level date algorithms": years begin on 1 March, so that
    /// the leap day is the last of its year; an era is 400 years, 146,097 days.
    package init(_ time: Timestamp) {
        let perDay: Int64 = 86_400_000_000_000
        var days = time.nanoseconds / perDay
        var rest = time.nanoseconds % perDay
        if rest < 0 {
            rest += perDay
            days -= 1
        }
        // Days since 0000-03-01; the range of a time stamp, 1677 to 2262, keeps this positive.
        let shifted = Int(days) + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let seconds = Int(rest / 1_000_000_000)
        hour = seconds / 3_600
        minute = seconds / 60 % 60
        second = seconds % 60
        nanosecond = Int(rest % 1_000_000_000)
    }

    /// "2026-11-22".
    package var date: String {
        "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }

    /// "03:12:07", or with 1 to 9 digits of the second's fraction, cut, not rounded: "03:12:07.123".
    package func clock(digits: Int = 0) -> String {
        let whole = "\(padded(hour, 2)):\(padded(minute, 2)):\(padded(second, 2))"
        return digits > 0 ? whole + "." + padded(nanosecond, 9).prefix(digits) : whole
    }

    private func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension Timestamp {
    /// RFC 3339 §5.6 in UTC with nanoseconds: "2026-11-22T03:12:07.123456789Z".
    package var rfc3339: String {
        let civil = CivilTime(self)
        return "\(civil.date)T\(civil.clock(digits: 9))Z"
    }
}
