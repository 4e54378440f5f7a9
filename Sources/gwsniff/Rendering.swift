import Model
import Reporting

/// A report in the format that was asked for, fit for where it goes.
struct Rendering {
    private let format: OutputArguments.Format
    private let text: TextOptions

    init(_ output: OutputArguments, file: OutputFile) {
        format = output.format
        let isColored =
            switch output.color {
            case .always: true
            case .never: false
            // no-color.org: any value that is not empty.
            case .auto: file.isTerminal && (environment("NO_COLOR") ?? "").isEmpty && environment("TERM") != "dumb"
            }
        text = TextOptions(
            width: file.columns ?? environment("COLUMNS").flatMap(Int.init) ?? 100,
            color: isColored,
            verbose: output.verbose,
            unicode: Rendering.isUnicode
        )
    }

    func render(_ report: Report) -> String {
        switch format {
        case .text: TextReport.render(report, options: text)
        case .json: JSONReport.render(report)
        case .ndjson: NDJSONReport.render(report)
        case .markdown: MarkdownReport.render(report)
        }
    }

    /// As the C library decides it: LC_ALL, then LC_CTYPE, then LANG. Where none says anything, as in a cron job, UTF-8.
    private static var isUnicode: Bool {
        for name in ["LC_ALL", "LC_CTYPE", "LANG"] {
            if let value = environment(name), !value.isEmpty {
                let upper = value.uppercased()
                return upper.contains("UTF-8") || upper.contains("UTF8")
            }
        }
        return true
    }
}
