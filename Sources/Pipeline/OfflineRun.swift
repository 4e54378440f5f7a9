package import Capture
import Diagnosis
import Dissection
package import Model

/// Savefiles in, one report out.
///
/// The input is read twice. The first time a sieve follows all connections by a few numbers each and finds those that matter: what
/// failed, what may have to do with it, and a sample. The second time only those are dissected. A capture of few connections is
/// dissected whole.
package enum OfflineRun {
    /// Frames between two looks at what the sieve found, and at the control.
    static let stretch = 1 << 15

    /// - Parameter paths: files, directories and `-` as on the command line.
    /// - Parameter spools: keeps what came through a pipe, for a caller that reads it once more.
    /// - Throws: where nothing could be read or the filter is wrong; an input that cannot be read beside others that can
    ///   is a warning.
    package static func report(
        on paths: [String],
        _ request: AnalysisRequest,
        control: RunControl = RunControl(),
        spools: Spools = Spools()
    ) throws(CaptureError) -> Report {
        let first = try FirstPass(paths, request, control, spools)
        let choice = try first.run()
        spools.rewind()
        let second = try CaptureInput(paths: paths, filter: request.filter, spools: spools)
        var limited = request
        // A run that was stopped, or a file that grows: the same packets again.
        limited.packetLimit = first.statistics.packets
        let dissection = SecondPass(choice, limited)
        if first.statistics.packets > 0 { try dissection.run(second) }
        control.progress(first.statistics)
        for warning in first.warnings { control.warn(warning.message) }
        for summary in first.summaries {
            if let cut = summary.truncated { control.warn("\(summary.name): \(cut)") }
        }
        var report = dissection.report()
        report.sources = first.summaries
        return report
    }
}

extension CaptureCounters {
    /// The sieve knows a packet again only right behind its first copy; where copies stand further apart, their connections are
    /// dissected, which finds them.
    mutating func takeDuplicates(of dissected: CaptureCounters) {
        duplicatePackets = max(duplicatePackets, dissected.duplicatePackets)
        routedDuplicates = max(routedDuplicates, dissected.routedDuplicates)
        routedHops = max(routedHops, dissected.routedHops)
    }

    /// Takes what the sources say of packets that were lost before the capture.
    mutating func note(_ sources: [SourceSummary]) {
        losses = []
        for source in sources {
            for loss in source.losses { losses.note(loss) }
        }
    }
}

extension AnalysisRequest {
    /// What is asked of the diagnosis, with the bounds of time made full.
    func options(firstPacket: Timestamp?) -> DiagnosisOptions {
        var options = diagnosis
        if let firstPacket {
            options.selection.since = since?.resolved(firstPacket: firstPacket)
            options.selection.until = until?.resolved(firstPacket: firstPacket)
        }
        return options
    }
}
