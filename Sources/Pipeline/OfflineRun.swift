import Capture
package import Model

package import struct Capture.CaptureError

/// Savefiles in, one report out.
package enum OfflineRun {
    /// - Parameter paths: files, directories and `-` as on the command line.
    /// - Throws: `CaptureError` where nothing could be read or the filter is wrong; an input that cannot be read beside
    ///   others that can is a warning.
    package static func report(
        on paths: [String],
        _ request: AnalysisRequest,
        control: RunControl = RunControl()
    ) throws(CaptureError) -> Report {
        let input = try CaptureInput(paths: paths, isStopped: control.shouldStop)
        var filters = try FilterSet(request.filter)
        var analysis = Analysis(request)
        var untilNextLook = lookInterval
        while let record = try input.advance() {
            untilNextLook -= 1
            if untilNextLook == 0 {
                untilNextLook = lookInterval
                control.progress(analysis.statistics)
                if control.shouldStop() { break }
            }
            if let limit = request.duration, let first = analysis.statistics.first, record.timestamp - first > limit {
                break
            }
            if !filters.isEmpty {
                let passes = try input.withPacket { (bytes) throws(CaptureError) in
                    try filters.passes(record, bytes)
                }
                if !passes { continue }
            }
            input.withPacket { analysis.process(record, $0) }
            if analysis.reachedPacketLimit { break }
        }
        control.progress(analysis.statistics)
        for warning in input.warnings { control.warn(warning) }
        return analysis.finalReport(sources: input.sources)
    }

    private static let lookInterval = 4_096
}
