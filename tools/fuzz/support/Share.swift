@preconcurrency import Glibc

/// How many inputs got past the first gate of a target; printed when the fuzzer ends.
///
/// libFuzzer runs a target on one thread.
enum Share {
    nonisolated(unsafe) private static var runs = 0
    nonisolated(unsafe) private static var passed = 0
    nonisolated(unsafe) private static var gate = ""

    static func count(_ didPass: Bool, _ name: StaticString) {
        if runs == 0 {
            gate = "\(name)"
            atexit { Share.print() }
        }
        runs += 1
        if didPass { passed += 1 }
    }

    private static func print() {
        let percent = Double(passed) * 100 / Double(max(runs, 1))
        fputs("share: \(passed) of \(runs) runs (\((percent * 10).rounded() / 10) %) \(gate)\n", stderr)
    }
}

/// Ends the process as a crash does, so that libFuzzer keeps the input.
func fail(_ message: String) -> Never {
    fputs("FAILED: \(message)\n", stderr)
    abort()
}
