import Diagnosis
import Foundation
import Model
import Pipeline
import Reporting
import TestSupport
import Testing

/// Real gateways, real faults: the captures under captures/ against the gateway's own log.
@Suite struct CommittedCapturesTests {
    @Test(
        "every committed capture gives the causes, counts and errors that the gateway's log shows",
        arguments: CommittedCase.all
    )
    func givesTheExpectedFindings(_ sample: CommittedCase) throws {
        let report = try sample.report()
        let differences = Comparison.differences(report, sample.expected)
        #expect(differences.isEmpty, "\(sample.name):\n  \(differences.joined(separator: "\n  "))")
    }

    @Test(
        "what was sent again is of the class that the kernels of both ends counted, and lost where it was dropped",
        arguments: CommittedCase.all.filter { $0.expected.retransmissions != nil }
    )
    func givesTheKernelsClasses(_ sample: CommittedCase) throws {
        let wanted = try #require(sample.expected.retransmissions)
        let upstream = try #require(sample.report().upstreams.first { $0.endpoint.description == wanted.upstream })
        let counts = upstream.repetitions
        #expect(counts[.timeout] == wanted.timeout)
        #expect(counts[.fast] == wanted.fast)
        #expect(counts[.tailLossProbe] == wanted.tailLossProbe)
        #expect(counts[.spurious] == wanted.spurious)
        #expect(counts[.unclear] == 0)
        #expect(counts[.outOfOrder] == wanted.outOfOrder)
        #expect(counts[.beforeCapture] == wanted.beforeCapture)
        #expect(counts[.afterCapture] == wanted.afterCapture)
        #expect(counts[.inCapture] == 0)
        #expect(upstream.retransmissions == wanted.timeout + wanted.fast + wanted.tailLossProbe + wanted.spurious)
    }

    @Test("there are captures whose retransmissions the kernels counted")
    func someTellOfRepairs() {
        #expect(CommittedCase.all.count { $0.expected.retransmissions != nil } >= 2)
    }

    @Test("there are at least 40 committed failures and 10 clean captures")
    func areManyEnough() {
        let clean = CommittedCase.all.count { $0.expected.findings.isEmpty }
        #expect(clean >= 10)
        #expect(CommittedCase.all.count - clean >= 40)
    }

    @Test("at most 5 % of the failed requests stay undetermined")
    func areDetermined() throws {
        var failed = 0
        var undetermined = 0
        for sample in CommittedCase.all {
            let report = try sample.report()
            let causes = report.findings.filter { $0.severity == .failure }
            failed += max(report.failedRequests, causes.reduce(0) { $0 + $1.count })
            // One request may show in both.
            undetermined += max(
                causes.filter { $0.cause == .undetermined }.reduce(0) { $0 + $1.count },
                report.clientErrors.count { $0.findings.isEmpty }
            )
        }
        print("undetermined: \(undetermined) of \(failed) failed requests")
        #expect(failed > 0)
        #expect(undetermined * 20 <= failed)
    }

    @Test("every finding above a note lists the packets that show it", arguments: CommittedCase.all)
    func givesEvidence(_ sample: CommittedCase) throws {
        for finding in try sample.report().findings where finding.severity > .note {
            #expect(!finding.occurrences.isEmpty)
            for occurrence in finding.occurrences {
                #expect(!occurrence.frames.isEmpty, "\(Comparison.describe(finding))")
                #expect(!occurrence.explanation.isEmpty)
            }
            #expect(!finding.displayFilter.isEmpty)
        }
    }
}

/// The report on a real capture is what docs/schema promises.
@Suite struct ReportSchemaTests {
    @Test("the JSON report on every committed capture is valid by the published schema", arguments: CommittedCase.all)
    func isValid(_ sample: CommittedCase) throws {
        let path = PackageRoot.path + "/docs/schema/gwsniff.report-1.schema.json"
        let schema = JSONSchema(try JSONTree(parsing: String(contentsOfFile: path, encoding: .utf8)))
        let violations = schema.violations(in: try JSONTree(parsing: JSONReport.render(try sample.report())))
        #expect(violations.isEmpty, "\(sample.name): \(violations)")
    }

    @Test("every cause that gwsniff diagnoses has a committed capture", arguments: CauseGuides.all.map(\.cause))
    func hasCapture(_ cause: Cause) {
        // What nothing decides cannot be planned.
        guard cause != .undetermined else { return }
        #expect(CommittedCase.all.contains { $0.name.hasPrefix(cause.rawValue + "/") })
    }
}
