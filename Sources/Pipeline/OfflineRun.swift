package import Capture
package import Model

/// Savefiles in, one report out.
package enum OfflineRun {
    /// Packets between two looks at the control: rare enough to cost nothing, often enough to stop within milliseconds.
    private static let lookInterval = 4_096

    /// - Parameter paths: files, directories and `-` as on the command line.
    /// - Throws: where nothing could be read or the filter is wrong; an input that cannot be read beside others that can
    ///   is a warning.
    package static func report(
        on paths: [String],
        _ request: AnalysisRequest,
        control: RunControl = RunControl()
    ) throws(CaptureError) -> Report {
        let input = try CaptureInput(paths: paths, filter: request.filter, isStopped: control.shouldStop)
        var analysis = Analysis(request)
        var untilNextLook = lookInterval
        while let record = try input.advance() {
            untilNextLook &-= 1
            if untilNextLook == 0 || control.needsAttention() {
                untilNextLook = lookInterval
                analysis.readBytes(input.bytesRead, of: input.totalBytes)
                control.progress(analysis.statistics)
                if control.shouldStop() { break }
            }
            if let limit = request.duration, let first = analysis.statistics.first, record.timestamp - first > limit {
                break
            }
            input.withPacket { bytes in analysis.process(record, bytes) }
            if analysis.reachedPacketLimit { break }
        }
        control.progress(analysis.statistics)
        for warning in input.warnings { control.warn(warning.message) }
        for summary in input.summaries {
            if let cut = summary.truncated { control.warn("\(summary.name): \(cut)") }
        }
        return analysis.finalReport(sources: input.summaries)
    }
}
