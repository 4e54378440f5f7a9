import ArgumentParser
import Capture
import Evidence

/// `gwsniff bundle`: reports, evidence and a manifest in one place, to be sent on.
struct Bundle: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pack reports and evidence for a ticket.",
        usage: "gwsniff bundle FILE... -o DIR|NAME.tar.gz|NAME.zip [options]",
        discussion: """
            The bundle has the report as text, JSON, Markdown, HTML and SARIF, the packets of each finding \
            and of all (pcapng), and a manifest with the SHA-256 of each file. Secrets are \
            overwritten. The same input and options give the same bytes.

            --max-size leaves packets out until the bundle is small enough; with --split it becomes \
            several archives, NAME.1of3.zip and so on, each of which names the others.

            EXIT STATUS:
               0 written            64 wrong usage       65 not a capture
              66 cannot open        77 no permission
              74 input or output; --max-size is too small; the directory has other files
            """
    )

    @Argument(
        help: ArgumentHelp("Captures to analyse as one; '-' is standard input.", valueName: "FILE"),
        completion: .file()
    )
    var files: [String] = []

    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp(
            "A name that ends with .tar.gz, .tgz or .zip, or a directory; one with a dot in its name as NAME/.",
            valueName: "name"
        ),
        completion: .file()
    )
    var output: String

    @Option(
        help: ArgumentHelp(
            "Leave out packets until the bundle is no larger: 10M, 500K. The manifest says what is missing.",
            valueName: "size"
        ),
        transform: Size.parse
    )
    var maxSize: Int?

    @Flag(help: "With --max-size: several archives of that size, and less is left out.")
    var split = false

    @OptionGroup(title: "What leaves")
    var privacy: PrivacyArguments

    @OptionGroup(title: "What is read")
    var scope: ScopeArguments

    @OptionGroup(title: "What is reported")
    var selection: SelectionArguments

    @Flag(name: [.customShort("q"), .long], help: "No warnings.")
    var quiet = false

    func validate() throws {
        if files.isEmpty { throw ValidationError("Name a capture, '-' for standard input, or a directory.") }
        let target = try BundleTarget(output)
        guard split else { return }
        if maxSize == nil { throw ValidationError("--split needs --max-size.") }
        if target.format == nil { throw ValidationError("--split is for archives: -o NAME.zip or NAME.tar.gz.") }
    }

    func run() throws {
        Signals.install()
        let target = try BundleTarget(output)
        do throws(CaptureError) {
            try BundleRun(self, target).start()
        } catch {
            throw Run.fail(error.message, hint: error.hint, ExitCode(error.exitStatus))
        }
    }
}
