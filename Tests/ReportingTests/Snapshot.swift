import Foundation
import Testing

/// Compares with Tests/ReportingTests/Snapshots/NAME. `GWSNIFF_RECORD=1` records it anew; a missing one is recorded and
/// fails, so that nobody commits a snapshot unseen.
func expectSnapshot(_ actual: String, _ name: String, location: SourceLocation = #_sourceLocation) throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Snapshots")
    try expectFile(actual, folder.appending(path: name), location: location)
}

/// The same for a committed file that is written from the code.
func expectFile(_ actual: String, _ file: URL, location: SourceLocation = #_sourceLocation) throws {
    let environment = ProcessInfo.processInfo.environment
    let expected = try? String(contentsOf: file, encoding: .utf8)
    if expected == actual { return }
    if expected == nil || environment["GWSNIFF_RECORD"] == "1" {
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try actual.write(to: file, atomically: true, encoding: .utf8)
        if expected == nil {
            Issue.record("\(file.lastPathComponent) was missing and is recorded; look at it", sourceLocation: location)
        }
        return
    }
    let old = (expected ?? "").split(separator: "\n", omittingEmptySubsequences: false)
    let new = actual.split(separator: "\n", omittingEmptySubsequences: false)
    let line = zip(old, new).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(old.count, new.count)
    let was = line < old.count ? old[line] : "(end)"
    let now = line < new.count ? new[line] : "(end)"
    Issue.record(
        "\(file.lastPathComponent) line \(line + 1) was \"\(was)\" and is \"\(now)\"; GWSNIFF_RECORD=1 records it",
        sourceLocation: location
    )
}

/// The root of the package.
let packageRoot = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
