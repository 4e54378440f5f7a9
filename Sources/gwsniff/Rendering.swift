import Model
import Reporting

/// A report in the format that was asked for, fit for where it goes.
enum Rendering {
    static func report(_ report: Report, _ output: OutputArguments, file: OutputFile) -> String {
        output.format.render(report, text: textOptions(output, file: file))
    }

    static func textOptions(_ output: OutputArguments, file: OutputFile) -> TextOptions {
        textOptions(file: file, color: output.color, isVerbose: output.verbose)
    }

    static func textOptions(file: OutputFile, color: OutputArguments.When, isVerbose: Bool) -> TextOptions {
        let isColored =
            switch color {
            case .always: true
            case .never: false
            // no-color.org: any value that is not empty.
            case .auto: file.isTerminal && (environment("NO_COLOR") ?? "").isEmpty && environment("TERM") != "dumb"
            }
        return TextOptions(
            width: file.columns ?? environment("COLUMNS").flatMap { Int($0) } ?? 100,
            color: isColored,
            verbose: isVerbose,
            unicode: isUnicode
        )
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
