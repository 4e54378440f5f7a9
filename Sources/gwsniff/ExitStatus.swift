import ArgumentParser

/// The exit statuses that scripts may rely on, beside those of `CaptureError`; above 63 they are those of sysexits.h.
enum ExitStatus {
    static let findings = ExitCode(1)
    static let usage = ExitCode(64)
    static let notAReport = ExitCode(65)
    static let noInput = ExitCode(66)
    static let inputOutput = ExitCode(74)
}
