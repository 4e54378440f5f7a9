package import Capture
import Diagnosis
import Pipeline

/// Where packets come from.
package protocol CaptureSource: Sendable {
    /// For people: interfaces, or files.
    var names: [String] { get }
    /// The wall clock is the clock of what it shows; else packet time is.
    var isLive: Bool { get }

    /// Captures and tells the feed, until there is nothing more or the feed wants it to stop.
    /// - Parameter opened: called once, when packets can come and privileges are gone, and before any thread is started.
    func run(
        _ feed: Feed,
        opened: @escaping () throws(CaptureError) -> Void,
        warn: @escaping (String) -> Void
    ) throws(CaptureError)
}

extension AnalysisRequest {
    init(_ capture: CaptureSettings) {
        self.init()
        filter = capture.filter
        maximumMemory = capture.maximumMemory
        diagnosis.gateways = capture.gateways
        diagnosis.upstreams = capture.upstreams
    }
}

extension Feed {
    /// Told of a run's progress, and ends it.
    func control(_ warn: @escaping (String) -> Void) -> RunControl {
        RunControl(
            needsAttention: { self.wantsStop },
            shouldStop: { self.wantsStop },
            progress: progress,
            warn: warn
        )
    }
}
