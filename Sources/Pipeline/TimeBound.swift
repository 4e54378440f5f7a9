package import Model

/// A bound on request times as the user gives it: a full time, or a time of day that the capture's first day completes.
package enum TimeBound: Hashable, Sendable {
    case absolute(Timestamp)
    /// Nanoseconds since midnight UTC.
    case timeOfDay(Nanoseconds)

    /// Reads RFC 3339 (`2026-03-01T03:12:07.5Z`, an offset instead of `Z`, a space instead of `T`; without offset: UTC)
    /// or `HH:MM[:SS[.fraction]]`. Nil for anything else.
    package init?(_ text: String) {
        var cursor = Cursor(text)
        if text.utf8.dropFirst(2).first == UInt8(ascii: ":") {
            guard let time = cursor.timeOfDay(), cursor.isAtEnd else { return nil }
            self = .timeOfDay(time)
            return
        }
        guard let day = cursor.date(), cursor.skip(oneOf: "Tt ") != nil, let time = cursor.timeOfDay(),
            let offset = cursor.offset(), cursor.isAtEnd
        else { return nil }
        self = .absolute(Timestamp(seconds: day &* 86_400 &- offset, nanoseconds: 0) + time)
    }

    /// The bound as a moment; a time of day is taken on the UTC day of `first`, the capture's first packet.
    package func resolved(firstPacket first: Timestamp) -> Timestamp {
        switch self {
        case .absolute(let time): return time
        case .timeOfDay(let time):
            let day: Int64 = 86_400_000_000_000
            let remainder = first.nanoseconds % day
            return first - (remainder < 0 ? remainder + day : remainder) + time
        }
    }
}

/// Walks over ASCII text; each step consumes what it recognised or returns nil.
private struct Cursor {
    private var rest: Substring.UTF8View

    init(_ text: String) {
        rest = text[...].utf8
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func skip(oneOf characters: StaticString) -> UInt8? {
        guard let first = rest.first else { return nil }
        let isListed = characters.withUTF8Buffer { $0.contains(first) }
        guard isListed else { return nil }
        rest = rest.dropFirst()
        return first
    }

    /// Exactly `count` digits, at most 9.
    mutating func number(_ count: Int) -> Int64? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        rest = rest.dropFirst(count)
        return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar.
    mutating func date() -> Int64? {
        guard let year = number(4), skip(oneOf: "-") != nil, let month = number(2), skip(oneOf: "-") != nil,
            let day = number(2), (1...12).contains(month)
        else { return nil }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...lengths[Int(month) - 1]).contains(day) else { return nil }
        let before = year - 1
        let sinceYearOne = before * 365 + before / 4 - before / 100 + before / 400
        return sinceYearOne + lengths.prefix(Int(month) - 1).reduce(0, +) + day - 1 - 719_162
    }

    /// Nanoseconds since midnight; second 60 (a leap second, RFC 3339 §5.7) counts as the next second.
    mutating func timeOfDay() -> Nanoseconds? {
        guard let hour = number(2), hour < 24, skip(oneOf: ":") != nil, let minute = number(2), minute < 60 else {
            return nil
        }
        var seconds = hour * 3_600 + minute * 60
        var fraction: Int64 = 0
        if skip(oneOf: ":") != nil {
            guard let second = number(2), second <= 60 else { return nil }
            seconds += second
            if skip(oneOf: ".") != nil {
                var scale: Int64 = 100_000_000
                var digits = 0
                while let digit = number(1) {
                    fraction += digit * scale
                    scale /= 10
                    digits += 1
                }
                guard digits > 0 else { return nil }
            }
        }
        return seconds * 1_000_000_000 + fraction
    }

    /// Seconds east of UTC; absent means UTC.
    mutating func offset() -> Int64? {
        if isAtEnd || skip(oneOf: "Zz") != nil { return 0 }
        guard let sign = skip(oneOf: "+-"), let hours = number(2), hours < 24, skip(oneOf: ":") != nil,
            let minutes = number(2), minutes < 60
        else { return nil }
        return (hours * 3_600 + minutes * 60) * (sign == UInt8(ascii: "-") ? -1 : 1)
    }
}
