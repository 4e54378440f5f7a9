import Model
import Reporting

/// Occurrences of a live run as they are decided: part of the output where the format is lines, else on standard error.
final class LiveFeed {
    private let format: OutputArguments.Format
    private let isQuiet: Bool
    private let file: OutputFile
    private let progress: Progress
    private var failure: WriteFailure?

    init(_ output: OutputArguments, file: OutputFile, progress: Progress) {
        format = output.format
        isQuiet = output.quiet
        self.file = file
        self.progress = progress
    }

    /// False once the output takes nothing any more.
    func tell(_ occurrence: Occurrence, _ finding: Finding) -> Bool {
        progress.clear()
        do {
            switch format {
            case .text:
                try file.write(LiveFeed.line(occurrence, finding))
            case .ndjson:
                try file.write(NDJSONReport.occurrence(occurrence, of: finding) + "\n")
            case .json, .markdown:
                if !isQuiet { StandardError.write(LiveFeed.line(occurrence, finding)) }
            }
            return true
        } catch {
            failure = error
            return false
        }
    }

    func check() throws(WriteFailure) {
        if let failure { throw failure }
    }

    /// `03:12:07.120 connect-refused 10.0.3.7:8080 GET /cart 502`
    private static func line(_ occurrence: Occurrence, _ finding: Finding) -> String {
        var words = [CivilTime(occurrence.time).clock(digits: 3), finding.cause.rawValue]
        if finding.severity == .nearMiss { words.append("(hidden by a retry)") }
        if let upstream = finding.upstream ?? finding.upstreamName { words.append(upstream) }
        if let request = occurrence.request {
            words += [request.method, TargetMask.masked(request.target)]
        }
        if let client = occurrence.client {
            words.append(client.status.map { "\($0)" } ?? "no answer")
        }
        return SafeText.terminal(words.joined(separator: " ")) + "\n"
    }
}
