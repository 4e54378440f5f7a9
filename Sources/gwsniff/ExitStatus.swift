import ArgumentParser
import Capture

/// The exit statuses that scripts may rely on; above 63 they are those of sysexits.h.
enum ExitStatus {
    static let findings = ExitCode(1)
    static let usage = ExitCode(64)
    static let notACapture = ExitCode(65)
    static let cannotOpen = ExitCode(66)
    static let inputOutput = ExitCode(74)
    static let noPermission = ExitCode(77)
}
