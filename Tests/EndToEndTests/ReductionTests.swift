import Model
import Pipeline
import Reporting
import Testing

/// Large captures are not dissected whole. What is left out must not be missed: every committed case gives the same findings when all
/// that can be left out is.
@Suite struct ReductionTests {
    @Test("what is left out of a large capture changes no finding", arguments: CommittedCase.all)
    func sameFindings(_ sample: CommittedCase) throws {
        let whole = try sample.report()
        let reduced = try sample.report(threads: 1)
        #expect(Self.lines(reduced) == Self.lines(whole))
        #expect(reduced.failedRequests == whole.failedRequests)
    }

    @Test("one, two and four threads give the same report", arguments: CommittedCase.all.filter { $0.isEveryNth(7) })
    func threads(_ sample: CommittedCase) throws {
        let one = JSONReport.render(try sample.report(threads: 1))
        for threads in [2, 4] { #expect(JSONReport.render(try sample.report(threads: threads)) == one) }
    }

    static func lines(_ report: Report) -> [String] {
        report.findings.filter { $0.severity > .note }.map {
            "\($0.cause.rawValue) \($0.upstream ?? "-") \($0.severity.rawValue) \($0.count) of \($0.attempts)"
        }.sorted()
    }
}

extension CommittedCase {
    /// The report of a run that leaves out all that it may.
    func report(threads: Int) throws -> Report {
        var request = try request()
        request.largestWhole = 0
        request.sampleCount = 0
        request.threads = threads
        return try OfflineRun.report(on: [capture], request)
    }

    func isEveryNth(_ number: Int) -> Bool { name.utf8.reduce(0) { $0 &+ Int($1) } % number == 0 }
}
