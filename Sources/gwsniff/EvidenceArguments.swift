import ArgumentParser
import Capture
import Evidence
import Model
import Pipeline

struct EvidenceArguments: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write the packets of each finding to this directory, the decisive ones commented; live, with --write.",
            valueName: "dir"
        ),
        completion: .directory
    )
    var evidence: String?

    func validate(_ live: LiveArguments, _ privacy: PrivacyArguments) throws {
        if privacy.includesTLSSecrets {
            guard evidence != nil else { throw ValidationError("--include-tls-secrets needs --evidence.") }
            guard live.interfaces.isEmpty else {
                throw ValidationError("--include-tls-secrets is for files: what is captured here has no key log in it.")
            }
        }
        guard evidence != nil, !live.interfaces.isEmpty else { return }
        // The packets are read again, and there is nothing else to read them from.
        guard let file = live.write, file != "-" else {
            throw ValidationError(
                "--evidence with --iface needs --write FILE, from which the packets are read when the run ends; "
                    + "without one, --record DIR writes the packets around each finding while it goes on."
            )
        }
        guard live.rotation == Rotation() else {
            throw ValidationError(
                "--evidence is not with -C or -G: name the files that were written to gwsniff --evidence."
            )
        }
    }
}

/// What leaves besides a report, and the report that goes with it.
struct EvidenceWriting {
    var privacy: PrivacyArguments
    var request: AnalysisRequest
    var limits: EvidenceLimits
    /// A signal that ended the analysis is none against the evidence.
    private let wasStopped = Signals.wantsStop

    init(_ privacy: PrivacyArguments, _ request: AnalysisRequest, limits: EvidenceLimits = EvidenceLimits()) {
        self.privacy = privacy
        self.request = request
        self.request.locatesConnections = true
        self.limits = limits
    }

    /// Reads the inputs once more, writes the files, and names them in the report.
    /// - Returns: what is missing of what was asked for; nil where nothing is.
    @discardableResult
    func write<Sink: EvidenceSink>(
        _ report: inout Report,
        from paths: [String],
        _ spools: Spools,
        hasWhole: Bool = true,
        to sink: inout Sink
    ) throws(CaptureError) -> String? {
        let map = try privacy.addressMap()
        // What the packets' comments say is written as carefully as the packets.
        var shown = report
        if privacy.redact ?? true { shown.redact() }
        var packets = try EvidencePackets.read(
            paths,
            filter: request.filter,
            spools: spools,
            for: shown,
            limits: limits,
            packetLimit: request.packetLimit,
            includesTLSSecrets: privacy.includesTLSSecrets,
            shouldStop: { !wasStopped && Signals.wantsStop }
        )
        if privacy.redact ?? true { packets.redact(hidesAddresses: map != nil) }
        if let map { packets.mapAddresses(map) }
        let references = try packets.write(privacy.label(report), hasWhole: hasWhole, to: &sink)
        for index in report.findings.indices where index < references.count {
            report.findings[index].evidence = references[index]
        }
        return packets.missingTLSSecrets
    }

    /// The file that a live run wrote gives the same findings as the run.
    func write(_ report: inout Report, recordedIn path: String, to sink: inout DirectorySink) throws(CaptureError) {
        var writing = self
        writing.request.packetLimit = nil
        writing.request.duration = nil
        let spools = Spools()
        var again = try OfflineRun.report(on: [path], writing.request, spools: spools)
        try writing.write(&again, from: [path], spools, to: &sink)
        for index in report.findings.indices {
            let finding = report.findings[index]
            report.findings[index].evidence =
                again.findings.first {
                    $0.cause == finding.cause && $0.upstream == finding.upstream && $0.severity == finding.severity
                }?.evidence
        }
    }
}
