import Foundation
import Model
import Testing

@testable import Reporting

@Suite struct CivilTimeTests {
    @Test(
        "A time stamp is written as RFC 3339 with nanoseconds",
        arguments: [
            (Int64(0), "1970-01-01T00:00:00.000000000Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z"),
            (951_868_799_999_999_999, "2000-02-29T23:59:59.999999999Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000000000Z"),
            (1_795_317_127_120_345_678, "2026-11-22T03:12:07.120345678Z"),
            (.max, "2262-04-11T23:47:16.854775807Z"),
            (.min, "1677-09-21T00:12:43.145224192Z"),
        ]
    )
    func known(nanoseconds: Int64, text: String) {
        #expect(Timestamp(nanoseconds: nanoseconds).rfc3339 == text)
    }

    @Test("Dates over four centuries agree with Foundation's calendar")
    func calendar() {
        let style = Date.ISO8601FormatStyle()
        for day in stride(from: -73_000, through: 73_000, by: 17) {
            let seconds = Int64(day) * 86_400 + 3_723
            let text = Timestamp(seconds: seconds).rfc3339
            let expected = Date(timeIntervalSince1970: Double(seconds)).formatted(style)
            #expect(text.replacingOccurrences(of: ".000000000Z", with: "Z") == expected)
        }
    }
}
