package import Capture
import Diagnosis
package import Model

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Interfaces in, occurrences as they are decided, one report at the end.
///
/// One thread takes the packets from the kernel; the caller's sieves them, diagnoses and tells. The file written alongside gives the same
/// findings.
package struct LiveRun {
    package var interfaces: [String]
    package var options: LiveOptions
    package var recorder = RecorderOptions()
    /// Where every captured packet is kept; nil for nowhere.
    package var savefile: String?
    package var rotation = Rotation()
    /// Called when the interfaces are open and before the first packet is looked at: what needs privileges is done.
    package var opened: () throws(CaptureError) -> Void = {}
    package var request: AnalysisRequest
    package var control: RunControl
    /// Seconds of a clock that only goes forward: `duration`, and how often to diagnose. Never part of a verdict.
    package var clock: () -> Double
    /// An occurrence that nothing can change any more, once each; of a finding with more than 21, the newest a second.
    /// False where nobody listens any more: the run ends.
    package var decided: (Occurrence, Finding) -> Bool

    package init(
        interfaces: [String],
        options: LiveOptions,
        savefile: String?,
        request: AnalysisRequest,
        control: RunControl,
        clock: @escaping () -> Double,
        decided: @escaping (Occurrence, Finding) -> Bool
    ) {
        self.interfaces = interfaces
        self.options = options
        self.savefile = savefile
        self.request = request
        self.control = control
        self.clock = clock
        self.decided = decided
    }

    package func report() throws(CaptureError) -> Report {
        CaptureLibrary.returnLargeBlocks()
        let ring = PacketRing(bytes: recorder.ringBytes)
        let capture = try LiveCapture(interfaces: interfaces, options: options)
        // Opened while there is the right to.
        let logs = recorder.logs.isEmpty ? nil : try LogWatch(recorder.logs, pattern: recorder.logPattern)
        try opened()
        if let directory = recorder.directory { try PrivateDirectory.prepare(directory) }
        var desk = LiveDesk(
            engine: LiveEngine(request, ring: ring),
            writer: try savefile.map { path throws(CaptureError) in
                try SavefileWriter(
                    path: path,
                    rotation: rotation,
                    application: "gwsniff \(gwsniffVersion)",
                    interfaces: capture.descriptions,
                    startsAt: Self.wallClock()
                )
            },
            recorder: recorder.directory == nil
                ? nil : Recorder(recorder, ring: ring, interfaces: capture.descriptions),
            logs: logs,
            thread: CaptureThread(capture, ring, limit: request.packetLimit),
            run: self
        )
        try desk.work()
        return try desk.finish()
    }

    static func wallClock() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: Int64(time.tv_sec), nanoseconds: Int64(time.tv_nsec))
    }
}
