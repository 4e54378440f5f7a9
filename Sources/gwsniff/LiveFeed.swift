import Model
import Reporting

/// Occurrences of a live run as they are decided: part of the output where the format is lines, else on standard error.
final class LiveFeed {
    private let format: ReportFormat
    private let isQuiet: Bool
    private let file: OutputFile
    private let progress: Progress
    private let text: TextOptions
    private var failure: WriteFailure?
    private var hasLines = false

    init(_ output: OutputArguments, file: OutputFile, progress: Progress) {
        format = output.format
        isQuiet = output.quiet
        self.file = file
        self.progress = progress
        // Standard error has its own terminal, or none: no colour there.
        text = format == .text ? Rendering.textOptions(output, file: file) : TextOptions()
    }

    /// False once the output takes nothing any more.
    func tell(_ occurrence: Occurrence, _ finding: Finding) -> Bool {
        progress.clear()
        hasLines = true
        do {
            switch format {
            case .text:
                try file.write(TextReport.live(occurrence, of: finding, options: text) + "\n")
            case .ndjson:
                try file.write(NDJSONReport.occurrence(occurrence, of: finding) + "\n")
            case .json, .markdown, .jira, .adf, .html, .sarif:
                if !isQuiet { StandardError.write(TextReport.live(occurrence, of: finding, options: text) + "\n") }
            }
            return true
        } catch {
            failure = error
            return false
        }
    }

    /// To be called before the report: the lines of a text end with an empty one.
    func finish() throws(WriteFailure) {
        if let failure { throw failure }
        if hasLines, format == .text { try file.write("\n") }
    }
}
