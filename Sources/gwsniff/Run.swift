import ArgumentParser
import Capture
import Diagnosis
import Evidence
import Model
import Pipeline
import Reporting

/// One run of `gwsniff FILE...` or `gwsniff --iface IF`: options to configuration, outcome to report and exit status.
struct Run {
    private let command: Gwsniff
    private let progress: Progress

    init(_ command: Gwsniff) {
        self.command = command
        progress = Progress(
            isShown: !command.output.quiet && command.output.progress == .auto && StandardError.isTerminal
        )
    }

    func start() throws {
        Signals.install()
        let report: Report
        do {
            report = try command.live.interfaces.isEmpty ? offline() : live()
        } catch let error as CaptureError {
            throw fail(error.message, hint: error.hint, ExitCode(error.exitStatus))
        } catch let failure as WriteFailure {
            progress.clear()
            throw Run.fail(failure)
        }
        if command.output.failOn == .finding, report.findings.contains(where: { $0.severity > .note }) {
            throw ExitStatus.findings
        }
    }

    private func offline() throws -> Report {
        // Known before the work is done: there may be an hour of it.
        if let directory = command.evidence.evidence { _ = try EarlierRun(at: directory) }
        let spools = Spools()
        var report = try OfflineRun.report(on: command.inputs, request(), control: control(), spools: spools)
        if let directory = command.evidence.evidence {
            var sink = try DirectorySink(path: directory)
            let missing = try evidence.write(&report, from: command.inputs, spools, to: &sink)
            if let missing { control().warn(missing) }
        }
        progress.clear()
        try protect(&report)
        let file = try command.output.output.map { path throws(WriteFailure) in try OutputFile(path: path) }
        try write(report, to: file ?? .standardOutput)
        return report
    }

    private func live() throws -> Report {
        // Opened first: a capture that cannot be told about should not be made.
        let file = try command.output.output.map { path throws(WriteFailure) in try OutputFile(path: path) }
        let live = command.live
        if let directory = command.evidence.evidence { _ = try EarlierRun(at: directory) }
        Signals.installLive(writes: live.write != nil)
        let feed = LiveFeed(command.output, file: file ?? .standardOutput, progress: progress)
        var run = LiveRun(
            interfaces: command.live.interfaces,
            options: LiveOptions(
                snapLength: command.live.snapLength,
                isPromiscuous: !command.live.noPromiscuousMode,
                bufferMebibytes: command.live.bufferSize,
                filter: command.scope.filter
            ),
            savefile: command.live.write,
            request: request(),
            control: control(),
            clock: monotonicSeconds,
            decided: feed.tell
        )
        run.rotation = live.rotation
        run.recorder = live.recorder
        run.control.takesRotation = Signals.takeRotationRequest
        run.control.takesRecording = { Signals.takeRecordingRequest() ? "signal" : nil }
        run.control.ended = { [quiet = command.output.quiet, progress] in if !quiet { progress.summarise($0) } }
        if let user = live.relinquishPrivileges {
            run.opened = { () throws(CaptureError) in try Privileges.relinquish(to: user) }
        }
        var report = try run.report()
        if let path = command.live.write, let directory = command.evidence.evidence {
            var sink = try DirectorySink(path: directory)
            try evidence.write(&report, recordedIn: path, to: &sink)
        }
        try protect(&report)
        progress.clear()
        try feed.finish()
        try write(report, to: file ?? .standardOutput)
        return report
    }

    private var evidence: EvidenceWriting {
        EvidenceWriting(command.privacy, request())
    }

    /// Makes the report fit for where its format is sent.
    private func protect(_ report: inout Report) throws(CaptureError) {
        if command.privacy.redact ?? command.output.format.leaves { report.redact() }
        if let map = try command.privacy.addressMap() { report.changeAddresses(map.map, text: map.map) }
    }

    private func request() -> AnalysisRequest {
        var request = AnalysisRequest(command.scope, command.selection)
        request.locatesConnections = command.evidence.evidence != nil
        return request
    }

    private func control() -> RunControl {
        RunControl(
            needsAttention: { Signals.areWaiting },
            shouldStop: { Signals.wantsStop },
            progress: progress.update,
            warn: { [quiet = command.output.quiet, progress] line in
                guard !quiet else { return }
                progress.clear()
                StandardError.write("gwsniff: warning: \(SafeText.terminal(line))\n")
            }
        )
    }

    private func write(_ report: Report, to file: OutputFile) throws(WriteFailure) {
        try file.write(Rendering.report(report, command.output, file: file))
        try file.close()
    }

    static func listInterfaces() throws {
        do {
            var lines = ""
            for interface in try NetworkInterface.all() {
                var words = [interface.name]
                if let description = interface.description { words.append("(\(description))") }
                if !interface.isUp { words.append("down") }
                words += interface.addresses
                lines += SafeText.terminal(words.joined(separator: " ")) + "\n"
            }
            try print(lines)
        } catch let error as CaptureError {
            throw fail(error.message, hint: error.hint, ExitCode(error.exitStatus))
        }
    }

    /// Writes a text that is no report.
    static func print(_ text: String) throws {
        do {
            try OutputFile.standardOutput.write(text)
        } catch {
            throw fail(error)
        }
    }

    private func fail(_ message: String, hint: String?, _ status: ExitCode) -> ExitCode {
        progress.clear()
        return Run.fail(message, hint: hint, status)
    }

    /// The same of an output that takes nothing any more.
    static func fail(_ failure: WriteFailure) -> ExitCode {
        if failure.isClosedPipe { return Signals.endByClosedPipe() }
        return fail("\(failure.name): \(failure.reason)", hint: nil, ExitStatus.inputOutput)
    }

    /// Says why the run cannot go on; to be thrown.
    static func fail(_ message: String, hint: String?, _ status: ExitCode) -> ExitCode {
        StandardError.write("gwsniff: \(SafeText.terminal(message))\n")
        if let hint { StandardError.write("gwsniff: \(SafeText.terminal(hint))\n") }
        return status
    }
}
