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
        opened: @escaping () throws(CaptureError) -> Void,
        warn: @escaping (String) -> Void
    ) throws(CaptureError) {
        let capture = configuration.capture
        var request = AnalysisRequest(capture)
        request.filter = Self.filter(capture.filter, without: configuration.http.listen)
        var run = LiveRun(
            interfaces: capture.interfaces,
            options: LiveOptions(
                snapLength: capture.snapshotLength,
                isPromiscuous: capture.isPromiscuous,
                bufferMebibytes: max(1, capture.bufferSize >> 20),
                filter: request.filter
            ),
            savefile: capture.savefile,
            request: request,
            control: feed.control(warn),
            clock: clock,
            decided: { occurrence, finding in
                feed.decided(occurrence, finding)
                return true
            }
        )
        run.control.takesRecording = feed.takesRecording
        run.control.reported = feed.report
        run.recorder = recorder
        run.rotation = Rotation(
            size: capture.savefileSize.map(Int64.init),
            seconds: capture.savefileTime.map { max(1, $0 / .seconds(1)) },
            // With a time alone, a run ends after so many; a service does not.
            count: capture.savefileSize == nil ? nil : capture.savefileCount
        )
        run.control.takesRotation = feed.takesRotation
        run.opened = { () throws(CaptureError) in
            if let user = capture.user { try Privileges.relinquish(to: user) }
            try opened()
        }
        feed.finalReport(try run.report())
    }

    /// The filter asked for, without what is said to the service itself: a failing health check of its own would be a finding.
    static func filter(_ filter: String?, without server: Endpoint?) -> String? {
        guard let server else { return filter }
        let isEverywhere = server.address.low == 0 && server.address.high == 0
        let own = isEverywhere ? "tcp port \(server.port)" : "host \(server.address) and tcp port \(server.port)"
        return filter.map { "(\($0)) and not (\(own))" } ?? "not (\(own))"
    }

    private var recorder: RecorderOptions {
        let settings = configuration.recorder
        var options = RecorderOptions()
        options.directory = settings.directory
        options.before = settings.before
        options.after = settings.after
        options.ringBytes = settings.memory
        options.largestPacket = settings.largestPacket ?? .max
        options.pause = settings.pause
        options.mostPerHour = settings.mostPerHour
        options.logs = settings.logs
        options.logPattern = settings.logPattern
        return options
    }
}
