import Foundation
import Testing

/// Captures from public repositories, read in place: what Wireshark counted in them, and that nothing traps.
@Suite struct PublicCapturesTests {
    static let directory =
        ProcessInfo.processInfo.environment["GWSNIFF_PUBLIC_CAPTURES"] ?? PackageRoot.path + "/../shared/captures"
    static let isPresent = FileManager.default.fileExists(atPath: directory + "/reference.json")

    @Test(
        "every public capture has as much of each class as Wireshark counts",
        .enabled(if: isPresent, "no public captures; GWSNIFF_PUBLIC_CAPTURES names their directory")
    )
    func countsLikeWireshark() throws {
        let reference = try WiresharkReference(directory: Self.directory)
        var compared = 0
        var inAllClasses = 0
        var surprises: [String] = []
        var differing: [CountClass: Set<String>] = [:]
        for (name, entry) in reference.files.sorted(by: { $0.key < $1.key }) {
            let path = Self.directory + "/" + name
            guard FileManager.default.fileExists(atPath: path) else { continue }
            guard let counts = CaptureCounts(of: path), entry.rc == 0, !counts.isIncomparable else { continue }
            if KnownDifferences.undecodedEncapsulations[name] != nil {
                let agrees = counts.differences(from: entry).isEmpty
                #expect(!agrees, "\(name) agrees now and is to be compared")
                continue
            }
            compared += 1
            if counts.skipped.isEmpty { inAllClasses += 1 }
            for (kind, difference) in counts.differences(from: entry) {
                differing[kind, default: []].insert(name)
                if KnownDifferences.reasons[kind]?[name] == nil {
                    surprises.append("\(kind.rawValue): \(name): \(difference)")
                }
            }
        }
        let files = differing.values.reduce(into: Set<String>()) { $0.formUnion($1) }
        print(
            "public captures: \(compared) compared with Wireshark, \(inAllClasses) in all classes, \(files.count) differ in some class"
        )
        #expect(compared > 1_000)
        #expect(inAllClasses * 20 > compared * 19, "captured twice and the like must stay the exception")
        #expect(surprises.isEmpty, "\(surprises.count):\n\(surprises.sorted().joined(separator: "\n"))")
        #expect(files.count * 50 <= compared, "at most 2 % of the files may differ")
        for (kind, reasons) in KnownDifferences.reasons {
            let settled = Set(reasons.keys).subtracting(differing[kind] ?? [])
            #expect(settled.isEmpty, "\(kind.rawValue) agrees now and needs no reason any more: \(settled.sorted())")
        }
    }
}
