import Capture
import Foundation
import Testing

/// Every file of a folder of public captures, against what tshark counted in it.
///
/// The folder is `GWSNIFF_PUBLIC_CAPTURES`, or `shared/captures` beside the package.
struct PublicCaptureTests {
    private struct Reference: Decodable {
        struct File: Decodable {
            var rc: Int
            var packets: Int?
        }
        var files: [String: File]
    }

    /// Files whose count differs from tshark's (nil: not a capture), and why.
    private static let exceptions: [(name: String, packets: Int?, reason: String)] = [
        ("ajbanjara+Wireshark/SampleCaptures/BitTorrent.Transfer1.cap", nil, "Microsoft Network Monitor"),
        ("ajbanjara+Wireshark/SampleCaptures/i4b.trace", nil, "an ISDN trace"),
        ("ajbanjara+Wireshark/SampleCaptures/out.cap", nil, "snoop"),
        ("ajbanjara+Wireshark/SampleCaptures/tcpshake.cap", nil, "NetXray"),
        ("hadrielk+pcapng-test-generator/output_be/basic/test017.pcapng", 0, "custom blocks, listed as frames"),
        ("hadrielk+pcapng-test-generator/output_le/basic/test017.pcapng", 0, "custom blocks, listed as frames"),
        ("hadrielk+pcapng-test-generator/output_be/basic/test018.pcapng", 4, "custom blocks, listed as frames"),
        ("hadrielk+pcapng-test-generator/output_le/basic/test018.pcapng", 4, "custom blocks, listed as frames"),
        ("OISF+suricata-verify/bug-6875-01/fuzz.pcap", 1, "fuzzed; tshark guesses at another record header"),
    ]

    private static let folder =
        ProcessInfo.processInfo.environment["GWSNIFF_PUBLIC_CAPTURES"]
        ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("shared/captures").path

    private static let isDue =
        FileManager.default.fileExists(atPath: folder) || ProcessInfo.processInfo.environment["CI"] == "true"

    @Test(.enabled(if: isDue, "no public captures: set GWSNIFF_PUBLIC_CAPTURES to their folder"))
    func everyPublicCaptureHasAsManyPacketsAsTsharkSays() throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: Self.folder + "/reference.json"))
        let reference = try JSONDecoder().decode(Reference.self, from: data)
        #expect(!reference.files.isEmpty)
        let exceptions = Dictionary(uniqueKeysWithValues: Self.exceptions.map { ($0.name, $0.packets) })
        #expect(Set(exceptions.keys).isSubset(of: reference.files.keys))
        for (name, file) in reference.files.sorted(by: { $0.key < $1.key }) {
            var packets: Int?
            var ending = ""
            do {
                let result = try read(path: Self.folder + "/" + name)
                packets = result.packets.count
                #expect(try readByScan(path: Self.folder + "/" + name) == result.packets, "\(name)")
                ending = String(describing: result.ending)
            } catch let error as CaptureError {
                ending = error.message
            }
            if let exception = exceptions[name] {
                #expect(packets == exception, "\(name): \(ending)")
            } else if file.rc == 0 {
                #expect(packets == file.packets, "\(name): \(ending)")
            } else {
                // tshark gave up on these; what it read until then is the least.
                #expect(packets ?? 0 >= file.packets ?? 0, "\(name): \(ending)")
            }
        }
    }
}
