import Model

/// The unit of a pcapng interface's time stamps (draft-ietf-opsawg-pcapng, if_tsresol): a power of ten or of two of a second.
struct TimestampResolution: Equatable {
    private enum Unit: Equatable {
        /// Ticks are this many nanoseconds.
        case multiple(UInt64)
        /// This many ticks are a nanosecond.
        case fraction(UInt64)
        /// 2 to this power ticks are a second.
        case binary(Int)
    }
    private let unit: Unit

    static let microseconds = TimestampResolution(option: 6)

    /// - Parameter option: the option's byte: the most significant bit chooses the base (0: ten, 1: two), the others are the negative power.
    init(option: UInt8) {
        let exponent = Int(option & 0x7F)
        if option & 0x80 != 0 {
            unit = .binary(exponent)
        } else if exponent <= 9 {
            unit = .multiple(TimestampResolution.powerOfTen(9 - exponent))
        } else if exponent <= 28 {
            unit = .fraction(TimestampResolution.powerOfTen(exponent - 9))
        } else {
            // All 64-bit counts of so fine a unit are less than a nanosecond.
            unit = .multiple(0)
        }
    }

    private static func powerOfTen(_ exponent: Int) -> UInt64 {
        var value: UInt64 = 1
        for _ in 0..<exponent { value &*= 10 }
        return value
    }

    /// - Parameters:
    ///   - ticks: the time stamp as in the file.
    ///   - offset: seconds to add (if_tsoffset).
    func timestamp(ticks: UInt64, offset: Int64) -> Timestamp {
        switch unit {
        case .multiple(let factor):
            let (value, overflow) = ticks.multipliedReportingOverflow(by: factor)
            return Timestamp(seconds: offset, nanoseconds: overflow ? .max : Int64(clamping: value))
        case .fraction(let divisor):
            return Timestamp(seconds: offset, nanoseconds: Int64(clamping: ticks / divisor))
        case .binary(let shift):
            let seconds: Int64 = shift < 64 ? Int64(clamping: ticks >> UInt64(shift)) : 0
            let remainder = shift < 64 ? ticks & ((1 &<< UInt64(shift)) &- 1) : ticks
            let product = remainder.multipliedFullWidth(by: 1_000_000_000)
            let nanoseconds: UInt64
            if shift == 0 {
                nanoseconds = 0
            } else if shift < 64 {
                nanoseconds = (product.high << UInt64(64 - shift)) | (product.low >> UInt64(shift))
            } else {
                nanoseconds = product.high >> UInt64(shift - 64)
            }
            return Timestamp(
                seconds: seconds.addingSaturating(offset),
                nanoseconds: Int64(clamping: nanoseconds)
            )
        }
    }
}
