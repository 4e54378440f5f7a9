import ArgumentParser
import Reporting

/// `gwsniff diff A.json B.json`.
struct Diff: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    enum FailOn: String, ExpressibleByArgument, CaseIterable {
        case none, worse
    }

    static let configuration = CommandConfiguration(
        abstract: "Say what changed between two JSON reports: new, gone, better, worse.",
        discussion: """
            The reports are what --format json or ndjson wrote, of this or an earlier version. \
            Rates by requests are compared; a difference that chance gives once in twenty times \
            is called about the same, and a cause that is gone from too few requests 'gone?'.

            EXIT STATUS:
               0 compared           1 something is new or worse, with --fail-on worse
              64 wrong usage       65 not a report of gwsniff     66 cannot open
              74 input or output
            """
    )

    @Argument(
        help: ArgumentHelp("The report before the change; '-' is standard input.", valueName: "a.json"),
        completion: .file()
    )
    var before: String

    @Argument(help: ArgumentHelp("The report after it.", valueName: "b.json"), completion: .file())
    var after: String

    @Option(help: "How the comparison is written.")
    var format = Format.text

    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp("Write it here instead of to standard output.", valueName: "file"),
        completion: .file()
    )
    var output: String?

    @Option(help: "Exit with status 1 when something is new or worse, and not by chance.")
    var failOn = FailOn.none

    @Option(help: "Colour in the text; NO_COLOR is honoured.")
    var color = OutputArguments.When.auto

    func run() throws {
        if before == "-", after == "-" { throw ValidationError("Standard input can be read only once.") }
        let diff = ReportDiff(try Diff.read(before), try Diff.read(after))
        do {
            let file = try output.map { path throws(WriteFailure) in try OutputFile(path: path) } ?? .standardOutput
            switch format {
            case .text:
                try file.write(
                    DiffReport.text(diff, options: Rendering.textOptions(file: file, color: color, isVerbose: false))
                )
            case .json: try file.write(DiffReport.json(diff))
            }
            try file.close()
        } catch {
            throw Run.fail(error)
        }
        if failOn == .worse, diff.isWorse { throw ExitStatus.findings }
    }

    private static func read(_ path: String) throws -> ReportFile {
        let bytes: [UInt8]
        do {
            bytes = try InputFile.bytes(path: path)
        } catch {
            throw Run.fail(
                "\(path): \(error.reason)",
                hint: nil,
                error.isOpening ? ExitStatus.noInput : ExitStatus.inputOutput
            )
        }
        do {
            return try ReportFile(name: path, bytes: bytes)
        } catch {
            throw Run.fail(
                "\(path) \(error.reason)",
                hint: "gwsniff --format json -o FILE CAPTURE writes one",
                ExitStatus.notAReport
            )
        }
    }
}
