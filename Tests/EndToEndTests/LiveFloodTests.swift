import Capture
import Diagnosis
import Model
import Pipeline
import TestSupport
import Testing

/// More failures than there is room for: they are counted all the same, and do not hide others.
@Suite struct LiveFloodTests {
    private static let start = Timestamp(seconds: 1_700_000_000)

    private struct Flood {
        var engine: LiveEngine
        var ring = PacketRing(bytes: 32 << 20)
        var emission = Emission()
        var told: [String: Int] = [:]
        var number = 0

        init(spans: Int) {
            var request = AnalysisRequest()
            request.largestWhole = 0
            request.sampleCount = 8
            var window = LiveWindow()
            window.largestSpanCount = spans
            engine = LiveEngine(request, ring: ring, window: window)
        }

        mutating func append(_ frames: [SimulatedDay.Frame]) {
            for frame in frames {
                number += 1
                let record = PacketRecord(
                    number: number,
                    timestamp: frame.time,
                    capturedLength: frame.bytes.count,
                    wireLength: frame.bytes.count,
                    interface: 0,
                    linkType: .ethernet,
                    source: 0
                )
                let isTaken = ring.append(record, frame.bytes.span.bytes)
                #expect(isTaken)
            }
            while engine.readStretch() {}
        }

        mutating func look() {
            guard let last = engine.statistics.last else { return }
            let findings = engine.look(horizon: last).findings
            for moment in [0.0, 1.0] {
                _ = emission.emit(findings, at: moment) { _, finding in
                    told[finding.cause.rawValue, default: 0] += 1
                    return true
                }
            }
        }
    }

    private static func lines(_ report: Report) -> Set<String> {
        Set(report.findings.filter { $0.severity > .note }.map { "\($0.cause.rawValue) \($0.upstream ?? "-") \($0.count)" })
    }

    @Test("a flood of one upstream's failures, twenty times the room, is counted to the last, and another's single failure is found and told")
    func steady() {
        var flood = Flood(spans: 256)
        var day = SimulatedDay(start: Self.start)
        flood.append(day.ordinary(at: Self.start))
        for number in 1...2_560 {
            // Twenty-five a second.
            let now = Self.start + .milliseconds(Int64(number) * 40)
            flood.append(day.fault(at: now, isRefused: true))
            if number % 6 == 0 { flood.look() }
        }
        flood.append(day.fault(at: Self.start + .milliseconds(102_500), isRefused: false))
        flood.look()
        let (_, report) = flood.engine.finish()
        #expect(
            Self.lines(report) == [
                "connect-refused \(SimulatedDay.refusing) 2560", "reset-before-response \(SimulatedDay.resetting) 1",
            ]
        )
        #expect(report.failedRequests == 2_561)
        #expect(report.totalRequests == 2_562)
        #expect(report.notLookedAt == 0)
        #expect(flood.told["reset-before-response"] == 1)
        #expect(report.quality.verdict == .good)
    }

    @Test("a flood that is too fast to be counted is at least what it is said to be, which the report says, and hides no other failure")
    func sudden() {
        var flood = Flood(spans: 256)
        var day = SimulatedDay(start: Self.start)
        flood.append(day.ordinary(at: Self.start))
        var frames: [SimulatedDay.Frame] = []
        for number in 1...600 {
            frames += day.fault(at: Self.start + .milliseconds(20) + Int64(number) * 200_000, isRefused: true)
        }
        frames += day.fault(at: Self.start + .milliseconds(145), isRefused: false)
        for number in 601...700 {
            frames += day.fault(at: Self.start + .milliseconds(20) + Int64(number) * 200_000, isRefused: true)
        }
        flood.append(frames.sorted { $0.time < $1.time })
        flood.look()
        let (_, report) = flood.engine.finish()
        let lines = Self.lines(report)
        #expect(lines.contains("reset-before-response \(SimulatedDay.resetting) 1"))
        // Nothing is said of what was not looked at but that it was not.
        let causes = Set(report.findings.filter { $0.severity > .note }.map(\.cause))
        #expect(causes.isSubset(of: [.connectRefused, .resetBeforeResponse, .undetermined]))
        #expect(report.failedRequests >= 80)
        #expect(report.notLookedAt > 0)
        #expect(report.failedRequests + report.notLookedAt == 701)
        #expect(report.totalRequests == 702)
        #expect(report.quality.verdict == .fair)
        #expect(report.quality.notes.contains { $0.contains("at least") })
    }
}
