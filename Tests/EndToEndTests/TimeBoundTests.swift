import Model
import Pipeline
import Testing

@Suite struct TimeBoundTests {
    @Test(
        "a full time is read with its offset and fraction",
        arguments: [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00.000000001Z", 1),
            ("1969-12-31T23:59:59Z", -1_000_000_000),
            ("2000-02-29T12:00:00Z", 951_825_600_000_000_000),
            ("2026-11-22T03:12:07.5Z", 1_795_317_127_500_000_000),
            ("2026-11-22 03:12:07.5", 1_795_317_127_500_000_000),
            ("2026-11-22t05:12:07.5+02:00", 1_795_317_127_500_000_000),
            ("2026-11-21T22:42:07.5-04:30", 1_795_317_127_500_000_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000_000_000),
        ]
    )
    func absolute(text: String, nanoseconds: Int64) {
        #expect(TimeBound(text) == .absolute(Timestamp(nanoseconds: nanoseconds)))
    }

    @Test(
        "a time of day is completed by the day of the first packet",
        arguments: [
            ("03:12", 1_795_317_120_000_000_000),
            ("00:00:00", 1_795_305_600_000_000_000),
            ("23:59:59.999999999", 1_795_391_999_999_999_999),
        ] as [(String, Int64)]
    )
    func timeOfDay(text: String, nanoseconds: Int64) throws {
        let first = Timestamp(nanoseconds: 1_795_316_400_000_000_000)
        #expect(try #require(TimeBound(text)).resolved(firstPacket: first).nanoseconds == nanoseconds)
    }

    @Test("before 1970 a day begins at midnight, too")
    func beforeTheEpoch() throws {
        let noon = Timestamp(seconds: -43_200)
        #expect(try #require(TimeBound("01:00")).resolved(firstPacket: noon) == Timestamp(seconds: -82_800))
    }

    @Test(
        "what is no time is refused",
        arguments: [
            "", "now", "3:12", "24:00", "12:60", "12:00:61", "12:00:00.", "12:00Z", "2026-02-29T00:00:00Z",
            "2026-11-22",
            "2026-11-22T03:12:07+2", "2026-13-01T00:00:00Z", "2026-11-22T03:12:07Zx", "２０:00",
        ]
    )
    func refused(text: String) {
        #expect(TimeBound(text) == nil)
    }
}
