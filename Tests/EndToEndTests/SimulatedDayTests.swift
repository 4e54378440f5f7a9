import Capture
import Diagnosis
import Model
import Pipeline
import TestSupport
import Testing

/// A run of a day in packet time, on a ring of 4 MiB.
@Suite struct SimulatedDayTests {
    private static let seconds = 86_400

    @Test("24 hours take no more memory than the first six, and every planted fault is counted once and told once")
    func aDay() throws {
        var request = AnalysisRequest()
        request.largestWhole = 64
        let ring = PacketRing(bytes: 4 << 20)
        var window = LiveWindow()
        window.frameStep = 1 << 10
        let engine = LiveEngine(request, ring: ring, window: window)
        let start = Timestamp(seconds: 1_700_000_000)
        var day = SimulatedDay(start: start)
        var emission = Emission()
        var told = 0
        var number = 0
        var overruns = 0
        var early = LiveFootprint()
        var late = LiveFootprint()
        for second in stride(from: 1, through: Self.seconds, by: 12) {
            let now = start + .seconds(Int64(second))
            var frames = day.ordinary(at: now)
            if second % 60 == 1 { frames += day.kept(at: now + .milliseconds(500)) }
            let isFault = second % 300 == 1
            if isFault { frames += day.fault(at: now + .seconds(1)) }
            for frame in frames {
                number += 1
                if !ring.append(frame.record(number: number), frame.bytes.span.bytes) { overruns += 1 }
            }
            while engine.readStretch() {}
            // As often as a run looks that has nothing new to look at, and twice where there is: a verdict has to stand.
            guard isFault else { continue }
            for moment in [0.0, 1.0] {
                _ = emission.emit(engine.look(horizon: now + .seconds(2)).findings, at: moment) { _, _ in
                    told += 1
                    return true
                }
            }
            if second < 21_600 { early.formMaximum(engine.footprint) } else { late.formMaximum(engine.footprint) }
        }
        let (_, report) = engine.finish()
        #expect(overruns == 0)
        #expect(!engine.isWhole)
        let counts = report.findings.filter { $0.severity > .note }.map {
            "\($0.cause.rawValue) \($0.upstream ?? "-") \($0.severity.rawValue) \($0.count) of \($0.attempts)"
        }
        #expect(
            Set(counts) == [
                "connect-refused \(SimulatedDay.refusing) failure \(day.refused) of \(day.refused)",
                "reset-before-response \(SimulatedDay.resetting) failure \(day.reset) of \(day.reset)",
            ]
        )
        #expect(told == day.refused + day.reset)
        #expect(report.failedRequests == day.refused + day.reset)
        #expect(report.totalRequests == day.requests)
        #expect(report.clientErrors.count + report.clientErrorsLeftOut == day.refused + day.reset)
        let good = report.upstreams.first { $0.endpoint == SimulatedDay.good }
        #expect(good?.exchanges == day.requests - day.refused - day.reset)
        #expect(late.isWithin(early), "\(late) after six hours, \(early) before")
    }
}
