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

    @Flag(
        inversion: .prefixedNo,
        help: "Overwrite secrets in what is written besides the report: credentials, cookies, query values, bodies."
    )
    var redact = true

    func validate(_ live: LiveArguments) throws {
        guard evidence != nil, !live.interfaces.isEmpty else { return }
        // The packets are read again, and there is nothing else to read them from.
        guard let file = live.write, file != "-" else {
            throw ValidationError("--evidence with --iface needs --write FILE, from which the packets are read.")
        }
    }
}

/// `--evidence`: what a run does besides reporting.
struct EvidenceWriting {
    var directory: String
    var redacts: Bool
    var request: AnalysisRequest
    var shouldStop: () -> Bool

    /// Reads the inputs once more, writes the files, and names them in the report.
    func write(_ report: inout Report, from paths: [String], _ spools: Spools) throws(CaptureError) {
        // Made first: a run of an hour should not end in a directory that cannot be.
        var sink = try DirectorySink(path: directory)
        var packets = try EvidencePackets.read(
            paths,
            filter: request.filter,
            spools: spools,
            for: report,
            shouldStop: shouldStop
        )
        if redacts { packets.redact() }
        let label = EvidenceLabel(sources: report.sources.map(\.name), isRedacted: redacts)
        let references = try packets.write(label, to: &sink)
        for index in report.findings.indices where index < references.count {
            report.findings[index].evidence = references[index]
        }
    }

    /// The file that a live run wrote gives the same findings as the run.
    func write(_ report: inout Report, recordedIn path: String) throws(CaptureError) {
        var request = request
        request.packetLimit = nil
        request.duration = nil
        let spools = Spools()
        var again = try OfflineRun.report(on: [path], request, spools: spools)
        try write(&again, from: [path], spools)
        for index in report.findings.indices {
            let finding = report.findings[index]
            report.findings[index].evidence =
                again.findings.first {
                    $0.cause == finding.cause && $0.upstream == finding.upstream && $0.severity == finding.severity
                }?.evidence
        }
    }
}
