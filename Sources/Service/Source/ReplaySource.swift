package import Capture
import Diagnosis
import Model
import Pipeline

/// Savefiles in place of interfaces: to look at an old capture on the page, and for tests.
package struct ReplaySource: CaptureSource {
    private let paths: [String]
    private let configuration: ServiceConfiguration

    package init(_ paths: [String], _ configuration: ServiceConfiguration) {
        self.paths = paths
        self.configuration = configuration
    }

    package var names: [String] { paths }
    package var isLive: Bool { false }

    package func run(
        _ feed: Feed,
        opened: @escaping () throws(CaptureError) -> Void,
        warn: @escaping (String) -> Void
    ) throws(CaptureError) {
        try opened()
        let report = try OfflineRun.report(
            on: paths,
            AnalysisRequest(configuration.capture),
            control: feed.control(warn)
        )
        for finding in report.findings {
            for occurrence in finding.occurrences { feed.decided(occurrence, finding) }
        }
        feed.finalReport(report)
    }
}
