import Foundation
import Model
import Testing

@testable import Diagnosis

/// A cause that the program may name is one that a reader can look up and a capture shows.
@Suite struct CompletenessTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let diagnosed: [Cause] =
        Detectors.ordered.map { $0.cause } + TLSHandshake.detectors.map { $0.cause } + [.plaintextToTLSUpstream]
        + [.dnsFailure, .staleAddress, .noLiveUpstream, .noUpstreamAttempt, .gatewayReload, .cachedError, .proxyLoop]
        + [.undetermined]

    /// Which of the three a cause has.
    private static func missing(_ cause: Cause) throws -> [String] {
        let document = try String(contentsOf: root.appending(path: "docs/CAUSES.md"), encoding: .utf8)
        let captures = root.appending(path: "captures/\(cause.rawValue)").path(percentEncoded: false)
        let cases = (try? FileManager.default.contentsOfDirectory(atPath: captures)) ?? []
        var missing: [String] = []
        if CauseGuides.guide(for: cause) == nil { missing.append("guide") }
        if !document.contains("\n### `\(cause.rawValue)`\n") { missing.append("section in docs/CAUSES.md") }
        if !cases.contains(where: { !$0.hasPrefix(".") }) { missing.append("captures") }
        return missing
    }

    @Test("Each diagnosed cause has a guide, a section in docs/CAUSES.md and captures", arguments: diagnosed)
    func complete(cause: Cause) throws {
        #expect(try Self.missing(cause) == [])
    }

    @Test("No two detectors name one cause")
    func unique() {
        #expect(Set(Self.diagnosed).count == Self.diagnosed.count)
    }

    @Test("Each guide is of a cause that is diagnosed")
    func noSurplus() {
        #expect(CauseGuides.all.map(\.cause).allSatisfy(Set(Self.diagnosed).contains))
    }
}
