import Foundation
import Model
import Pipeline
import Testing

/// A live run and the file that it saved give the same findings.
///
/// `GWSNIFF_LIVE_CASES=clean/` runs only cases whose name contains that.
@Suite struct LiveEngineTests {
    static let cases: [CommittedCase] = {
        guard let part = ProcessInfo.processInfo.environment["GWSNIFF_LIVE_CASES"] else { return CommittedCase.all }
        return CommittedCase.all.filter { $0.name.contains(part) }
    }()

    @Test("what is captured live gives the report that its savefile gives", arguments: cases)
    func whole(_ sample: CommittedCase) throws {
        let offline = try sample.report()
        var replay = Replay()
        let live = try replay.report(on: sample.capture, sample.request())
        #expect(ReductionTests.lines(live) == ReductionTests.lines(offline))
        #expect(live.failedRequests == offline.failedRequests)
        #expect(live.totalRequests == offline.totalRequests)
        #expect(live.clientErrors.count == offline.clientErrors.count)
    }

    @Test("a long live run leaves out what a large file does, and finds the same", arguments: cases)
    func reduced(_ sample: CommittedCase) throws {
        let offline = try sample.report()
        var request = try sample.request()
        request.largestWhole = 0
        request.sampleCount = 0
        var replay = Replay()
        let live = try replay.report(on: sample.capture, request)
        #expect(ReductionTests.lines(live) == ReductionTests.lines(offline))
        #expect(live.failedRequests == offline.failedRequests)
    }

    @Test(
        "a look that goes on while more is read finds what one does for which reading stops, or all",
        arguments: cases
    )
    func aside(_ sample: CommittedCase) throws {
        let offline = try sample.report()
        var request = try sample.request()
        request.largestWhole = 0
        request.sampleCount = 0
        var stopping = Replay()
        stopping.step = 16
        stopping.looksEvery = 1
        // What is over is counted and goes sooner than is good for the last verdicts.
        stopping.window.largestConnectionCount = 1
        var beside = stopping
        beside.lookSteps = 3
        let found = try beside.report(on: sample.capture, request)
        let usual = [offline, try stopping.report(on: sample.capture, request)].map {
            (lines: ReductionTests.lines($0), failed: $0.failedRequests)
        }
        #expect(usual.contains { $0.lines == ReductionTests.lines(found) && $0.failed == found.failedRequests })
    }

    @Test("a run that grows too large to be dissected whole finds the same", arguments: cases)
    func growing(_ sample: CommittedCase) throws {
        let offline = try sample.report()
        var request = try sample.request()
        request.largestWhole = 4
        var replay = Replay()
        let live = try replay.report(on: sample.capture, request)
        #expect(ReductionTests.lines(live) == ReductionTests.lines(offline))
        #expect(live.failedRequests == offline.failedRequests)
    }
}
