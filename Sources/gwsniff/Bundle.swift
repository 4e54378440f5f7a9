import ArgumentParser
import Capture
import Evidence
import Model
import Pipeline
import Reporting

/// `gwsniff bundle`: reports, evidence and a manifest in one place, to be sent on.
struct Bundle: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Pack reports and evidence for a ticket.",
        usage: "gwsniff bundle FILE... -o DIR|NAME.tar.gz|NAME.zip [options]",
        discussion: """
            The bundle has the report as text, JSON, Markdown, HTML and SARIF, the packets of each finding \
            and of all (pcapng), and a manifest with the SHA-256 of each file. Secrets are \
            overwritten. The same input and options give the same bytes.
            """
    )

    @Argument(
        help: ArgumentHelp("Captures to analyse as one; '-' is standard input.", valueName: "FILE"),
        completion: .file()
    )
    var files: [String] = []

    @Option(
        name: [.customShort("o"), .long],
        help: ArgumentHelp("A directory, or a name that ends with .tar.gz, .tgz or .zip.", valueName: "name"),
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
    }

    func run() throws {
        Signals.install()
        do throws(CaptureError) {
            try BundleRun(self).start()
        } catch {
            throw Run.fail(error.message, hint: error.hint, ExitCode(error.exitStatus))
        }
    }
}

/// One run of `gwsniff bundle`.
struct BundleRun {
    /// One way to make a bundle small, and what it leaves out.
    private struct Step {
        var limits: EvidenceLimits? = EvidenceLimits()
        var hasWhole = true
        /// Of the reports' formats, the first so many.
        var formats = Int.max
        var leftOut: [String] = []
    }

    private let command: Bundle
    private let spools = Spools()

    init(_ command: Bundle) {
        self.command = command
    }

    /// From all to next to nothing.
    private static let steps: [Step] = {
        var steps = [Step()]
        func add(_ sentence: String, _ change: (inout Step) -> Void) {
            var step = steps[steps.count - 1]
            change(&step)
            step.leftOut.append(sentence)
            steps.append(step)
        }
        add("\(EvidencePackets.wholeName): its packets are in the files of the findings") { $0.hasWhole = false }
        add("packets beyond 1 MiB a finding, and occurrences but the first four and the last") {
            $0.limits?.bytes = 1 << 20
            $0.limits?.occurrences = 5
        }
        add("occurrences but the first, and connections that a verdict leans on without naming them") {
            $0.limits?.occurrences = 1
        }
        add("payload: the packets are headers only") { $0.limits?.dropsPayload = true }
        add("the packets") { $0.limits = nil }
        add("the report as HTML and SARIF") { $0.formats = 3 }
        return steps
    }()

    func start() throws(CaptureError) {
        var request = AnalysisRequest(command.scope, command.selection)
        request.locatesConnections = true
        let quiet = command.quiet
        let control = RunControl(
            needsAttention: { Signals.areWaiting },
            shouldStop: { Signals.wantsStop },
            warn: { if !quiet { StandardError.write("gwsniff: warning: \(SafeText.terminal($0))\n") } }
        )
        let report = try OfflineRun.report(on: command.files, request, control: control, spools: spools)
        let limit = command.maxSize ?? .max
        for step in Self.steps {
            let files = try files(of: report, step)
            let output = try packed(files, report)
            guard output.size <= limit else { continue }
            try output.write()
            for sentence in step.leftOut { control.warn("left out for --max-size: \(sentence)") }
            return
        }
        throw CaptureError(
            .writeFailed,
            "\(command.output): the reports alone are larger than --max-size",
            hint: "choose requests with --since, --until, --status or --path"
        )
    }

    private func files(of report: Report, _ step: Step) throws(CaptureError) -> [ArchiveFile] {
        var report = report
        var sink = MemorySink(prefix: "evidence/")
        if let limits = step.limits {
            let request = AnalysisRequest(command.scope, command.selection)
            let writing = EvidenceWriting(command.privacy, request, limits: limits)
            try writing.write(&report, from: command.files, spools, hasWhole: step.hasWhole, to: &sink)
        }
        if command.privacy.redact ?? true { report.redact() }
        if let map = try command.privacy.addressMap() { report.changeAddresses(map.map, text: map.map) }
        var files = Array(Self.reports(report).prefix(step.formats)) + sink.files
        var manifest = BundleManifest(
            command: EvidencePackets.redactedCommand(["gwsniff"] + CommandLine.arguments.dropFirst()),
            libraries: [CaptureLibrary.version],
            isRedacted: command.privacy.redact ?? true,
            isAnonymized: command.privacy.anonymizeAddresses != nil
        )
        manifest.leftOut = step.leftOut
        files.append(manifest.file(report, files))
        return files
    }

    /// Every format that a bundle has, those first that stay longest.
    private static func reports(_ report: Report) -> [ArchiveFile] {
        let text = TextOptions(width: 100, color: false, verbose: true, unicode: true)
        let formats: [(name: String, text: String)] = [
            ("report.txt", TextReport.render(report, options: text)),
            ("report.json", JSONReport.render(report)),
            ("report.md", MarkdownReport.render(report)),
            ("report.html", HTMLReport.render(report)),
            ("report.sarif", SARIFReport.render(report)),
        ]
        return formats.map { ArchiveFile(name: $0.name, bytes: Array($0.text.utf8)) }
    }

    // MARK: Output

    private struct Output {
        var size: Int
        var write: () throws(CaptureError) -> Void
    }

    private func packed(_ files: [ArchiveFile], _ report: Report) throws(CaptureError) -> Output {
        let path = command.output
        // Packet time is the only clock.
        let seconds = (report.lastPacket?.nanoseconds ?? 0) / 1_000_000_000
        let format: ArchiveFormat? =
            path.hasSuffix(".zip") ? .zip : path.hasSuffix(".tar.gz") || path.hasSuffix(".tgz") ? .tarGzip : nil
        guard let format else {
            let size = files.reduce(0) { $0 + $1.bytes.count }
            return Output(size: size) { () throws(CaptureError) in
                let directory = try DirectorySink(path: path, seconds: seconds)
                let inner = try DirectorySink(path: path + "/evidence", seconds: seconds)
                for file in files {
                    let isInner = file.name.hasPrefix("evidence/")
                    let name = isInner ? String(file.name.dropFirst("evidence/".count)) : file.name
                    try (isInner ? inner : directory).put(name, file.bytes)
                }
            }
        }
        let bytes = try format.packed(files, seconds: seconds)
        return Output(size: bytes.count) { () throws(CaptureError) in
            try DirectorySink.create(bytes, to: path, seconds: nil)
        }
    }
}
