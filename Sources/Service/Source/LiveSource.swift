package import Capture
import Diagnosis
import Model
import Pipeline

/// The interfaces of this machine.
package struct LiveSource: CaptureSource {
    private let configuration: ServiceConfiguration
    private let clock: @Sendable () -> Double

    package init(_ configuration: ServiceConfiguration, clock: @escaping @Sendable () -> Double) {
        self.configuration = configuration
        self.clock = clock
    }

    package var names: [String] { configuration.capture.interfaces }
    package var isLive: Bool { true }

    package func run(
        _ feed: Feed,
        opened: @escaping () -> Void,
        warn: @escaping (String) -> Void
    ) throws(CaptureError) {
        let capture = configuration.capture
        var request = AnalysisRequest()
        request.filter = capture.filter
        request.maximumMemory = capture.maximumMemory
        request.diagnosis.gateways = capture.gateways
        request.diagnosis.upstreams = capture.upstreams
        var isOpen = false
        let run = LiveRun(
            interfaces: capture.interfaces,
            options: LiveOptions(
                snapLength: capture.snapshotLength,
                isPromiscuous: capture.isPromiscuous,
                bufferMebibytes: max(1, capture.bufferSize >> 20),
                filter: capture.filter
            ),
            savefile: nil,
            request: request,
            control: RunControl(
                needsAttention: { feed.wantsStop },
                shouldStop: { feed.wantsStop },
                progress: { statistics in
                    if !isOpen { opened() }
                    isOpen = true
                    feed.progress(statistics)
                },
                warn: warn
            ),
            clock: clock,
            decided: { occurrence, finding in
                feed.decided(occurrence, finding)
                return true
            }
        )
        feed.report(try run.report())
    }
}
