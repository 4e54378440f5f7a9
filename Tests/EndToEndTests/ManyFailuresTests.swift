import Capture
import Model
import Pipeline
import Reporting
import TestSupport
import Testing

/// A file with more failures than are dissected at once.
@Suite struct ManyFailuresTests {
    private static let start = Timestamp(seconds: 1_700_000_000)

    /// A day in which the upstreams fail by turns, with good requests between.
    private static func capture(_ failures: Int, in scratch: Scratch) throws -> (path: String, day: SimulatedDay) {
        var day = SimulatedDay(start: start)
        var image = PcapngImage(application: "test", comment: nil)
        var number = 0
        for step in 1...failures {
            let now = start + .milliseconds(Int64(step) * 900)
            var frames = day.fault(at: now)
            if step % 3 == 0 { frames += day.ordinary(at: now + .milliseconds(850)) }
            if step % 5 == 0 { frames += day.kept(at: now + .milliseconds(870)) }
            for frame in frames {
                number += 1
                image.append(frame.record(number: number), frame.bytes.span.bytes)
            }
        }
        return (try scratch.write(image, to: "many.pcapng"), day)
    }

    private static func report(_ path: String, memory: Int) throws -> Report {
        var request = AnalysisRequest()
        request.largestWhole = 0
        request.sampleCount = 8
        request.maximumMemory = memory
        request.locatesConnections = true
        return try OfflineRun.report(on: [path], request)
    }

    @Test("what is dissected in portions, for want of memory, is counted to the last, and gives the same findings")
    func portions() throws {
        let scratch = try Scratch()
        let (path, day) = try Self.capture(500, in: scratch)
        let whole = try Self.report(path, memory: 512 << 20)
        // Room for 1,706 spans, of which 853 are dissected at once.
        let portions = try Self.report(path, memory: 20 << 20)
        #expect(whole.failedRequests == 500)
        #expect(portions.failedRequests == 500)
        #expect(portions.totalRequests == day.requests)
        #expect(portions.totalRequests == whole.totalRequests)
        #expect(portions.clientErrors.count == 500)
        #expect(portions.notLookedAt == 0)
        #expect(portions.quality.verdict == whole.quality.verdict)
        #expect(JSONReport.render(portions) == JSONReport.render(whole))
        // Where the packets lie of what is named, for evidence.
        let named = portions.findings.flatMap(\.occurrences).compactMap(\.stream)
        #expect(Set(named).isSubset(of: portions.connections.keys))
    }

    @Test("what is too much to be remembered at all is at least so much")
    func tooMany() throws {
        let scratch = try Scratch()
        let (path, day) = try Self.capture(500, in: scratch)
        let report = try Self.report(path, memory: 2 << 20)
        #expect(report.notLookedAt > 0)
        #expect(report.failedRequests + report.notLookedAt == 500)
        #expect(report.totalRequests == day.requests)
        #expect(report.quality.verdict == .fair)
        #expect(Headline.text(report).hasPrefix("At least \(report.failedRequests) of \(day.requests) requests failed"))
    }
}
