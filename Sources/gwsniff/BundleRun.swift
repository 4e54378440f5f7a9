import Capture
import Evidence
import Model
import Pipeline
import Reporting

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

    static let evidencePrefix = "evidence/"

    private let command: Bundle
    private let target: BundleTarget
    private let spools = Spools()

    init(_ command: Bundle, _ target: BundleTarget) {
        self.command = command
        self.target = target
    }

    /// Text, JSON and Markdown are in every bundle.
    private static let smallestFormatCount = 3

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
        add("the report as HTML and SARIF") { $0.formats = smallestFormatCount }
        return steps
    }()

    func start() throws(CaptureError) {
        try target.check()
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
        for step in command.split ? Array(Self.steps.prefix(1)) : Self.steps {
            let made = try files(of: report, step)
            let output = try packed(made.files, report)
            guard output.size <= limit else { continue }
            try output.write()
            if let missing = made.missing { control.warn(missing) }
            for sentence in step.leftOut { control.warn("left out for --max-size: \(sentence)") }
            if !step.leftOut.isEmpty, target.format != nil {
                control.warn("with --split it is written as several archives instead")
            }
            return
        }
        if command.split, let format = target.format {
            let made = try split(report, format, limit)
            if let missing = made.missing { control.warn(missing) }
            for sentence in made.leftOut { control.warn("left out for --max-size: \(sentence)") }
            return
        }
        throw tooSmall
    }

    private var tooSmall: CaptureError {
        CaptureError(
            .writeFailed,
            "\(command.output): the reports alone are larger than --max-size",
            hint: "choose requests with --since, --until, --status or --path"
        )
    }

    private func files(of report: Report, _ step: Step) throws(CaptureError) -> Made {
        var report = report
        let evidence = try evidence(of: &report, step)
        try protect(&report)
        let files = Array(Self.reports(report).prefix(step.formats)) + evidence.files
        var manifest = manifest
        manifest.leftOut = step.leftOut
        return Made(files: files + [manifest.file(report, files)], missing: evidence.missing)
    }

    private struct Made {
        var files: [ArchiveFile] = []
        /// What is not in it of what was asked for.
        var missing: String?
    }

    private func evidence(of report: inout Report, _ step: Step) throws(CaptureError) -> Made {
        guard let limits = step.limits else { return Made() }
        var sink = MemorySink(prefix: Self.evidencePrefix)
        let request = AnalysisRequest(command.scope, command.selection)
        let writing = EvidenceWriting(command.privacy, request, limits: limits)
        let missing = try writing.write(&report, from: command.files, spools, hasWhole: step.hasWhole, to: &sink)
        return Made(files: sink.files, missing: missing)
    }

    private func protect(_ report: inout Report) throws(CaptureError) {
        if command.privacy.redact ?? true { report.redact() }
        if let map = try command.privacy.addressMap() { report.changeAddresses(map.map, text: map.map) }
    }

    private var manifest: BundleManifest {
        var manifest = BundleManifest(
            // Where a bundle is written to is no part of what it is.
            command: EvidencePackets.redactedCommand(
                ["gwsniff"] + CommandLine.arguments.dropFirst(),
                without: ["-o", "--output"]
            ),
            libraries: [CaptureLibrary.version],
            isRedacted: command.privacy.redact ?? true,
            isAnonymized: command.privacy.anonymizeAddresses != nil
        )
        manifest.includesTLSSecrets = command.privacy.includesTLSSecrets
        return manifest
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
        let seconds = Self.seconds(report)
        guard let format = target.format else {
            let size = files.reduce(0) { $0 + $1.bytes.count }
            return Output(size: size) { () throws(CaptureError) in try target.write(files, seconds: seconds) }
        }
        let bytes = try format.packed(files, seconds: seconds)
        return Output(size: bytes.count) { () throws(CaptureError) in
            try DirectorySink.create(bytes, to: target.path, seconds: nil)
        }
    }

    /// Packet time is the only clock.
    private static func seconds(_ report: Report) -> Int64 { (report.lastPacket?.nanoseconds ?? 0) / 1_000_000_000 }
}

// MARK: Volumes

extension BundleRun {
    /// Writes the bundle as several archives: the reports, then the findings, the worst first. What is too large for a volume of its own
    /// is made smaller, and it alone.
    /// - Returns: what is left out for the size, and what is missing besides.
    private func split(
        _ report: Report,
        _ format: ArchiveFormat,
        _ limit: Int
    ) throws(CaptureError) -> (leftOut: [String], missing: String?) {
        var report = report
        var missing: String?
        var leftOut = [Self.steps[1].leftOut[0]]
        var catalogue = EvidenceCatalogue(prefix: Self.evidencePrefix)
        var chosen: [Int: ArchiveFile] = [:]
        // Some have no packets to begin with.
        var hasPackets: Set<Int> = []
        let seconds = Self.seconds(report)
        let ids = report.findings.map(\.id)
        func volumes(_ report: Report, _ leftOut: [String], _ catalogue: EvidenceCatalogue) -> BundleVolumes {
            BundleVolumes(format, limit: limit, seconds: seconds) { files, number, names in
                let described = files + (catalogue.manifest(of: files).map { [$0] } ?? [])
                var manifest = manifest
                manifest.leftOut = leftOut
                manifest.volume = (
                    number, names.enumerated().map { (target.volumeName($0.offset + 1, of: names.count), $0.element) }
                )
                return Array(described.dropFirst(files.count)) + [manifest.file(report, described)]
            }
        }
        // What is left out is not known yet; it is no more than this.
        let mostLeftOut = ids.flatMap { id in Self.steps.flatMap(\.leftOut).map { "\(id): \($0)" } }
        let names =
            Self.reports(report).map(\.name) + ids.map { "\(Self.evidencePrefix)\($0)-\(longestCauseName).pcapng" }
        for (number, step) in Self.steps.enumerated().dropFirst() where step.limits != nil {
            guard chosen.count < ids.count else { break }
            var shown = report
            let made = try evidence(of: &shown, step)
            let files = made.files
            // Of the first step, which has all that is chosen; the next ones have less.
            if number == 1 { missing = made.missing }
            guard let described = files.last.flatMap({ JSONValue.parsed($0.bytes) }) else { break }
            for (index, finding) in shown.findings.enumerated() where chosen[index] == nil {
                guard let reference = finding.evidence,
                    let file = files.first(where: { $0.name == Self.evidencePrefix + reference.file })
                else { continue }
                hasPackets.insert(index)
                var tried = catalogue
                tried.take(file.name, from: described)
                guard try volumes(report, mostLeftOut, tried).fits(file, among: names) else { continue }
                catalogue = tried
                chosen[index] = file
                report.findings[index].evidence = reference
                leftOut += step.leftOut.prefix(number).dropFirst().map { "\(ids[index]): \($0)" }
            }
        }
        for index in ids.indices where chosen[index] == nil && hasPackets.contains(index) {
            leftOut.append("\(ids[index]): the packets")
        }
        try protect(&report)
        var files: [ArchiveFile] = []
        for (index, file) in Self.reports(report).enumerated() {
            if try volumes(report, mostLeftOut, catalogue).fits(file, among: names) {
                files.append(file)
            } else if index < Self.smallestFormatCount {
                throw tooSmall
            } else {
                leftOut.append(file.name)
            }
        }
        files += ids.indices.compactMap { chosen[$0] }
        let archives = try volumes(report, leftOut, catalogue).packed(files)
        for (index, bytes) in archives.enumerated() {
            try DirectorySink.create(bytes, to: target.volume(index + 1, of: archives.count), seconds: nil)
        }
        return (leftOut, missing)
    }

    private var longestCauseName: String { Cause.allCases.map(\.rawValue).max { $0.count < $1.count } ?? "" }
}
